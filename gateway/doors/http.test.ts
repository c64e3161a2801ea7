import { once } from 'node:events';
import { connect } from 'node:net';
import { auditServer } from 'graphql-http';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UnauthenticatedError } from '#core/errors.ts';
import { publicViewer } from '#core/viewer.ts';
import { type HttpServer, createHttpServer } from './http.ts';
import { createGateway } from '../index.ts';
import { composeAll, startGateway, subgraph, viewerWith } from '../testing/kit.ts';

const things = subgraph(
  'things',
  `type Query { hello(name: String): String secret: String @requiresScopes(scopes: [["read_orders"]]) broken: String wait: String }
   type Mutation { count: Int! }`,
  {
    Query: {
      hello: (_: unknown, { name }: { name?: string }) => `Hello ${name ?? 'world'}`,
      secret: () => 'sesame',
      broken: () => {
        throw new Error('password=hunter2');
      },
    },
    Mutation: { count: () => 1 },
  },
);

const lines: Record<string, unknown>[] = [];
const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
let server: HttpServer;
let url: string;
let isReady = true;

beforeAll(async () => {
  const { gateway } = startGateway([things], { report: () => undefined });
  server = await createHttpServer({
    gateway,
    logger,
    identify: async (credential) => {
      if (credential === null) return publicViewer;
      if (credential === 'IPK_good') return viewerWith('read_orders');
      throw new UnauthenticatedError();
    },
    readiness: {
      database: async () => {
        if (!isReady) throw new Error('no database');
      },
    },
  });
  url = `${await server.app.listen({ port: 0, host: '127.0.0.1' })}/graphql`;
});
afterAll(() => server.app.close());

const post = async (body: unknown, headers: Record<string, string> = {}) => {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) });
  return { status: response.status, headers: response.headers, body: (await response.json()) as { data?: unknown; errors?: { message: string; extensions: { code: string } }[] } };
};

test('passes every audit of GraphQL over HTTP', async () => {
  const results = await auditServer({ url });
  expect(results.filter(({ status }) => status !== 'ok').map(({ id, name, status, ...rest }) => ({ id, name, status, reason: 'reason' in rest ? rest.reason : '' }))).toEqual([]);
  expect(results.length).toBeGreaterThanOrEqual(61);
});

test.each([1, 10_000])('letters of every length in UTF-8, %i times, arrive as they are', async (times) => {
  const name = 'aé€😀'.repeat(times);
  expect(await post({ query: 'query ($name: String) { hello(name: $name) }', variables: { name } })).toMatchObject({ status: 200, body: { data: { hello: `Hello ${name}` } } });
});

describe('who asks', () => {
  test.each<Record<string, string>>([{ authorization: 'Bearer IPK_good' }, { 'x-api-key': 'IPK_good' }])('a valid key: %o', async (headers) => {
    expect(await post({ query: '{ secret }' }, headers)).toMatchObject({ status: 200, body: { data: { secret: 'sesame' } } });
  });
  test.each<Record<string, string>>([{ authorization: 'Bearer IPK_bad' }, { 'x-api-key': 'IPK_bad' }, { authorization: 'Basic abc' }])('a key that is not known: %o', async (headers) => {
    const answer = await post({ query: '{ hello }' }, headers);
    expect(answer).toMatchObject({ status: 401, body: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] } });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect('data' in answer.body).toBe(false);
  });
  test('without a key: what is public, and null with an error for the rest', async () => {
    expect((await post({ query: '{ hello secret }' })).body).toMatchObject({ data: { hello: 'Hello world', secret: null }, errors: [{ path: ['secret'], extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE' } }] });
  });
});

describe('bad input', () => {
  test('a query of 2 MB', async () => {
    expect(await post({ query: `{ hello } #${'x'.repeat(2_000_000)}` })).toMatchObject({ status: 413, body: { errors: [{ extensions: { code: 'PAYLOAD_TOO_LARGE' } }] } });
  });
  test('half a JSON', async () => {
    expect(await post('{"query": "{ he')).toMatchObject({ status: 400, body: { errors: [{ extensions: { code: 'BAD_REQUEST' } }] } });
  });
  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])('a content type that browsers send without asking: %s', async (type) => {
    expect(await post('{"query":"{ hello }"}', { 'content-type': type })).toMatchObject({ status: 415, body: { errors: [{ extensions: { code: 'UNSUPPORTED_MEDIA_TYPE' } }] } });
  });
  test('a mutation by GET', async () => {
    const response = await fetch(`${url}?query=${encodeURIComponent('mutation { count }')}`);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });
  test('another method', async () => {
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(405);
  });
  test('an answer in a form that is not ours', async () => {
    expect((await post({ query: '{ hello }' }, { accept: 'text/html' })).status).toBe(406);
  });
});

test('what a resolver throws is masked, with a request id to quote', async () => {
  const { body, headers } = await post({ query: '{ hello broken }' });
  expect(JSON.stringify(body)).not.toContain('hunter2');
  expect(body).toMatchObject({ data: { hello: 'Hello world', broken: null }, errors: [{ path: ['broken'], extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: headers.get('x-request-id') } }] });
});

test('one log line per request, without credentials', async () => {
  lines.length = 0;
  await post({ query: 'query Greeting { hello }' }, { authorization: 'Bearer IPK_good', 'apollographql-client-name': 'web' });
  await expect.poll(() => lines.length).toBe(1);
  expect(lines[0]).toMatchObject({ msg: 'request', path: '/graphql', status: 200, operation: 'Greeting', client: 'key', app: 'web', errors: 0 });
  expect(JSON.stringify(lines)).not.toContain('IPK_');
});

test('closing answers what is under way', async () => {
  const waiting = Promise.withResolvers<string>();
  const asked = Promise.withResolvers<void>();
  const slow = subgraph('slow', 'type Query { wait: String }', { Query: { wait: () => (asked.resolve(), waiting.promise) } });
  const closing = await createHttpServer({ gateway: startGateway([slow]).gateway, logger, identify: async () => publicViewer });
  const address = await closing.app.listen({ port: 0, host: '127.0.0.1' });
  const answer = fetch(`${address}/graphql?query={wait}`).then((response) => response.json());
  await asked.promise;
  const closed = closing.app.close();
  waiting.resolve('done');
  expect(await answer).toEqual({ data: { wait: 'done' } });
  await closed;
  await expect(fetch(address)).rejects.toThrow();
});

test('closing waits for no connection that says nothing, or that was refused as a socket and stays', async () => {
  const closing = await createHttpServer({ gateway: startGateway([things]).gateway, logger, identify: async () => publicViewer, drainMs: 50 });
  const { hostname, port } = new URL(await closing.app.listen({ port: 0, host: '127.0.0.1' }));
  const silent = connect(Number(port), hostname).on('error', () => undefined);
  const refused = connect({ port: Number(port), host: hostname, allowHalfOpen: true }).on('error', () => undefined);
  refused.write('GET /other HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
  await Promise.all([once(silent, 'connect'), once(refused, 'data')]);
  const cut = once(silent, 'close');
  await closing.app.close();
  expect((await cut)[0], 'an error of the client').toBe(false);
  refused.destroy();
}, 30_000);

test('a client that goes away is no longer worked for', async () => {
  const aborted = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const gateway = createGateway({
    supergraph: composeAll([things]),
    dataSources: () => ({
      execute: ({ signal }) => {
        asked.resolve();
        signal.addEventListener('abort', () => aborted.resolve());
        return aborted.promise.then(() => ({ data: { hello: null } }));
      },
      subscribe: async () => ({ data: null }),
    }),
  });
  const other = await createHttpServer({ gateway, logger, identify: async () => publicViewer });
  const address = await other.app.listen({ port: 0, host: '127.0.0.1' });
  const client = new AbortController();
  const answer = fetch(`${address}/graphql?query={hello}`, { signal: client.signal });
  await asked.promise;
  client.abort();
  await expect(answer).rejects.toThrow();
  await aborted.promise;
  await other.app.close();
});

test('health tells balancers whether to send requests', async () => {
  const health = (name: string) => fetch(new URL(`/health/${name}`, url)).then(async (response) => ({ status: response.status, body: await response.json() }));
  expect(await health('live')).toMatchObject({ status: 200 });
  expect(await health('ready')).toEqual({ status: 200, body: { status: 'ok', checks: { database: 'ok' } } });
  isReady = false;
  expect(await health('ready')).toEqual({ status: 503, body: { status: 'unavailable', checks: { database: 'failed' } } });
  expect(await health('live')).toMatchObject({ status: 200 });
  isReady = true;
});

test('pages and everything else beside GraphQL carry the headers that protect pages; answers of GraphQL, that they are what they say', async () => {
  const health = await fetch(url.replace('/graphql', '/health/live'));
  expect(Object.fromEntries(['content-security-policy', 'x-frame-options', 'x-content-type-options'].map((name) => [name, health.headers.get(name) !== null]))).toEqual({ 'content-security-policy': true, 'x-frame-options': true, 'x-content-type-options': true });
  const { headers } = await post({ query: '{ hello }' });
  expect(headers.get('x-content-type-options')).toBe('nosniff');
});
