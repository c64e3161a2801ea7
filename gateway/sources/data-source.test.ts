/** One suite over both ways to reach a subgraph: in this process, and behind a server. Both answer the same. */
import type { ServerResponse } from 'node:http';
import type { ExecutionResult } from 'graphql';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { serializeViewer } from '#core/viewer.ts';
import type { DataSource, SourceEvent, SubgraphRequest } from './data-source.ts';
import { createLocalDataSource } from './local-data-source.ts';
import { subgraphOperation } from './subgraph-operation.ts';
import { PlainVariables } from './subgraph-variables.ts';
import { createRemoteDataSource } from './remote-data-source.ts';
import { type Channel, createChannel } from '../testing/channel.ts';
import { schemaOf, subgraph, viewerWith } from '../testing/kit.ts';
import { type SubgraphServer, serveRaw, serveSubgraph } from '../testing/subgraph-server.ts';

let channel: Channel<{ changed: { id: string } }> = createChannel();
const schema = schemaOf(
  subgraph('things', `type Query { thing(id: ID!): Thing list: [Int!] } type Mutation { rename(id: ID!): Thing } type Subscription { changed: Thing! } type Thing @key(fields: "id") { id: ID! name: String! }`, {
    Query: { thing: (_: unknown, { id }: { id: string }) => ({ id }), list: () => [1, null, 3] },
    Mutation: { rename: (_: unknown, { id }: { id: string }) => ({ id }) },
    Subscription: { changed: { subscribe: () => channel.subscribe() } },
    Thing: { name: ({ id }: { id: string }) => `Thing ${id}`, __resolveReference: ({ id }: { id: string }) => (id === 'none' ? null : { id }) },
  }),
);
const request = (query: string, variables: Record<string, unknown> = {}, signal = new AbortController().signal): SubgraphRequest => ({
  operation: subgraphOperation(query),
  variables: new PlainVariables(variables),
  viewer: viewerWith('read_events'),
  requestId: 'r1',
  signal,
});
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const signViewer = (viewer: Parameters<typeof serializeViewer>[0]) => `signed:${JSON.stringify(serializeViewer(viewer))}`;

let server: SubgraphServer;
let sources: Record<string, DataSource>;
beforeAll(async () => {
  server = await serveSubgraph(schema);
  sources = { local: createLocalDataSource({ schema, contextFor: () => ({}), report: () => undefined }), remote: createRemoteDataSource({ url: server.url, signViewer }) };
});
afterAll(async () => {
  await sources['remote']?.close?.();
  await server.close();
});

describe.each(['local', 'remote'])('a %s subgraph', (kind) => {
  const source = (): DataSource => sources[kind] as DataSource;
  const subscribe = async (query: string, signal?: AbortSignal) => (await source().subscribe(request(query, {}, signal))) as AsyncIterableIterator<SourceEvent>;
  const read = async (events: AsyncIterableIterator<SourceEvent>): Promise<ExecutionResult> => {
    const { value } = (await events.next()) as IteratorYieldResult<SourceEvent>;
    return value.execute();
  };

  test('answers a query with variables', async () => {
    expect(plain(await source().execute(request('query ($id: ID!) { thing(id: $id) { name } }', { id: '1' })))).toEqual({ data: { thing: { name: 'Thing 1' } } });
  });
  test('answers entities, null for one that is not there', async () => {
    const representations = ['1', 'none'].map((id) => ({ __typename: 'Thing', id }));
    expect(plain(await source().execute(request('query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on Thing { name } } }', { representations })))).toEqual({ data: { _entities: [{ name: 'Thing 1' }, null] } });
  });
  test('tells errors with their paths', async () => {
    const { data, errors } = plain(await source().execute(request('{ list }'))) as { data: unknown; errors: { path: unknown }[] };
    expect([data, errors.map(({ path }) => path)]).toEqual([{ list: null }, [['list', 1]]]);
  });
  test('streams a subscription, each event executed when it is asked for', async () => {
    channel = createChannel();
    const events = await subscribe('subscription { changed { id name } }');
    const first = read(events);
    await channel.waiting(1);
    channel.publish({ changed: { id: '7' } });
    expect(plain(await first)).toEqual({ data: { changed: { id: '7', name: 'Thing 7' } } });
    await events.return?.();
    await channel.opened(0);
  });
  test('equal events have equal keys for all readers', async () => {
    channel = createChannel();
    const streams = await Promise.all([subscribe('subscription { changed { id } }'), subscribe('subscription { changed { id } }')]);
    const next = streams.map((each) => each.next());
    await channel.waiting(2);
    channel.publish({ changed: { id: '7' } });
    const [one, two] = await Promise.all(next);
    expect((one?.value as SourceEvent).key).toBe((two?.value as SourceEvent).key);
    await Promise.all(streams.map((each) => each.return?.()));
    await channel.opened(0);
  });
});

describe('a subgraph behind a server', () => {
  const opened: { close?(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close?.();
  });
  const asking = async (answer: (response: ServerResponse) => void, settings: { timeoutMs?: number; mutationTimeoutMs?: number; maxBytes?: number } = {}): Promise<DataSource> => {
    const raw = await serveRaw((_, response) => answer(response));
    const source = createRemoteDataSource({ url: raw.url, signViewer, ...settings });
    opened.push(source, raw);
    return source;
  };

  test('is told of the viewer, signed, by HTTP and once per rights by WebSocket', async () => {
    const events = (await sources['remote']?.subscribe(request('subscription { changed { id } }'))) as AsyncIterableIterator<SourceEvent>;
    const waiting = events.next();
    await channel.opened(1);
    expect(server.httpViewers[0]).toBe(signViewer(viewerWith('read_events')));
    expect(new Set(server.socketViewers)).toEqual(new Set([signViewer(viewerWith('read_events'))]));
    await events.return?.();
    await waiting;
  });

  test.each([
    ['500 with a page', 500, '<html>oops</html>', 'SUBREQUEST_HTTP_ERROR'],
    ['500 with JSON', 500, '{"message":"oops"}', 'SUBREQUEST_HTTP_ERROR'],
    ['a page', 200, '<html></html>', 'SUBREQUEST_MALFORMED_RESPONSE'],
    ['half a JSON', 200, '{"data": {"a"', 'SUBREQUEST_MALFORMED_RESPONSE'],
    ['JSON that is not GraphQL', 200, '[1,2]', 'SUBREQUEST_MALFORMED_RESPONSE'],
    ['nothing', 200, '', 'SUBREQUEST_MALFORMED_RESPONSE'],
  ])('that answers %s', async (_, status, body, code) => {
    const source = await asking((response) => response.writeHead(status).end(body));
    await expect(source.execute(request('{ list }'))).rejects.toMatchObject({ code });
  });
  test('that refuses with a GraphQL response is believed', async () => {
    const source = await asking((response) => response.writeHead(400).end('{"errors":[{"message":"no"}]}'));
    expect(await source.execute(request('{ list }'))).toEqual({ errors: [{ message: 'no' }] });
  });
  test('that never answers', async () => {
    const source = await asking(() => undefined, { timeoutMs: 30 });
    await expect(source.execute(request('{ list }'))).rejects.toMatchObject({ code: 'SUBREQUEST_TIMEOUT' });
  });
  test('has longer for a mutation than for a query', async () => {
    const source = await asking((response) => void setTimeout(() => response.end('{"data":{"rename":null}}'), 150), { timeoutMs: 30, mutationTimeoutMs: 20_000 });
    const rename = 'mutation { rename(id: "1") { id } }';
    await expect(source.execute(request('{ list }'))).rejects.toMatchObject({ code: 'SUBREQUEST_TIMEOUT', facts: { timeoutMs: 30 } });
    expect(await source.execute(request(rename))).toEqual({ data: { rename: null } });
    const impatient = await asking(() => undefined, { timeoutMs: 20_000, mutationTimeoutMs: 30 });
    await expect(impatient.execute(request(rename))).rejects.toMatchObject({ code: 'SUBREQUEST_TIMEOUT', facts: { timeoutMs: 30 } });
  });
  test('that drips for ever', async () => {
    const source = await asking(
      (response) => {
        const timer = setInterval(() => response.write(' '), 5);
        response.once('close', () => clearInterval(timer));
      },
      { timeoutMs: 60 },
    );
    await expect(source.execute(request('{ list }'))).rejects.toMatchObject({ code: 'SUBREQUEST_TIMEOUT' });
  });
  test('that floods is cut off', async () => {
    const source = await asking((response) => response.end('x'.repeat(100_000)), { maxBytes: 10_000 });
    await expect(source.execute(request('{ list }'))).rejects.toMatchObject({ code: 'SUBREQUEST_RESPONSE_TOO_LARGE' });
  });
  test('that is not there', async () => {
    const gone = await serveRaw(() => undefined);
    await gone.close();
    const source = createRemoteDataSource({ url: gone.url, signViewer });
    opened.push(source);
    await expect(source.execute(request('{ list }'))).rejects.toMatchObject({ code: 'SUBREQUEST_HTTP_ERROR' });
    const events = (await source.subscribe(request('subscription { changed { id } }'))) as AsyncIterableIterator<SourceEvent>;
    await expect(events.next()).rejects.toMatchObject({ code: 'SUBSCRIPTION_LOST' });
  });
  test('is no longer waited for when the client goes away', async () => {
    const abort = new AbortController();
    const source = await asking(() => abort.abort());
    await expect(source.execute(request('{ list }', {}, abort.signal))).rejects.toMatchObject({ code: 'SUBREQUEST_CANCELLED' });
  });
  test('refuses a subscription with its own code', async () => {
    const events = (await sources['remote']?.subscribe(request('subscription { changed { nothing } }'))) as AsyncIterableIterator<SourceEvent>;
    await expect(events.next()).rejects.toMatchObject({ code: 'DOWNSTREAM_SERVICE_ERROR' });
  });
});
