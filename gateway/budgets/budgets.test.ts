import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { connectRedis } from '#core/bus.ts';
import type { Budget } from '#core/config-limits.ts';
import { silentLogger } from '#core/testing.ts';
import { type Terms, type Viewer, publicViewer } from '#core/viewer.ts';
import { Answer, failure, refusal } from '../answer.ts';
import type { Charge } from '../doors/admission.ts';
import type { RequestRefused } from '../errors.ts';
import { startGateway, subgraph, viewerWith } from '../testing/kit.ts';
import { createBudgets } from './budgets.ts';
import { type Ledger, createMemoryLedger, createRedisLedger } from './ledger.ts';

const { gateway } = startGateway([subgraph('a', 'type Query { list(first: Int!): [Thing!] @listSize(slicingArguments: ["first"]) } type Thing { id: ID }')]);
const redis = connectRedis(inject('redisUrl'), silentLogger);
afterAll(async () => (await redis).disconnect());

const viewerOf = (terms: Partial<Terms>, more: Partial<Viewer> = {}): Viewer => ({ ...viewerWith(), ...more, terms: { client: null, tier: 'partner', documents: 'any', ...terms } });
const answered = (cost: number, ...codes: readonly string[]): Answer => new Answer(Buffer.from('{}'), true, codes.map((code) => ({ message: 'no', extensions: { code } })), undefined, cost);

describe.each([
  { form: 'in this process', ledger: async (): Promise<Ledger> => createMemoryLedger() },
  { form: 'in Redis', ledger: async (): Promise<Ledger> => createRedisLedger(await redis) },
])('budgets counted $form', ({ ledger }) => {
  const start = async (partner: Budget | null = { units: 100, seconds: 60 }) => {
    const clock = { now: 1_000_000_000_000 };
    const tiers = { public: { units: 10, seconds: 10 }, partner, premium: { units: 1_000, seconds: 60 }, internal: null };
    const budgets = createBudgets({ gateway, ledger: await ledger(), tiers, maxCost: 5_000, now: () => clock.now });
    const client = randomUUID();
    const charge = async (cost: number, viewer: Viewer = viewerOf({ client }), address = '192.0.2.1'): Promise<Charge> => budgets.charge(gateway.operationOf({ query: `{ list(first: ${cost}) { id } }` }), null, { viewer, address });
    const refusalOf = async (cost: number, viewer?: Viewer, address?: string) => {
      const error = (await charge(cost, viewer, address).then(() => null, (thrown: unknown) => thrown)) as RequestRefused | null;
      return error && { headers: error.headers, ...error.errors[0]?.extensions };
    };
    return { client, clock, charge, refusalOf };
  };

  test('a request over the budget is refused with what it costs, what is left and when to come again', async () => {
    const { charge, refusalOf, clock } = await start();
    clock.now += 15_500;
    const leftMs = 60_000 - (clock.now % 60_000);
    const t = Math.ceil(leftMs / 1000);
    expect(await charge(70)).toMatchObject({ cost: 70, headers: { 'ratelimit-policy': '"partner";q=100;w=60', ratelimit: `"partner";r=30;t=${t}` } });
    expect(await refusalOf(31)).toEqual({
      code: 'RATE_LIMITED', limit: 'cost in 60 seconds', value: 31, maximum: 100, remaining: 30, budget: 'partner', retryAfter: t,
      headers: { 'ratelimit-policy': '"partner";q=100;w=60', ratelimit: `"partner";r=30;t=${t}`, 'retry-after': String(t) },
    });
    expect(await charge(30)).toMatchObject({ headers: { ratelimit: `"partner";r=0;t=${t}` } });
    clock.now += leftMs - 1;
    expect(await refusalOf(1)).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 1 });
    clock.now += 1;
    expect(await charge(100)).toMatchObject({ cost: 100 });
  });

  test('what an answer cost less is given back, what it cost more is charged on top', async () => {
    const { charge, refusalOf } = await start();
    (await charge(90)).settle(answered(10));
    const second = await charge(90);
    second.settle(answered(120));
    await expect.poll(() => refusalOf(1)).toMatchObject({ code: 'RATE_LIMITED', remaining: 0 });
  });

  test('what was refused before execution costs 1; what came to nothing, and answers in parts, what they were estimated to', async () => {
    const { charge } = await start();
    (await charge(60)).settle(refusal([{ message: 'no' }]));
    const left = async () => Number(/r=(\d+)/.exec((await charge(1)).headers['ratelimit'] ?? '')?.[1]);
    const before = await left();
    expect(before).toBe(98);
    (await charge(20)).settle(failure([{ message: 'no' }]));
    expect(await left()).toBe(before - 21);
  });

  test('nothing is given back for an answer in which something failed: it was done, for all anybody knows', async () => {
    const { charge } = await start();
    const left = async () => Number(/r=(\d+)/.exec((await charge(1)).headers['ratelimit'] ?? '')?.[1]);
    (await charge(40)).settle(answered(1, 'PAGE_SIZE_INVALID'));
    expect(await left()).toBe(59);
    (await charge(20)).settle(answered(30, 'PAGE_SIZE_INVALID'));
    await expect.poll(left).toBeLessThan(30);
  });

  test('what was held back from the viewer was never done, and is given back', async () => {
    const { charge } = await start();
    (await charge(60)).settle(answered(10, 'UNAUTHORIZED_FIELD_OR_TYPE'));
    await expect.poll(async () => (await charge(1)).headers['ratelimit']).toMatch(/r=[5-8]\d;/);
  });

  test('what is given back late goes to the window it was taken from', async () => {
    const { charge, refusalOf, clock } = await start();
    const late = await charge(100);
    clock.now += 60_000;
    await charge(100);
    late.settle(answered(1));
    expect(await refusalOf(1)).toMatchObject({ code: 'RATE_LIMITED' });
  });

  test('what could never fit is refused for ever, and takes nothing', async () => {
    const { charge, refusalOf } = await start();
    expect(await refusalOf(101)).toEqual({ code: 'COST_EXCEEDED', limit: 'budget of the tier partner', value: 101, maximum: 100, headers: {} });
    expect(await refusalOf(5_001, viewerOf({ tier: 'internal' }))).toEqual({ code: 'COST_EXCEEDED', limit: 'cost of an operation', value: 5_001, maximum: 5_000, headers: {} });
    expect(await charge(100)).toMatchObject({ cost: 100 });
  });

  test('all keys and tokens of a client have one budget', async () => {
    const { client, charge, refusalOf } = await start();
    await charge(60, viewerOf({ client }, { keyId: 'one' }));
    expect(await refusalOf(60, viewerOf({ client }, { keyId: 'two' }))).toMatchObject({ remaining: 40 });
    expect(await refusalOf(60, viewerOf({ client: `${client} another` }))).toBeNull();
    expect(await refusalOf(60, viewerOf({ client, tier: 'premium' }))).toBeNull();
  });

  test('without a client, the tokens that came of one key have one', async () => {
    const { client: key, charge, refusalOf } = await start();
    await charge(60, viewerOf({}, { keyId: key }));
    expect(await refusalOf(60, viewerOf({}, { keyId: 'minted', standsOn: [key] }))).toMatchObject({ remaining: 40 });
    expect(await refusalOf(60, viewerOf({}, { keyId: `${key} another` }))).toBeNull();
  });

  test('without a key, each network has one', async () => {
    const { charge, refusalOf } = await start();
    const prefix = `2001:db8:${Math.floor(Math.random() * 0xffff).toString(16)}:${Math.floor(Math.random() * 0xffff).toString(16)}`;
    await charge(10, publicViewer, `${prefix}::1`);
    expect(await refusalOf(1, publicViewer, `${prefix}:ffff::2`)).toMatchObject({ code: 'RATE_LIMITED', budget: 'public' });
    expect(await refusalOf(1, publicViewer, `2001:db9:${prefix.slice(9)}::1`)).toBeNull();
  });
});

test('a tier without a budget is not counted, and is told so at once', () => {
  const budgets = createBudgets({ gateway, ledger: { take: () => Promise.reject(new Error('nobody counts')) }, tiers: { public: null, partner: null, premium: null, internal: null }, maxCost: 5_000 });
  const charge = budgets.charge(gateway.operationOf({ query: '{ list(first: 9) { id } }' }), null, { viewer: publicViewer, address: '' });
  expect(charge).toMatchObject({ cost: 9, headers: {} });
});
