import { afterEach, expect, test } from 'vitest';
import { createLogger } from '#core/logging.ts';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import type { GatewayRequest } from '../gateway-request.ts';
import { createHttpServer } from '../doors/http.ts';
import { type Gateway, createGateway } from '../index.ts';
import { createRemoteDataSource } from '../sources/remote-data-source.ts';
import { composeAll, schemaOf, startGateway, subgraph, viewerWith } from '../testing/kit.ts';
import { serveSubgraph } from '../testing/subgraph-server.ts';

const admin = viewerWith('admin');
const others: readonly (readonly [string, Viewer])[] = [
  ['nobody known', publicViewer],
  ['a key with every permission but admin', viewerWith('read_events', 'read_attendance', 'read_participants', 'read_orders', 'manage_services', 'webhook_subscribe')],
];

let begun = 0;
let letGo = (): void => undefined;
let gate: Promise<void> | null = null;
const list = subgraph('list', 'type Query { things: [Thing!]! } type Mutation { touch: Int } type Subscription { touched: Int } type Thing @key(fields: "id") { id: ID! }', {
  Query: { things: async () => (begun++, await gate, ['1', '2', '2'].map((id) => ({ id }))) },
  Mutation: { touch: () => 1 },
  Subscription: { touched: { subscribe: async function* () { yield { touched: 1 }; } } },
});
const details = subgraph('details', 'type Thing @key(fields: "id") { id: ID! name: String fails: String }', {
  Thing: {
    name: ({ id }: { id: string }) => `Thing ${id}`,
    fails: () => {
      throw new Error('no');
    },
  },
});
const query = '{ things { name } }';
const data = { things: [{ name: 'Thing 1' }, { name: 'Thing 2' }, { name: 'Thing 2' }] };

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
  gate = null;
});
const start = (): Gateway => {
  const { gateway } = startGateway([list, details], { report: () => undefined });
  opened.push(() => gateway.dispose());
  return gateway;
};
const request = (change: Partial<GatewayRequest> = {}): GatewayRequest => ({ query, viewer: admin, requestId: 'r1', signal: new AbortController().signal, ...change });
type Timings = { readonly totalMs: number; readonly planningMs: number; readonly executionMs: number; readonly shapingMs: number; readonly requests: readonly { readonly startMs: number; readonly durationMs: number }[] };
type Traced = { readonly data?: unknown; readonly extensions?: { readonly trace: { readonly plan?: { readonly steps: unknown }; readonly timings?: Timings } } };
const ask = async (gateway: Gateway, change: Partial<GatewayRequest> = {}) => (await gateway.execute(request(change))) as Traced;

test('an admin is told the plan: as it is printed, as steps, and whether it was known', async () => {
  const gateway = start();
  const first = await ask(gateway, { wantedTrace: 'plan' });
  expect(first).toEqual({ data, extensions: { trace: { plan: expect.objectContaining({ cached: false, text: expect.stringContaining('Flatten(path: "things.@")') }) } } });
  expect(first.extensions?.trace.plan?.steps).toEqual([
    { batch: 0, subgraph: 'list', stage: 0, after: [], block: 0, paths: [''], operation: expect.stringContaining('things') },
    { batch: 1, subgraph: 'details', stage: 1, after: [0], block: 0, paths: ['things.@'], operation: expect.stringContaining('_entities') },
  ]);
  expect((await ask(gateway, { wantedTrace: 'plan' })).extensions?.trace.plan).toMatchObject({ cached: true });
});

test('an admin is told what took how long, each request to a subgraph by itself', async () => {
  const { extensions } = await ask(start(), { wantedTrace: 'timings' });
  expect(Object.keys(extensions?.trace ?? {})).toEqual(['timings']);
  const timings = extensions?.trace.timings as Timings;
  expect(timings.requests).toEqual([
    { batch: 0, subgraph: 'list', startMs: expect.any(Number), durationMs: expect.any(Number), entities: 0, bytes: null, shared: false, errors: 0, code: null },
    { batch: 1, subgraph: 'details', startMs: expect.any(Number), durationMs: expect.any(Number), entities: 2, bytes: null, shared: false, errors: 0, code: null },
  ]);
  const [first, second] = timings.requests;
  expect(second?.startMs).toBeGreaterThanOrEqual((first?.startMs ?? 0) + (first?.durationMs ?? 0) - 0.01);
  expect(timings.totalMs).toBeGreaterThanOrEqual(timings.planningMs + timings.executionMs + timings.shapingMs - 0.01);
});

test('the plan and the timings together, asked for in the extensions of the request', async () => {
  const { extensions } = await ask(start(), { extensions: { trace: 'timings, plan' } });
  expect(Object.keys(extensions?.trace ?? {})).toEqual(['plan', 'timings']);
});

test.each(others)('%s is answered as ever', async (_, viewer) => {
  expect(await ask(start(), { viewer, wantedTrace: 'plan,timings', extensions: { trace: 'plan' } })).toEqual({ data });
});

test.each<Partial<GatewayRequest>>([{}, { wantedTrace: '' }, { wantedTrace: 'everything' }, { wantedTrace: ['plan'] }, { extensions: { trace: { plan: true } } }, { extensions: { trace: null } }])('without a word that is known nothing is told: %j', async (change) => {
  expect(await ask(start(), change)).toEqual({ data });
});

test('mutations are traced too', async () => {
  expect(await ask(start(), { query: 'mutation { touch }', wantedTrace: 'plan' })).toMatchObject({ data: { touch: 1 }, extensions: { trace: { plan: { steps: [{ subgraph: 'list' }] } } } });
});

test('events of subscriptions are not, as others receive them', async () => {
  const answers = await start().subscribe(request({ query: 'subscription { touched }', wantedTrace: 'plan' }));
  for await (const answer of answers as AsyncIterable<unknown>) expect(answer).toEqual({ data: { touched: 1 } });
});

test('a traced answer is shared with nobody, and a shared one is not traced', async () => {
  const gateway = start();
  gate = new Promise((resolve) => (letGo = resolve));
  begun = 0;
  const answers = [ask(gateway), ask(gateway), ask(gateway, { wantedTrace: 'timings' }), ask(gateway, { wantedTrace: 'timings' }), ask(gateway)];
  letGo();
  const traced = (await Promise.all(answers)).map((answer) => 'extensions' in answer);
  expect(traced).toEqual([false, false, true, true, false]);
  expect(begun).toBe(3);
});

test('a request that failed says why, one whose answer has errors how many', async () => {
  const gateway = createGateway({
    supergraph: composeAll([list, details]),
    dataSources: (name) => ({
      execute: async () => {
        if (name === 'list') return { data: { things: [{ __typename: 'Thing', id: '1' }] }, errors: [{ message: 'hm' }] } as never;
        throw new Error('secret');
      },
      subscribe: async () => ({ data: null }),
    }),
    report: () => undefined,
  });
  const { extensions } = await ask(gateway, { wantedTrace: 'timings' });
  expect(extensions?.trace.timings?.requests).toMatchObject([{ errors: 1, code: null }, { errors: 0, code: 'SUBREQUEST_FAILED' }]);
});

test('with @defer the last part tells it', async () => {
  const answer = await start().answer(request({ query: '{ things { id ... @defer { name } } }', inParts: true, wantedTrace: 'plan,timings' }));
  expect(answer.result).not.toHaveProperty('extensions');
  const parts: unknown[] = [];
  for await (const part of answer.rest ?? []) parts.push(part.result);
  expect(parts.pop()).toMatchObject({ hasNext: false, extensions: { trace: { plan: { steps: [{ block: 0 }, { block: 1 }] }, timings: { requests: [{ subgraph: 'list' }, { subgraph: 'details' }] } } } });
  expect(JSON.stringify(parts)).not.toContain('extensions');
});

test('of a subgraph behind its own server: the bytes of an answer, and which request took that of another', async () => {
  const servers = new Map(await Promise.all([list, details].map(async (each) => [each.name, await serveSubgraph(schemaOf(each))] as const)));
  const gateway = createGateway({ supergraph: composeAll([list, details]), dataSources: (name) => createRemoteDataSource({ url: servers.get(name)?.url ?? '', signViewer: () => 'signed' }) });
  opened.push(() => gateway.dispose(), ...[...servers.values()].map((server) => () => server.close()));
  gate = new Promise((resolve) => (letGo = resolve));
  const answers = [ask(gateway, { wantedTrace: 'timings' }), ask(gateway, { wantedTrace: 'timings' })];
  letGo();
  const requests = (await Promise.all(answers)).map(({ extensions }) => extensions?.trace.timings?.requests[0]);
  expect(requests).toMatchObject([
    { subgraph: 'list', shared: false, bytes: JSON.stringify({ data: { things: ['1', '2', '2'].map((id) => ({ __typename: 'Thing', id })) } }).length },
    { subgraph: 'list', shared: true, bytes: null },
  ]);
});

test('over HTTP the header asks for it; the body of everybody else is the same as without', async () => {
  const { app } = await createHttpServer({ gateway: start(), logger: createLogger('silent'), identify: async (credential) => (credential === 'IPK_admin' ? admin : publicViewer) });
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  opened.unshift(() => app.close());
  const get = (headers: Record<string, string>) => fetch(`${origin}/graphql?query=${encodeURIComponent(query)}`, { headers }).then((response) => response.text());
  expect(JSON.parse(await get({ 'x-eventgraph-trace': 'plan', 'x-api-key': 'IPK_admin' }))).toMatchObject({ data, extensions: { trace: { plan: { cached: false } } } });
  expect(await get({ 'x-eventgraph-trace': 'plan' })).toBe(JSON.stringify({ data }));
  expect(await get({ 'x-api-key': 'IPK_admin' })).toBe(JSON.stringify({ data }));
});
