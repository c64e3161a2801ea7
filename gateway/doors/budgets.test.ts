import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { publicViewer } from '#core/viewer.ts';
import { createBudgets } from '../budgets/budgets.ts';
import { createMemoryLedger } from '../budgets/ledger.ts';
import { createChannel } from '../testing/channel.ts';
import { startGateway, subgraph, viewerWith } from '../testing/kit.ts';
import { type Admission, type Budgets, createAdmission } from './admission.ts';
import { type HttpServer, createHttpServer } from './http.ts';

const lines: Record<string, unknown>[] = [];
const begun = createChannel<object>();
const { gateway } = startGateway([
  subgraph('a', 'type Query { list(first: Int!): [Thing!] @listSize(slicingArguments: ["first"]) slow(first: Int!): [Thing!] @listSize(slicingArguments: ["first"]) bad(first: Int!): [Thing!]! @listSize(slicingArguments: ["first"]) secret(first: Int!): [Thing!]! @listSize(slicingArguments: ["first"]) @requiresScopes(scopes: [["admin"]]) } type Thing { id: ID }', {
    Query: {
      list: (_: unknown, { first }: { first: number }) => Array.from({ length: first }, (__, id) => ({ id })),
      bad: () => Promise.reject(new Error('no')),
      // Gives up with whoever asked, as a subgraph behind a server does.
      slow: (_: unknown, __: unknown, context: unknown) => {
        begun.publish({});
        return new Promise((___, reject) => (context as { signal: AbortSignal }).signal.addEventListener('abort', () => reject(new Error('gone'))));
      },
    },
  }),
], { report: () => undefined });
const budgets = createBudgets({ gateway, ledger: createMemoryLedger(), tiers: { public: { units: 100, seconds: 3600 }, partner: { units: 1_000, seconds: 3600 }, premium: null, internal: null }, maxCost: 5_000 });
let admitting: Admission = createAdmission({ gateway, budgets });
let server: HttpServer;
let url: string;

beforeAll(async () => {
  const identify = async (credential: string | null) => (credential === null ? publicViewer : { ...viewerWith(), keyId: credential, terms: { client: credential, tier: credential.startsWith('own') ? ('internal' as const) : ('partner' as const), documents: 'any' as const } });
  server = await createHttpServer({ gateway, identify, admission: { admit: (...args) => admitting.admit(...args) }, logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }) });
  url = `${await server.app.listen({ port: 0, host: '127.0.0.1' })}/graphql`;
});
afterAll(() => server.app.close());

const ask = async (first: number, key?: string, accept = 'application/json') => {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', accept, ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) }, body: JSON.stringify({ query: `{ list(first: ${first}) { id } }` }) });
  const { headers, status } = response;
  const text = await response.text();
  return { status, policy: headers.get('ratelimit-policy'), rest: headers.get('ratelimit'), retryAfter: headers.get('retry-after'), text, body: (text.startsWith('{') ? JSON.parse(text) : null) as { errors?: { extensions: object }[] } };
};

describe('over HTTP', () => {
  test('every answer that was charged tells what is left', async () => {
    expect(await ask(300, 'one')).toMatchObject({ status: 200, policy: '"partner";q=1000;w=3600', rest: expect.stringMatching(/^"partner";r=700;t=\d+$/) });
  });

  test.each(['application/json', 'application/graphql-response+json'])('over the budget: 429, when to come again, and what is left (%s)', async (accept) => {
    await ask(900, accept);
    const refused = await ask(200, accept, accept);
    expect(refused).toMatchObject({ status: 429, policy: '"partner";q=1000;w=3600', rest: expect.stringMatching(/^"partner";r=100;t=\d+$/), body: { errors: [{ extensions: { code: 'RATE_LIMITED', value: 200, maximum: 1000, remaining: 100, budget: 'partner' } }] } });
    expect(Number(refused.retryAfter)).toBeGreaterThan(0);
    expect(refused.rest).toContain(`t=${refused.retryAfter}`);
  });

  test.each(['application/json', 'application/graphql-response+json'])('what could never fit: 400, and not to come again (%s)', async (accept) => {
    expect(await ask(1_001, 'two', accept)).toMatchObject({ status: 400, retryAfter: null, body: { errors: [{ extensions: { code: 'COST_EXCEEDED', value: 1_001, maximum: 1_000 } }] } });
  });

  test('a stream that is refused says so in its first event', async () => {
    await ask(1_000, 'three');
    const refused = await ask(10, 'three', 'text/event-stream');
    expect(refused.text).toContain('RATE_LIMITED');
    expect(refused.policy).toBe('"partner";q=1000;w=3600');
  });

  test('a tier without a budget is told nothing of it', async () => {
    expect(await ask(4_000, 'own')).toMatchObject({ status: 200, policy: null, rest: null });
    expect(await ask(4_000, 'own')).toMatchObject({ status: 200 });
  });

  test('who goes away before the answer gets nothing back', async () => {
    const abort = new AbortController();
    const settled = Promise.withResolvers<void>();
    const counted: Budgets = {
      charge: async (...asked) => {
        const charge = await budgets.charge(...asked);
        return { ...charge, settle: (answer) => (charge.settle(answer), settled.resolve()) };
      },
    };
    admitting = createAdmission({ gateway, budgets: counted });
    const execution = begun.subscribe().next();
    const asked = fetch(url, { method: 'POST', signal: abort.signal, headers: { 'content-type': 'application/json', authorization: 'Bearer five' }, body: '{"query": "{ slow(first: 700) { id } }"}' });
    await execution;
    abort.abort();
    await expect(asked).rejects.toThrow();
    await settled.promise;
    admitting = createAdmission({ gateway, budgets });
    expect(await ask(1, 'five')).toMatchObject({ rest: expect.stringMatching(/r=299;/) });
  });

  test.each(['bad', 'secret'])('a field that comes to nothing on purpose does not make the others free (%s)', async (field) => {
    const query = `{ ${field}(first: 1) { id } list(first: 600) { id } }`;
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${field}` }, body: JSON.stringify({ query }) });
    expect(await response.json()).toMatchObject({ data: null });
    expect(await ask(1, field)).toMatchObject({ rest: expect.stringMatching(/r=398;/) });
  });

  test('what the document is refused for costs nothing', async () => {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', authorization: 'Bearer four' }, body: '{"query": "{ nothing }"}' });
    expect(response.headers.get('ratelimit')).toBeNull();
    expect(await ask(1_000, 'four')).toMatchObject({ status: 200 });
  });
});

test('what an answer cost is in the log and the numbers, beside who asked; what was refused for it is counted too', async () => {
  const refusedBefore = gateway.counts.operations.query.byWord.get('RATE_LIMITED') ?? 0;
  await ask(700, 'told');
  await ask(700, 'told');
  await expect.poll(() => lines.filter(({ client }) => client === 'told')).toMatchObject([{ key: 'told', cost: 700, errors: 0, ms: expect.any(Number) }, { key: 'told', status: 429, errors: 1 }]);
  expect([...gateway.counts.clients.all()].filter(({ client }) => client === 'told')).toMatchObject([{ operation: 'UNNAMED', cost: 700 }]);
  expect(gateway.counts.operations.query.byWord.get('RATE_LIMITED')).toBe(refusedBefore + 1);
});

test('over WebSocket: an error, and nothing is executed', async () => {
  const client = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, connectionParams: { authorization: 'Bearer socket' }, retryAttempts: 0 });
  const query = (first: number) => client.iterate({ query: `{ list(first: ${first}) { id } }` }).next();
  expect((await query(900)).value).toMatchObject({ data: {} });
  await expect(query(200)).rejects.toMatchObject([{ extensions: { code: 'RATE_LIMITED', value: 200, remaining: 100 } }]);
  await client.dispose();
});
