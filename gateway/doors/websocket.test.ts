import { type Client, createClient } from 'graphql-ws';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { UnauthenticatedError } from '#core/errors.ts';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { type HttpServer, createHttpServer } from './http.ts';
import { type Channel, createChannel } from '../testing/channel.ts';
import { type TestGateway, startGateway, subgraph, viewerWith } from '../testing/kit.ts';

type Tick = { ticked: { at: string; padding: string; thing: { id: string } } };
let channel: Channel<Tick>;
let started: TestGateway;
let server: HttpServer;
let url: string;
const open = new Set<() => unknown>();

const clock = subgraph(
  'clock',
  `type Query { now: String! } type Mutation { wind: Int! } type Subscription { ticked: Tick! } type Tick { at: String! padding: String! thing: Thing! } type Thing @key(fields: "id") { id: ID! }`,
  { Query: { now: () => 'noon' }, Mutation: { wind: () => 1 }, Subscription: { ticked: { subscribe: () => channel.subscribe() } } },
);
const things = subgraph('things', `type Thing @key(fields: "id") { id: ID! name: String! }`, { Thing: { name: ({ id }: { id: string }) => `Thing ${id}` } });
const tick = (at: string, padding = ''): Tick => ({ ticked: { at, padding, thing: { id: 't1' } } });
const keys = new Map<string, Viewer>([['IPK_one', { ...viewerWith('read_events'), keyId: 'one' }], ['IPK_two', { ...viewerWith('read_events'), keyId: 'two' }]]);

beforeEach(async () => {
  channel = createChannel();
  started = startGateway([clock, things]);
  server = await createHttpServer({
    gateway: started.gateway,
    logger: pino({ level: 'silent' }),
    identify: async (credential) => {
      const viewer = credential === null ? publicViewer : keys.get(credential);
      if (!viewer) throw new UnauthenticatedError();
      return viewer;
    },
    drainMs: 500,
    recheckMs: 50,
  });
  url = (await server.app.listen({ port: 0, host: '127.0.0.1' })).replace('http', 'ws') + '/graphql';
});
afterEach(async () => {
  for (const close of open) await close();
  open.clear();
  await server.app.close();
  await started.gateway.dispose();
});

const connect = (connectionParams: Record<string, unknown> = {}): Client & { readonly closed: Promise<{ code: number }> } => {
  let close: (event: { code: number }) => void;
  const closed = new Promise<{ code: number }>((resolve) => (close = resolve));
  const client = createClient({ url, webSocketImpl: WebSocket, connectionParams, retryAttempts: 0, lazy: false, lazyCloseTimeout: 0, onNonLazyError: () => undefined, on: { closed: (event) => close(event as { code: number }) } });
  open.add(() => client.dispose());
  return Object.assign(client, { closed });
};
const raw = async (): Promise<{ socket: WebSocket; closed: Promise<number>; init(): Promise<unknown> }> => {
  const socket = new WebSocket(url, 'graphql-transport-ws');
  open.add(() => socket.terminate());
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('open', resolve));
  const init = () => {
    socket.send('{"type":"connection_init"}');
    return new Promise((resolve) => socket.once('message', resolve));
  };
  return { socket, closed, init };
};
const live = 'subscription { ticked { at thing { name } } }';

describe('a key that was revoked without a word', () => {
  afterEach(() => keys.set('IPK_one', { ...viewerWith('read_events'), keyId: 'one' }));

  test('loses its open sockets at the next check, and no other key does', async () => {
    const [revoked, other] = [connect({ authorization: 'Bearer IPK_one' }), connect({ authorization: 'Bearer IPK_two' })];
    for (const client of [revoked, other]) expect((await client.iterate({ query: '{ now }' }).next()).value).toEqual({ data: { now: 'noon' } });
    keys.delete('IPK_one');
    expect((await revoked.closed).code).toBe(4403);
    expect((await other.iterate({ query: '{ now }' }).next()).value).toEqual({ data: { now: 'noon' } });
  });

  test('while its socket was being admitted is found at once', async () => {
    let asked = 0;
    const identify = async () => {
      if (++asked > 1) throw new UnauthenticatedError();
      return viewerWith('read_events');
    };
    const own = await createHttpServer({ gateway: started.gateway, logger: pino({ level: 'silent' }), identify, drainMs: 500, recheckMs: 60_000 });
    const socket = new WebSocket((await own.app.listen({ port: 0, host: '127.0.0.1' })).replace('http', 'ws') + '/graphql', 'graphql-transport-ws', { headers: { 'x-api-key': 'IPK_x' } });
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    socket.once('open', () => socket.send('{"type":"connection_init"}'));
    expect(await closed).toBe(4403);
    await own.app.close();
  });
});

describe('over a real socket', () => {
  test('a subscription that crosses into another subgraph', async () => {
    const answers = connect().iterate({ query: live });
    const first = answers.next();
    await channel.waiting(1);
    channel.publish(tick('1'));
    expect((await first).value).toEqual({ data: { ticked: { at: '1', thing: { name: 'Thing t1' } } } });
    await answers.return?.();
    await channel.opened(0);
  });
  test('queries and mutations', async () => {
    const client = connect();
    expect((await client.iterate({ query: '{ now }' }).next()).value).toEqual({ data: { now: 'noon' } });
    expect((await client.iterate({ query: 'mutation { wind }' }).next()).value).toEqual({ data: { wind: 1 } });
  });
  test('what is refused comes as an error message with its code', async () => {
    await expect(connect().iterate({ query: '{ nothing }' }).next()).rejects.toMatchObject([{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }]);
  });
  test('a client that goes away leaves no source open', async () => {
    const { socket, init } = await raw();
    await init();
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: live } }));
    await channel.waiting(1);
    socket.terminate();
    await channel.opened(0);
    expect(started.gateway.liveGroups()).toBe(0);
  });
  test('one connection may not open operations without end', async () => {
    const client = connect();
    const streams = Array.from({ length: 100 }, () => client.iterate({ query: live }));
    const waiting = streams.map((each) => each.next());
    await channel.waiting(100);
    await expect(client.iterate({ query: live }).next()).rejects.toMatchObject([{ extensions: { code: 'TOO_MANY_OPERATIONS' } }]);
    await Promise.all(streams.map((each) => each.return?.()));
    await Promise.all(waiting);
    expect((await client.iterate({ query: '{ now }' }).next()).value).toEqual({ data: { now: 'noon' } });
  });
});

describe('who may connect', () => {
  test.each<Record<string, string>>([{ authorization: 'Bearer IPK_wrong' }, { 'x-api-key': 'IPK_wrong' }, { Authorization: 'Basic x' }])('a bad key is closed with 4403: %o', async (params) => {
    expect((await connect(params).closed).code).toBe(4403);
  });
  test('a key in the headers of the upgrade request', async () => {
    const socket = new WebSocket(url, 'graphql-transport-ws', { headers: { 'x-api-key': 'IPK_wrong' } });
    socket.once('open', () => socket.send('{"type":"connection_init"}'));
    expect(await new Promise((resolve) => socket.once('close', resolve))).toBe(4403);
  });
  test("a revoked key's sockets are closed with 4403 and nobody else's", async () => {
    const [one, two] = [connect({ authorization: 'Bearer IPK_one' }), connect({ 'x-api-key': 'IPK_two' })];
    const [ofOne, ofTwo] = [one.iterate({ query: live }), two.iterate({ query: live })];
    const [firstOfOne, firstOfTwo] = [ofOne.next().catch((error: unknown) => error), ofTwo.next()];
    await channel.waiting(2);
    server.endViewers(({ keyId }) => keyId === 'one');
    expect((await one.closed).code).toBe(4403);
    await firstOfOne;
    await channel.opened(1);
    channel.publish(tick('2'));
    expect((await firstOfTwo).value).toMatchObject({ data: { ticked: { at: '2' } } });
  });
});

describe('malformed frames', () => {
  test.each(['not json', '{"type":"subscribe"}', '{"id":1}', '[]', '""', 'null', Buffer.from([1, 2, 3])])('%s closes that connection with 4400 and harms no other', async (frame) => {
    const answers = connect().iterate({ query: live });
    const first = answers.next();
    await channel.waiting(1);
    const { socket, closed, init } = await raw();
    await init();
    socket.send(frame);
    expect(await closed).toBe(4400);
    channel.publish(tick('3'));
    expect((await first).value).toMatchObject({ data: { ticked: { at: '3' } } });
  });
  test('a message larger than allowed closes with 1009', async () => {
    const { socket, closed } = await raw();
    socket.send('x'.repeat(1_100_000));
    expect(await closed).toBe(1009);
  });
  test('bytes that are no WebSocket frame close that connection', async () => {
    const { socket, closed } = await raw();
    (socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    expect(await closed).toBe(1002);
  });
  test('a subscription before the connection is acknowledged closes with 4401', async () => {
    const { socket, closed } = await raw();
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: live } }));
    expect(await closed).toBe(4401);
  });
  test('an upgrade on another path is answered with 404', async () => {
    const socket = new WebSocket(url.replace('/graphql', '/other'), 'graphql-transport-ws');
    expect(await new Promise((resolve) => socket.once('error', ({ message }) => resolve(message)))).toContain('404');
  });
});

test('a slow reader gets the newest value and holds nobody back', async () => {
  const { socket, init } = await raw();
  await init();
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: 'subscription { ticked { at padding } }' } }));
  const fast = connect().iterate({ query: 'subscription { ticked { at } }' });
  let next = fast.next();
  await channel.waiting(2);
  socket.pause();
  const received: { at: string }[] = [];
  const total = 120;
  for (let at = 1; at <= total; at++) {
    channel.publish(tick(String(at), 'x'.repeat(300_000)));
    expect((await next).value).toEqual({ data: { ticked: { at: String(at) } } });
    next = fast.next();
    await channel.readerWaits();
  }
  const last = new Promise<void>((resolve) => {
    socket.on('message', (data) => {
      const { payload } = JSON.parse(String(data)) as { payload: { data: { ticked: { at: string } } } };
      received.push(payload.data.ticked);
      if (payload.data.ticked.at === String(total)) resolve();
    });
  });
  socket.resume();
  await last;
  expect(received.length).toBeLessThan(total);
  expect(received.map(({ at }) => Number(at))).toEqual(received.map(({ at }) => Number(at)).sort((a, b) => a - b));
  await fast.return?.();
  await next;
});

test('closing tells every client that the server goes away', async () => {
  const client = connect();
  const answers = client.iterate({ query: live });
  const waiting = answers.next().catch((error: unknown) => error);
  await channel.waiting(1);
  await server.app.close();
  expect((await client.closed).code).toBe(1001);
  await waiting;
  await channel.opened(0);
});
