import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cancelled, malformed, refusedWith, timedOut, unreachable } from './failures.ts';
import { createRetryBudget } from './retry-budget.ts';
import { type RetryOptions, createRetry } from './retry.ts';

const setUp = (options: Partial<RetryOptions> = {}) => {
  const waits: number[] = [];
  const clock = { now: 0 };
  const budget = createRetryBudget({ share: 0.1, reserve: 10 });
  const wait = async (ms: number) => {
    waits.push(ms);
    clock.now += ms;
  };
  const retry = createRetry({ retries: 2, budget, random: () => 1, now: () => clock.now, wait, ...options });
  const run = (errors: (Error | null)[], endsAt = 30_000, signal = new AbortController().signal) => {
    let tried = 0;
    const call = async () => {
      const error = errors[Math.min(tried++, errors.length - 1)];
      if (error) throw error;
      return tried;
    };
    return retry(call, signal, endsAt).then((tries) => ({ tries }), (error: unknown) => ({ tries: tried, error }));
  };
  return { run, waits, clock, budget };
};
const gone = unreachable(Object.assign(new Error(), { code: 'ECONNRESET' }));

describe('a fetch is tried again', () => {
  test.each([['a connection that failed', gone], ['502', refusedWith(502)], ['503', refusedWith(503)], ['504', refusedWith(504)]])('after %s', async (_, error) => {
    expect(await setUp().run([error, null])).toEqual({ tries: 2 });
  });
  test.each([['500', refusedWith(500)], ['404', refusedWith(404)], ['time that was up', timedOut(30_000, 30_000)], ['an answer that is none', malformed('a page', 200)], ['a client that went', cancelled()], ['a fault of ours', new Error()]])('not after %s', async (_, error) => {
    expect(await setUp().run([error])).toEqual({ tries: 1, error });
  });
  test('as often as is set, and then the error is told', async () => {
    expect(await setUp().run([gone])).toEqual({ tries: 3, error: gone });
  });
  test('after a part of a wait that doubles', async () => {
    const whole = setUp();
    await whole.run([gone]);
    const half = setUp({ random: () => 0.5 });
    await half.run([gone]);
    expect([whole.waits, half.waits]).toEqual([[50, 100], [25, 50]]);
  });
  test('when the subgraph asked for, where that is soon', async () => {
    const soon = setUp();
    expect(await soon.run([refusedWith(503, 700), null])).toEqual({ tries: 2 });
    expect(soon.waits).toEqual([700]);
    expect(await setUp().run([refusedWith(503, 60_000), null], 600_000)).toMatchObject({ tries: 1 });
  });
  test('never beyond the deadline', async () => {
    expect(await setUp().run([gone], 51)).toMatchObject({ tries: 2 });
    expect(await setUp().run([gone], 50)).toMatchObject({ tries: 1 });
  });
  test('not for a client that went meanwhile', async () => {
    const abort = new AbortController();
    abort.abort();
    expect(await setUp().run([gone], 30_000, abort.signal)).toMatchObject({ tries: 1 });
  });
});

test('a client that goes while a retry is waited for leaves no timer', async () => {
  const abort = new AbortController();
  const retry = createRetry({ retries: 1, budget: createRetryBudget({ share: 1, reserve: 1 }), random: () => 1 });
  const before = process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
  const asked = retry(() => Promise.reject(refusedWith(503, 2_000)), abort.signal, Infinity).catch((error: unknown) => error);
  await Promise.resolve().then(() => undefined);
  const reason = cancelled();
  abort.abort(reason);
  expect(await asked).toBe(reason);
  expect(process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length).toBe(before);
});

test('requests beyond those asked for are a share of them and the reserve, whatever happens', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 2_000 }), (steps) => {
      const budget = createRetryBudget({ share: 0.1, reserve: 10 });
      let fetches = 0;
      let more = 0;
      for (const isFetch of steps) {
        if (isFetch) {
          fetches++;
          budget.earn();
        } else if (budget.spend()) more++;
        expect(more).toBeLessThanOrEqual(10 + fetches * 0.1 + 1e-6);
      }
    }),
  );
});

test('a subgraph that is down gets a tenth more requests and not three times as many', async () => {
  const { run, budget } = setUp();
  let tries = 0;
  for (let index = 0; index < 1_000; index++) {
    budget.earn();
    tries += (await run([gone])).tries;
  }
  expect(tries).toBeLessThanOrEqual(1_110);
  expect(tries).toBeGreaterThan(1_090);
});
