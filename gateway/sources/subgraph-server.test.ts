/** Behind a server of its own, reached by the gateway's own client, a subgraph answers as in the gateway's process. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { DataSource, SourceEvent } from './data-source.ts';
import { createLocalDataSource } from './local-data-source.ts';
import { createRemoteDataSource } from './remote-data-source.ts';
import { subgraphOperation } from './subgraph-operation.ts';
import { PlainVariables } from './subgraph-variables.ts';
import { InputError } from '#core/errors.ts';
import { needs } from '#core/permissions.ts';
import { createSecrets } from '#core/secrets.ts';
import { allow } from '#core/shield.ts';
import { type BuiltSubgraph, type Hub, buildSubgraph, defineSubgraph } from '#core/subgraph.ts';
import { type SubgraphServer, serveSubgraph } from '#core/subgraph-server.ts';
import { silentLogger, within } from '#core/testing.ts';
import { viewerOf } from '#core/testing-hub.ts';
import { type Viewer, publicViewer } from '#core/viewer.ts';

const secrets = createSecrets('the secret that the processes of a hub share');
const sdl = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  scalar DateTime
  type Query { who(events: [ID!]): Who! fails: String wrong(value: String): String guarded: String }
  type Mutation { change(input: Input!): String! }
  input Input { at: DateTime! list: [Int!] }
  type Who { kind: String! permissions: [String!]! events: [String!] at: DateTime! }
  type Subscription { ticks(until: Int!): Tick! guarded: Tick refuses: Tick }
  type Tick { n: Int! odd: String broken: String }
`;

let folder: string;
let built: BuiltSubgraph;
let server: SubgraphServer;
let remote: DataSource;
let local: DataSource;
let ready = true;
let ended = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'eventgraph-served-'));
  writeFileSync(join(folder, 'schema.graphql'), sdl);
  const subgraph = defineSubgraph({
    name: 'served', folder, references: {}, loaders: () => ({}), entities: [], migrations: [],
    resolvers: {
      Query: {
        who: (_parent: unknown, _args: unknown, { viewer }: { viewer: Viewer }) => ({ kind: viewer.kind, permissions: [...viewer.permissions], events: viewer.events === 'all' ? null : [...viewer.events], at: new Date(0) }),
        fails: () => { throw new Error('password=hunter2'); },
        wrong: (_parent: unknown, { value }: { value: string }) => { throw new InputError('VALUE_WRONG', 'value', `not ${value}`, { tries: 3 }); },
        guarded: () => 'guarded',
      },
      Mutation: { change: (_parent: unknown, { input }: { input: { at: Date; list?: number[] } }) => `${input.at.getTime()} ${input.list?.join() ?? '-'}` },
      Tick: {
        odd: ({ n }: { n: number }) => { if (n % 2 === 1) throw new InputError('ODD', 'n', 'odd numbers are refused'); return 'even'; },
        broken: () => { throw new Error('password=hunter2'); },
      },
      Subscription: {
        ticks: {
          async *subscribe(_parent: unknown, { until }: { until: number }) { try { for (let n = 0; n < until; n++) yield { n }; if (until === 0) await new Promise(() => undefined); } finally { ended += 1; } },
          resolve: (tick: object) => tick,
        },
        guarded: { async *subscribe() { yield { n: 1 }; }, resolve: (tick: object) => tick },
        refuses: { subscribe: () => Promise.reject(new InputError('CURSOR_INVALID', 'after', 'no such cursor')), resolve: (tick: object) => tick },
      },
    },
    permissions: { Query: { who: allow, fails: allow, wrong: allow, guarded: needs('read_events') }, Mutation: { change: needs('manage_services') }, Subscription: { ticks: allow, guarded: needs('read_events'), refuses: allow } },
  });
  built = buildSubgraph(subgraph, { database: { em: () => ({}) } } as unknown as Hub);
  server = await serveSubgraph({ subgraph: built, secrets, logger: silentLogger, host: '127.0.0.1', port: 0, ready: () => (ready ? Promise.resolve() : Promise.reject(new Error('the database is away'))) });
  local = createLocalDataSource({ schema: built.schema, contextFor: built.contextFor });
  remote = createRemoteDataSource({ url: server.url, signViewer: secrets.signViewer });
});
afterAll(async () => {
  await remote.close?.();
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const request = (query: string, viewer: Viewer = publicViewer, variables: Record<string, unknown> = {}) => ({ operation: subgraphOperation(query), variables: new PlainVariables(variables), viewer, requestId: 'r1', signal: new AbortController().signal });
/** What a caller can tell apart: data, and of errors code, path and facts; the words of masked ones are each door's own. */
type Told = { readonly data?: unknown; readonly errors?: readonly { readonly message: string; readonly path?: unknown; readonly extensions?: Record<string, unknown> }[] };
const told = (result: unknown) => {
  const { data, errors = [] } = JSON.parse(JSON.stringify(result)) as Told;
  return { data, errors: errors.map(({ message, path, extensions: { requestId: _id, ...extensions } = {} }) => ({ path, extensions, message: extensions.code === 'INTERNAL_SERVER_ERROR' ? '' : message })) };
};
const reader = viewerOf(['read_events'], ['a', 'b']);

describe('a subgraph behind its own server answers as in the gateway\'s process', () => {
  test.each([
    ['who asks', '{ who { kind permissions events at } }', reader, {}],
    ['without a key', '{ who { kind permissions events at } }', publicViewer, {}],
    ['variables', 'mutation ($input: Input!) { change(input: $input) }', viewerOf(['admin']), { input: { at: '2024-01-01T00:00:00Z', list: [1, 2] } }],
    ['an error with a code and facts', '{ wrong(value: "x") who { kind } }', reader, {}],
    ['a fault of its own', '{ fails who { kind } }', reader, {}],
    ['what is not allowed', '{ guarded }', viewerOf([]), {}],
    ['what needs a key', 'mutation { change(input: {at: "2024-01-01T00:00:00Z"}) }', publicViewer, {}],
    ['a zero byte', '{ wrong(value: "\\u0000") }', reader, {}],
  ] as const)('to a query: %s', async (_what, query, viewer, variables) => {
    const [here, there] = [told(await local.execute(request(query, viewer, variables))), told(await remote.execute(request(query, viewer, variables)))];
    expect(there).toEqual(here);
    expect(JSON.stringify(there)).not.toContain('hunter2');
  });

  const collect = async (source: DataSource, query: string, viewer: Viewer) => {
    const stream = await source.subscribe(request(query, viewer));
    if (!(Symbol.asyncIterator in stream)) return [told(stream)];
    const results: unknown[] = [];
    for await (const event of stream as AsyncIterable<SourceEvent>) results.push(told(await event.execute()));
    return results;
  };

  test.each([
    ['its events', 'subscription { ticks(until: 3) { n } }'],
    ['errors in its events, with their codes', 'subscription { ticks(until: 3) { n odd } }'],
    ['faults in its events, masked', 'subscription { ticks(until: 1) { n broken } }'],
    ['a guarded one that is allowed', 'subscription { guarded { n } }'],
  ])('to a subscription: %s', async (_what, query) => {
    const [here, there] = [await collect(local, query, reader), await collect(remote, query, reader)];
    expect(here.length).toBeGreaterThan(0);
    expect(there).toEqual(here);
    expect(JSON.stringify(there)).not.toContain('hunter2');
  });

  test.each([
    ['not allowed', 'subscription { guarded { n } }', viewerOf([]), 'FORBIDDEN'],
    ['without a key', 'subscription { guarded { n } }', publicViewer, 'UNAUTHENTICATED'],
    ['with a foreign cursor', 'subscription { refuses { n } }', reader, 'CURSOR_INVALID'],
  ] as const)('to a subscription that is refused: %s', async (_what, query, viewer, code) => {
    for (const source of [local, remote]) expect(await collect(source, query, viewer)).toMatchObject([{ errors: [{ extensions: { code } }] }]);
  });

  test('and ends a subscription whose reader leaves', async () => {
    const before = ended;
    const stream = (await remote.subscribe(request('subscription { ticks(until: 5000) { n } }', reader))) as AsyncIterableIterator<SourceEvent>;
    await stream.next();
    await stream.return?.();
    await vi.waitFor(() => expect(ended).toBe(before + 1), within);
  });
});

describe('whoever is not the hub is refused', () => {
  const stranger = createSecrets('some other secret, which is as long as that');
  const post = (headers: Record<string, string>, body: unknown = { query: '{ who { kind } }' }) => fetch(server.url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
  const signedAt = async (time: number) => {
    vi.useFakeTimers({ toFake: ['Date'], now: time });
    try {
      return await secrets.signViewer(reader);
    } finally {
      vi.useRealTimers();
    }
  };
  const asHub = async () => {
    const [head, , signature] = (await secrets.signViewer(reader)).split('.');
    const hub = { viewer: { kind: 'hub', keyId: null, permissions: ['admin'], events: 'all' }, iss: 'eventgraph', exp: Math.floor(Date.now() / 1000) + 60 };
    return `${head}.${Buffer.from(JSON.stringify(hub)).toString('base64url')}.${signature}`;
  };
  /** None, none of ours, of another secret, replayed after its minute, and changed into the hub itself. */
  const tokens = async () => ['', 'nonsense', await stranger.signViewer(reader), await signedAt(Date.now() - 61_000), await asHub()];

  test('over HTTP', async () => {
    for (const token of await tokens()) {
      const response = await post(token ? { 'x-eventgraph-viewer': token } : {});
      expect([response.status, await response.json()], token).toEqual([401, expect.objectContaining({ errors: [expect.objectContaining({ extensions: expect.objectContaining({ code: 'UNAUTHENTICATED' }) })] })]);
    }
    expect((await post({ 'x-eventgraph-viewer': await secrets.signViewer(reader) })).status).toBe(200);
  });

  test('with a batch, or by asking for the schema, even with a signature', async () => {
    const signed = { 'x-eventgraph-viewer': await secrets.signViewer(reader) };
    expect((await post(signed, { query: '{ __schema { types { name } } }' })).status).toBe(400);
    expect((await post(signed, [{ query: '{ who { kind } }' }])).status).toBe(400);
  });

  test('over a WebSocket', async () => {
    for (const token of await tokens()) {
      const client: Client = createClient({ url: server.url.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0, connectionParams: token ? { 'x-eventgraph-viewer': token } : {} });
      const refusal = new Promise((resolve) => client.subscribe({ query: 'subscription { ticks(until: 1) { n } }' }, { next: resolve, error: resolve, complete: () => resolve('completed') }));
      expect(await refusal, token).toMatchObject({ code: 4403 });
      await client.dispose();
    }
  });

  test('over a WebSocket that says nothing, or nonsense, or too much', async () => {
    const closed = async (...frames: (string | Buffer)[]) => {
      const socket = new WebSocket(server.url.replace('http', 'ws'), 'graphql-transport-ws');
      await once(socket, 'open');
      const close = once(socket, 'close');
      for (const frame of frames) socket.send(frame);
      return (await close)[0] as number;
    };
    expect(await closed('nonsense')).toBe(4400);
    expect(await closed('{"type":"subscribe","id":"1","payload":{"query":"subscription { ticks(until: 1) { n } }"}}')).toBe(4401);
    expect(await closed(Buffer.alloc(2 * 1024 * 1024, 'x'))).toBe(1009);
    expect(await closed()).toBe(4408);
  });
});

test('it tells balancers that it lives, and whether it is ready', async () => {
  const status = async (path: string) => (await fetch(new URL(path, server.url))).status;
  expect([await status('/health/live'), await status('/health/ready')]).toEqual([200, 200]);
  ready = false;
  expect([await status('/health/live'), await status('/health/ready')]).toEqual([200, 503]);
  ready = true;
});

test('it stops while subscriptions are open, and leaves nothing of them', async () => {
  const own = await serveSubgraph({ subgraph: built, secrets, logger: silentLogger, host: '127.0.0.1', port: 0, ready: async () => undefined });
  const source = createRemoteDataSource({ url: own.url, signViewer: secrets.signViewer });
  const stream = (await source.subscribe(request('subscription { ticks(until: 100000) { n } }', reader))) as AsyncIterableIterator<SourceEvent>;
  await stream.next();
  const drained = (async () => {
    for await (const event of stream) await event.execute();
  })().catch((error: unknown) => error);
  await own[Symbol.asyncDispose]();
  await drained;
  await expect(source.execute(request('{ who { kind } }', reader))).rejects.toMatchObject({ code: 'SUBREQUEST_HTTP_ERROR' });
  await source.close?.();
});

test('it stops although a connection says nothing and a socket answers no goodbye', async () => {
  const own = await serveSubgraph({ subgraph: built, secrets, logger: silentLogger, host: '127.0.0.1', port: 0, ready: async () => undefined, drainMs: 100 });
  const { hostname, port } = new URL(own.url);
  const silent = connect(Number(port), hostname).on('error', () => undefined);
  const rude = connect(Number(port), hostname).on('error', () => undefined);
  rude.write('GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n');
  await Promise.all([once(silent, 'connect'), once(rude, 'data')]);
  const ends = Promise.all([once(silent, 'close'), once(rude, 'close')]);
  await own[Symbol.asyncDispose]();
  expect(await ends).toHaveLength(2);
}, 30_000);
