import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createHedge } from './hedge.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const setUp = (mayHedge = () => true) => {
  const asked: { resolve(value: string): void; reject(error: Error): void; signal: AbortSignal }[] = [];
  const hedge = createHedge({ afterMs: 100, mayHedge });
  const client = new AbortController();
  const call = (signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => {
      asked.push({ resolve, reject, signal });
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  return { asked, client, answer: hedge(call, client.signal) };
};

describe('a fetch is asked a second time', () => {
  test('only when the answer is late', async () => {
    const { asked, answer } = setUp();
    vi.advanceTimersByTime(99);
    asked[0]?.resolve('in time');
    expect(await answer).toBe('in time');
    vi.advanceTimersByTime(1_000);
    expect(asked).toHaveLength(1);
  });
  test.each([[0, 1], [1, 0]])('and the answer of request %i wins, the other is cancelled', async (winner, loser) => {
    const { asked, answer } = setUp();
    vi.advanceTimersByTime(100);
    asked[winner]?.resolve('first');
    expect(await answer).toBe('first');
    expect([asked[winner]?.signal.aborted, asked[loser]?.signal.aborted]).toEqual([false, true]);
    expect(asked[loser]?.signal.reason).toMatchObject({ code: 'SUBREQUEST_CANCELLED' });
  });
  test('never twice', () => {
    const { asked } = setUp();
    vi.advanceTimersByTime(10_000);
    expect(asked).toHaveLength(2);
  });
  test('not where that may not be', () => {
    const { asked } = setUp(() => false);
    vi.advanceTimersByTime(10_000);
    expect(asked).toHaveLength(1);
  });
  test('not after the first one failed', async () => {
    const { asked, answer } = setUp();
    asked[0]?.reject(new Error('down'));
    await expect(answer).rejects.toThrow('down');
    expect(vi.getTimerCount()).toBe(0);
  });
});

test('one request that fails leaves the other to answer; two that fail are an error', async () => {
  const one = setUp();
  vi.advanceTimersByTime(100);
  one.asked[0]?.reject(new Error('down'));
  one.asked[1]?.resolve('up');
  expect(await one.answer).toBe('up');
  const both = setUp();
  vi.advanceTimersByTime(100);
  both.asked[0]?.reject(new Error('down'));
  both.asked[1]?.reject(new Error('down too'));
  await expect(both.answer).rejects.toThrow('down too');
});

test('both are cancelled when nobody waits, and nothing is left', async () => {
  const { asked, answer, client } = setUp();
  vi.advanceTimersByTime(100);
  client.abort(new Error('gone'));
  await expect(answer).rejects.toThrow('gone');
  expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true]);
  expect(vi.getTimerCount()).toBe(0);
});
