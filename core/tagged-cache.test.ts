/** One suite over both forms of the tagged cache. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import fc from 'fast-check';
import { describe, expect, inject, test, vi } from 'vitest';
import { createRedisTaggedCache } from './redis-tagged-cache.ts';
import { type CacheReading, type Stamp, type TaggedCache, createMemoryTaggedCache } from './tagged-cache.ts';
import { silentLogger, within } from './testing.ts';

const inRedis = (url = inject('redisUrl'), prefix = `test:${randomUUID()}:`) => createRedisTaggedCache({ url, prefix, logger: silentLogger, patienceMs: 5_000 });
const textsOf = ({ hits }: CacheReading) => hits.map((hit) => hit?.value.toString());
const stampOf = async (cache: TaggedCache): Promise<Stamp> => (await cache.read([])).stamp ?? expect.fail('The cache cannot be reached.');
const entry = (key: string, value: string, tags: readonly string[], ttlMs = 60_000) => ({ key, value: Buffer.from(value), tags, ttlMs });

describe.each([
  { form: 'in memory', open: async () => createMemoryTaggedCache({ maxBytes: 10_000_000 }) },
  { form: 'in Redis', open: () => inRedis() },
])('the tagged cache $form', ({ open }) => {
  test('serves what was stored, with its tags and how long it lasts', async () => {
    await using cache = await open();
    const value = Buffer.from([0, 1, 128, 255, 10]);
    expect(await cache.store(await stampOf(cache), [{ key: 'k', value, tags: ['s/T:{"id":"1 \\n"}', 's/T!'], ttlMs: 60_000 }, entry('bare', 'x', [])])).toBe(2);
    const { hits } = await cache.read(['k', 'other', 'bare']);
    expect(hits).toEqual([{ value, tags: ['s/T:{"id":"1 \\n"}', 's/T!'], remainingMs: expect.closeTo(60_000, -4) }, undefined, { value: Buffer.from('x'), tags: [], remainingMs: expect.any(Number) }]);
  });

  test('forgets what has an invalidated tag, and nothing else', async () => {
    await using cache = await open();
    await cache.store(await stampOf(cache), [entry('a', '1', ['x', 'y']), entry('b', '2', ['y', 'z']), entry('c', '3', ['z'])]);
    await cache.invalidate(['x', 'unknown']);
    expect(textsOf(await cache.read(['a', 'b', 'c']))).toEqual([undefined, '2', '3']);
  });

  test('keeps nothing of a read that began before the invalidation, though its tags were not known then', async () => {
    await using cache = await open();
    const before = await stampOf(cache);
    await cache.invalidate(['x']);
    expect(await cache.store(before, [entry('a', 'old', ['w', 'x']), entry('b', 'other', ['w'])])).toBe(1);
    expect(textsOf(await cache.read(['a', 'b']))).toEqual([undefined, 'other']);
    await cache.store(await stampOf(cache), [entry('a', 'new', ['w', 'x'])]);
    expect(textsOf(await cache.read(['a']))).toEqual(['new']);
  });

  test('serves nothing for longer than it may', async () => {
    await using cache = await open();
    await cache.store(await stampOf(cache), [entry('short', '1', [], 20), entry('none', '2', [], 0), entry('late', '3', [], -5), entry('long', '4', [])]);
    await vi.waitFor(async () => expect(textsOf(await cache.read(['short', 'none', 'late', 'long']))).toEqual([undefined, undefined, undefined, '4']), within);
  });

  /**
   * Any interleaving of reads, changes and invalidations. Each source has a version; who reads notes the versions; a
   * change is told (invalidated) later. What is found must be as new as the last change that was told.
   */
  test('never serves what is older than the last change that was told, whatever the order', async () => {
    const names = ['x', 'y', 'z'];
    const name = fc.constantFrom(...names);
    const some = fc.uniqueArray(name, { minLength: 1 });
    const step = fc.oneof(
      fc.record({ kind: fc.constant('begin' as const), of: some }),
      fc.record({ kind: fc.constant('end' as const), which: fc.nat(5) }),
      fc.record({ kind: fc.constant('change' as const), of: name }),
      fc.record({ kind: fc.constant('tell' as const), of: some }),
      fc.record({ kind: fc.constant('look' as const), of: some }),
    );
    let found = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        await using cache = await open();
        const versions = new Map(names.map((each) => [each, 0]));
        const told = new Map(names.map((each) => [each, 0]));
        const reads: { of: readonly string[]; stamp: Stamp; seen: number[] }[] = [];
        const keyOf = (of: readonly string[]) => [...of].sort().join('+');
        for (const each of steps) {
          if (each.kind === 'begin') {
            const stamp = await stampOf(cache);
            reads.push({ of: [...each.of].sort(), stamp, seen: [...each.of].sort().map((of) => versions.get(of) ?? 0) });
          } else if (each.kind === 'end') {
            const [read] = reads.splice(each.which % Math.max(1, reads.length), 1);
            if (read) await cache.store(read.stamp, [entry(keyOf(read.of), JSON.stringify(read.seen), read.of)]);
          } else if (each.kind === 'change') versions.set(each.of, (versions.get(each.of) ?? 0) + 1);
          else if (each.kind === 'tell') {
            const now = each.of.map((of) => [of, versions.get(of) ?? 0] as const);
            await cache.invalidate(each.of);
            for (const [of, version] of now) told.set(of, version);
          } else {
            const [text] = textsOf(await cache.read([keyOf(each.of)]));
            if (text === undefined) continue;
            found++;
            const seen = JSON.parse(text) as number[];
            [...each.of].sort().forEach((of, index) => expect(seen[index]).toBeGreaterThanOrEqual(told.get(of) ?? 0));
          }
        }
      }),
      { numRuns: 150 },
    );
    expect(found).toBeGreaterThan(20);
  });
});

test('the tagged cache in memory keeps its bound, and forgets what was used longest ago', async () => {
  const cache = createMemoryTaggedCache({ maxBytes: 5_000 });
  for (let index = 0; index < 100; index++) {
    await cache.store(await stampOf(cache), [entry(`k${index}`, 'x'.repeat(1_000), [])]);
    await cache.read(['k0']);
  }
  const kept = textsOf(await cache.read(Array.from({ length: 100 }, (_, index) => `k${index}`))).flatMap((text, index) => (text === undefined ? [] : [index]));
  expect(kept).toEqual([0, 98, 99]);
});

test('where more tags were invalidated than are remembered, what was read before those is not served', async () => {
  const cache = createMemoryTaggedCache({ maxBytes: 1_000_000, mostTags: 2 });
  const before = await stampOf(cache);
  await cache.store(before, [entry('a', 'old', ['x'])]);
  await cache.invalidate(['x']);
  const later = await stampOf(cache);
  await cache.invalidate(['y']);
  await cache.invalidate(['z']); // x is not remembered any more
  expect(await cache.store(before, [entry('a', 'old', ['x'])])).toBe(0);
  expect(await cache.store(later, [entry('a', 'new', ['x'])])).toBe(1);
});

test('two processes on one Redis: what one invalidates the other does not serve', async () => {
  const prefix = `test:${randomUUID()}:`;
  await using one = await inRedis(undefined, prefix);
  await using other = await inRedis(undefined, prefix);
  await Promise.all([stampOf(one), stampOf(other)]); // each dropped what was there before it
  await one.store(await stampOf(one), [entry('a', '1', ['x']), entry('b', '2', [])]);
  expect(textsOf(await other.read(['a', 'b']))).toEqual(['1', '2']);
  await other.invalidate(['x']);
  expect(textsOf(await one.read(['a', 'b']))).toEqual([undefined, '2']);
});

test('a process that starts drops what was kept before it: a change may never have been told', async () => {
  const prefix = `test:${randomUUID()}:`;
  await using one = await inRedis(undefined, prefix);
  await one.store(await stampOf(one), [entry('a', '1', [])]);
  await using other = await inRedis(undefined, prefix);
  expect(textsOf(await other.read(['a']))).toEqual([undefined]);
});

/** A way to Redis that a test can cut, and open again. */
const openWay = async () => {
  const { hostname, port } = new URL(inject('redisUrl'));
  const ways = new Set<Socket>();
  let isOpen = true;
  const server = createServer((socket) => {
    if (!isOpen) return void socket.destroy();
    const upstream = connect(Number(port), hostname);
    for (const [from, to] of [[socket, upstream], [upstream, socket]] as const) {
      from.pipe(to).on('error', () => from.destroy());
      ways.add(from.on('error', () => to.destroy()).on('close', () => to.destroy()));
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const set = (open: boolean) => {
    isOpen = open;
    if (!open) ways.forEach((socket) => socket.destroy());
  };
  return { url: `redis://127.0.0.1:${(server.address() as { port: number }).port}`, set, [Symbol.asyncDispose]: async () => (set(false), void server.close()) };
};

test('while Redis is away nothing is found, nothing is kept and nothing fails; what could not be told then is dropped before anything is served', async () => {
  const prefix = `test:${randomUUID()}:`;
  await using way = await openWay();
  await using writer = await inRedis(way.url, prefix);
  await using reader = await inRedis(undefined, prefix);
  await stampOf(writer);
  await reader.store(await stampOf(reader), [entry('a', 'old', ['x'])]);
  way.set(false);
  await vi.waitFor(async () => expect((await writer.read(['a'])).stamp).toBeNull(), within);
  await writer.invalidate(['x']);
  expect(await writer.store(1, [entry('b', '1', [])])).toBe(0);
  way.set(true);
  await vi.waitFor(async () => expect((await writer.read(['a'])).stamp).not.toBeNull(), within);
  expect(textsOf(await reader.read(['a']))).toEqual([undefined]);
});

test('a process that lost its connection drops everything when it has it back: another server may answer, which was never told of the last changes', async () => {
  const prefix = `test:${randomUUID()}:`;
  await using way = await openWay();
  await using one = await inRedis(way.url, prefix);
  await using other = await inRedis(undefined, prefix);
  await other.store(await stampOf(other), [entry('a', 'old', [])]);
  way.set(false);
  way.set(true);
  await vi.waitFor(() => expect(one.counts.flushed).toBe(2), within);
  expect(textsOf(await other.read(['a']))).toEqual([undefined]);
});

test('a Redis that lost its memory serves nothing of before, and takes nothing that was read before', async () => {
  const prefix = `test:${randomUUID()}:`;
  await using cache = await inRedis(undefined, prefix);
  const before = await stampOf(cache);
  await cache.store(before, [entry('a', 'old', ['x'])]);
  const { Redis } = await import('ioredis');
  const redis = new Redis(inject('redisUrl'));
  await redis.del(`${prefix}log`);
  await redis.quit();
  expect(textsOf(await cache.read(['a']))).toEqual([undefined]);
  expect(await cache.store(before, [entry('a', 'old', ['x'])])).toBe(0);
});
