import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UpstreamError } from './errors.ts';
import { query } from './sql.ts';
import { type TestHub, openTestHub } from './testing-hub.ts';
import { type CallOutcome, type Circuit, type CircuitStore, createCircuit, createMemoryCircuitStore, createServiceCircuitStore } from './upstream-circuit.ts';

let own: TestHub;
beforeAll(async () => {
  own = await openTestHub();
});
afterAll(() => own[Symbol.asyncDispose]());

let services = 0;
const addService = async (): Promise<string> => {
  const id = `svc_${(services += 1)}`;
  await query(
    own.hub.database.em(),
    `insert into hub.services (id, product, name, api_url, health_url, credentials, push_secret, settings, sync_interval, retries, state, health, next_sync_at, next_health_at, created_at)
     values ($1, 'fake', $1, 'http://x', 'http://x', '', '', '{}', 60, 0, 'ACTIVE', 'HEALTHY', now(), now(), now())`,
    [id],
  );
  return id;
};

const fault = new UpstreamError('timeout', 'late');
const outcomeOf = (error: unknown): CallOutcome => (error === fault ? 'fault' : 'none');
const failing = () => Promise.reject(fault);
const well = async () => 'well';
const refused = expect.objectContaining({ code: 'UPSTREAM_CIRCUIT_OPEN' });

describe.each([
  { form: 'in one process', openStore: async (): Promise<CircuitStore> => createMemoryCircuitStore() },
  { form: 'in the service’s row', openStore: async (): Promise<CircuitStore> => createServiceCircuitStore(own.hub.database, await addService()) },
])('a circuit that is kept $form', ({ openStore }) => {
  const open = async (processes: number) => {
    const clock = { ms: Date.UTC(2024, 5, 1) };
    const store = await openStore();
    const changes: string[] = [];
    const watched: CircuitStore = {
      read: store.read,
      async change(from, to) {
        const isChanged = await store.change(from, to);
        if (isChanged) changes.push(to.state);
        return isChanged;
      },
    };
    const circuits = Array.from({ length: processes }, () => createCircuit({ store: watched, failures: 3, halfOpenAfterMs: 15_000, longestProbeMs: 65_000, now: () => new Date(clock.ms) }));
    const at = (nth: number) => circuits[nth % processes] as Circuit;
    const fail = (nth = 0) => at(nth).run(failing, outcomeOf);
    return { clock, changes, store, at, fail, run: (nth = 0) => at(nth).run(well, outcomeOf) };
  };

  test('opens after so many failures in a row, refuses, tries one call after its time, and closes when that goes well; each change is written once', async () => {
    const it = await open(1);
    for (let nth = 0; nth < 2; nth++) await expect(it.fail()).rejects.toBe(fault);
    await it.run();
    for (let nth = 0; nth < 3; nth++) await expect(it.fail()).rejects.toBe(fault);
    await expect(it.run()).rejects.toEqual(refused);
    it.clock.ms += 15_000;
    await expect(it.fail()).rejects.toBe(fault);
    await expect(it.run()).rejects.toMatchObject({ retryAfterMs: 15_000 });
    it.clock.ms += 15_000;
    expect(await it.run()).toBe('well');
    expect(await it.run()).toBe('well');
    expect(it.changes).toEqual(['OPEN', 'HALF_OPEN', 'OPEN', 'HALF_OPEN', 'CLOSED']);
    expect(await it.store.read()).toEqual({ state: 'CLOSED', since: new Date(it.clock.ms) });
  });

  test('opens again after it was closed once', async () => {
    const it = await open(1);
    for (let round = 0; round < 2; round++) {
      for (let nth = 0; nth < 3; nth++) await expect(it.fail()).rejects.toBe(fault);
      await expect(it.run()).rejects.toEqual(refused);
      it.clock.ms += 15_000;
      await it.run();
    }
    expect(it.changes).toEqual(['OPEN', 'HALF_OPEN', 'CLOSED', 'OPEN', 'HALF_OPEN', 'CLOSED']);
  });

  test('lets one call of all processes try it, and refuses the others while it runs', async () => {
    const it = await open(3);
    for (let nth = 0; nth < 3; nth++) await expect(it.fail()).rejects.toBe(fault);
    for (const nth of [1, 2]) it.at(nth).see('OPEN');
    it.clock.ms += 15_000;
    const { promise, resolve } = Promise.withResolvers<string>();
    let running = 0;
    const slow = () => ((running += 1), promise);
    const answers: unknown[] = [];
    const ends = Array.from({ length: 9 }, (_, nth) => it.at(nth).run(slow, outcomeOf).then((answer) => answers.push(answer), (error: unknown) => answers.push(error)));
    await expect.poll(() => answers).toEqual(Array.from({ length: 8 }, () => refused));
    resolve('well');
    await Promise.all(ends);
    expect([running, answers[8]]).toEqual([1, 'well']);
    expect(await Promise.all([it.run(0), it.run(1), it.run(2)])).toEqual(['well', 'well', 'well']);
  });

  test('is tried by another process when the one that tried it died', async () => {
    const it = await open(2);
    for (let nth = 0; nth < 3; nth++) await expect(it.fail()).rejects.toBe(fault);
    it.clock.ms += 15_000;
    void it.at(0).run(() => new Promise(() => undefined), outcomeOf);
    await expect.poll(async () => (await it.store.read()).state).toBe('HALF_OPEN');
    it.at(1).see('HALF_OPEN');
    it.clock.ms += 64_999;
    await expect(it.run(1)).rejects.toEqual(refused);
    it.clock.ms += 1;
    expect(await it.run(1)).toBe('well');
  });

  test('stays as it was, and may be tried at once, when the call that tried it says nothing of the upstream', async () => {
    const it = await open(1);
    for (let nth = 0; nth < 3; nth++) await expect(it.fail()).rejects.toBe(fault);
    it.clock.ms += 15_000;
    await expect(it.at(0).run(() => Promise.reject(new Error('gave up')), outcomeOf)).rejects.toThrow('gave up');
    expect(await it.run()).toBe('well');
  });

  test('for any sequence of calls, refuses without a call exactly while it is open, and never has two tries at once', async () => {
    const step = fc.record({ process: fc.nat(1), outcome: fc.constantFrom('well' as const, 'fault' as const, 'none' as const), ms: fc.constantFrom(0, 1, 8_000, 15_000) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const it = await open(2);
        for (const { process, outcome, ms } of steps) {
          it.clock.ms += ms;
          const before = await it.store.read();
          it.at(process).see(before.state);
          let isSent = false;
          const call = () => ((isSent = true), outcome === 'well' ? well() : outcome === 'fault' ? failing() : Promise.reject(new Error('gave up')));
          await it.at(process).run(call, outcomeOf).catch(() => undefined);
          expect(isSent).toBe(before.state === 'CLOSED' || it.clock.ms >= (before.since?.getTime() ?? 0) + 15_000);
          const after = await it.store.read();
          expect(after.state).not.toBe('HALF_OPEN');
          if (before.state === 'OPEN' && isSent) expect(after.state).toBe(outcome === 'well' ? 'CLOSED' : 'OPEN');
        }
      }),
      { numRuns: 25 },
    );
  });
});

test('of a service that is not registered yet, it never opens', async () => {
  const circuit = createCircuit({ store: createServiceCircuitStore(own.hub.database, 'svc_not_there'), failures: 1, halfOpenAfterMs: 15_000, longestProbeMs: 65_000 });
  for (let nth = 0; nth < 3; nth++) await expect(circuit.run(failing, outcomeOf)).rejects.toBe(fault);
  expect(await circuit.run(well, outcomeOf)).toBe('well');
});
