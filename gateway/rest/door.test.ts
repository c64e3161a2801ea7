import { describe, expect, test } from 'vitest';
import { EventgraphError, InputError } from '#core/errors.ts';
import type { Permission, Tier, Viewer } from '#core/viewer.ts';
import { refuse } from '../errors.ts';
import { composeAll, subgraph } from '../testing/kit.ts';
import { type TestDoorOptions, openTestDoor } from './test-door.ts';

const keyOf = (keyId: string, permissions: Permission[], tier: Tier = 'partner', events: Viewer['events'] = 'all'): Viewer => ({ kind: 'key', keyId, permissions: new Set(permissions), events, terms: { client: keyId, tier, documents: 'persisted' } });
const viewers = {
  all: keyOf('all', ['read_events', 'manage_services'], 'premium'),
  partner: keyOf('partner', ['read_events', 'manage_services']),
  few: keyOf('few', ['read_events'], 'partner', new Set(['a', 'gone'])),
  nothing: keyOf('nothing', []),
};

const events = (): TestDoorOptions['subgraphs'][number] => {
  const names = ['a', 'b', 'c'];
  let made = 0;
  return subgraph(
    'events',
    `scalar JSON
     enum Mood { GOOD VERY_BAD }
     input Place { town: String! mood: Mood = GOOD inner: Inner }
     input Inner { count: Int! }
     type Event { id: ID! mood: Mood! }
     type Page { edges: [Edge!]! pageInfo: PageInfo! }
     type Edge { node: Event! }
     type PageInfo { hasNextPage: Boolean! endCursor: String }
     type Made { name: String place: JSON number: Int userErrors: [UserError!]! }
     type UserError { code: String! field: String message: String! }
     input MakeInput { title: String! where: Place }
     type Query {
       "One event."
       event("Its id." id: ID!): Event
       page(first: Int!, after: String, moods: [Mood!], isOpen: Boolean, least: Float): Page!
       fails(how: String!): String
     }
     type Mutation { make(input: MakeInput!): Made! }`,
    {
      Query: {
        event: (_: unknown, { id }: { id: string }) => (names.includes(id) ? { id, mood: 'VERY_BAD' } : null),
        page: (_: unknown, { first, after }: { first: number; after?: string }) => {
          const from = after ? names.indexOf(after) + 1 : 0;
          const part = names.slice(from, from + first);
          return { edges: part.map((id) => ({ node: { id, mood: 'GOOD' } })), pageInfo: { hasNextPage: from + first < names.length, endCursor: part.at(-1) } };
        },
        fails: (_: unknown, { how }: { how: string }) => {
          if (how === 'input') throw new InputError('PAGE_SIZE_INVALID', 'how', 'Not so.');
          if (how === 'told') throw new EventgraphError('SUBREQUEST_OVERLOADED', 'Later.', { retryAfter: 3 });
          throw new Error('password=hunter2');
        },
      },
      Mutation: {
        make: (_: unknown, { input }: { input: { title: string; where?: unknown } }) => {
          if (input.title === 'throw') throw new Error('password=hunter2');
          if (input.title === 'taken') return { userErrors: [{ code: 'EVENT_ID_TAKEN', field: 'input.title', message: 'Taken.' }] };
          if (input.title === 'wrong') return { userErrors: [{ code: 'NAME_INVALID', field: 'input.where.town', message: 'Wrong.' }, { code: 'OTHER', field: null, message: 'Too.' }] };
          return { name: input.title, place: input.where ?? null, number: ++made, userErrors: [] };
        },
      },
    },
  );
};

const operations = [
  `query One($id: ID!) @rest(paths: [{ path: "/api/v1/events/{eventId}" }, { path: "/api/premium/events/{eventId}", wants: PREMIUM }, { path: "/api/partner/events/{eventId}", wants: PARTNER }],
    summary: "One", permissions: ["read_events"], event: "id", found: "event", schema: "One", words: [{ value: "VERY_BAD", word: "very-bad" }], parameters: [{ variable: "id", name: "eventId", maxLength: 200 }],
    answer: "{ 'id': event.id, 'mood': $word(event.mood) }") { event(id: $id) { id mood } }`,
  `query Page($first: Int = 2, $after: String, $moods: [Mood!], $isOpen: Boolean, $least: Float) @rest(paths: [{ path: "/api/public/events", wants: NOTHING }], summary: "Page", schema: "Page", page: "page", words: [{ value: "VERY_BAD", word: "very-bad" }],
    parameters: [{ variable: "first", minimum: 1 }, { variable: "moods", name: "mood" }], answer: "{ 'ids': [page.edges.node.id] }")
    { page(first: $first, after: $after, moods: $moods, isOpen: $isOpen, least: $least) { edges { node { id } } pageInfo { hasNextPage endCursor } } }`,
  `query Fails($how: String!) @rest(paths: [{ path: "/api/public/fails", wants: NOTHING }], summary: "Fails", schema: "Fails", answer: "fails") { fails(how: $how) }`,
  `mutation Make($title: String!, $town: String!, $mood: Mood, $inner: Inner) @rest(method: POST, paths: [{ path: "/api/v1/make" }], summary: "Make", permissions: ["manage_services"], status: 201, schema: "Made",
    answer: "make.{ 'name': name, 'place': place, 'number': number }") { make(input: { title: $title, where: { town: $town, mood: $mood, inner: $inner } }) { name place number userErrors { code field message } } }`,
];

const open = (options: Partial<TestDoorOptions> = {}) => openTestDoor({ subgraphs: [events()], operations, viewers, ...options });

describe('who may ask', () => {
  test('an unknown key is 401, and so is none where one is needed', async () => {
    await using door = await open();
    for (const options of [{}, { key: 'IPK_unknown' }]) {
      const { status, body, headers } = await door.ask('/api/v1/events/a', options);
      expect([status, body.code, headers.get('www-authenticate'), headers.get('content-type')]).toEqual([401, 'UNAUTHENTICATED', 'Bearer', 'application/problem+json']);
    }
    expect((await door.ask('/api/public/events', { key: 'IPK_unknown' })).status).toBe(401);
    expect((await door.ask('/api/public/events')).status).toBe(200);
  });

  test('a key of a lower tier, or without the permission, is 403', async () => {
    await using door = await open();
    expect((await door.ask('/api/premium/events/a', { key: 'partner' })).body).toMatchObject({ status: 403, code: 'TIER_TOO_LOW', tier: 'partner', needed: 'premium' });
    expect((await door.ask('/api/premium/events/a', { key: 'all' })).status).toBe(200);
    expect((await door.ask('/api/partner/events/a', { key: 'all' })).status).toBe(200);
    expect((await door.ask('/api/v1/events/a', { key: 'nothing' })).body).toMatchObject({ status: 403, code: 'FORBIDDEN', permission: 'read_events' });
  });

  test('a foreign event is 403 whether or not it exists, an unknown one 404', async () => {
    await using door = await open();
    expect((await door.ask('/api/v1/events/a', { key: 'few' })).body).toEqual({ id: 'a', mood: 'very-bad' });
    for (const id of ['b', 'nowhere']) expect((await door.ask(`/api/v1/events/${id}`, { key: 'few' })).body).toMatchObject({ status: 403, code: 'EVENT_NOT_ALLOWED', field: 'eventId' });
    expect((await door.ask('/api/v1/events/gone', { key: 'few' })).body).toMatchObject({ status: 404, code: 'NOT_FOUND', field: 'eventId' });
    expect((await door.ask('/api/v1/events/nowhere', { key: 'all' })).body).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  });

  test('is asked before the body is read', async () => {
    await using door = await open();
    expect((await door.ask('/api/v1/make', { key: 'few', body: '{not json' })).body).toMatchObject({ code: 'FORBIDDEN' });
  });
});

const ok = `mutation Ok($title: String!) @rest(method: POST, paths: [{ path: "/api/v1/ok" }], summary: "Ok", permissions: ["manage_services"], schema: "Ok", problem: "{\\"ok\\": false, \\"code\\": 1}", answer: "{ 'ok': true }") { make(input: { title: $title }) { userErrors { code field message } } }`;

test('members that an operation names are in all its mistakes, beside those that every mistake has, and in nothing else', async () => {
  await using door = await open({ operations: [...operations, ok], bodyLimit: 1_000 });
  const ask = (title: unknown, key: keyof typeof viewers | 'IPK_unknown' = 'all') => door.ask('/api/v1/ok', { key, body: { title } });
  expect((await ask('fine')).body).toEqual({ ok: true });
  const mistakes = [await ask('fine', 'IPK_unknown'), await ask('fine', 'few'), await ask(5), await ask('taken'), await ask('throw'), await ask('x'.repeat(1_000)), await door.ask('/api/v1/ok', { key: 'all', body: '{' })];
  expect(mistakes.map(({ body }) => [(body as unknown as { ok: boolean }).ok, body.status, body.code])).toEqual([[false, 401, 'UNAUTHENTICATED'], [false, 403, 'FORBIDDEN'], [false, 400, 'BAD_USER_INPUT'], [false, 409, 'EVENT_ID_TAKEN'], [false, 500, 'INTERNAL_SERVER_ERROR'], [false, 413, 'PAYLOAD_TOO_LARGE'], [false, 400, 'BODY_NOT_JSON']]);
  expect((await door.ask('/api/v1/make', { key: 'few', body: {} })).body).not.toHaveProperty('ok');
});

describe('parameters', () => {
  test('are what their variables are: lists, booleans, numbers, words of enums', async () => {
    await using door = await open();
    expect((await door.ask('/api/public/events?first=1&mood=good&mood=very-bad&isOpen=true&least=-1.5')).body).toEqual({ ids: ['a'] });
    const { body } = await door.ask('/api/public/events?first=x&mood=VERY_BAD&isOpen=yes&least=');
    expect([body.status, body.code, body.errors.map((each) => [each.field, each.code])]).toEqual([400, 'BAD_USER_INPUT', [['first', 'INVALID'], ['mood.0', 'NOT_ONE_OF'], ['isOpen', 'INVALID'], ['least', 'INVALID']]]);
  });

  test('that are unknown or given twice are refused by name', async () => {
    await using door = await open();
    expect((await door.ask('/api/public/events?frist=1')).body).toMatchObject({ status: 400, field: 'frist', errors: [{ code: 'UNKNOWN_FIELD' }] });
    expect((await door.ask('/api/public/events?first=1&first=2')).body).toMatchObject({ status: 400, field: 'first' });
    expect((await door.ask('/api/v1/make', { key: 'all', body: { title: 'x', town: 'y', toString: 1 } })).body).toMatchObject({ status: 400, field: 'toString' });
  });

  test('of a body are taken as they are named, down to the last field', async () => {
    await using door = await open();
    expect(await door.ask('/api/v1/make', { key: 'all', body: { title: 'x', town: 'y', mood: 'good', inner: { count: 1 } } })).toMatchObject({ status: 201, body: { name: 'x', place: { town: 'y', mood: 'GOOD', inner: { count: 1 } } } });
    const { body } = await door.ask('/api/v1/make', { key: 'all', body: { title: 7, inner: { count: 1.5, more: 1 } } });
    expect(body.errors.map((each) => [each.field, each.code])).toEqual([['town', 'MISSING'], ['title', 'INVALID'], ['inner.more', 'UNKNOWN_FIELD'], ['inner.count', 'INVALID']]);
  });
});

describe('another supergraph', () => {
  const other = (change: (sdl: string) => string): string => {
    const { name, sdl } = events();
    return composeAll([{ name, sdl: change(sdl), resolvers: {} }]);
  };

  test('is what parameters are checked by from then on', async () => {
    await using door = await open();
    const make = () => door.ask('/api/v1/make', { key: 'all', body: { title: 'x', town: 'y', mood: 'good' } });
    expect((await make()).status).toBe(201);
    door.gateway.reload(other((sdl) => sdl.replace('GOOD VERY_BAD', 'VERY_BAD').replace('= GOOD', '= VERY_BAD')));
    expect((await make()).body).toMatchObject({ status: 400, errors: [{ field: 'mood', code: 'NOT_ONE_OF' }] });
    door.gateway.reload(other((sdl) => sdl));
    expect((await make()).status).toBe(201);
  });

  test('which an operation does not fit fails that operation as ours, and no other', async () => {
    await using door = await open();
    door.gateway.reload(other((sdl) => sdl.replaceAll('Inner', 'Insides')));
    expect((await door.ask('/api/v1/make', { key: 'all', body: { title: 'x', town: 'y' } })).body).toMatchObject({ status: 500, code: 'GRAPHQL_VALIDATION_FAILED' });
    expect((await door.ask('/api/public/events')).body).toEqual({ ids: ['a', 'b'] });
  });
});

describe('bodies', () => {
  test('that are no JSON, no object, absent, of another type or too large are told apart', async () => {
    await using door = await open({ bodyLimit: 100 });
    const codeOf = async (body: unknown, headers: Record<string, string> = {}) => {
      const told = await door.ask('/api/v1/make', { method: 'POST', key: 'all', body, headers });
      return [told.status, told.body.code, told.headers.get('content-type')];
    };
    const problem = 'application/problem+json';
    expect(await codeOf('{')).toEqual([400, 'BODY_NOT_JSON', problem]);
    expect(await codeOf('[]')).toEqual([400, 'BAD_REQUEST', problem]);
    expect(await codeOf('null')).toEqual([400, 'BAD_REQUEST', problem]);
    expect(await codeOf(undefined)).toEqual([400, 'BODY_MISSING', problem]);
    expect(await codeOf('')).toEqual([400, 'BODY_MISSING', problem]);
    expect(await codeOf('a=1', { 'content-type': 'application/x-www-form-urlencoded' })).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE', problem]);
    expect(await codeOf('x'.repeat(101))).toEqual([413, 'PAYLOAD_TOO_LARGE', problem]);
  });

  test('that are too large are told the limit, their size and the maximum', async () => {
    await using door = await open({ bodyLimit: 100 });
    const { body } = await door.ask('/api/v1/make', { method: 'POST', key: 'all', body: 'x'.repeat(101) });
    expect(body).toMatchObject({ limit: 'body size in bytes', value: 101, maximum: 100 });
  });
});

describe('mistakes', () => {
  test('are problems with a code, a reference for the log and nothing of our insides', async () => {
    await using door = await open();
    const { status, headers, body } = await door.ask('/api/public/fails?how=badly', { headers: { 'x-request-id': 'request-1' } });
    expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([500, 'application/problem+json', 'no-store']);
    expect(body).toEqual({ type: 'urn:eventgraph:problem:internal-server-error', title: 'Internal Server Error', status: 500, detail: 'Something went wrong on our side.', instance: '/api/public/fails', code: 'INTERNAL_SERVER_ERROR', requestId: 'request-1' });
  });

  test("of the caller's input name the parameter; what asks to wait says how long", async () => {
    await using door = await open();
    expect((await door.ask('/api/public/fails?how=input')).body).toMatchObject({ status: 422, code: 'PAGE_SIZE_INVALID', field: 'how' });
    const { status, headers } = await door.ask('/api/public/fails?how=told');
    expect([status, headers.get('retry-after')]).toEqual([503, '3']);
  });

  test('that a payload tells are 4xx by code, with fields as the client named them', async () => {
    await using door = await open();
    expect((await door.ask('/api/v1/make', { key: 'all', body: { title: 'taken', town: 't' } })).body).toMatchObject({ status: 409, code: 'EVENT_ID_TAKEN', field: 'title' });
    expect((await door.ask('/api/v1/make', { key: 'all', body: { title: 'wrong', town: 't' } })).body).toMatchObject({ status: 422, code: 'NAME_INVALID', field: 'town', errors: [{ field: 'town' }, { code: 'OTHER', field: '' }] });
  });

  test.each([undefined, ['https://app.example.org']])('of the path: unknown ones are 404, other methods 405 with Allow, broken escapes 400 (other origins: %j)', async (origins) => {
    await using door = await open(origins && { origins });
    expect((await door.ask('/api/v1/nothing')).body).toMatchObject({ status: 404, code: 'PATH_UNKNOWN' });
    expect((await door.ask('/api')).body).toMatchObject({ status: 404, code: 'PATH_UNKNOWN' });
    for (const [path, method, allow] of [['/api/v1/events/a', 'DELETE', 'GET, HEAD'], ['/api/v1/make', 'GET', 'POST'], ['/api/v1/make', 'OPTIONS', 'POST'], ['/api/public/events', 'PUT', 'GET, HEAD'], ['/api/public/events', 'QUERY', 'GET, HEAD']] as const) {
      const { status, headers, body } = await door.ask(path, { method });
      expect([status, headers.get('allow'), body.code]).toEqual([405, allow, 'METHOD_NOT_ALLOWED']);
    }
    expect((await door.ask('/api/v1/events/%ZZ', { key: 'all' })).body).toMatchObject({ status: 400, code: 'BAD_REQUEST' });
    expect(await door.ask('/api/public/events', { method: 'HEAD' })).toMatchObject({ status: 200, body: null });
  });
});

test('pages are linked until there is no next one', async () => {
  await using door = await open();
  const ids: string[] = [];
  let path: string | undefined = '/api/public/events?first=2';
  while (path) {
    const { body, headers } = await door.ask(path);
    ids.push(...body.ids);
    expect(headers.get('link')).toContain('</api/public/events?first=2>; rel="first"');
    path = /<([^>]+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
  }
  expect(ids).toEqual(['a', 'b', 'c']);
});

describe('budgets', () => {
  test('are charged as for GraphQL: what is left is told, and a refusal is 429 with Retry-After', async () => {
    let left = 1;
    const budgets: TestDoorOptions['budgets'] = {
      async charge({ name }, _variables, { viewer, address }) {
        expect([name, viewer.kind, address]).toEqual(['Page', 'public', '127.0.0.1']);
        if (left-- === 0) throw refuse('RATE_LIMITED', 'The budget is spent.', { retryAfter: 7 });
        return { cost: 1, headers: { ratelimit: '"cost";r=0' }, settle: () => undefined };
      },
    };
    await using door = await open({ budgets });
    expect((await door.ask('/api/public/events')).headers.get('ratelimit')).toBe('"cost";r=0');
    const { status, headers, body } = await door.ask('/api/public/events');
    expect([status, headers.get('retry-after'), body.code]).toEqual([429, '7', 'RATE_LIMITED']);
  });
});
