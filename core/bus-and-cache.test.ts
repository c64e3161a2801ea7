/** One suite over both forms: the embedded part is honest when it does what Redis does. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { type Bus, createMemoryBus, createRedisBus } from './bus.ts';
import { type Cache, createMemoryCache, createRedisCache } from './cache.ts';
import { silentLogger, within } from './testing.ts';


describe.each([
  { form: 'in memory', open: async () => createMemoryBus() },
  { form: 'in Redis', open: () => createRedisBus(inject('redisUrl'), silentLogger) },
])('the bus $form', ({ open }) => {
  let bus: Bus;
  beforeAll(async () => void (bus = await open()));
  afterAll(() => bus[Symbol.asyncDispose]());

  /** Other tests may use the same Redis: a test listens for its own keys only. */
  const listen = (prefix: string) => {
    const heard: string[] = [];
    const stop = bus.subscribe('key.changed', ({ keyId }) => void (keyId.startsWith(prefix) && heard.push(keyId.slice(prefix.length))));
    return { heard, stop };
  };

  test('carries messages to every listener of the topic, in order, and not to those of another', async () => {
    const prefix = randomUUID();
    const [one, two] = [listen(prefix), listen(prefix)];
    const otherTopic = vi.fn();
    const stop = bus.subscribe('events.appended', ({ cursor }) => void (cursor.startsWith(prefix) && otherTopic()));
    for (let index = 0; index < 50; index++) bus.publish('key.changed', { keyId: prefix + index });
    const all = Array.from({ length: 50 }, (_, index) => String(index));
    await vi.waitFor(() => expect([one.heard, two.heard]).toEqual([all, all]), within);
    expect(otherTopic).not.toHaveBeenCalled();
    for (const end of [one.stop, two.stop, stop]) end();
  });

  test('never calls a listener before `publish` has returned', async () => {
    const { heard, stop } = listen('later-');
    bus.publish('key.changed', { keyId: 'later-1' });
    expect(heard).toEqual([]);
    await vi.waitFor(() => expect(heard).toEqual(['1']), within);
    stop();
  });

  test('tells nothing to a listener that has ended its subscription', async () => {
    const prefix = randomUUID();
    const [gone, stays] = [listen(prefix), listen(prefix)];
    gone.stop();
    gone.stop();
    bus.publish('key.changed', { keyId: `${prefix}x` });
    await vi.waitFor(() => expect(stays.heard).toEqual(['x']), within);
    expect(gone.heard).toEqual([]);
    stays.stop();
  });
});

describe.each([
  { form: 'in memory', open: async () => createMemoryCache() },
  { form: 'in Redis', open: () => createRedisCache(inject('redisUrl'), silentLogger) },
])('the cache $form', ({ open }) => {
  let cache: Cache;
  beforeAll(async () => void (cache = await open()));
  afterAll(() => cache[Symbol.asyncDispose]());

  test('answers JSON as it was set, and nothing for what was not set or was deleted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uuid(), fc.jsonValue(), async (key, value) => {
        expect(await cache.get(key)).toBeUndefined();
        await cache.set(key, value, 60_000);
        expect(await cache.get(key)).toEqual(JSON.parse(JSON.stringify(value)));
        await cache.delete(key);
        expect(await cache.get(key)).toBeUndefined();
      }),
      { numRuns: 25 },
    );
  });

  test('answers a copy: whoever changes it changes nobody else\'s', async () => {
    const key = randomUUID();
    await cache.set(key, { list: [1] }, 60_000);
    ((await cache.get(key)) as { list: number[] }).list.push(2);
    expect(await cache.get(key)).toEqual({ list: [1] });
    await cache.delete(key);
  });

  test('forgets a value after its time, however short that is, and not before', async () => {
    const [long, short, none] = [randomUUID(), randomUUID(), randomUUID()];
    await cache.set(long, 1, 60_000);
    await cache.set(short, 1, 20);
    await cache.set(none, 1, 0);
    await vi.waitFor(async () => expect([await cache.get(short), await cache.get(none)]).toEqual([undefined, undefined]), within);
    expect(await cache.get(long)).toBe(1);
    await cache.delete(long);
  });

  test('gives a value that is set again its new time', async () => {
    const key = randomUUID();
    await cache.set(key, 'old', 1);
    await cache.set(key, 'new', 60_000);
    const other = randomUUID();
    await cache.set(other, 1, 5);
    await vi.waitFor(async () => expect(await cache.get(other)).toBeUndefined(), within);
    expect(await cache.get(key)).toBe('new');
    await cache.delete(key);
  });
});

test('the cache in memory keeps its bound', async () => {
  const cache = createMemoryCache(3);
  for (let index = 0; index < 10; index++) await cache.set(String(index), index, 60_000);
  const kept = await Promise.all(Array.from({ length: 10 }, (_, index) => cache.get(String(index))));
  expect(kept.filter((value) => value !== undefined)).toEqual([7, 8, 9]);
});

/** A way to Redis that a test can cut. */
const openWay = async () => {
  const { hostname, port } = new URL(inject('redisUrl'));
  const ways = new Set<Socket>();
  const server = createServer((socket) => {
    const upstream = connect(Number(port), hostname);
    for (const [from, to] of [[socket, upstream], [upstream, socket]] as const) {
      from.pipe(to).on('error', () => from.destroy());
      ways.add(from.on('close', () => to.destroy()));
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as { port: number };
  const cut = () => ways.forEach((socket) => socket.destroy());
  return { url: `redis://127.0.0.1:${address.port}`, cut, [Symbol.asyncDispose]: async () => (cut(), void server.close()) };
};

test('the bus in Redis hears again after its connections were lost', async () => {
  await using way = await openWay();
  await using bus = await createRedisBus(way.url, silentLogger);
  const heard = vi.fn();
  const id = randomUUID();
  bus.subscribe('key.changed', ({ keyId }) => void (keyId === id && heard()));
  way.cut();
  await vi.waitFor(() => {
    bus.publish('key.changed', { keyId: id });
    expect(heard).toHaveBeenCalled();
  }, within);
});

test('a Redis that is not there is told at once, with its code', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  await expect(createRedisBus(`redis://127.0.0.1:${port}`, silentLogger)).rejects.toThrow();
  await expect(createRedisCache(`redis://127.0.0.1:${port}`, silentLogger)).rejects.toThrow();
});
