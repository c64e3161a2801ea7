/**
 * How many calls run at once, and who is next when more want to: each party in turn, and first come, first served
 * within one. What waits is bounded, and when the queue is full the party that fills it is turned away, not the others.
 */
import { overloaded } from './failures.ts';

export type FairLimitOptions = {
  readonly maxConcurrent: number;
  readonly maxQueued: number;
  readonly onShed?: (() => void) | undefined;
};

export type FairLimit = {
  readonly running: number;
  readonly queued: number;
  /** Whether a call would start at once. */
  hasRoom(): boolean;
  /** Rejects with `SUBREQUEST_OVERLOADED` when there is no place to wait, and with the signal's reason when aborted while waiting. */
  run<T>(party: string, signal: AbortSignal, call: () => Promise<T>): Promise<T>;
};

/** Seconds after which one who was turned away may come again. */
const retryAfter = 1;

type Waiter = { start(): void; turnAway(): void };

export const createFairLimit = ({ maxConcurrent, maxQueued, onShed }: FairLimitOptions): FairLimit => {
  let running = 0;
  let queued = 0;
  /** In the order of their turns; a party without waiters is not here. */
  const parties = new Map<string, Set<Waiter>>();

  const leave = (party: string, waiter: Waiter): void => {
    const waiting = parties.get(party);
    if (!waiting?.delete(waiter)) return;
    queued--;
    if (waiting.size === 0) parties.delete(party);
  };
  const startNext = (): void => {
    running--;
    const [next] = parties;
    if (!next) return;
    const [party, waiting] = next;
    const [first] = waiting;
    if (!first) return;
    leave(party, first);
    // Its turn was now: to the end of the ring.
    if (waiting.size > 0) {
      parties.delete(party);
      parties.set(party, waiting);
    }
    running++;
    first.start();
  };
  /** Whether there is a place for one more of this party, if need be that of the last of the party with most. */
  const makePlace = (party: string): boolean => {
    if (queued < maxQueued) return true;
    const own = parties.get(party)?.size ?? 0;
    if (own + 1 > maxQueued / (parties.size + (own === 0 ? 1 : 0))) return false;
    const longest = [...parties].reduce((most, each) => (each[1].size > most[1].size ? each : most));
    const last = [...longest[1]].at(-1);
    if (!last || longest[1].size <= own + 1) return false;
    leave(longest[0], last);
    last.turnAway();
    return true;
  };
  const turn = (party: string, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const turnAway = () => {
        signal.removeEventListener('abort', giveUp);
        onShed?.();
        reject(overloaded(retryAfter));
      };
      const giveUp = () => {
        signal.removeEventListener('abort', giveUp);
        leave(party, waiter);
        reject(signal.reason as Error);
      };
      const start = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const waiter: Waiter = { start, turnAway };
      if (!makePlace(party)) return turnAway();
      const waiting = parties.get(party);
      if (waiting) waiting.add(waiter);
      else parties.set(party, new Set([waiter]));
      queued++;
      signal.addEventListener('abort', giveUp);
    });

  return {
    get running() {
      return running;
    },
    get queued() {
      return queued;
    },
    hasRoom: () => running < maxConcurrent,
    async run(party, signal, call) {
      if (running < maxConcurrent) running++;
      else await turn(party, signal);
      try {
        return await call();
      } finally {
        startNext();
      }
    },
  };
};
