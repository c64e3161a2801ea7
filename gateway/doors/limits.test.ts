/** What the doors bound beside cost, and what browsers of other sites cannot do. */
import { pino } from 'pino';
import { createClient } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { DoorLimits } from '#core/config-limits.ts';
import { publicViewer } from '#core/viewer.ts';
import { createChannel } from '../testing/channel.ts';
import { startGateway, subgraph, viewerWith } from '../testing/kit.ts';
import type { Admission, Asker } from './admission.ts';
import type { Parameters as GraphqlParameters } from './graphql-over-http.ts';
import { type HttpServer, createHttpServer } from './http.ts';

const channel = createChannel<{ ticked: string }>();
let count = 0;
const { gateway } = startGateway([
  subgraph('a', 'type Query { hello: String who: String @authenticated count: Int } type Mutation { add: Int } type Subscription { ticked: String }', {
    Query: { hello: () => 'Hello', who: () => 'somebody', count: () => count },
    Mutation: { add: () => ++count },
    Subscription: { ticked: { subscribe: () => channel.subscribe() } },
  }),
]);
const servers: HttpServer[] = [];
const addresses: string[] = [];
const start = async (limits: Partial<DoorLimits>): Promise<string> => {
  const admission: Admission = {
    admit: async (parameters: GraphqlParameters, asker: Asker) => {
      addresses.push(asker.address);
      const asked = { ...parameters, query: parameters.query ?? '' };
      return { asked, operation: gateway.operationOf(asked), headers: { ratelimit: '"t";r=1' }, settle: () => undefined };
    },
  };
  const server = await createHttpServer({ gateway, admission, identify: async (credential) => (credential === null ? publicViewer : { ...viewerWith(), keyId: credential }), logger: pino({ level: 'silent' }), limits, drainMs: 300 });
  servers.push(server);
  return `${await server.app.listen({ port: 0, host: '127.0.0.1' })}/graphql`;
};
const sockets = new Set<() => unknown>();
afterEach(async () => {
  for (const close of sockets) await close();
  sockets.clear();
});
afterAll(async () => void (await Promise.all(servers.map(({ app }) => app.close()))));

const post = async (url: string, body: unknown, headers: Record<string, string> = {}) => {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
  return { status: response.status, headers: response.headers, body: (await response.json()) as unknown };
};
const connect = (url: string, key: string) => {
  const client = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, connectionParams: { authorization: `Bearer ${key}` }, retryAttempts: 0, lazy: false, onNonLazyError: () => undefined });
  sockets.add(() => client.dispose());
  return client;
};
/** Opened when something arrived. */
const subscribe = async (url: string, key: string) => {
  const ticks = connect(url, key).iterate<{ ticked: string }>({ query: 'subscription { ticked }' });
  const first = ticks.next();
  first.catch(() => undefined);
  return { first, end: () => ticks.return?.() };
};
const rawSocket = async (url: string, headers: Record<string, string> = {}) => {
  const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws', { headers });
  sockets.add(() => socket.terminate());
  const refused = new Promise<number>((resolve) => socket.once('unexpected-response', (_, response) => resolve(response.statusCode ?? 0)));
  const opened = new Promise<'open'>((resolve) => socket.once('open', () => resolve('open')));
  socket.on('error', () => undefined);
  const closed = new Promise<{ code: number; reason: string }>((resolve) => socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })));
  return { socket, closed, outcome: await Promise.race([opened, refused]) };
};

describe('operations in one request', () => {
  let url: string;
  beforeAll(async () => void (url = await start({ maxBatch: 3 })));

  test('are answered in their order, each by itself', async () => {
    const { status, body, headers } = await post(url, [{ query: '{ hello }' }, { query: '{ nothing }' }, { query: 'query Named($x: Boolean = true) { hello @include(if: $x) }', variables: { x: false } }], { authorization: 'Bearer k' });
    expect(status).toBe(200);
    expect(body).toMatchObject([{ data: { hello: 'Hello' } }, { errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] }, { data: {} }]);
    expect(headers.get('ratelimit')).toBe('"t";r=1');
  });

  test('are admitted each', async () => {
    addresses.length = 0;
    await post(url, [{ query: '{ hello }' }, { query: '{ hello }' }]);
    expect(addresses).toHaveLength(2);
  });

  test('are no more than the maximum, told with limit, value and maximum, and none of them is executed', async () => {
    const before = count;
    expect(await post(url, Array.from({ length: 4 }, () => ({ query: 'mutation { add }' })))).toMatchObject({ status: 400, body: { errors: [{ extensions: { code: 'MAX_BATCH_EXCEEDED', limit: 'operations in a batch', value: 4, maximum: 3 } }] } });
    expect(count).toBe(before);
  });

  test('are one unless configured', async () => {
    const closed = await start({});
    expect(await post(closed, [{ query: '{ hello }' }, { query: '{ hello }' }])).toMatchObject({ status: 400, body: { errors: [{ extensions: { code: 'MAX_BATCH_EXCEEDED', value: 2, maximum: 1 } }] } });
    expect(await post(closed, [{ query: '{ hello }' }])).toMatchObject({ status: 200, body: [{ data: { hello: 'Hello' } }] });
  });

  test('are never streamed', async () => {
    expect(await post(url, [{ query: 'subscription { ticked }' }], { accept: 'text/event-stream, application/json' })).toMatchObject({ status: 200, body: [{ errors: [{ extensions: { code: 'OPERATION_NOT_SUPPORTED' } }] }] });
  });

  test.each([[[]], [[1]], [[null]], [[[]]], [[{}]]])('that are none: %j', async (body) => {
    expect(await post(url, body)).toMatchObject({ status: 400 });
  });
});

test('a body that is too large is told with limit, value and maximum', async () => {
  const url = await start({ bodyLimit: 1_000 });
  expect(await post(url, { query: `{ hello } #${'x'.repeat(2_000)}` })).toMatchObject({ status: 413, body: { errors: [{ extensions: { code: 'PAYLOAD_TOO_LARGE', limit: 'body size in bytes', value: 2_023, maximum: 1_000 } }] } });
});

test('subscriptions without a credential are counted for the whole network that an address of IPv6 is one of', async () => {
  const url = await start({ maxSubscriptions: 1, trustProxy: 1 });
  const listen = (from: string) => fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'text/event-stream', 'x-forwarded-for': from }, body: '{"query": "subscription { ticked }"}' });
  const [first, second, elsewhere] = [await listen('2001:db8::1'), await listen('2001:db8::2'), await listen('2001:db8:1::1')];
  for (const each of [first, second, elsewhere]) sockets.add(() => each.body?.cancel());
  expect([first.status, second.status, elsewhere.status]).toEqual([200, 429, 200]);
});

describe('subscriptions of a credential', () => {
  test('are counted over all its sockets and streams; one that ends makes room', async () => {
    const url = await start({ maxSubscriptions: 2 });
    const refusal = [{ extensions: { code: 'TOO_MANY_OPERATIONS', limit: 'subscriptions', value: 3, maximum: 2 } }];
    const one = await subscribe(url, 'k1');
    const stream = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'text/event-stream', authorization: 'Bearer k1' }, body: '{"query": "subscription { ticked }"}' });
    expect(stream.status).toBe(200);
    await channel.waiting(2);
    await expect((await subscribe(url, 'k1')).first).rejects.toMatchObject(refusal);
    const other = await subscribe(url, 'k2');
    await channel.waiting(3);
    await stream.body?.cancel();
    await channel.waiting(2);
    const again = await subscribe(url, 'k1');
    await channel.waiting(3);
    channel.publish({ ticked: 'now' });
    for (const { first } of [one, other, again]) expect(await first).toMatchObject({ value: { data: { ticked: 'now' } } });
  });
});

describe('sockets', () => {
  test('of one address are no more than the maximum; one that closes makes room', async () => {
    const url = await start({ maxSockets: 2, trustProxy: 1 });
    const from = { 'x-forwarded-for': '192.0.2.1' };
    const first = await rawSocket(url, from);
    expect([first.outcome, (await rawSocket(url, from)).outcome, (await rawSocket(url, from)).outcome]).toEqual(['open', 'open', 429]);
    expect((await rawSocket(url, { 'x-forwarded-for': '192.0.2.2' })).outcome).toBe('open');
    first.socket.terminate();
    await first.closed;
    await expect.poll(async () => (await rawSocket(url, from)).outcome).toBe('open');
  });

  test('that say nothing of who they are are closed', async () => {
    const { closed } = await rawSocket(await start({ socketInitMs: 30 }));
    expect(await closed).toMatchObject({ code: 4408 });
  });

  test('without an operation are closed after a while, and those with one are not', async () => {
    const url = await start({ socketIdleMs: 1_000 });
    const busy = await subscribe(url, 'k3');
    await channel.waiting(1);
    const idle = await rawSocket(url);
    idle.socket.send('{"type":"connection_init"}');
    expect(await idle.closed).toEqual({ code: 1000, reason: 'Idle' });
    channel.publish({ ticked: 'still' });
    expect(await busy.first).toMatchObject({ value: { data: { ticked: 'still' } } });
  });
});

describe('the address of a client', () => {
  const seen = async (limits: Partial<DoorLimits>, forwarded: string) => {
    const url = await start(limits);
    addresses.length = 0;
    await post(url, { query: '{ hello }' }, { 'x-forwarded-for': forwarded });
    const client = createClient({ url: url.replace('http', 'ws'), webSocketImpl: class extends WebSocket { constructor(address: string, protocol: string) { super(address, protocol, { headers: { 'x-forwarded-for': forwarded } }); } }, retryAttempts: 0 });
    await client.iterate({ query: '{ hello }' }).next();
    await client.dispose();
    return addresses;
  };

  test.each<[string, DoorLimits['trustProxy'], string, string]>([
    ['is where it connects from, whatever it says', undefined, '192.0.2.9', '127.0.0.1'],
    ['behind one balancer is what that one says, and nothing before it', 1, '203.0.113.66, 192.0.2.9', '192.0.2.9'],
    ['behind two balancers', 2, '203.0.113.66, 192.0.2.9, 10.0.0.1', '192.0.2.9'],
    ['behind balancers of these addresses', ['127.0.0.0/8', '10.0.0.0/8'], '203.0.113.66, 192.0.2.9, 10.0.0.1', '192.0.2.9'],
    ['is where it connects from, where that is no balancer', ['10.0.0.0/8'], '192.0.2.9', '127.0.0.1'],
  ])('%s', async (_, trustProxy, forwarded, address) => {
    expect(await seen({ trustProxy }, forwarded)).toEqual([address, address]);
  });
});

describe('a page of another site', () => {
  let url: string;
  beforeAll(async () => void (url = await start({ maxBatch: 5 })));
  const simple = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain; charset=utf-8', 'TEXT/PLAIN', 'text/plain, application/json'];

  test.each(simple)('cannot send an operation as %s, which browsers send without asking', async (type) => {
    const before = count;
    for (const body of ['{"query":"mutation { add }"}', '[{"query":"mutation { add }"}]', 'query=mutation%20%7Badd%7D']) {
      expect((await fetch(url, { method: 'POST', headers: { 'content-type': type }, body })).status).toBe(415);
    }
    expect(count).toBe(before);
  });

  test('cannot send one without a content type', async () => {
    expect((await fetch(url, { method: 'POST', body: new Blob(['{"query":"mutation { add }"}']) })).status).toBe(415);
  });

  test.each(['application/json', 'text/event-stream', 'multipart/mixed'])('cannot change anything with GET (accepting %s)', async (accept) => {
    const before = count;
    const response = await fetch(`${url}?query=${encodeURIComponent('mutation { add }')}`, { headers: { accept } });
    expect([response.status, count]).toEqual([405, before]);
  });

  test('is not taken for the user that a cookie or a password of the browser names', async () => {
    const ambient: Record<string, string>[] = [{ cookie: 'authorization=Bearer%20k; x-api-key=k; session=k' }, { 'proxy-authorization': 'Bearer k' }];
    for (const headers of ambient) expect((await post(url, { query: '{ who }' }, headers)).body).toMatchObject({ data: { who: null } });
    expect((await post(url, { query: '{ who }' }, { authorization: 'Basic azpr' })).status).toBe(401);
    expect((await post(url, { query: '{ who }' }, { authorization: 'Bearer k' })).body).toEqual({ data: { who: 'somebody' } });
  });

  test('is told of no origin that may read answers', async () => {
    const preflight = await fetch(url, { method: 'OPTIONS', headers: { origin: 'https://elsewhere.test', 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' } });
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
    expect((await post(url, { query: '{ hello }' }, { origin: 'https://elsewhere.test' })).headers.get('access-control-allow-origin')).toBeNull();
  });
});
