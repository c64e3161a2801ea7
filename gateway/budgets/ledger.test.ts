/** One suite over both ledgers: the one in this process is honest when it does what Redis does. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import fc from 'fast-check';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { connectRedis } from '#core/bus.ts';
import { silentLogger } from '#core/testing.ts';
import { type Ledger, type Taken, createInsuredLedger, createMemoryLedger, createRedisLedger } from './ledger.ts';

const open: Redis[] = [];
const redisLedger = async (url = inject('redisUrl')): Promise<Ledger> => {
  const redis = await connectRedis(url, silentLogger, { commandTimeout: 20_000 });
  open.push(redis);
  return createRedisLedger(redis);
};
afterAll(() => open.forEach((redis) => redis.disconnect()));

/** `others`: ledgers of other gateways that count together with the first. */
describe.each([
  { form: 'in this process', ledgers: async () => [createMemoryLedger()] },
  { form: 'in Redis, for two gateways', ledgers: async () => [await redisLedger(), await redisLedger()] },
])('a ledger $form', ({ ledgers }) => {
  const all = ledgers();
  const take = async (at: number, account: string, units: number, budget: { units: number; seconds: number }): Promise<Taken> => {
    const each = await all;
    return (each[at % each.length] as Ledger).take(account, units, budget);
  };

  test('takes what fits and refuses what does not, which takes nothing', async () => {
    const account = randomUUID();
    const budget = { units: 100, seconds: 60 };
    expect(await take(0, account, 60, budget)).toMatchObject({ isAccepted: true, remaining: 40 });
    expect(await take(1, account, 41, budget)).toMatchObject({ isAccepted: false, remaining: 40 });
    expect(await take(0, account, 40, budget)).toMatchObject({ isAccepted: true, remaining: 0 });
    expect(await take(1, account, 1, budget)).toMatchObject({ isAccepted: false, remaining: 0 });
  });

  test('keeps accounts and budgets apart', async () => {
    const account = randomUUID();
    const budget = { units: 10, seconds: 60 };
    expect(await take(0, account, 10, budget)).toMatchObject({ isAccepted: true });
    expect(await take(0, `${account} of another window`, 10, budget)).toMatchObject({ isAccepted: true });
  });

  test('takes a debt though it does not fit, and accepts nothing until it is paid', async () => {
    const account = randomUUID();
    const budget = { units: 10, seconds: 60 };
    const first = await take(0, account, 5, budget);
    await first.correct(20);
    expect(await take(1, account, 1, budget)).toMatchObject({ isAccepted: false, remaining: 0 });
    await first.correct(-20);
    expect(await take(1, account, 5, budget)).toMatchObject({ isAccepted: true, remaining: 0 });
  });

  test('gives nothing back for what was refused', async () => {
    const account = randomUUID();
    const budget = { units: 10, seconds: 60 };
    await take(0, account, 10, budget);
    const refused = await take(0, account, 5, budget);
    await refused.correct(-5);
    expect(await take(1, account, 1, budget)).toMatchObject({ isAccepted: false });
  });

  type Step = { readonly kind: 'take'; readonly units: number } | { readonly kind: 'correct'; readonly which: number; readonly share: number };
  const step: fc.Arbitrary<Step> = fc.oneof(fc.record({ kind: fc.constant('take' as const), units: fc.integer({ min: 1, max: 60 }) }), fc.record({ kind: fc.constant('correct' as const), which: fc.nat(50), share: fc.double({ min: -1, max: 2, noNaN: true }) }));

  test('for any schedule of charges, refunds and debts, accepts exactly what fits', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 200 }), fc.array(fc.tuple(fc.nat(1), step), { maxLength: 60 }), async (units, schedule) => {
        const account = randomUUID();
        const charges: { readonly taken: Taken; left: number }[] = [];
        let used = 0;
        for (const [at, each] of schedule) {
          if (each.kind === 'take') {
            const taken = await take(at, account, each.units, { units, seconds: 60 });
            expect(taken.isAccepted).toBe(used + each.units <= units);
            if (taken.isAccepted) charges.push({ taken, left: each.units });
            if (taken.isAccepted) used += each.units;
            expect(taken.remaining).toBe(Math.max(0, units - used));
            continue;
          }
          const charge = charges[each.which % Math.max(1, charges.length)];
          if (!charge) continue;
          const by = Math.round(charge.left * each.share);
          await charge.taken.correct(by);
          charge.left += by;
          used += by;
        }
      }),
      { numRuns: 60 },
    );
  });

  test('of 1,000 charges that race, accepts as much as fits and no more', async () => {
    const account = randomUUID();
    const budget = { units: 3_000, seconds: 60 };
    const costs = Array.from({ length: 1_000 }, (_, index) => 1 + ((index * 7) % 10));
    const taken = await Promise.all(costs.map((units, index) => take(index, account, units, budget)));
    const accepted = costs.reduce((sum, units, index) => sum + (taken[index]?.isAccepted ? units : 0), 0);
    expect(accepted).toBeLessThanOrEqual(3_000);
    expect(accepted).toBeGreaterThan(3_000 - 10);
  });

  test('while charges race with what is given back of them, what is kept never exceeds the budget', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 20, maxLength: 80 }), async (requests) => {
        const account = randomUUID();
        const kept = await Promise.all(
          requests.map(async ([units, share], index) => {
            const { isAccepted, correct } = await take(index, account, units, { units: 100, seconds: 60 });
            if (!isAccepted) return 0;
            const back = Math.floor(units * share);
            await correct(-back);
            return units - back;
          }),
        );
        expect(kept.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(100);
      }),
      { numRuns: 30 },
    );
  });
});

/** A way to Redis that a test can cut, or hold up. */
const openWay = async () => {
  const { hostname, port } = new URL(inject('redisUrl'));
  const ways = new Set<Socket>();
  const server = createServer((socket) => {
    const upstream = connect(Number(port), hostname);
    for (const [from, to] of [[socket, upstream], [upstream, socket]] as const) {
      from.pipe(to).on('error', () => from.destroy());
      ways.add(from.on('error', () => to.destroy()).on('close', () => to.destroy()));
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as { port: number };
  const cut = () => ways.forEach((socket) => socket.destroy());
  return { url: `redis://127.0.0.1:${address.port}`, cut, holdUp: () => ways.forEach((socket) => socket.unpipe().pause()), [Symbol.asyncDispose]: async () => (cut(), void server.close()) };
};

describe.each(['cut', 'holdUp'] as const)('while Redis is out of reach (%s)', (trouble) => {
  test('budgets are counted in the process: neither an outage nor without a limit, and told in the log once', async () => {
    const lines: { level: number; msg: string }[] = [];
    const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    await using way = await openWay();
    const redis = await connectRedis(way.url, silentLogger, { commandTimeout: 100, retryStrategy: () => null });
    open.push(redis);
    const ledger = createInsuredLedger(createRedisLedger(redis), createMemoryLedger(), logger);
    const account = randomUUID();
    const budget = { units: 10, seconds: 60 };
    const before = await ledger.take(account, 10, budget);
    expect(before).toMatchObject({ isAccepted: true, remaining: 0 });
    way[trouble]();
    expect(await ledger.take(account, 6, budget)).toMatchObject({ isAccepted: true, remaining: 4 });
    expect(await ledger.take(account, 6, budget)).toMatchObject({ isAccepted: false, remaining: 4 });
    await before.correct(-5); // lost with the connection, and nothing else
    expect(await ledger.take(account, 5, budget)).toMatchObject({ isAccepted: false, remaining: 4 });
    expect(lines).toMatchObject([{ level: 40, msg: 'Redis is out of reach: budgets are counted in this process alone' }]);
  });
});
