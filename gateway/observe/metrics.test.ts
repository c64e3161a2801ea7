/** The numbers after known requests. */
import { fastify } from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import { createLogger } from '#core/logging.ts';
import { publicViewer } from '#core/viewer.ts';
import { createHttpServer } from '../doors/http.ts';
import { type Gateway, createGateway } from '../index.ts';
import { type RemoteSubgraph, createRemoteDataSource } from '../sources/remote-data-source.ts';
import { type Respond, response, serveBytes } from '../resilience/test-troubled-server.ts';
import { createChannel } from '../testing/channel.ts';
import { composeAll, startGateway, subgraph, viewerWith } from '../testing/kit.ts';
import { GatewayCounts, Tally } from './counts.ts';
import { Durations } from './durations.ts';
import { metricsRoute } from './metrics-route.ts';
import { createMetrics } from './metrics.ts';

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

const channel = createChannel<{ touched: { id: string } }>();
const list = subgraph(
  'list',
  `type Query { things: [Thing!]! other: Thing! broken: String }
   type Mutation { touch: Int }
   type Subscription { touched: Thing! }
   type Thing @key(fields: "id") { id: ID! }`,
  {
    Query: {
      things: () => ['1', '2', '2'].map((id) => ({ id })),
      other: () => ({ id: '3' }),
      broken: () => {
        throw new Error('no');
      },
    },
    Mutation: { touch: () => 1 },
    Subscription: { touched: { subscribe: () => channel.subscribe() } },
  },
);
const details = subgraph('details', 'type Thing @key(fields: "id") { id: ID! name: String size: Int }', { Thing: { name: () => 'a thing', size: () => 1 } });

const start = () => {
  const { gateway } = startGateway([list, details], { report: () => undefined });
  opened.push(() => gateway.dispose());
  return gateway;
};
const request = (query: string, variables: Record<string, unknown> = {}) => ({ query, variables, viewer: publicViewer, requestId: 'r1', signal: new AbortController().signal });
const textOf = (gateway: Gateway) => createMetrics({ gateway }).text();

/** Each sample of our own by its name and labels. */
const samplesOf = async (gateway: Gateway): Promise<Record<string, number>> =>
  Object.fromEntries(
    (await textOf(gateway))
      .split('\n')
      .filter((line) => line.startsWith('eventgraph_'))
      .map((line) => [line.slice('eventgraph_'.length, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );

test('operations by kind and outcome, and how long they took', async () => {
  const gateway = start();
  await gateway.execute(request('{ things { id } }'));
  await gateway.execute(request('{ things { id } }'));
  await gateway.execute(request('{ broken }'));
  await gateway.execute(request('{ nothing }'));
  await gateway.execute(request('mutation { touch }'));
  await gateway.execute(request('subscription { touched { id } }'));
  expect(() => gateway.operationOf({ query: '{' })).toThrow();
  expect(await samplesOf(gateway)).toMatchObject({
    'operations_total{kind="query",outcome="ok"}': 2,
    'operations_total{kind="query",outcome="partial"}': 1,
    'operations_total{kind="mutation",outcome="ok"}': 1,
    'operations_total{kind="subscription",outcome="OPERATION_NOT_SUPPORTED"}': 1,
    'operations_total{kind="unknown",outcome="GRAPHQL_VALIDATION_FAILED"}': 1,
    'operations_total{kind="unknown",outcome="GRAPHQL_PARSE_FAILED"}': 1,
    'operation_duration_seconds_count{kind="query"}': 3,
    'operation_duration_seconds_bucket{kind="query",le="+Inf"}': 3,
    'operation_duration_seconds_count{kind="mutation"}': 1,
  });
});

test('plans made and plans known, over a reload too', async () => {
  const gateway = start();
  await gateway.execute(request('{ things { id } }'));
  await gateway.execute(request('{ things { id } }'));
  await gateway.execute(request('{ other { id } }'));
  gateway.reload(composeAll([list, details]));
  await gateway.execute(request('{ other { id } }'));
  expect(await samplesOf(gateway)).toMatchObject({ plans_total: 3, plan_cache_hits_total: 1, plan_duration_seconds_count: 3 });
});

test('what batching and deduplication save', async () => {
  const gateway = start();
  await gateway.execute(request('{ things { name } other { name size } }'));
  expect(await samplesOf(gateway)).toMatchObject({
    'subgraph_requests_total{subgraph="list",outcome="ok"}': 1,
    'subgraph_requests_total{subgraph="details",outcome="ok"}': 1,
    'subgraph_request_duration_seconds_count{subgraph="details"}': 1,
    'subgraph_requests_under_way{subgraph="details"}': 0,
    'subgraph_fetches_total{subgraph="list"}': 1,
    'subgraph_fetches_total{subgraph="details"}': 2,
    'subgraph_objects_total{subgraph="details"}': 4,
    'subgraph_representations_total{subgraph="details"}': 3,
  });
});

test('answers that equal queries share', async () => {
  const gateway = start();
  await Promise.all([1, 2, 3].map(() => gateway.execute(request('{ things { id } }'))));
  expect(await samplesOf(gateway)).toMatchObject({ coalesced_answers_total: 2, 'operations_total{kind="query",outcome="ok"}': 3, 'subgraph_requests_total{subgraph="list",outcome="ok"}': 1 });
});

test('subscriptions: one execution for an event, delivered to each', async () => {
  const gateway = start();
  const live = () => gateway.subscribe(request('subscription { touched { name } }')) as Promise<AsyncIterableIterator<unknown>>;
  const streams = [await live(), await live()];
  const answers = streams.map((stream) => stream.next());
  await channel.waiting(2);
  expect(await samplesOf(gateway)).toMatchObject({ subscriptions_open: 2, subscription_groups: 1, 'operations_total{kind="subscription",outcome="ok"}': 2 });
  channel.publish({ touched: { id: '1' } });
  await Promise.all(answers);
  await Promise.all(streams.map((stream) => stream.return?.()));
  expect(await samplesOf(gateway)).toMatchObject({ subscriptions_open: 0, subscription_groups: 0, subscription_events_executed_total: 1, subscription_events_delivered_total: 2 });
});

describe('a subgraph behind its own server', () => {
  const remote = async (respond: Respond, settings: Partial<RemoteSubgraph> = {}) => {
    const counts = new GatewayCounts();
    const server = await serveBytes(respond);
    const gateway = createGateway({ supergraph: composeAll([list]), dataSources: (name) => createRemoteDataSource({ url: server.url, signViewer: () => 'signed', observe: counts.subgraph(name).observer, ...settings }), counts, shareAnswers: false });
    opened.push(() => gateway.dispose(), () => server.close());
    return gateway;
  };
  const good = response('{"data":{"things":[]}}');

  test('requests that share an answer', async () => {
    const gateway = await remote((socket) => socket.write(good));
    await Promise.all([1, 2, 3].map(() => gateway.execute(request('{ things { id } }'))));
    expect(await samplesOf(gateway)).toMatchObject({ 'subgraph_requests_shared_total{subgraph="list"}': 2, 'subgraph_requests_total{subgraph="list",outcome="ok"}': 3, 'subgraph_circuit{subgraph="list"}': 0 });
  });
  test('retries, the code of a failure, and the circuit', async () => {
    const gateway = await remote((socket) => socket.write(response('', { status: '503 Service Unavailable' })), { retries: 1, breaker: { failures: 2, ratio: 0.9, window: 100, openMs: 60_000 } });
    await gateway.execute(request('{ things { id } }'));
    await gateway.execute(request('{ things { id } }'));
    expect(await samplesOf(gateway)).toMatchObject({
      'subgraph_retries_total{subgraph="list"}': 1,
      'subgraph_requests_total{subgraph="list",outcome="SUBREQUEST_HTTP_ERROR"}': 1,
      'subgraph_requests_total{subgraph="list",outcome="SUBREQUEST_CIRCUIT_OPEN"}': 1,
      'subgraph_circuit{subgraph="list"}': 2,
    });
  });
  test('requests that wait for their turn, and connections', async () => {
    const served: Parameters<Respond>[0][] = [];
    const gateway = await remote((socket) => void served.push(socket), { maxConcurrent: 1, shareFetches: false });
    const answers = [1, 2, 3].map(() => gateway.execute(request('{ things { id } }')));
    await expect.poll(() => served.length).toBe(1);
    expect(await samplesOf(gateway)).toMatchObject({ 'subgraph_requests_queued{subgraph="list"}': 2, 'subgraph_connections{subgraph="list"}': 1 });
    for (let answered = 1; answered <= answers.length; answered++) {
      await expect.poll(() => served.length).toBe(answered);
      served.at(-1)?.write(good);
    }
    await Promise.all(answers);
    expect(await samplesOf(gateway)).toMatchObject({ 'subgraph_requests_queued{subgraph="list"}': 0 });
  });
  test('hedges', async () => {
    let asked = 0;
    const gateway = await remote((socket) => (++asked === 1 ? undefined : socket.write(good)), { hedgeAfterMs: 5 });
    await gateway.execute(request('{ things { id } }'));
    expect(await samplesOf(gateway)).toMatchObject({ 'subgraph_hedges_total{subgraph="list"}': 1 });
  });
  test('requests turned away from a full queue', async () => {
    const answered = Promise.withResolvers<void>();
    const gateway = await remote((socket) => void answered.promise.then(() => socket.write(good)), { maxConcurrent: 1, maxQueued: 0, shareFetches: false });
    const first = gateway.execute(request('{ things { id } }'));
    await gateway.execute(request('{ things { id } }'));
    answered.resolve();
    await first;
    expect(await samplesOf(gateway)).toMatchObject({ 'subgraph_shed_total{subgraph="list"}': 1, 'subgraph_requests_total{subgraph="list",outcome="SUBREQUEST_OVERLOADED"}': 1 });
  });
});

test('responses by status, and what is open for long', async () => {
  const gateway = start();
  const { app, connections } = await createHttpServer({ gateway, logger: createLogger('silent'), identify: async () => publicViewer });
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  opened.unshift(() => app.close());
  await (await fetch(`${origin}/graphql?query={things{id}}`)).text();
  await (await fetch(`${origin}/graphql`, { method: 'DELETE' })).text();
  await (await fetch(`${origin}/health/live`)).text();
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  await new Promise((resolve) => socket.addEventListener('open', resolve));
  await expect.poll(() => samplesOf(gateway)).toMatchObject({ 'http_responses_total{status="200"}': 1, 'http_responses_total{status="405"}': 1 });
  expect(await createMetrics({ gateway, connections }).text()).toContain('\neventgraph_live_connections 1\n');
  socket.close();
});

test('are for this machine itself, called by no other name, and for keys of admins; for everybody where that is said', async () => {
  const statusOf = async (options: { readonly isPublic?: boolean; readonly from?: string; readonly headers?: Record<string, string> }): Promise<number> => {
    const app = fastify();
    const identify = async (credential: string | null) => (credential === 'IPK_admin' ? viewerWith('admin') : viewerWith('read_events'));
    await app.register(metricsRoute({ metrics: createMetrics({ gateway: start(), connections: () => 0 }), identify, isPublic: options.isPublic ?? false }));
    const { statusCode } = await app.inject({ url: '/metrics', remoteAddress: options.from ?? '127.0.0.1', headers: { host: 'localhost:4000', ...options.headers } });
    await app.close();
    return statusCode;
  };
  for (const host of ['localhost', 'LOCALHOST:4000', '127.0.0.1:4000', '[::1]:4000', '::1']) expect([host, await statusOf({ headers: { host } })]).toEqual([host, host === '::1' ? 401 : 200]);
  for (const from of ['::1', '::ffff:127.0.0.1']) expect(await statusOf({ from })).toBe(200);
  for (const host of ['rebound.elsewhere.test:4000', 'localhost.elsewhere.test', '127.0.0.1.elsewhere.test']) expect([host, await statusOf({ headers: { host } })]).toEqual([host, 401]);
  for (const [name, value] of [['x-forwarded-for', '192.0.2.1'], ['forwarded', 'for=192.0.2.1'], ['via', '1.1 proxy']] as const) expect(await statusOf({ headers: { [name]: value } })).toBe(401);
  expect([await statusOf({ from: '192.0.2.1' }), await statusOf({ from: '192.0.2.1', isPublic: true })]).toEqual([401, 200]);
  expect([await statusOf({ from: '192.0.2.1', headers: { authorization: 'Bearer IPK_admin' } }), await statusOf({ from: '192.0.2.1', headers: { authorization: 'Bearer IPK_other' } })]).toEqual([200, 403]);
});

test('nothing that a client chose is a label', async () => {
  const gateway = start();
  await gateway.execute({ ...request('query MyOperation($v: Int) { myAlias: things { myField: name } }', { v: 4711 }), viewer: viewerWith('admin'), requestId: 'my-request' });
  await gateway.execute(request('query MyOther { unknownField }'));
  const labels = Object.keys(await samplesOf(gateway)).filter((name) => name.includes('{'));
  expect(labels.length).toBeGreaterThan(0);
  for (const word of ['MyOperation', 'MyOther', 'myAlias', 'myField', 'unknownField', '4711', 'my-request', 'k1']) expect(labels.join()).not.toContain(word);
});

test('codes of subgraphs are few, whatever subgraphs do', () => {
  const tally = new Tally();
  for (let index = 0; index < 1_000; index++) tally.add(`CODE_${index}`);
  tally.add('not a code\n{}"');
  expect(tally.byWord.size).toBeLessThanOrEqual(65);
  expect([...tally.byWord.values()].reduce((sum, count) => sum + count)).toBe(1_001);
  expect([...tally.byWord.keys()].every((word) => /^\w+$/.test(word))).toBe(true);
});

test('a duration is in the first bucket that holds it, and buckets add up as Prometheus wants them', async () => {
  const durations = new Durations();
  for (const ms of [0, 1, 1.1, 40_000]) durations.add(ms);
  expect([durations.buckets[0], durations.buckets[1], durations.buckets.at(-1), durations.sum]).toEqual([2, 1, 1, 40_002.1]);
  const gateway = start();
  for (const ms of [0, 1, 1.1, 40_000]) gateway.counts.planDurations.add(ms);
  expect(await samplesOf(gateway)).toMatchObject({
    'plan_duration_seconds_bucket{le="0.001"}': 2,
    'plan_duration_seconds_bucket{le="0.0025"}': 3,
    'plan_duration_seconds_bucket{le="30"}': 3,
    'plan_duration_seconds_bucket{le="+Inf"}': 4,
    plan_duration_seconds_sum: 40.0021,
    plan_duration_seconds_count: 4,
  });
});
