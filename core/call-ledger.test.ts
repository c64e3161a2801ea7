/** One suite over both ledgers: the one in this process is honest when it does what Redis does. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { connectRedis } from './bus.ts';
import { type CallLedger, createInsuredCallLedger, createMemoryCallLedger, createRedisCallLedger } from './call-ledger.ts';
import { silentLogger } from './testing.ts';

const open: Redis[] = [];
const redisLedger = async (): Promise<CallLedger> => {
  const redis = await connectRedis(inject('redisUrl'), silentLogger);
  open.push(redis);
  return createRedisCallLedger(redis);
};
afterAll(() => open.forEach((redis) => redis.disconnect()));

const oneMemory = createMemoryCallLedger();
const [firstOfTwo, secondOfTwo] = [redisLedger(), redisLedger()];

describe.each([
  { form: 'in this process', ledgers: async () => [oneMemory] },
  { form: 'in Redis, for two processes', ledgers: async () => [await firstOfTwo, await secondOfTwo] },
])('a ledger of calls $form', ({ ledgers }) => {
  const at = async (nth: number): Promise<CallLedger> => {
    const all = await ledgers();
    return all[nth % all.length] as CallLedger;
  };
  const minute = (calls: number) => ({ calls, seconds: 60 });

  test('lets through as many calls as the budget has, in whichever process, and says when the next one may be', async () => {
    const account = randomUUID();
    for (let nth = 0; nth < 9; nth++) expect(await (await at(nth)).take(account, minute(9), false)).toEqual({ isTaken: true });
    const refused = await (await at(1)).take(account, minute(9), false);
    expect(refused).toMatchObject({ isTaken: false, isHeld: false });
    if (!refused.isTaken) expect(refused.waitMs).toSatisfy((ms: number) => ms > 30_000 && ms <= 60_000);
    expect(await (await at(1)).used(account, minute(9))).toMatchObject({ used: 9 });
  });

  test('counts a call for as long as the budget says and no longer', async () => {
    const account = randomUUID();
    const ledger = await at(0);
    const budget = { calls: 1, seconds: 0.05 };
    expect(await ledger.take(account, budget, false)).toEqual({ isTaken: true });
    await expect.poll(() => ledger.take(account, budget, false), { interval: 5 }).toEqual({ isTaken: true });
  });

  test('leaves a tenth to calls that are pressing, and lets those through whatever was taken', async () => {
    const account = randomUUID();
    for (let nth = 0; nth < 18; nth++) expect(await (await at(nth)).take(account, minute(20), false)).toEqual({ isTaken: true });
    expect(await (await at(0)).take(account, minute(20), false)).toMatchObject({ isTaken: false });
    for (let nth = 0; nth < 5; nth++) expect(await (await at(nth)).take(account, minute(20), true)).toEqual({ isTaken: true });
    expect(await (await at(0)).used(account, minute(20))).toMatchObject({ used: 23 });
  });

  test('keeps accounts apart, and knows nothing of one that was forgotten', async () => {
    const [one, other] = [randomUUID(), randomUUID()];
    await (await at(0)).take(one, minute(1), false);
    expect(await (await at(0)).take(other, minute(1), false)).toEqual({ isTaken: true });
    await (await at(1)).hold(one, 60_000);
    await (await at(0)).forget(one);
    expect(await (await at(1)).take(one, minute(1), false)).toEqual({ isTaken: true });
    expect(await (await at(1)).used(randomUUID(), minute(1))).toEqual({ used: 0, resetMs: 0 });
  });

  test('lets nobody through while an upstream is left alone, pressing or not, with a budget or without', async () => {
    const account = randomUUID();
    await (await at(0)).hold(account, 60_000);
    await (await at(1)).hold(account, 10); // a shorter wait does not shorten it
    for (const [budget, isPressing] of [[null, false], [minute(10), false], [minute(10), true]] as const) {
      const refused = await (await at(1)).take(account, budget, isPressing);
      expect(refused).toMatchObject({ isTaken: false, isHeld: true });
      if (!refused.isTaken) expect(refused.waitMs).toSatisfy((ms: number) => ms > 30_000 && ms <= 60_000);
    }
    expect(await (await at(0)).used(account, minute(10))).toEqual({ used: 0, resetMs: 0 });
  });

  test('of calls that race, lets through as many as the budget has and no more', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 120 }), async (calls, asked) => {
        const account = randomUUID();
        const taken = await Promise.all(Array.from({ length: asked }, async (_, nth) => (await at(nth)).take(account, minute(calls), false)));
        expect(taken.filter(({ isTaken }) => isTaken).length).toBe(Math.min(asked, calls - Math.floor(calls / 10)));
      }),
      { numRuns: 30 },
    );
  });
});

test('in any span of the budget’s length, no more calls are let through than it has, and the wait that is told is exact', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 60 }), async (calls, pauses) => {
      let now = 0;
      const ledger = createMemoryCallLedger(() => now);
      const sent: number[] = [];
      for (const ms of pauses) {
        now += ms;
        const first = await ledger.take('a', { calls, seconds: 60 }, false);
        if (!first.isTaken) {
          now += first.waitMs - 1;
          expect(await ledger.take('a', { calls, seconds: 60 }, false)).toMatchObject({ isTaken: false, waitMs: 1 });
          now += 1;
          expect(await ledger.take('a', { calls, seconds: 60 }, false)).toEqual({ isTaken: true });
        }
        sent.push(now);
      }
      for (const at of sent) expect(sent.filter((each) => each > at - 60_000 && each <= at).length).toBeLessThanOrEqual(calls);
    }),
  );
});

test('while Redis is out of reach, calls are counted in the process: neither an outage nor without a limit, and told in the log once', async () => {
  const lines: { level: number; msg: string }[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  const redis = await connectRedis(inject('redisUrl'), silentLogger, { enableOfflineQueue: false, retryStrategy: () => null });
  const ledger = createInsuredCallLedger(createRedisCallLedger(redis), createMemoryCallLedger(), logger);
  const account = randomUUID();
  const budget = { calls: 2, seconds: 60 };
  expect(await ledger.take(account, budget, false)).toEqual({ isTaken: true });
  redis.disconnect();
  const taken = [];
  for (let nth = 0; nth < 3; nth++) taken.push((await ledger.take(account, budget, false)).isTaken);
  expect(taken).toEqual([true, true, false]);
  await ledger.hold(account, 60_000);
  expect(await ledger.take(account, null, true)).toMatchObject({ isHeld: true });
  expect(lines).toMatchObject([{ level: 40, msg: 'Redis is out of reach: calls to upstreams are counted in this process alone' }]);
});
