/** What is kept of answers, for whom, and what is dropped. */
import { describe, expect, test } from 'vitest';
import { tags } from '#core/invalidation.ts';
import { type TaggedCache, createMemoryTaggedCache } from '#core/tagged-cache.ts';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { composeAll, startGateway, viewerWith } from '../testing/kit.ts';
import { hinted } from '../testing/hinted.ts';

const viewerIn = (context: unknown): Viewer => (context as { viewer: Viewer }).viewer;

/** Values that tests change; everything is answered with how often it was asked for before. */
const world = () => {
  const values: Record<string, number> = { a: 1, b: 1 };
  const events = hinted(
    'events',
    `type Query { events: [Event!]! @cacheControl(maxAge: 60) event(id: ID!): Event @cacheControl(maxAge: 60) live: [Event!]! me: String @cacheControl(maxAge: 60, scope: PRIVATE) rights: String @cacheControl(maxAge: 60) fails: Int @cacheControl(maxAge: 60) }
     type Mutation { rename(id: ID!): Int! }
     type Event @key(fields: "id") { id: ID! name(loud: Boolean): String @cacheControl(maxAge: 60) }`,
    {
      Query: {
        events: () => [{ id: 'a' }, { id: 'b' }],
        live: () => [{ id: 'a' }, { id: 'b' }],
        event: (_: unknown, { id }: { id: string }) => ({ id }),
        me: (_: unknown, __: unknown, context: unknown) => viewerIn(context).keyId,
        rights: (_: unknown, __: unknown, context: unknown) => [...viewerIn(context).permissions].join(),
        fails: () => {
          throw new Error('no');
        },
      },
      Mutation: { rename: () => 1 },
      Event: { __resolveReference: ({ id }: { id: string }) => ({ id }), name: ({ id }: { id: string }, { loud }: { loud?: boolean }) => (loud ? id.toUpperCase() : id) },
    },
  );
  const counts = hinted(
    'counts',
    `type Event @key(fields: "id") { id: ID! count(by: Int): Int @cacheControl(maxAge: 30) fresh: Int owner: String @cacheControl(maxAge: 30, scope: PRIVATE) broken: Int @cacheControl(maxAge: 30) }`,
    {
      Event: {
        __resolveReference: ({ id }: { id: string }) => ({ id }),
        count: ({ id }: { id: string }, { by }: { by?: number }) => (values[id] ?? 0) * (by ?? 1),
        fresh: ({ id }: { id: string }) => values[id],
        owner: (_: unknown, __: unknown, context: unknown) => viewerIn(context).keyId,
        broken: ({ id }: { id: string }) => {
          if (id === 'a') throw new Error('no');
          return 1;
        },
      },
    },
  );
  return { values, subgraphs: [events, counts] };
};

const start = (cache: TaggedCache = createMemoryTaggedCache({ maxBytes: 10_000_000 })) => {
  const { values, subgraphs } = world();
  const { gateway, ask, sent } = startGateway(subgraphs, { cache, report: () => undefined });
  /** Asks, and tells which subgraphs were asked for which entities meanwhile. */
  const asking = async (...question: Parameters<typeof ask>) => {
    const before = sent.length;
    const { data, errors } = await ask(...question);
    return { data, errors, asked: sent.slice(before).map(({ subgraph, variables }) => [subgraph, ...((variables['representations'] ?? []) as { id: string }[]).map(({ id }) => id)].join(' ')) };
  };
  return { gateway, cache, values, asking };
};

const withCounts = '{ events { id count } }';
const both = { data: { events: [{ id: 'a', count: 1 }, { id: 'b', count: 1 }] }, errors: undefined };

describe('whole answers', () => {
  test('are served again without asking anybody', async () => {
    const { asking } = start();
    expect(await asking(withCounts)).toEqual({ ...both, asked: ['events', 'counts a b'] });
    expect(await asking(withCounts)).toEqual({ ...both, asked: [] });
    expect(await asking('{ events { count id } }')).toMatchObject({ asked: ['events'] });
  });

  test('cost what they cost when they were made', async () => {
    const { gateway } = start();
    const ask = () => gateway.answer({ query: withCounts, viewer: publicViewer, requestId: 'r', signal: new AbortController().signal });
    const [made, kept] = [await ask(), await ask()];
    expect(kept).toMatchObject({ cost: made.cost, hasData: true, errors: [] });
    expect(made.cost).toBeGreaterThan(0);
    expect(kept.bytes).toEqual(made.bytes);
    expect(gateway.counts.cache.answers).toMatchObject({ hits: 1, misses: 1, stores: 1 });
  });

  test('only for the same variables', async () => {
    const { asking } = start();
    const query = 'query ($id: ID!) { event(id: $id) { id } }';
    for (const id of ['a', 'b']) expect(await asking(query, { variables: { id } })).toEqual({ data: { event: { id } }, errors: undefined, asked: ['events'] });
    expect(await asking(query, { variables: { id: 'a', more: 1 } })).toMatchObject({ data: { event: { id: 'a' } }, asked: [] });
  });

  test('never across rights, and private ones to the same key alone', async () => {
    const { asking } = start();
    const [one, same, other] = [viewerWith('read_events'), { ...viewerWith('read_events'), keyId: 'k2' }, viewerWith('read_orders')];
    expect(await asking('{ rights }', { viewer: one })).toMatchObject({ data: { rights: 'read_events' }, asked: ['events'] });
    expect(await asking('{ rights }', { viewer: same })).toMatchObject({ data: { rights: 'read_events' }, asked: [] });
    expect(await asking('{ rights }', { viewer: other })).toMatchObject({ data: { rights: 'read_orders' }, asked: ['events'] });
    expect(await asking('{ rights }', { viewer: { ...one, events: new Set(['a']) } })).toMatchObject({ asked: ['events'] });
    expect(await asking('{ me }', { viewer: one })).toMatchObject({ data: { me: 'k1' }, asked: ['events'] });
    expect(await asking('{ me }', { viewer: one })).toMatchObject({ data: { me: 'k1' }, asked: [] });
    expect(await asking('{ me }', { viewer: same })).toMatchObject({ data: { me: 'k2' }, asked: ['events'] });
    for (let time = 0; time < 2; time++) expect(await asking('{ me }', { viewer: publicViewer })).toMatchObject({ data: { me: null }, asked: ['events'] });
  });

  test('with errors are not kept', async () => {
    const { asking } = start();
    for (let time = 0; time < 2; time++) expect(await asking('{ fails events { id } }')).toMatchObject({ errors: [{ path: ['fails'] }], asked: ['events'] });
    for (let time = 0; time < 2; time++) expect(await asking('{ events { broken } }')).toMatchObject({ errors: [{}], asked: ['events', 'counts a b'] });
  });

  test('are dropped with anything that they were made from', async () => {
    const { asking, cache, values } = start();
    for (const tag of [tags.entity('counts', 'Event', { id: 'b' }), tags.someOf('events', 'Event'), tags.anyOf('counts', 'Event'), tags.query('events', 'events'), tags.subgraph('counts')]) {
      await asking(withCounts);
      expect(await asking(withCounts)).toMatchObject({ asked: [] });
      values['b'] = (values['b'] ?? 0) + 1;
      await cache.invalidate([tag]);
      expect((await asking(withCounts)).asked).not.toEqual([]);
    }
    await cache.invalidate([tags.entity('counts', 'Event', { id: 'c' }), tags.entity('counts', 'Other', { id: 'a' })]);
    expect(await asking(withCounts)).toMatchObject({ asked: [] });
  });

  test('of another supergraph are not served', async () => {
    const { asking, gateway } = start();
    const { subgraphs } = world();
    await asking(withCounts);
    gateway.reload(`${composeAll(subgraphs)}\n# changed`);
    expect(await asking(withCounts)).toMatchObject({ asked: ['events', 'counts a b'] });
  });
});

describe('entities', () => {
  const live = '{ live { id count } }';

  test('are kept by themselves: those that are known are not asked for', async () => {
    const { asking, cache, values } = start();
    await asking('query ($id: ID!) { event(id: $id) { count } }', { variables: { id: 'a' } });
    expect(await asking(live)).toMatchObject({ asked: ['events', 'counts b'] });
    expect(await asking(live)).toMatchObject({ asked: ['events'] });
    values['b'] = 5;
    await cache.invalidate([tags.entity('counts', 'Event', { id: 'b' }), tags.someOf('counts', 'Event')]);
    expect(await asking(live)).toEqual({ data: { live: [{ id: 'a', count: 1 }, { id: 'b', count: 5 }] }, errors: undefined, asked: ['events', 'counts b'] });
  });

  test('whatever the operation calls itself, by the selection and the variables that it uses', async () => {
    const { asking } = start();
    const query = (name: string) => `query ${name}($by: Int, $loud: Boolean) { live { count(by: $by) name(loud: $loud) } }`;
    expect(await asking(query('A'), { variables: { by: 2, loud: true } })).toMatchObject({ data: { live: [{ count: 2, name: 'A' }, { count: 2, name: 'B' }] }, asked: ['events', 'counts a b'] });
    expect(await asking(query('B'), { variables: { by: 2, loud: false } })).toMatchObject({ data: { live: [{ count: 2, name: 'a' }, { count: 2, name: 'b' }] }, asked: ['events'] });
    expect(await asking(query('A'), { variables: { by: 3 } })).toMatchObject({ data: { live: [{ count: 3 }, { count: 3 }] }, asked: ['events', 'counts a b'] });
  });

  test('not where a field of them has no hint, for nobody else where one is private, and not with errors', async () => {
    const { asking } = start();
    for (let time = 0; time < 2; time++) expect(await asking('{ live { count fresh } }')).toMatchObject({ asked: ['events', 'counts a b'] });
    const [one, same] = [viewerWith('read_events'), { ...viewerWith('read_events'), keyId: 'k2' }];
    expect(await asking('{ live { owner } }', { viewer: one })).toMatchObject({ data: { live: [{ owner: 'k1' }, {}] }, asked: ['events', 'counts a b'] });
    expect(await asking('{ live { owner } }', { viewer: one })).toMatchObject({ data: { live: [{ owner: 'k1' }, {}] }, asked: ['events'] });
    expect(await asking('{ live { owner } }', { viewer: same })).toMatchObject({ data: { live: [{ owner: 'k2' }, {}] }, asked: ['events', 'counts a b'] });
    for (let time = 0; time < 2; time++) expect(await asking('{ live { broken } }')).toMatchObject({ errors: [{ path: ['live', 0, 'broken'] }], asked: ['events', 'counts a b'] });
  });

  test('an answer made from one that was kept lasts no longer than that', async () => {
    let now = 0;
    const cache = createMemoryTaggedCache({ maxBytes: 10_000_000, now: () => now });
    const { asking } = start(cache);
    await asking('query ($id: ID!) { event(id: $id) { count } }', { variables: { id: 'a' } });
    now = 25_000;
    expect(await asking(withCounts)).toMatchObject({ asked: ['events', 'counts b'] });
    now = 29_000;
    expect(await asking(withCounts)).toMatchObject({ asked: [] });
    now = 30_100;
    expect(await asking(withCounts)).toMatchObject({ asked: ['events', 'counts a'] });
  });
});

test('a mutation neither reads nor keeps anything, and drops what its subgraphs said before it is answered', async () => {
  const { asking, gateway } = start();
  await asking(withCounts);
  expect(await asking('mutation { rename(id: "a") }')).toMatchObject({ data: { rename: 1 }, asked: ['events'] });
  expect(await asking('mutation { rename(id: "a") }')).toMatchObject({ asked: ['events'] });
  expect(await asking(withCounts)).toMatchObject({ asked: ['events'] }); // the counts are another subgraph's
  expect(gateway.counts.cache.answers).toMatchObject({ hits: 0, misses: 2, stores: 2, refusals: 0 });
  expect(gateway.counts.cache.entities).toMatchObject({ hits: 2, misses: 2, stores: 2, refusals: 0 });
});

test('a cache that is away costs nothing but its use', async () => {
  const away: TaggedCache = { counts: { invalidated: 0, flushed: 0 }, read: async (keys) => ({ stamp: null, hits: keys.map(() => undefined) }), store: () => expect.fail('Nothing can be kept.'), invalidate: async () => undefined, [Symbol.asyncDispose]: async () => undefined };
  const { asking } = start(away);
  for (let time = 0; time < 2; time++) expect(await asking(withCounts)).toEqual({ ...both, asked: ['events', 'counts a b'] });
});
