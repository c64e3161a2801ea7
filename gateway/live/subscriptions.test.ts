import { beforeEach, describe, expect, test } from 'vitest';
import type { FormattedExecutionResult } from 'graphql';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { type Channel, createChannel } from '../testing/channel.ts';
import { type TestGateway, composeAll, startGateway, subgraph, viewerWith } from '../testing/kit.ts';

type Change = { attendanceChanged: { cursor: string; current: number; event: { id: string } } };
let channel: Channel<Change>;
let started: TestGateway;
let entityFetches: number;

const attendance = (extra = '', eventFields = '') =>
  subgraph(
    'attendance',
    `type Query { now: Int } type Subscription { attendanceChanged(eventIds: [ID!], after: String): Change! hidden: Change @requiresScopes(scopes: [["admin"]]) refused: Change ${extra} }
     type Change { cursor: String! current: Int! @requiresScopes(scopes: [["read_attendance"]]) event: Event! }
     type Event @key(fields: "id") { id: ID! ${eventFields} }`,
    {
      Subscription: {
        attendanceChanged: { subscribe: () => channel.subscribe() },
        refused: {
          subscribe: () => {
            throw new Error('secret reason');
          },
        },
      },
    },
  );
const events = subgraph('events', `type Query { events: [Event!]! } type Event @key(fields: "id") { id: ID! name: String! }`, {
  Event: { __resolveReference: ({ id }: { id: string }) => (entityFetches++, { id, name: `Event ${id}` }) },
});
const change = (id: string, current = 1): Change => ({ attendanceChanged: { cursor: `c${current}`, current, event: { id } } });
const live = 'subscription Live($eventIds: [ID!], $after: String) { attendanceChanged(eventIds: $eventIds, after: $after) { cursor current event { id name } } }';

beforeEach(() => {
  channel = createChannel();
  entityFetches = 0;
  started = startGateway([attendance(), events], { report: () => undefined });
});

const open = async (query = live, { viewer = viewerWith('read_attendance') as Viewer, variables = {} as Record<string, unknown>, signal = new AbortController().signal } = {}) => started.gateway.subscribe({ query, variables, viewer, requestId: 'r1', signal });
const stream = async (...args: Parameters<typeof open>): Promise<AsyncIterableIterator<FormattedExecutionResult>> => {
  const result = await open(...args);
  if (!(Symbol.asyncIterator in result)) throw new Error(JSON.stringify(result));
  return result;
};
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('one subscriber', () => {
  test('gets each event with what other subgraphs add to it', async () => {
    const answers = await stream();
    const first = answers.next();
    await channel.waiting(1);
    channel.publish(change('e1', 7));
    expect(plain(await first)).toEqual({ done: false, value: { data: { attendanceChanged: { cursor: 'c7', current: 7, event: { id: 'e1', name: 'Event e1' } } } } });
  });

  test('who leaves while waiting leaves nothing behind', async () => {
    const answers = await stream();
    const waiting = answers.next();
    await channel.waiting(1);
    await answers.return?.();
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect([channel.open, started.gateway.liveGroups()]).toEqual([0, 0]);
  });

  test('whose connection is lost leaves nothing behind', async () => {
    const abort = new AbortController();
    const answers = await stream(live, { signal: abort.signal });
    const waiting = answers.next();
    await channel.waiting(1);
    abort.abort();
    expect(await waiting).toEqual({ value: undefined, done: true });
    await channel.opened(0);
    expect(started.gateway.liveGroups()).toBe(0);
  });

  test('ends with the gateway', async () => {
    const answers = await stream();
    const waiting = answers.next();
    await channel.waiting(1);
    await started.gateway.dispose();
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect([channel.open, started.gateway.liveGroups()]).toEqual([0, 0]);
  });

  test('a source that fails ends with an error and is closed', async () => {
    const answers = await stream();
    const waiting = answers.next();
    await channel.waiting(1);
    channel.fail(new Error('secret'));
    expect(await waiting).toMatchObject({ value: { errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] } });
    expect(await answers.next()).toEqual({ value: undefined, done: true });
    expect([channel.open, started.gateway.liveGroups()]).toEqual([0, 0]);
  });

  test('a busy reader gets the newest value, not a queue', async () => {
    const answers = await stream();
    const first = answers.next();
    await channel.waiting(1);
    for (const current of [1, 2, 3, 4]) channel.publish(change('e1', current));
    expect(await first).toMatchObject({ value: { data: { attendanceChanged: { current: 1 } } } });
    expect(await answers.next()).toMatchObject({ value: { data: { attendanceChanged: { current: 4 } } } });
  });
});

describe('what a viewer may not see', () => {
  test('is null with an error in each event', async () => {
    const answers = await stream('subscription { attendanceChanged { cursor event { name } } }', { viewer: publicViewer });
    const first = answers.next();
    await channel.waiting(1);
    channel.publish(change('e1'));
    expect(plain(await first)).toMatchObject({ value: { data: { attendanceChanged: { cursor: 'c1', event: { name: 'Event e1' } } } } });
    expect(started.sent[0]?.query).not.toContain('current');
  });
  test('refuses the subscription when it is its root field', async () => {
    expect(await open('subscription { hidden { cursor } }')).toMatchObject({ errors: [{ path: ['hidden'], extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE' } }] });
    expect(started.gateway.liveGroups()).toBe(0);
  });
  test('includes why a subgraph failed', async () => {
    const result = await open('subscription { refused { cursor } }');
    expect(JSON.stringify(result)).not.toContain('secret');
    expect(result).toMatchObject({ errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR', serviceName: 'attendance' } }] });
  });
});

describe('@skip and @include at the root', () => {
  const query = 'subscription ($no: Boolean!) { attendanceChanged @skip(if: $no) { cursor } }';
  test('are evaluated before planning', async () => {
    const answers = await stream(query, { variables: { no: false } });
    const first = answers.next();
    await channel.waiting(1);
    channel.publish(change('e1'));
    expect(await first).toMatchObject({ value: { data: { attendanceChanged: { cursor: 'c1' } } } });
  });
  test('that leave nothing are refused', async () => {
    expect(await open(query, { variables: { no: true } })).toMatchObject({ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] });
  });
  test('two root fields are refused', async () => {
    expect(await open('subscription { a: attendanceChanged { cursor } b: attendanceChanged { cursor } }')).toMatchObject({ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] });
  });
});

describe('subscribers of one operation', () => {
  const takeAll = async (streams: AsyncIterableIterator<FormattedExecutionResult>[]) => {
    const answers = streams.map((each) => each.next());
    await channel.waiting(streams.length);
    channel.publish(change('e1'));
    return Promise.all(answers);
  };
  test('share one execution per event, also when they resume at different cursors', async () => {
    const streams = await Promise.all([stream(live, { variables: { after: 'a' } }), stream(live, { variables: { after: 'b' } }), stream(`# comment\n${live}`, { variables: { eventIds: ['e1'] } })]);
    const answers = await takeAll(streams);
    expect(entityFetches).toBe(1);
    expect(new Set(answers.map(({ value }) => JSON.stringify(value))).size).toBe(1);
    expect(started.gateway.liveGroups()).toBe(1);
    await Promise.all(streams.map((each) => each.return?.()));
    expect(started.gateway.liveGroups()).toBe(0);
  });
  test('with different rights share nothing', async () => {
    await takeAll([await stream(), await stream(live, { viewer: viewerWith('read_attendance', 'read_orders') })]);
    expect(entityFetches).toBe(2);
  });
  test('with different variables below the root field share nothing', async () => {
    const query = 'subscription ($with: Boolean!) { attendanceChanged { cursor event { id name @include(if: $with) } } }';
    const [first, second] = await takeAll([await stream(query, { variables: { with: true } }), await stream(query, { variables: { with: false } })]);
    expect(plain(first?.value)).toMatchObject({ data: { attendanceChanged: { event: { name: 'Event e1' } } } });
    expect(plain(second?.value)).toEqual({ data: { attendanceChanged: { cursor: 'c1', event: { id: 'e1' } } } });
  });
  test('one who leaves does not end the execution of the others', async () => {
    const [first, second] = [await stream(), await stream()];
    const answers = [first.next(), second.next()];
    await channel.waiting(2);
    channel.publish(change('e1'));
    await first.return?.();
    expect(await answers[1]).toMatchObject({ value: { data: { attendanceChanged: { event: { name: 'Event e1' } } } } });
  });
});

describe('a reload', () => {
  test('keeps a subscription that is still valid, on the same source', async () => {
    const answers = await stream();
    const waiting = answers.next();
    await channel.waiting(1);
    started.gateway.reload(composeAll([attendance('other: Change'), events]));
    channel.publish(change('e1', 2));
    expect(await waiting).toMatchObject({ value: { data: { attendanceChanged: { current: 2, event: { name: 'Event e1' } } } } });
    expect(started.sent.filter(({ query }) => query.startsWith('subscription'))).toHaveLength(1);
  });
  test('ends a subscription whose source would have to be asked for something else, as it cannot be continued: nothing is told twice', async () => {
    const answers = await stream();
    const waiting = answers.next();
    await channel.waiting(1);
    const shared = subgraph('events', 'type Query { events: [Event!]! } type Event @key(fields: "id") { id: ID! name: String! @shareable }');
    started.gateway.reload(composeAll([attendance('', 'name: String! @shareable'), shared]));
    expect(await waiting).toMatchObject({ value: { errors: [{ extensions: { code: 'SUBSCRIPTION_ENDED' } }] } });
    expect(await answers.next()).toEqual({ value: undefined, done: true });
    expect(started.sent.filter(({ query }) => query.startsWith('subscription'))).toHaveLength(1);
    expect([channel.open, started.gateway.liveGroups()]).toEqual([0, 0]);
  });
  test('ends a subscription whose fields went, with an error, at once', async () => {
    const answers = await stream();
    const waiting = answers.next();
    await channel.waiting(1);
    started.gateway.reload(composeAll([attendance(), subgraph('events', 'type Query { events: [Event!]! } type Event @key(fields: "id") { id: ID! title: String! }')]));
    expect(await waiting).toMatchObject({ value: { errors: [{ extensions: { code: 'SUBSCRIPTION_ENDED' } }] } });
    expect(await answers.next()).toEqual({ value: undefined, done: true });
    expect([channel.open, started.gateway.liveGroups()]).toEqual([0, 0]);
  });
  test('to a supergraph that cannot be loaded is refused and changes nothing', async () => {
    expect(() => started.gateway.reload('type Query { half')).toThrow(expect.objectContaining({ code: 'SUPERGRAPH_INVALID' }));
    expect(await started.ask('{ now }')).toEqual({ data: { now: null } });
  });
});
