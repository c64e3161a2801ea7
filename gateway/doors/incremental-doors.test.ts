/** `@defer` as clients get it: Apollo Client over HTTP, graphql-ws, graphql-sse, and one who takes no parts. */
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { Defer20220824Handler } from '@apollo/client/incremental';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient } from 'graphql-ws';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createLogger } from '#core/logging.ts';
import { publicViewer } from '#core/viewer.ts';
import { type HttpServer, createHttpServer } from './http.ts';
import { startGateway, subgraph } from '../testing/kit.ts';

let server: HttpServer;
let url: string;
let letGo: () => void;

beforeEach(async () => {
  const slow = Promise.withResolvers<void>();
  letGo = slow.resolve;
  const { gateway } = startGateway([
    subgraph('things', 'type Query { thing: Thing } type Thing @key(fields: "id") { id: ID! }', { Query: { thing: () => ({ id: '1' }) } }),
    subgraph('details', 'type Thing @key(fields: "id") { id: ID! slow: String }', { Thing: { slow: async () => (await slow.promise, 'at last') } }),
  ]);
  server = await createHttpServer({ gateway, identify: async () => publicViewer, logger: createLogger('silent') });
  url = `${await server.app.listen({ port: 0, host: '127.0.0.1' })}/graphql`;
});
afterEach(async () => {
  letGo();
  await server.app.close();
});

const query = '{ thing { __typename id ... @defer { slow } } }';
const first = { data: { thing: { __typename: 'Thing', id: '1' } }, hasNext: true };
const second = { incremental: [{ path: ['thing'], data: { slow: 'at last' } }], hasNext: false };

test('Apollo Client over HTTP shows the first part, then the deferred one', async () => {
  const client = new ApolloClient({ link: new HttpLink({ uri: url }), cache: new InMemoryCache(), incrementalHandler: new Defer20220824Handler() });
  const seen: unknown[] = [];
  const watched = client.watchQuery({ query: gql(query) }).subscribe(({ data }) => void seen.push(data));
  await expect.poll(() => seen).toContainEqual({ thing: { __typename: 'Thing', id: '1' } });
  letGo();
  await expect.poll(() => seen).toContainEqual({ thing: { __typename: 'Thing', id: '1', slow: 'at last' } });
  watched.unsubscribe();
  client.stop();
});

test('graphql-ws gets each part as a result of its own', async () => {
  const client = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0 });
  const results = client.iterate({ query });
  expect((await results.next()).value).toEqual(first);
  letGo();
  expect((await results.next()).value).toEqual(second);
  expect((await results.next()).done).toBe(true);
  await client.dispose();
});

test('graphql-sse gets each part as an event', async () => {
  const client = createSseClient({ url, retryAttempts: 0 });
  const results = client.iterate({ query });
  expect((await results.next()).value).toEqual(first);
  letGo();
  expect((await results.next()).value).toEqual(second);
  expect((await results.next()).done).toBe(true);
  client.dispose();
});

test('who takes JSON alone gets the whole answer', async () => {
  letGo();
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json' }, body: JSON.stringify({ query }) });
  expect(await response.json()).toEqual({ data: { thing: { __typename: 'Thing', id: '1', slow: 'at last' } } });
});

test('who takes Server-Sent Events too, but likes JSON better, gets the whole answer as JSON', async () => {
  letGo();
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }, body: JSON.stringify({ query }) });
  expect(response.headers.get('content-type')).toContain('application/json');
  expect(await response.json()).toEqual({ data: { thing: { __typename: 'Thing', id: '1', slow: 'at last' } } });
});

test('a query without @defer comes in one piece, whatever the client takes', async () => {
  letGo();
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'multipart/mixed;deferSpec=20220824, application/json' }, body: '{"query":"{ thing { id } }"}' });
  expect(response.headers.get('content-type')).toContain('application/json');
  expect(await response.json()).toEqual({ data: { thing: { id: '1' } } });
});
