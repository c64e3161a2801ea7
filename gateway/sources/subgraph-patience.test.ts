/** A subgraph stops working for whoever does not wait any more. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { DataSource, SourceEvent } from './data-source.ts';
import { createRemoteDataSource } from './remote-data-source.ts';
import { subgraphOperation } from './subgraph-operation.ts';
import { PlainVariables } from './subgraph-variables.ts';
import { createSecrets } from '#core/secrets.ts';
import { allow } from '#core/shield.ts';
import { type Hub, buildSubgraph, defineSubgraph } from '#core/subgraph.ts';
import { type SubgraphServer, serveSubgraph } from '#core/subgraph-server.ts';
import { silentLogger, within } from '#core/testing.ts';
import { viewerOf } from '#core/testing-hub.ts';
import type { Viewer } from '#core/viewer.ts';

const secrets = createSecrets('the secret that the processes of a hub share');
const reader = viewerOf(['read_events'], ['a']);
const sdl = 'type Query { hello: String waits: String } type Subscription { ticks: Tick } type Tick { n: Int! }';

let folder: string;
let server: SubgraphServer;
let remote: DataSource;
/** Executions that wait until their signal is aborted. */
let waiting = 0;
const wait = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    waiting += 1;
    signal.addEventListener('abort', () => {
      waiting -= 1;
      resolve();
    });
  });
type Context = { readonly signal: AbortSignal };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'eventgraph-patience-'));
  writeFileSync(join(folder, 'schema.graphql'), sdl);
  const subgraph = defineSubgraph({
    name: 'patient', folder, references: {}, loaders: () => ({}), entities: [], migrations: [],
    resolvers: {
      Query: { hello: () => 'hello', waits: (_parent: unknown, _args: unknown, { signal }: Context) => wait(signal) },
      Subscription: {
        ticks: {
          async *subscribe(_parent: unknown, _args: unknown, { signal }: Context) { await wait(signal); yield { n: 1 }; },
          resolve: (tick: object) => tick,
        },
      },
    },
    permissions: { Query: { hello: allow, waits: allow }, Subscription: { ticks: allow } },
  });
  const built = buildSubgraph(subgraph, { database: { em: () => ({}) } } as unknown as Hub);
  server = await serveSubgraph({ subgraph: built, secrets, logger: silentLogger, host: '127.0.0.1', port: 0, drainMs: 100, ready: async () => undefined });
  remote = createRemoteDataSource({ url: server.url, signViewer: secrets.signViewer });
});
afterAll(async () => {
  await remote.close?.();
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const request = (query: string, viewer: Viewer = reader) => ({ operation: subgraphOperation(query), variables: new PlainVariables({}), viewer, requestId: 'r1', signal: new AbortController().signal });

describe('an execution that is not waited for any more is told so', () => {
  const ask = async (left?: number) => {
    const headers = { 'content-type': 'application/json', 'x-eventgraph-viewer': await secrets.signViewer(reader), ...(left !== undefined && { 'x-eventgraph-deadline-ms': String(left) }) };
    const client = new AbortController();
    return { client, answer: fetch(server.url, { method: 'POST', headers, body: '{"query":"{ waits }"}', signal: client.signal }).catch((error: unknown) => error as Error) };
  };
  test('when its time is up: the answer is an error with a code', async () => {
    const answer = (await (await ask(60)).answer) as Response;
    expect([answer.status, await answer.json()]).toEqual([504, { errors: [expect.objectContaining({ extensions: { code: 'DEADLINE_EXCEEDED', timeLeft: 60 } })] }]);
    expect(waiting).toBe(0);
    expect(await remote.execute(request('{ hello }', reader))).toEqual({ data: { hello: 'hello' } });
  });
  test('when whoever asked closes the connection', async () => {
    const { client, answer } = await ask();
    await vi.waitFor(() => expect(waiting).toBe(1), within);
    client.abort();
    expect(await answer).toBeInstanceOf(Error);
    await vi.waitFor(() => expect(waiting).toBe(0), within);
  });
  test('when the gateway gives up, because of its client or of the deadline', async () => {
    const client = new AbortController();
    const left = remote.execute({ ...request('{ waits }', reader), signal: client.signal });
    await vi.waitFor(() => expect(waiting).toBe(1), within);
    client.abort();
    await expect(left).rejects.toMatchObject({ code: 'SUBREQUEST_CANCELLED' });
    await vi.waitFor(() => expect(waiting).toBe(0), within);
    await expect(remote.execute({ ...request('{ waits }', reader), deadline: Date.now() + 50 })).rejects.toMatchObject({ code: 'SUBREQUEST_TIMEOUT' });
    await vi.waitFor(() => expect(waiting).toBe(0), within);
  });
  test.each(['reader', 'connection'])('when the %s of a subscription goes', async (what) => {
    const source = createRemoteDataSource({ url: server.url, signViewer: secrets.signViewer });
    const stream = (await source.subscribe(request('subscription { ticks { n } }', reader))) as AsyncIterableIterator<SourceEvent>;
    const next = stream.next().catch((error: unknown) => error);
    await vi.waitFor(() => expect(waiting).toBe(1), within);
    await (what === 'reader' ? stream.return?.() : source.close?.());
    await vi.waitFor(() => expect(waiting).toBe(0), within);
    await next;
    await source.close?.();
  });
  test.each(['', 'soon', '-5', '1e3', '99999999999'])('but not by a time that is none: %s', async (text) => {
    const headers = { 'content-type': 'application/json', 'x-eventgraph-viewer': await secrets.signViewer(reader), 'x-eventgraph-deadline-ms': text };
    expect((await fetch(server.url, { method: 'POST', headers, body: '{"query":"{ hello }"}' })).status).toBe(200);
  });
});
