/** What the gateway makes of a subgraph in trouble: an error with a code, and nothing left behind. */
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { SubgraphRequest } from './data-source.ts';
import type { RemoteSubgraph } from './remote-data-source.ts';
import { type Respond, response } from '../resilience/test-troubled-server.ts';
import { type Asking, answered, createRemotes, good, rename, request, withVariables } from './test-remotes.ts';

const { asking, close } = createRemotes();
afterEach(close);

const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;

/**
 * Nothing runs or waits, and no connection is open that carried a request, unless it may be kept. (Behind a request that was
 * given up undici may open a connection anew; it is idle.)
 */
const nothingLeft = async ({ source, server }: Asking, kept: readonly number[] = [0]) => {
  await expect.poll(() => ({ ...source.state(), used: server.connections().used })).toEqual({ circuit: expect.any(String), flights: 0, running: 0, queued: 0, connections: expect.any(Number), used: expect.toSatisfy((used: number) => kept.includes(used)) });
};

describe('a subgraph that answers', () => {
  test.each<[string, Respond, string]>([
    ['never', () => undefined, 'SUBREQUEST_TIMEOUT'],
    ['half, and then nothing', (socket) => socket.write(response('{"data":', { length: 100 })), 'SUBREQUEST_TIMEOUT'],
    ['only that it goes on', (socket) => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 'SUBREQUEST_TIMEOUT'],
    ['a part of its body and ends', (socket) => socket.end(response('{"data":', { length: 100 })), 'SUBREQUEST_HTTP_ERROR'],
    ['a part of its body and breaks off', (socket) => socket.write(response('{"data":', { length: 100 }), () => socket.resetAndDestroy()), 'SUBREQUEST_HTTP_ERROR'],
    ['nothing and breaks off', (socket) => socket.resetAndDestroy(), 'SUBREQUEST_HTTP_ERROR'],
    ['more than it says', (socket) => socket.write(response('{"data":{"list":[1]}}', { length: 8 })), 'SUBREQUEST_MALFORMED_RESPONSE'],
    ['what is not HTTP', (socket) => socket.write('hello\r\n\r\n'), 'SUBREQUEST_HTTP_ERROR'],
    ['with another protocol', (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'), 'SUBREQUEST_HTTP_ERROR'],
    ['headers without an end', (socket) => flood(socket, 'HTTP/1.1 200 OK\r\n', `x: ${'y'.repeat(1000)}\r\n`), 'SUBREQUEST_HTTP_ERROR'],
    ['that it has moved', (socket) => socket.end(response('', { status: '302 Found', headers: 'location: /other\r\n' })), 'SUBREQUEST_HTTP_ERROR'],
    ['204', (socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'), 'SUBREQUEST_MALFORMED_RESPONSE'],
  ])('%s', async (_, respond, code) => {
    const before = timers();
    const set = await asking(respond, { timeoutMs: code === 'SUBREQUEST_TIMEOUT' ? 200 : 20_000 });
    await expect(set.source.execute(request())).rejects.toMatchObject({ code });
    expect(set.server.asked).toHaveLength(1);
    await nothingLeft(set);
    expect(timers()).toBeLessThanOrEqual(before);
  });

  test('late: the connection is closed, and the answer is nobody’s', async () => {
    const late: (() => void)[] = [];
    const set = await asking((socket, count) => (count === 1 ? void late.push(() => socket.write(good)) : void socket.write(response('{"data":{"list":[2]}}'))), { timeoutMs: 1_000 });
    await expect(set.source.execute(request())).rejects.toMatchObject({ code: 'SUBREQUEST_TIMEOUT' });
    await nothingLeft(set);
    late[0]?.();
    expect(await set.source.execute(request())).toEqual({ data: { list: [2] } });
  });
  test.each([['twice', response('{"data":{"list":["forged"]}}')], ['and says more', '{"errors":[]}']])('%s: who asks next is not told it', async (_, more) => {
    const set = await asking((socket, count) => socket.write(count === 1 ? good + more : response(`{"data":{"list":[${count}]}}`)));
    expect(await set.source.execute(request())).toEqual(answered);
    expect(await set.source.execute(request())).toEqual({ data: { list: [2] } });
    await nothingLeft(set, [1, 2]);
  });
  test('100 MB is stopped long before its end', async () => {
    const sent = { bytes: 0 };
    const set = await asking((socket) => flood(socket, 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', `10000\r\n${'x'.repeat(0x10000)}\r\n`, sent), { maxBytes: 1_000_000 });
    await expect(set.source.execute(request())).rejects.toMatchObject({ code: 'SUBREQUEST_RESPONSE_TOO_LARGE', facts: { maxBytes: 1_000_000 } });
    await nothingLeft(set);
    expect(sent.bytes).toBeLessThan(50_000_000);
  });
  test('that it will be 100 MB is not read at all', async () => {
    const set = await asking((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n'));
    await expect(set.source.execute(request())).rejects.toMatchObject({ code: 'SUBREQUEST_RESPONSE_TOO_LARGE' });
    await nothingLeft(set);
  });
});

/** Sends the chunk over and over, 100 MB in all, as fast as it is taken. */
const flood = (socket: Socket, head: string, chunk: string, sent = { bytes: 0 }): void => {
  const more = () => {
    while (!socket.destroyed && sent.bytes < 100_000_000) {
      sent.bytes += chunk.length;
      if (!socket.write(chunk)) return void socket.once('drain', more);
    }
  };
  socket.write(head);
  more();
};

describe('connections', () => {
  test('are kept', async () => {
    const set = await asking((socket) => socket.write(good));
    for (let count = 0; count < 5; count++) await set.source.execute(request());
    await nothingLeft(set, [1, 2]);
  });
  test('are as many as may be used at the same time, and the rest waits', async () => {
    const held: Socket[] = [];
    const set = await asking((socket) => void held.push(socket), { maxConcurrent: 2, maxQueued: 1 });
    const fetches = [1, 2, 3, 4].map((id) => set.source.execute(withVariables({ id })));
    await expect(fetches[3]).rejects.toMatchObject({ code: 'SUBREQUEST_OVERLOADED', facts: { retryAfter: 1 } });
    await expect.poll(() => held.length).toBe(2);
    expect(set.source.state()).toMatchObject({ running: 2, queued: 1, connections: 2 });
    for (const socket of held.splice(0)) socket.write(good);
    await expect.poll(() => held.length).toBe(1);
    held[0]?.write(good);
    expect(await Promise.all(fetches.slice(0, 3))).toEqual([answered, answered, answered]);
    await nothingLeft(set, [2]);
  });
  test('end with the source, and so does what is under way', async () => {
    const told: string[] = [];
    const set = await asking(() => undefined, { retries: 2, breaker: { failures: 1, ratio: 0.5, window: 10, openMs: 60_000 }, observe: { retried: () => void told.push('retried'), circuit: (state) => void told.push(state) } });
    const fetch = set.source.execute(request()).catch((error: unknown) => error);
    await expect.poll(() => set.server.asked.length).toBe(1);
    await set.source.close();
    expect(await fetch).toMatchObject({ code: 'SUBREQUEST_HTTP_ERROR' });
    await nothingLeft(set);
    expect([set.server.asked.length, told], 'our own end taken for a fault').toEqual([1, []]);
  });
});

describe('a request tells how long it is waited for', () => {
  const told = async (settings: Partial<RemoteSubgraph>, change: Partial<SubgraphRequest>) => {
    const { source, server } = await asking((socket) => socket.write(good), settings);
    await source.execute(request(change));
    return Number(/x-eventgraph-deadline-ms: (\d+)/i.exec(server.asked[0] ?? '')?.[1]);
  };
  test.each<[string, Partial<RemoteSubgraph>, Partial<SubgraphRequest>, number]>([
    ['as long as a query may take', { timeoutMs: 20_000 }, {}, 20_000],
    ['as long as a mutation may take', { mutationTimeoutMs: 50_000 }, { operation: rename }, 50_000],
    ['not longer than the client waits', { timeoutMs: 20_000 }, { deadline: Date.now() + 300_000 }, 20_000],
  ])('%s', async (_, settings, change, ms) => {
    const left = await told(settings, change);
    expect(left).toBeLessThanOrEqual(ms);
    expect(left).toBeGreaterThan(ms - 10_000);
  });
  test('and is given up then', async () => {
    const set = await asking(() => undefined);
    const left = { deadline: Date.now() + 60 };
    await expect(set.source.execute(request(left))).rejects.toMatchObject({ code: 'SUBREQUEST_TIMEOUT' });
    await expect(set.source.execute(request(left))).rejects.toMatchObject({ code: 'SUBREQUEST_TIMEOUT' });
    expect(set.server.asked).toHaveLength(1);
    await nothingLeft(set);
  });
});

describe('a subgraph that fails now and then', () => {
  const firstFails = (socket: Socket, count: number) => (count === 1 ? socket.resetAndDestroy() : socket.write(good));
  test('is asked again for a query, and never for a mutation', async () => {
    const { source, server } = await asking(firstFails, { retries: 1 });
    expect(await source.execute(request())).toEqual(answered);
    const other = await asking(firstFails, { retries: 1 });
    await expect(other.source.execute(request({ operation: rename }))).rejects.toMatchObject({ code: 'SUBREQUEST_HTTP_ERROR' });
    expect([server.asked.length, other.server.asked.length]).toEqual([2, 1]);
  });
  test('and refuses as GraphQL is believed, whatever its status', async () => {
    const { source, server } = await asking((socket) => socket.write(response('{"errors":[{"message":"busy"}]}', { status: '503 Service Unavailable' })), { retries: 2 });
    expect(await source.execute(request())).toEqual({ errors: [{ message: 'busy' }] });
    expect(server.asked).toHaveLength(1);
  });
  test('is left alone for a while, and asked again after it', async () => {
    const failing = { is: true };
    const breaker = { failures: 3, ratio: 0.5, window: 100, openMs: 60_000 };
    const { source, server } = await asking((socket) => socket.write(failing.is ? response('oops', { status: '500 Internal Server Error' }) : good), { breaker });
    for (let count = 0; count < 3; count++) await expect(source.execute(request())).rejects.toMatchObject({ code: 'SUBREQUEST_HTTP_ERROR' });
    await expect(source.execute(request())).rejects.toMatchObject({ code: 'SUBREQUEST_CIRCUIT_OPEN', facts: { retryAfter: 60 } });
    await expect(source.execute(request({ operation: rename }))).rejects.toMatchObject({ code: 'SUBREQUEST_CIRCUIT_OPEN' });
    expect([server.asked.length, source.state().circuit]).toEqual([3, 'open']);
  });
  test('is asked a second time beside a late query where that is wanted', async () => {
    const set = await asking((socket, count) => count > 1 && socket.write(good), { hedgeAfterMs: 30 });
    expect(await set.source.execute(request())).toEqual(answered);
    expect(set.server.asked).toHaveLength(2);
    await nothingLeft(set, [1]);
  });
});

test('whoever observes is told of each of these', async () => {
  const told: string[] = [];
  const observe = { fetched: ({ kind, code }: { kind: string; code: string | null }) => void told.push(`${kind} ${code}`), shared: () => void told.push('shared'), retried: () => void told.push('retried'), hedged: () => void told.push('hedged'), shed: () => void told.push('shed'), circuit: (state: string) => void told.push(state) };
  const fails = (count: number) => response('oops', { status: count === 1 ? '503 Service Unavailable' : '500 Internal Server Error' });
  const { source } = await asking((socket, count) => socket.write(fails(count)), { retries: 1, maxConcurrent: 1, maxQueued: 0, breaker: { failures: 2, ratio: 0.5, window: 100, openMs: 60_000 }, observe });
  const fetches = [request(), request(), withVariables({ id: 1 })].map((each) => source.execute(each).catch(() => undefined));
  await Promise.all(fetches);
  expect(told).toEqual(['shared', 'shed', 'query SUBREQUEST_OVERLOADED', 'retried', 'open', 'query SUBREQUEST_HTTP_ERROR', 'query SUBREQUEST_HTTP_ERROR']);
});
