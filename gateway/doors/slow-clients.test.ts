/** Clients that ask and do not take what they are answered. */
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { publicViewer } from '#core/viewer.ts';
import { type HttpServer, createHttpServer } from './http.ts';
import { type Channel, createChannel } from '../testing/channel.ts';
import { type TestGateway, startGateway, subgraph } from '../testing/kit.ts';

type Tick = { ticked: string };
/** More than what operating systems keep between two sockets of one machine. */
const much = 'x'.repeat(20_000_000);
let channel: Channel<Tick>;
let started: TestGateway;
let server: HttpServer;
let url: URL;
/** What the server has accepted, newest last. */
let accepted: Socket[];
const open = new Set<Socket | WebSocket>();

/** A server that gives up what makes no way for so long. */
const start = async (stalledMs: number): Promise<void> => {
  channel = createChannel();
  const things = subgraph('things', 'type Query { much: String hello: String } type Subscription { ticked: String }', {
    Query: { much: () => much, hello: () => 'world' },
    Subscription: { ticked: { subscribe: () => channel.subscribe() } },
  });
  started = startGateway([things]);
  server = await createHttpServer({ gateway: started.gateway, logger: pino({ level: 'silent' }), identify: async () => publicViewer, limits: { stalledMs, socketInitMs: 600_000 }, heartbeatMs: 300, drainMs: 100 });
  accepted = [];
  server.app.server.on('connection', (socket: Socket) => accepted.push(socket));
  url = new URL(await server.app.listen({ port: 0, host: '127.0.0.1' }));
};
afterEach(async () => {
  for (const socket of open) if (socket instanceof WebSocket) socket.terminate(); else socket.destroy();
  open.clear();
  await server.app.close();
  await started.gateway.dispose();
});

/** Sends one question over a connection of its own, and reads nothing. */
const askOnly = async (query: string, accept = 'application/json'): Promise<Socket> => {
  const socket = connect(Number(url.port), url.hostname).pause();
  open.add(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const body = JSON.stringify({ query });
  socket.write(`POST /graphql HTTP/1.1\r\nHost: a\r\nAccept: ${accept}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  return socket;
};

/** Of the next part; 0 at the end. */
const lengthOf = async (reader: { read(): Promise<{ readonly value?: Uint8Array | undefined }> }): Promise<number> => (await reader.read()).value?.length ?? 0;

const hello = async (): Promise<unknown> => (await fetch(new URL('/graphql?query={hello}', url))).json();

test('an answer that is not taken is given up after a while, and others are answered meanwhile', async () => {
  await start(2_000);
  await askOnly('{ much }');
  await expect.poll(() => accepted[0]?.writableLength ?? 0).toBeGreaterThan(0);
  expect(await hello()).toEqual({ data: { hello: 'world' } });
  await expect.poll(() => accepted[0]?.destroyed).toBe(true);
});

test('a stream that is not taken is given up after a while, and one that says nothing is not', async () => {
  await start(2_000);
  await askOnly('subscription { ticked }', 'text/event-stream');
  await channel.opened(1);
  const quiet = await fetch(new URL('/graphql?query=subscription{ticked}', url), { headers: { accept: 'text/event-stream' } });
  const reader = (quiet.body ?? new ReadableStream<Uint8Array>()).getReader();
  expect(await lengthOf(reader)).toBe(3);
  channel.publish({ ticked: much });
  for (let length = 0; length < much.length; ) length += await lengthOf(reader);
  await expect.poll(() => accepted[0]?.destroyed).toBe(true);
  // Signs of life, for longer than a stalled connection may stay.
  for (let signs = 0; signs < 8; signs++) expect(await lengthOf(reader)).toBeGreaterThan(0);
  await reader.cancel();
});

test('a socket whose client sends and does not read is not heard on until it reads', async () => {
  await start(600_000);
  const socket = new WebSocket(new URL('/graphql', url.href.replace('http', 'ws')), 'graphql-transport-ws');
  open.add(socket);
  let pongs = 0;
  socket.on('message', () => pongs++);
  await once(socket, 'open');
  socket.pause();
  const payload = { text: 'x'.repeat(100_000) };
  for (let count = 0; count < 500; count++) socket.send(JSON.stringify({ type: 'ping', payload }));
  await expect.poll(() => accepted[0]?.isPaused()).toBe(true);
  expect(await hello()).toEqual({ data: { hello: 'world' } });
  // A million bytes, and the answers to what had been read with the last of them.
  expect(accepted[0]?.writableLength).toBeLessThan(2_000_000);
  expect(accepted[0]?.bytesRead).toBeLessThan(40_000_000);
  socket.resume();
  await expect.poll(() => pongs, { timeout: 60_000 }).toBe(500);
});
