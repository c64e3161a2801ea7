/** Asks again after a failure that may pass: with full jitter, within the deadline, within the budget. */
import { SubrequestError } from './failures.ts';
import type { RetryBudget } from './retry-budget.ts';
import { sleep } from './sleep.ts';

export type RetryOptions = {
  readonly retries: number;
  readonly budget: RetryBudget;
  readonly onRetry?: (() => void) | undefined;
  /** For tests. */
  readonly random?: () => number;
  readonly now?: () => number;
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
};

/** Before retry n (from 0) at most `firstMs * 2^n` and never more than `longestMs`. */
const backoff = { firstMs: 50, longestMs: 1_000 };
/** A `Retry-After` up to this is waited for; a longer one is the caller's to wait for. */
const patienceMs = 2_000;

export type Retry = <T>(call: () => Promise<T>, signal: AbortSignal, endsAt: number) => Promise<T>;

/** `endsAt` is when nobody waits any more, in milliseconds of `now`. */
export const createRetry = ({ retries, budget, onRetry, random = Math.random, now = Date.now, wait = sleep }: RetryOptions): Retry => {
  /** Milliseconds to wait before the next try; null where there is none. */
  const delayAfter = (error: unknown, tried: number, endsAt: number): number | null => {
    if (!(error instanceof SubrequestError) || !error.mayRetry || tried >= retries) return null;
    const delay = error.retryAfterMs ?? random() * Math.min(backoff.longestMs, backoff.firstMs * 2 ** tried);
    return delay <= patienceMs && now() + delay < endsAt && budget.spend() ? delay : null;
  };
  return async (call, signal, endsAt) => {
    for (let tried = 0; ; tried++) {
      try {
        return await call();
      } catch (error) {
        const delay = signal.aborted ? null : delayAfter(error, tried, endsAt);
        if (delay === null) throw error;
        await wait(delay, signal);
        onRetry?.();
      }
    }
  };
};
