/** Documents that are named instead of sent, through every door. */
import { type Client, createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { sha256Hex } from '#core/digest.ts';
import { type Doors, byHash, openDoors, operation, viewerOf } from './test-doors.ts';

const greet = operation('Greet', 'query Greet($name: String) { hello(name: $name) }');
const count = operation('Count', 'mutation Count { count }');
const counted = operation('Counted', 'subscription Counted { counted }');
const mine = operation('Mine', 'query Mine { color }', 'app/Mine@1');
const partner = viewerOf('crm', 'persisted');
const other = viewerOf('zapier', 'persisted');
const free = viewerOf('web', 'any');

let doors: Doors;
const published = [{ ...mine, client: 'crm' }];
beforeAll(async () => void (doors = await openDoors({ own: [greet, count, counted], published })));
afterAll(() => doors[Symbol.asyncDispose]());

describe('an operation of the hub', () => {
  const named = [byHash(greet.id), { ...byHash(greet.id), query: '' }, { documentId: greet.id }, { documentId: `sha256:${greet.id}` }, { ...byHash(greet.id), query: greet.body }, { query: greet.body }];
  test.each(named)('is run by its id, with variables, for everybody: %o', async (form) => {
    for (const viewer of [undefined, partner, free]) expect(await doors.post({ ...form, variables: { name: 'Ada' } }, viewer)).toMatchObject({ status: 200, data: { hello: 'Hello Ada' } });
  });

  test.each([byHash(greet.id), { documentId: greet.id }])('is run by GET, with variables in the query string: %o', async (form) => {
    expect(await doors.get({ ...form, variables: { name: 'Ada' } }, partner)).toMatchObject({ status: 200, data: { hello: 'Hello Ada' } });
  });

  test('that is a mutation is refused by GET, also by id', async () => {
    expect(await doors.get({ documentId: count.id }, partner)).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' });
    expect(await doors.post({ documentId: count.id }, partner)).toMatchObject({ data: { count: 1 } });
  });

  test('that is a subscription is streamed as Server-Sent Events', async () => {
    const { text, headers } = await doors.post(byHash(counted.id), partner, { accept: 'text/event-stream' });
    expect(headers.get('content-type')).toContain('text/event-stream');
    expect(text).toContain('{"data":{"counted":1}}');
    expect(text).toContain('{"data":{"counted":2}}');
  });
});

describe('over WebSocket', () => {
  const connect = (viewer = partner): Client => createClient({ url: doors.url.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0, connectionParams: { authorization: `Bearer ${doors.keyOf(viewer)}` } });
  const all = async (client: Client, payload: Record<string, unknown>): Promise<unknown[]> => {
    const answers: unknown[] = [];
    try {
      for await (const answer of client.iterate({ query: '', ...payload })) answers.push(answer);
    } catch (errors) {
      answers.push((errors as { extensions: { code: string } }[])[0]?.extensions.code);
    }
    await client.dispose();
    return answers;
  };
  test.each([byHash(counted.id), { documentId: counted.id }])('an operation is run by its id: %o', async (form) => {
    expect(await all(connect(), form)).toEqual([{ data: { counted: 1 } }, { data: { counted: 2 } }]);
  });
  test('free text of a client with persisted operations is refused, and an id that is not known', async () => {
    expect(await all(connect(), { query: '{ hello }' })).toEqual(['PERSISTED_OPERATIONS_ONLY']);
    expect(await all(connect(), { documentId: 'no-such' })).toEqual(['PERSISTED_QUERY_NOT_FOUND']);
  });
});

describe('an operation that a client published', () => {
  test('is run for that client, whatever it is called', async () => {
    expect(await doors.post({ documentId: mine.id }, partner)).toMatchObject({ data: { color: 'red' } });
    expect(await doors.post(byHash(mine.id), partner)).toMatchObject({ data: { color: 'red' } });
    expect(await doors.post({ query: mine.body }, partner)).toMatchObject({ data: { color: 'red' } });
  });

  test('looks to others like one that does not exist', async () => {
    for (const viewer of [other, free, undefined])
      for (const form of [(id: string) => ({ documentId: id }), byHash]) {
        const [taken, none] = [await doors.post(form(mine.id), viewer), await doors.post(form('app/None@1'), viewer)];
        expect(taken).toMatchObject({ status: none.status, code: 'PERSISTED_QUERY_NOT_FOUND', text: none.text.replaceAll('app/None@1', mine.id) });
      }
    expect(await doors.post({ query: mine.body }, other)).toMatchObject({ status: 403, code: 'PERSISTED_OPERATIONS_ONLY' });
  });

  test('is live, and gone, as soon as the bus tells of it', async () => {
    const late = { ...operation('Late', 'query Late { hello }'), client: 'crm' };
    expect(await doors.post({ documentId: late.id }, partner)).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' });
    published.push(late);
    expect(await doors.post({ documentId: late.id }, partner)).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' });
    const tell = async () => {
      doors.bus.publish('operations.changed', { client: 'crm' });
      await new Promise((resolve) => setImmediate(resolve));
    };
    await tell();
    expect(await doors.post({ documentId: late.id }, partner)).toMatchObject({ data: { hello: 'Hello world' } });
    published.pop();
    await tell();
    expect(await doors.post({ documentId: late.id }, partner)).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' });
  });

  test('is read with the whole list, once for any number of ids that do not exist', async () => {
    const lone = viewerOf('lone', 'persisted');
    await Promise.all(Array.from({ length: 20 }, (_, index) => doors.post({ documentId: `none-${index}` }, lone)));
    expect(doors.listed.filter((client) => client === 'lone')).toHaveLength(1);
  });
});

describe('who may send free text', () => {
  const text = { query: '{ hello }' };
  const refused = { status: 403, data: undefined, code: 'PERSISTED_OPERATIONS_ONLY' };
  const allowed = { status: 200, data: { hello: 'Hello world' } };
  const admin = viewerOf('ops', 'any', 'admin');
  test.each([
    { freeText: 'all', open: [undefined, free, admin], closed: [partner] },
    { freeText: 'keys', open: [free, admin], closed: [undefined, partner] },
    { freeText: 'none', open: [admin], closed: [undefined, free, partner] },
  ] as const)('with $freeText: those and no others, by text or by a hash with it', async ({ freeText, open, closed }) => {
    await using strict = await openDoors({ own: [greet], freeText });
    for (const viewer of closed) {
      expect(await strict.post(text, viewer)).toMatchObject(refused);
      expect(await strict.get(text, viewer)).toMatchObject(refused);
      expect(await strict.post({ ...text, ...byHash(sha256Hex(text.query)) }, viewer)).toMatchObject(refused);
      expect(await strict.post({ query: greet.body }, viewer)).toMatchObject(allowed);
    }
    for (const viewer of open) expect(await strict.post(text, viewer)).toMatchObject(allowed);
  });

  test('a document that others may name by its hash is none of a client with persisted operations', async () => {
    const query = '{ hello(name: "apq") }';
    expect(await doors.post({ query, ...byHash(sha256Hex(query)) }, free)).toMatchObject({ status: 200 });
    expect(await doors.post(byHash(sha256Hex(query)), free)).toMatchObject({ data: { hello: 'Hello apq' } });
    expect(await doors.post(byHash(sha256Hex(query)), partner)).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' });
  });
});

test('what is refused is counted by its code', async () => {
  await using counting = await openDoors({ own: [greet] });
  await counting.post({ documentId: 'none' });
  await counting.post({ query: '{ hello }' }, partner);
  await counting.post({ query: '{ hello }', ...byHash(greet.id.replace('a', 'b')) });
  expect([...counting.refusals().keys()]).toEqual(['PERSISTED_QUERY_NOT_FOUND', 'PERSISTED_OPERATIONS_ONLY', 'PERSISTED_QUERY_HASH_MISMATCH']);
});

describe('a request that names its document badly', () => {
  test.each([
    [{ documentId: 7 }, 'documentId'], [{ documentId: '' }, 'documentId'], [{ documentId: 'x'.repeat(301) }, 'documentId'],
    [{ documentId: greet.id, query: greet.body }, 'documentId'], [{ documentId: greet.id, ...byHash(greet.id) }, 'documentId'],
    [{ extensions: { persistedQuery: { version: 2, sha256Hash: greet.id } } }, 'extensions.persistedQuery.version'],
    [{ extensions: { persistedQuery: 'x' } }, 'extensions.persistedQuery.version'],
    [{ extensions: { persistedQuery: { version: 1 } } }, 'extensions.persistedQuery.sha256Hash'],
    [{ extensions: { persistedQuery: { version: 1, sha256Hash: ['x'] } } }, 'extensions.persistedQuery.sha256Hash'],
    [{ query: 7, documentId: greet.id }, 'query'], [{ extensions: {} }, 'query'], [{}, 'query'],
  ])('is told the field: %o', async (body, field) => {
    const { status, code, text } = await doors.post(body);
    expect({ status, code, field: JSON.parse(text).errors[0].extensions.field }).toEqual({ status: 400, code: 'BAD_REQUEST', field });
  });
  test('ids of all kinds of text find nothing', async () => {
    for (const id of ['__proto__', 'constructor', '../../etc', '\u0000', 'apq:1', 'A'.repeat(64), 'f'.repeat(64)]) expect(await doors.post({ documentId: id }, partner), id).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' });
  });
});
