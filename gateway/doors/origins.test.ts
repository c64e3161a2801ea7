/** What pages of other origins can do: all of it where theirs is allowed, and nothing where it is not. */
import { afterAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { AllowedOrigins } from '#core/config.ts';
import { UnauthenticatedError } from '#core/errors.ts';
import { silentLogger } from '#core/testing.ts';
import { publicViewer } from '#core/viewer.ts';
import { ProblemError } from '../rest/problem.ts';
import { sendProblem } from '../rest/send.ts';
import { startGateway, subgraph } from '../testing/kit.ts';
import { type HttpServerOptions, createHttpServer } from './http.ts';
import { mayConnect } from './origins.ts';

const page = 'https://app.example.org';
const elsewhere = 'https://elsewhere.test';
const { gateway } = startGateway([
  subgraph('a', 'type Query { hello: String thing: Thing } type Subscription { once: String } type Thing @key(fields: "id") { id: ID! }', {
    Query: { hello: () => 'Hello', thing: () => ({ id: '1' }) },
    Subscription: { once: { async *subscribe() { yield { once: 'now' }; } } },
  }),
  subgraph('b', 'type Thing @key(fields: "id") { id: ID! slow: String }', { Thing: { slow: () => 'at last' } }),
]);
const stack = new AsyncDisposableStack();
afterAll(() => stack.disposeAsync());

let identified = 0;
const identify = async (credential: string | null) => {
  identified++;
  if (credential !== null) throw new UnauthenticatedError();
  return publicViewer;
};
const start = async (origins: AllowedOrigins | undefined, options: Partial<HttpServerOptions> = {}): Promise<string> => {
  const { app } = await createHttpServer({ gateway, identify, logger: silentLogger, origins, ...options });
  stack.defer(() => app.close());
  await app.register(async (scope) => {
    scope.setNotFoundHandler((request, reply) => sendProblem(new ProblemError('PATH_UNKNOWN', 'Nothing.'), request, reply, silentLogger));
    scope.get('/events', async (_, reply) => reply.header('link', '</api/events?after=1>; rel="next"').send([]));
  }, { prefix: '/api' });
  return app.listen({ port: 0, host: '127.0.0.1' });
};

const json = { 'content-type': 'application/json' };
const query = (text: string, accept = 'application/json'): RequestInit => ({ method: 'POST', headers: { ...json, accept }, body: JSON.stringify({ query: text }) });
const asking = (method: string, headers = 'authorization,content-type,x-apollo-operation-name'): RequestInit => ({ method: 'OPTIONS', headers: { 'access-control-request-method': method, 'access-control-request-headers': headers } });
const from = async (origin: string, url: string, init: RequestInit = {}) => {
  const { status, headers, body } = await fetch(url, { ...init, headers: { origin, ...(init.headers as Record<string, string> | undefined) } });
  await body?.cancel();
  const named = (name: string) => headers.get(`access-control-${name}`);
  return { status, origin: named('allow-origin'), credentials: named('allow-credentials'), methods: named('allow-methods'), headers: named('allow-headers'), exposed: named('expose-headers'), vary: headers.get('vary'), type: headers.get('content-type')?.split(';')[0] };
};

/** Whatever a door answers, and how. */
const requests: readonly (readonly [string, string, RequestInit, number, string | undefined])[] = [
  ['an answer', '/graphql', query('{ hello }'), 200, 'application/json'],
  ['an answer to GET, as persisted operations are asked', '/graphql?query={hello}', {}, 200, 'application/json'],
  ['an answer in parts', '/graphql', query('{ thing { id ... @defer { slow } } }', 'multipart/mixed;deferSpec=20220824, application/json'), 200, 'multipart/mixed'],
  ['a stream of Server-Sent Events', '/graphql', query('subscription { once }', 'text/event-stream'), 200, 'text/event-stream'],
  ['a multipart stream', '/graphql', query('subscription { once }', 'multipart/mixed;subscriptionSpec=1.0'), 200, 'multipart/mixed'],
  ['an answer over REST', '/api/events', {}, 200, 'application/json'],
  ['a mistake over REST', '/api/other', {}, 404, 'application/problem+json'],
  ['a credential that does not hold', '/graphql', { ...query('{ hello }'), headers: { ...json, authorization: 'Bearer IPK_x' } }, 401, 'application/json'],
  ['a body that is none', '/graphql', { method: 'POST', headers: json, body: '{' }, 400, 'application/json'],
  ['a body that forms of any site could send', '/graphql', { ...query('{ hello }'), headers: { 'content-type': 'text/plain' } }, 415, 'application/json'],
  ['a method that is not taken', '/graphql', { method: 'DELETE' }, 405, 'application/json'],
];

describe('a page of an origin that is allowed', async () => {
  const url = await start([page, 'http://localhost:5173']);

  test.each(requests)('may read %s', async (_, path, init, status, type) => {
    const told = await from(page, url + path, init);
    expect(told).toMatchObject({ status, type, origin: page, credentials: null, vary: expect.stringContaining('Origin') });
    for (const name of ['Allow', 'ETag', 'Idempotency-Replayed', 'Link', 'RateLimit', 'RateLimit-Policy', 'Retry-After', 'X-Request-Id']) expect(told.exposed?.split(', ')).toContain(name);
  });

  test.each(['/graphql', '/api/events', '/api/nothing'])('may send any header to %s, with the methods that there are', async (path) => {
    const told = await from(page, url + path, asking('POST'));
    expect(told).toMatchObject({ status: 204, origin: page, credentials: null, methods: 'GET, HEAD, POST', headers: 'authorization,content-type,x-apollo-operation-name' });
  });

  test('may open a socket', async () => expect(await openedBy(url, page)).toBe('open'));

  test('is answered as anybody to OPTIONS that asks nothing', async () => expect(await from(page, `${url}/graphql`, { method: 'OPTIONS' })).toMatchObject({ status: 204, origin: page }));

  test('finds the same answers as ever at paths that are for no page', async () => {
    for (const path of ['/health/live', '/graphqlx', '/apix', '/metrics']) expect(await from(page, url + path), path).toMatchObject({ origin: null, exposed: null });
  });

  test('asks whether it may before anybody asks who it is, and however much there is to do; and reads that there is too much', async () => {
    const busy = await start([page], { maxRequests: 0 });
    identified = 0;
    expect(await from(page, `${busy}/graphql`, asking('POST'))).toMatchObject({ status: 204, origin: page });
    expect(await from(page, `${busy}/graphql`, query('{ hello }'))).toMatchObject({ status: 503, origin: page });
    expect(identified).toBe(0);
  });
});

describe.each<[string, AllowedOrigins | undefined]>([['that is not among those allowed', [page]], ['where none is allowed', undefined]])('a page of an origin %s', async (_, origins) => {
  const url = await start(origins);
  const others = [elsewhere, 'null', `${page}.elsewhere.test`, `${page}:8443`, page.replace('https', 'http'), page.toUpperCase()];

  test.each(requests)('may not read %s', async (_, path, init, status) => {
    for (const origin of others) expect(await from(origin, url + path, init)).toMatchObject({ status, origin: null, exposed: null });
  });

  test('is answered with a code when it asks whether it may', async () => {
    for (const origin of others) expect(await from(origin, `${url}/graphql`, asking('POST'))).toMatchObject({ status: 404, origin: null, methods: null, headers: null, type: 'application/json' });
  });

  test('opens no socket; who is no page does, and so do the hub\'s own pages', async () => {
    for (const origin of others) expect(await openedBy(url, origin), origin).toMatch(/403.*ORIGIN_NOT_ALLOWED/);
    expect([await openedBy(url, undefined), await openedBy(url, url)]).toEqual(['open', 'open']);
  });
});

test('a page of no origin opens no socket, also where a proxy does not say which host it asked', () => {
  expect(mayConnect({ headers: { origin: 'null' } }, [], undefined)).toBe(false);
});

test('the hub\'s own pages open sockets also through a proxy that names another host', async () => {
  const url = await start(undefined, { publicUrl: 'https://hub.example.org/base' });
  expect(await openedBy(url, 'https://hub.example.org')).toBe('open');
  expect(await openedBy(url, 'http://hub.example.org')).toMatch(/403/);
});

test('every page may use the hub where that is said, and none with what its browser keeps of a person', async () => {
  const url = await start('*');
  for (const origin of [page, elsewhere, 'null']) {
    for (const [path, init] of [['/graphql', query('{ hello }')], ['/graphql', asking('POST')], ['/api/events', {}]] as const) expect(await from(origin, url + path, init)).toMatchObject({ origin: '*', credentials: null });
    expect(await openedBy(url, origin)).toBe('open');
  }
});

/** `open`, or what the handshake was refused with. */
const openedBy = (url: string, origin: string | undefined): Promise<string> =>
  new Promise((resolve) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', origin === undefined ? {} : { headers: { origin } });
    socket.once('open', () => (socket.terminate(), resolve('open')));
    socket.once('error', () => undefined);
    socket.once('unexpected-response', (_, response) => void response.setEncoding('utf8').once('data', (text: string) => resolve(`${response.statusCode} ${text}`)));
  });
