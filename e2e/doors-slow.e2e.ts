/** Slow clients: whoever writes or reads without end holds nobody up, and leaves nothing behind. */
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type FuzzedHub, startFuzzedHub } from './fuzzed-hub.ts';
import { collectedHeap } from './heap.ts';
import { ask } from './hub-process.ts';

const maxSockets = 20;
let hub: FuzzedHub;
beforeAll(async () => {
  hub = await startFuzzedHub({ EVENTGRAPH_REQUEST_MS: '4000', EVENTGRAPH_MAX_SOCKETS: String(maxSockets), EVENTGRAPH_MAX_COST: '1000000000' });
});
afterAll(() => hub[Symbol.asyncDispose]());
const open = new Set<Socket | WebSocket>();
afterEach(async () => {
  for (const socket of open) if (socket instanceof WebSocket) socket.terminate(); else socket.destroy();
  open.clear();
  await hub.isWell();
  for (const name of ['live_connections', 'subscriptions_open']) await expect.poll(() => metric(name)).toBe(0);
});

const metric = async (name: string): Promise<number> => Number(new RegExp(`^eventgraph_${name} (\\d+)$`, 'm').exec((await hub.send({ path: '/metrics' })).text)?.[1]);
const openTcp = async (): Promise<Socket> => {
  const socket = connect(hub.port, '127.0.0.1');
  open.add(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
};
/** Also of one that is reset, or closed already. */
const closeOf = (socket: Socket): Promise<unknown> => new Promise((resolve) => (socket.closed ? resolve(null) : socket.once('close', resolve)));
const head = (length: number): string => `POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nAuthorization: Bearer ${hub.adminKey}\r\nContent-Length: ${length}\r\n\r\n`;

test('requests that trickle in are ended, also while bytes of them arrive; others are answered meanwhile', async () => {
  const socket = await openTcp();
  let said = '';
  socket.on('data', (part: Buffer) => (said += part.toString('latin1')));
  const others = await Promise.all(Array.from({ length: 100 }, openTcp));
  for (const [index, other] of others.entries()) other.write(index % 2 ? 'POST /graphql HT' : `${head(1_000_000)}{`);
  socket.write(head(1_000_000));
  const trickle = setInterval(() => socket.write('{'), 20);
  const closed = closeOf(socket).finally(() => clearInterval(trickle));
  await hub.isWell();
  await closed;
  expect(said).toMatch(/^HTTP\/1\.1 408 .*"REQUEST_TIMEOUT"/s);
  for (const other of others) await closeOf(other.resume());
});

/** As much of the schema as one may ask for, in other words for each: no answer is another's. */
const schemaTimes = (times: number, name: string): string =>
  `{ ${Array.from({ length: times }, (_, index) => `${name}${index}: __schema { types { name description fields { name description type { name kind } } inputFields { name description } enumValues { name description } } }`).join(' ')} }`;

test('large answers that nobody reads: others are answered, and their memory is given back', async () => {
  const admin = { authorization: `Bearer ${hub.adminKey}`, 'content-type': 'application/json' };
  const questions = Array.from({ length: 6 }, (_, index) => JSON.stringify({ query: schemaTimes(24, `r${index}_`) }));
  // What the hub keeps of questions and answers, within bounds of its own, it keeps from here on.
  const [size = 0] = await Promise.all(questions.map(async (body) => (await hub.send({ method: 'POST', path: '/graphql', headers: admin, body })).text.length));
  expect(size).toBeGreaterThan(2_000_000);
  const before = await collectedHeap();
  const readers = await Promise.all(questions.map(openTcp));
  for (const [index, reader] of readers.entries()) reader.pause().write(head(Buffer.byteLength(questions[index] ?? '')) + questions[index]);
  await hub.isWell();
  for (const reader of readers) reader.destroy();
  await expect.poll(async () => (await collectedHeap()) - before).toBeLessThan(2 * size);
});

const openSocket = (): Promise<WebSocket | number> =>
  new Promise((resolve) => {
    const socket = new WebSocket(`${hub.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('open', () => resolve(socket));
    socket.once('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
  });

test('sockets beyond those that an address may have are refused; those that close make room', async () => {
  const opened = await Promise.all(Array.from({ length: 3 * maxSockets }, openSocket));
  expect(opened.filter((each) => each === 429)).toHaveLength(2 * maxSockets);
  for (const socket of opened) if (socket instanceof WebSocket) socket.terminate();
  await expect.poll(async () => (await openSocket()) instanceof WebSocket).toBe(true);
});

test('a subscriber that does not read holds up no other one', async () => {
  const subscribe = async (): Promise<WebSocket> => {
    const socket = await openSocket();
    if (!(socket instanceof WebSocket)) throw new Error(`no socket: ${socket}`);
    const messages: Promise<unknown> = once(socket, 'message');
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${hub.adminKey}` } }));
    await messages;
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: 'subscription { attendanceChanged(eventIds: ["fair"]) { attendance { currentAttendees } } }' } }));
    await once(socket, 'message');
    return socket;
  };
  const [slow, reading] = [await subscribe(), await subscribe()];
  slow.pause();
  let last = '';
  reading.on('message', (data: Buffer) => (last = data.toString('utf8')));
  for (let count = 1; count <= 20; count++) {
    expect(await hub.upstream.push('fair', [`badge ${count}`])).toBe(200);
    await expect.poll(() => last).toContain(`"currentAttendees":${count}}`);
  }
  expect(await ask(hub.url, hub.adminKey, '{ event(id: "fair") { attendance { currentAttendees } } }')).toEqual({ data: { event: { attendance: { currentAttendees: 20 } } } });
});
