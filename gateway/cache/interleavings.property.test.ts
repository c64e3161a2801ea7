/**
 * Whatever the order in which reads begin and end, sources answer, changes commit and are acknowledged, and parts of the
 * cache are lost: an answer holds of each event a value that it had at some time between the last acknowledged change before the
 * question and the answer, and of its viewer's rights what they allow.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tags } from '#core/invalidation.ts';
import { type TaggedCache, createMemoryTaggedCache } from '#core/tagged-cache.ts';
import type { Viewer } from '#core/viewer.ts';
import { createLocalDataSource } from '../sources/local-data-source.ts';
import { type Gateway, createGateway } from '../index.ts';
import { composeAll, schemaOf, viewerWith } from '../testing/kit.ts';
import { hinted } from '../testing/hinted.ts';

const ids = ['a', 'b'];
const viewers: readonly Viewer[] = [viewerWith('read_events'), { ...viewerWith('read_events'), keyId: 'k2' }, viewerWith('read_orders'), { ...viewerWith('read_events'), events: new Set(['a']) }];

/** What belongs to one run: the gateway is the same for all, as making one takes long. */
let run: { readonly versions: Map<string, number>; readonly cache: TaggedCache; readonly pause: () => Promise<void> };
const cacheOfRun: TaggedCache = { read: (keys) => run.cache.read(keys), store: (stamp, entries) => run.cache.store(stamp, entries), invalidate: (changed) => run.cache.invalidate(changed), counts: { invalidated: 0, flushed: 0 }, [Symbol.asyncDispose]: async () => undefined };

const list = hinted('list', 'type Query { events: [Event!]! @cacheControl(maxAge: 600) live: [Event!]! } type Event @key(fields: "id") { id: ID! }', { Query: { events: () => ids.map((id) => ({ id })), live: () => ids.map((id) => ({ id })) } });
const counts =
  hinted('counts', 'type Event @key(fields: "id") { id: ID! count: Int @cacheControl(maxAge: 600) rights: String @cacheControl(maxAge: 600) own: String @cacheControl(maxAge: 600, scope: PRIVATE) }', {
    Event: {
      __resolveReference: ({ id }: { id: string }) => ({ id }),
      count: async ({ id }: { id: string }) => {
        await run.pause(); // the statement begins later than the request
        const seen = run.versions.get(id) ?? 0;
        await run.pause(); // and is answered later than it saw
        return seen;
      },
      rights: (_: unknown, __: unknown, context: unknown) => rightsIn((context as { viewer: Viewer }).viewer),
      own: (_: unknown, __: unknown, context: unknown) => (context as { viewer: Viewer }).viewer.keyId,
    },
  });
const hitsOf = ({ counts: { cache } }: Gateway): number => cache.answers.hits + cache.entities.hits;
const rightsIn = ({ permissions, events }: Viewer): string => `${[...permissions].join()} ${events === 'all' ? 'all' : [...events].join()}`;

const queries = ['{ events { id count rights } }', '{ live { id count rights } }', '{ live { id rights count own } }', '{ events { id own count rights } }'];
type Seen = { readonly id: string; readonly count: number; readonly rights: string; readonly own?: string };

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('ask' as const), viewer: fc.nat(viewers.length - 1), query: fc.nat(queries.length - 1) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('change' as const), id: fc.constantFrom(...ids) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('mutationElsewhere' as const) }) },
);

const supergraph = composeAll([list, counts]);
const sources = new Map([list, counts].map((each) => [each.name, createLocalDataSource({ schema: schemaOf(each), contextFor: (viewer) => ({ viewer }) })]));
const gateways = [true, false].map((shareAnswers) => createGateway({ supergraph, cache: cacheOfRun, shareAnswers, dataSources: (name) => sources.get(name) ?? expect.fail(name) }));

test('an answer is never older than what was acknowledged when it was asked for, nor somebody else\'s', { timeout: 240_000 }, async () => {
  let hits = 0;
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(fc.array(step, { minLength: 3, maxLength: 12 }), { minLength: 2, maxLength: 4 }), fc.constantFrom(...gateways), async (scheduler, actors, gateway) => {
      const versions = new Map(ids.map((id) => [id, 0]));
      const acknowledged = new Map(versions);
      const pause = () => scheduler.schedule(Promise.resolve());
      const cache = createMemoryTaggedCache({ maxBytes: 1_000_000 });
      run = { versions, cache, pause };
      const before = hitsOf(gateway);
      const ask = async (viewer: Viewer, query: string) => {
        await pause();
        const least = new Map(acknowledged);
        const { data, errors } = await gateway.execute({ query, viewer, requestId: 'r', signal: new AbortController().signal });
        expect(errors).toBeUndefined();
        for (const { id, count, rights, own } of Object.values(data as Record<string, Seen[]>).flat()) {
          expect(count).toBeGreaterThanOrEqual(least.get(id) ?? 0);
          expect(count).toBeLessThanOrEqual(versions.get(id) ?? 0);
          expect(rights).toBe(rightsIn(viewer));
          if (own !== undefined) expect(own).toBe(viewer.keyId);
        }
      };
      const change = async (id: string) => {
        await pause();
        const version = (versions.get(id) ?? 0) + 1;
        versions.set(id, version); // committed
        await pause();
        await cache.invalidate([tags.entity('counts', 'Event', { id }), tags.someOf('counts', 'Event')]);
        acknowledged.set(id, Math.max(acknowledged.get(id) ?? 0, version));
      };
      const act = async (steps: (typeof actors)[number]) => {
        for (const each of steps) {
          if (each.kind === 'ask') await ask(viewers[each.viewer] as Viewer, queries[each.query] as string);
          else if (each.kind === 'change') await change(each.id);
          else await cache.invalidate([tags.subgraph('list')]);
        }
      };
      await scheduler.waitFor(Promise.all(actors.map(act)));
      hits += hitsOf(gateway) - before;
    }),
    { numRuns: Math.ceil(300 * Number(process.env['PROPERTY_RUNS'] ?? 1)) },
  );
  expect(hits).toBeGreaterThan(300);
});
