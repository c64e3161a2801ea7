/** The whole way, client to subgraph, over real connections: one subgraph in trouble costs its own fields and nothing else. */
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createLogger } from '#core/logging.ts';
import { publicViewer } from '#core/viewer.ts';
import { createHttpServer } from '../doors/http.ts';
import { createGateway } from '../index.ts';
import { type RemoteDataSource, type RemoteSubgraph, createRemoteDataSource } from './remote-data-source.ts';
import { type Respond, response, serveBytes } from '../resilience/test-troubled-server.ts';
import { composeAll, schemaOf, subgraph } from '../testing/kit.ts';
import { serveSubgraph } from '../testing/subgraph-server.ts';

const list = subgraph('list', 'type Query { things: [Thing]! } type Thing @key(fields: "id") { id: ID! }', { Query: { things: () => ['1', '2'].map((id) => ({ id })) } });
const details = subgraph('details', 'type Thing @key(fields: "id") { id: ID! part: Part } type Part @key(fields: "id") { id: ID! }');
const names = subgraph('names', 'type Part @key(fields: "id") { id: ID! name: String }');

const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

/** A gateway over a sound subgraph, one in trouble, and one that would be asked after that. */
const setUp = async (respond: Respond, settings: Partial<RemoteSubgraph> = {}) => {
  const sound = await serveSubgraph(schemaOf(list));
  const troubled = await serveBytes(respond);
  const last = await serveBytes((socket) => socket.write(response('{"data":{"_entities":[]}}')));
  const urls: Record<string, string> = { list: sound.url, details: troubled.url, names: last.url };
  const sources: RemoteDataSource[] = [];
  const connectTo = (name: string) => {
    const source = createRemoteDataSource({ url: urls[name] ?? '', signViewer: () => 'signed', ...(name === 'details' && { retries: 0, ...settings }) });
    sources.push(source);
    return source;
  };
  const gateway = createGateway({ supergraph: composeAll([list, details, names]), dataSources: connectTo, report: () => undefined });
  const { app } = await createHttpServer({ gateway, identify: async () => publicViewer, logger: createLogger('silent') });
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  opened.push(app, { close: () => gateway.dispose() }, sound, troubled, last);
  const idle = () => expect.poll(() => sources.map((source) => source.state())).toEqual(sources.map(() => expect.objectContaining({ flights: 0, running: 0, queued: 0 })));
  const ask = async (query = '{ things { id part { id } } }') => {
    const answer = await fetch(`${origin}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query }) });
    return { status: answer.status, body: (await answer.json()) as { data?: { things?: unknown[] } } };
  };
  return { origin, ask, idle, troubled, last };
};

const body = (text: string): Respond => (socket) => socket.write(response(text));
const entities = (...values: unknown[]): string => JSON.stringify({ data: { _entities: values } });
const rest = { things: [{ id: '1', part: null }, { id: '2', part: null }] };

describe('a subgraph that answers', () => {
  test.each<[string, Respond, string]>([
    ['a page', body('<html></html>'), 'SUBREQUEST_MALFORMED_RESPONSE'],
    ['a page of a proxy', (socket) => socket.write(response('<html></html>', { status: '502 Bad Gateway' })), 'SUBREQUEST_HTTP_ERROR'],
    ['half a JSON', body('{"data":{"_entities":[{'), 'SUBREQUEST_MALFORMED_RESPONSE'],
    ['too few entities', body(entities({ part: null })), 'SUBREQUEST_MALFORMED_RESPONSE'],
    ['too many entities', body(entities({ part: null }, { part: null }, { part: null })), 'SUBREQUEST_MALFORMED_RESPONSE'],
    ['no data and no errors', body('{"data":null}'), 'SUBREQUEST_MALFORMED_RESPONSE'],
    ['errors that are no list', body('{"errors":"no"}'), 'SUBREQUEST_MALFORMED_RESPONSE'],
    ['an error without a path or a code', body('{"errors":[{"message":"hm"}],"data":null}'), 'DOWNSTREAM_SERVICE_ERROR'],
    ['never', () => undefined, 'SUBREQUEST_TIMEOUT'],
    ['a part of its answer, and breaks off', (socket) => socket.write(response('{"data":', { length: 100 }), () => socket.resetAndDestroy()), 'SUBREQUEST_HTTP_ERROR'],
    ['too much', body(entities({ part: { id: 'x'.repeat(20_000) } })), 'SUBREQUEST_RESPONSE_TOO_LARGE'],
    ['that it has moved', (socket) => socket.write(response('', { status: '307 Temporary Redirect', headers: 'location: /graphql\r\n' })), 'SUBREQUEST_HTTP_ERROR'],
  ])('%s', async (_, respond, code) => {
    const { ask, idle, troubled } = await setUp(respond, { timeoutMs: code === 'SUBREQUEST_TIMEOUT' ? 200 : 20_000, maxBytes: 10_000 });
    expect(await ask()).toMatchObject({ status: 200, body: { data: rest, errors: [{ extensions: { code, serviceName: 'details' } }] } });
    expect(troubled.asked).toHaveLength(1);
    await idle();
  });
  test('entities of a type that there is not: no fault of ours, and nothing of it is told as the real one', async () => {
    const { ask, idle } = await setUp(body(entities({ part: { __typename: 'Secret', id: '7' } }, { part: { __typename: 'Part', id: '8' } })));
    const { status, body: answer } = await ask('{ things { id part { __typename id } } }');
    expect([status, answer.data?.things?.[1]]).toEqual([200, { id: '2', part: { __typename: 'Part', id: '8' } }]);
    expect(JSON.stringify(answer)).not.toContain('Secret');
    expect(JSON.stringify(answer)).not.toContain('INTERNAL_SERVER_ERROR');
    await idle();
  });
});

test('while the circuit of a subgraph is open the rest is answered at once', async () => {
  const { ask, troubled } = await setUp((socket) => socket.write(response('oops', { status: '500 Oops' })), { breaker: { failures: 1, ratio: 0.5, window: 10, openMs: 60_000 } });
  await ask();
  expect(await ask()).toMatchObject({ status: 200, body: { data: rest, errors: [{ extensions: { code: 'SUBREQUEST_CIRCUIT_OPEN', serviceName: 'details', retryAfter: 60 } }] } });
  expect(troubled.asked).toHaveLength(1);
});

test('a client that goes in the middle of a plan: the request under way is given up, and no other is made', async () => {
  const asked = Promise.withResolvers<void>();
  const { origin, idle, troubled, last } = await setUp(() => asked.resolve());
  const { hostname, port } = new URL(origin);
  const query = JSON.stringify({ query: '{ things { id part { id name } } }' });
  const client = connect(Number(port), hostname);
  client.write(`POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${query.length}\r\n\r\n${query}`);
  await asked.promise;
  client.destroy();
  await idle();
  await expect.poll(() => troubled.connections().used).toBe(0);
  expect([troubled.asked.length, last.asked.length]).toEqual([1, 0]);
});
