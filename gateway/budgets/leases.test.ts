import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Ledger, createMemoryLedger } from './ledger.ts';
import { createLeasingLedger } from './leases.ts';

/** A ledger that counts how often it is asked; each question takes a turn of the event loop, as one over a wire does. */
const counted = () => {
  const ledger = createMemoryLedger();
  const asked: string[] = [];
  const shared: Ledger = {
    async take(account, units, budget) {
      asked.push(account);
      await new Promise((resolve) => setImmediate(resolve));
      return ledger.take(account, units, budget);
    },
  };
  return { shared, asked };
};

test('small requests are served from a lease: the shared ledger is asked once for many of them', async () => {
  const { shared, asked } = counted();
  const ledger = createLeasingLedger(shared);
  for (let each = 0; each < 100; each++) expect(await ledger.take('a', 1, { units: 40_000, seconds: 60 })).toMatchObject({ isAccepted: true, remaining: 39_999 - each });
  expect(asked).toHaveLength(1);
});

test('who asks while a lease is on its way waits for it', async () => {
  const { shared, asked } = counted();
  const ledger = createLeasingLedger(shared);
  const taken = await Promise.all(Array.from({ length: 100 }, () => ledger.take('a', 1, { units: 40_000, seconds: 60 })));
  expect(taken.every(({ isAccepted }) => isAccepted)).toBe(true);
  expect(asked).toHaveLength(1);
});

test('what is given back is taken again from here, and beyond a lease by everybody', async () => {
  const { shared } = counted();
  const [one, other] = [createLeasingLedger(shared), createLeasingLedger(shared)];
  const budget = { units: 1_000, seconds: 60 };
  const all = await one.take('a', 1_000, budget);
  expect(await other.take('a', 1, budget)).toMatchObject({ isAccepted: false });
  await all.correct(-600);
  expect(await other.take('a', 590, budget)).toMatchObject({ isAccepted: true });
});

test('a debt is owed to all', async () => {
  const { shared } = counted();
  const [one, other] = [createLeasingLedger(shared), createLeasingLedger(shared)];
  const budget = { units: 100, seconds: 60 };
  await (await one.take('a', 10, budget)).correct(200);
  expect(await other.take('a', 1, budget)).toMatchObject({ isAccepted: false, remaining: 0 });
});

test('a shared ledger that fails fails every waiting request, and the next one asks again', async () => {
  let isAway = true;
  const memory = createMemoryLedger();
  const ledger = createLeasingLedger({ take: (...args) => (isAway ? Promise.reject(new Error('away')) : memory.take(...args)) });
  const budget = { units: 1_000, seconds: 60 };
  const results = await Promise.allSettled([1, 2, 3].map((units) => ledger.take('a', units, budget)));
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  isAway = false;
  expect(await ledger.take('a', 1, budget)).toMatchObject({ isAccepted: true });
});

type Step = { readonly units: number; readonly share: number };
const schedules = fc.array(fc.record<Step>({ units: fc.integer({ min: 1, max: 60 }), share: fc.double({ min: 0, max: 1, noNaN: true }) }), { minLength: 10, maxLength: 120 });

test('one gateway alone accepts exactly what fits, whatever is given back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4_000 }), schedules, async (units, schedule) => {
      const ledger = createLeasingLedger(createMemoryLedger());
      const account = randomUUID();
      let used = 0;
      for (const step of schedule) {
        const taken = await ledger.take(account, step.units, { units, seconds: 60 });
        expect(taken.isAccepted).toBe(used + step.units <= units);
        if (!taken.isAccepted) continue;
        const back = Math.floor(step.units * step.share);
        await taken.correct(-back);
        used += step.units - back;
        expect(taken.remaining).toBeLessThanOrEqual(units);
      }
    }),
  );
});

test('gateways that race accept no more than the budget together, and leave at most their leases of it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 400, max: 4_000 }), schedules, async (gateways, units, schedule) => {
      const { shared } = counted();
      const ledgers = Array.from({ length: gateways }, () => createLeasingLedger(shared));
      const account = randomUUID();
      const endless = Array.from({ length: 15 }, () => schedule).flat();
      const kept = await Promise.all(
        endless.map(async (step, index) => {
          const { isAccepted, correct } = await (ledgers[index % gateways] as Ledger).take(account, step.units, { units, seconds: 60 });
          const back = Math.floor(step.units * step.share);
          if (isAccepted) await correct(-back);
          return isAccepted ? step.units - back : 0;
        }),
      );
      const sum = kept.reduce((total, each) => total + each, 0);
      expect(sum).toBeLessThanOrEqual(units);
      // One more of each gateway, so that what was given back late is taken too.
      let rest = 0;
      for (const ledger of ledgers) while ((await ledger.take(account, 1, { units, seconds: 60 })).isAccepted) rest++;
      expect(sum + rest).toBeLessThanOrEqual(units);
      expect(sum + rest).toBeGreaterThanOrEqual(units - (gateways * units) / 400);
    }),
    { numRuns: 20 },
  );
});
