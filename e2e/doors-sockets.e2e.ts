/** WebSockets: frames and messages of any kind; thousands opened and dropped, after which nothing is left of them. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { document, nastyJson, nastyText } from './fuzzed-documents.ts';
import { type FuzzedHub, checkResult, runs, startFuzzedHub } from './fuzzed-hub.ts';
import { collectedHeap } from './heap.ts';

let hub: FuzzedHub;
beforeAll(async () => {
  hub = await startFuzzedHub();
});
afterAll(() => hub[Symbol.asyncDispose]());
afterEach(() => hub.isWell());

const openSocket = async (): Promise<{ readonly socket: WebSocket; readonly said: string[]; readonly closed: Promise<number> }> => {
  const socket = new WebSocket(`${hub.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  const said: string[] = [];
  socket.on('message', (data: Buffer) => said.push(data.toString('utf8')));
  socket.on('error', () => undefined);
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await once(socket, 'open');
  return { socket, said, closed };
};
const init = () => JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${hub.adminKey}` } });

type Message = { readonly type: string; readonly payload?: unknown };
/** Each message is one of the protocol; results and errors are as at any other door. */
const checkSaid = (said: readonly string[]): void => {
  for (const text of said) {
    const { type, payload } = JSON.parse(text) as Message;
    expect(['connection_ack', 'next', 'error', 'complete', 'ping', 'pong']).toContain(type);
    if (type === 'next') checkResult(JSON.stringify(payload));
    if (type === 'error') checkResult(JSON.stringify({ errors: payload }));
  }
};
/** What the protocol, and WebSocket itself, close with for a client's mistakes; never 4500 or 1011. */
const clientCodes = [1000, 1002, 1005, 1006, 1007, 1009, 4400, 4401, 4403, 4406, 4408, 4409, 4429];

test('messages of any kind', async () => {
  const id = fc.constantFrom('1', '2', '', '__proto__');
  const payload = fc.oneof(fc.record({ query: fc.oneof(document, fc.constant('subscription { attendanceChanged { cursor } }')), variables: nastyJson, operationName: nastyJson, extensions: nastyJson }, { requiredKeys: ['query'] }), nastyJson);
  const message = fc.oneof(
    { weight: 4, arbitrary: fc.record({ id, type: fc.constant('subscribe'), payload }) },
    { weight: 2, arbitrary: fc.record({ id, type: fc.constantFrom('complete', 'ping', 'pong', 'connection_init', 'next', 'error', 'start', 'stop'), payload: nastyJson }, { requiredKeys: ['type'] }) },
    nastyJson,
  ).map((value) => JSON.stringify(value) ?? '');
  await fc.assert(fc.asyncProperty(fc.array(fc.oneof({ weight: 5, arbitrary: message }, nastyText), { minLength: 1, maxLength: 8 }), fc.boolean(), async (messages, isInited) => {
    const { socket, said, closed } = await openSocket();
    if (isInited) {
      socket.send(init());
      await once(socket, 'message');
    }
    for (const each of messages) socket.send(each);
    // The answer to the last of them, where none closed the socket before.
    socket.send('{"type":"ping","payload":{"last":true}}');
    await Promise.race([closed, expect.poll(() => said.some((text) => text.includes('"last":true')), { interval: 1 }).toBe(true)]);
    socket.close();
    expect(clientCodes).toContain(await closed);
    checkSaid(said);
  }), runs(80));
});

const handshake = 'GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n';
const open = new Set<Socket>();
const openTcp = async (bytes: string | Uint8Array): Promise<Socket> => {
  const socket = connect(hub.port, '127.0.0.1');
  open.add(socket);
  socket.once('close', () => open.delete(socket));
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
};

test('frames of any kind: the socket is closed', async () => {
  const frame = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.tuple(fc.constantFrom(0x81, 0x82, 0x89, 0x88, 0x80, 0x01, 0xf1, 0x8b), fc.constantFrom(0x80, 0x85, 0xfe, 0xff, 0x05, 0x7f), fc.uint8Array({ maxLength: 20 })).map(([first, second, rest]) => Uint8Array.of(first, second, ...rest)));
  await fc.assert(fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 4 }), async (frames) => {
    const socket = await openTcp(handshake);
    socket.resume();
    for (const each of frames) socket.write(each);
    socket.end();
    await once(socket, 'close');
    expect(socket.destroyed).toBe(true);
  }), runs(60));
});

describe('after sockets were opened and dropped, nothing is left of them', () => {
  const here = new Set<Socket>();
  /** Told of each connection that a server in this process accepts. */
  const accepted = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    if (socket.localPort !== hub.port) return;
    here.add(socket);
    socket.once('close', () => here.delete(socket));
  };
  beforeAll(() => subscribe('net.server.socket', accepted));
  afterAll(() => void unsubscribe('net.server.socket', accepted));

  const dropped: readonly (() => Promise<Socket | WebSocket>)[] = [
    () => openTcp(''),
    () => openTcp('POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"query":'),
    () => openTcp('GET /graphql HTTP/1.1\r\nHo'),
    () => openTcp(handshake),
    () => openTcp(`${handshake}\u0000\u0001\u0002garbage`),
    async () => (await openSocket()).socket,
    async () => inited('{"id":"1","type":"subscribe","payload":{"query":"subscription { attendanceChanged(eventIds: [\\"fair\\"]) { cursor } }"}}'),
    async () => inited('{"id":"1","type":"subscribe","payload":{"query":"{ events { totalCount } }"}}'),
  ];
  const inited = async (message: string): Promise<WebSocket> => {
    const { socket } = await openSocket();
    socket.send(init());
    await once(socket, 'message');
    socket.send(message);
    await once(socket, 'message');
    return socket;
  };
  const drop = (socket: Socket | WebSocket, index: number): void => {
    if (socket instanceof WebSocket) return index % 2 ? socket.terminate() : socket.close();
    if (index % 2) socket.destroy();
    else socket.resetAndDestroy();
  };

  /** So many, of every kind, so many of them at once. */
  const openAndDrop = async (count: number, atOnce = 200): Promise<void> => {
    for (let done = 0; done < count; done += atOnce) {
      const opened = await Promise.all(Array.from({ length: Math.min(atOnce, count - done) }, async (_, index) => dropped[index % dropped.length]?.()));
      opened.forEach((socket, index) => socket && drop(socket, index));
    }
    await expect.poll(() => open.size).toBe(0);
  };

  const metric = async (name: string): Promise<number> => Number(new RegExp(`^eventgraph_${name} (\\d+)$`, 'm').exec((await hub.send({ path: '/metrics' })).text)?.[1]);
  /** As many connections of the hub as there were before: the ones of this test that are kept. */
  const isSettled = async (kept: number): Promise<void> => {
    await expect.poll(() => metric('live_connections')).toBe(0);
    await expect.poll(() => metric('subscriptions_open')).toBe(0);
    await expect.poll(() => here.size).toBeLessThanOrEqual(kept);
  };

  test('10,000 sockets: half requests, handshakes, garbage, subscriptions', async () => {
    await openAndDrop(2_000);
    await hub.isWell();
    await isSettled(16);
    const before = await collectedHeap();
    await openAndDrop(10_000);
    await hub.isWell();
    await isSettled(16);
    // A socket that stayed would be 5 kB and more: of a tenth of them this would tell.
    await expect.poll(async () => (await collectedHeap()) - before).toBeLessThan(5_000_000);
  }, 600_000);
});
