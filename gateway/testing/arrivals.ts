/** Answers of subgraphs that arrive in random order. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ExecutionResult } from 'graphql';
import { vi } from 'vitest';
import type { Case, Check } from './engines.ts';

/** The claim holds in whatever order subgraphs answer; time passes when the tape says so, or nothing else happens. */
export const whateverArrivesFirst =
  (claim: Check): Check =>
  async (found) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const waiting: (() => void)[] = [];
      found.tested.handle = async (_, __, answer) => {
        const answered: ExecutionResult = await answer();
        await new Promise<void>((resolve) => waiting.push(resolve));
        return answered;
      };
      let isOver = false;
      const over = claim(found).finally(() => (isOver = true));
      over.catch(() => undefined);
      for (let idle = 0; !isOver; ) {
        idle = (await letSomethingHappen(found, waiting)) ? 0 : idle + 1;
        if (idle > patience) throw new Error('The answer waits for something that does not come.');
      }
      await over;
    } finally {
      vi.useRealTimers();
    }
  };

/** Turns of the event loop in which nothing happens. */
const patience = 1_000;

const letSomethingHappen = async ({ tape }: Case, waiting: (() => void)[]): Promise<boolean> => {
  await nextTurn();
  const timers = vi.getTimerCount();
  const next = tape.choose(waiting.length + (timers > 0 ? 1 : 0));
  const [answer] = waiting.splice(next, 1);
  if (answer) answer();
  else if (timers > 0) vi.advanceTimersToNextTimer();
  return answer !== undefined || timers > 0;
};
