import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FairLimit, createFairLimit } from './fair-limit.ts';

/** Calls by name; each runs until it is ended. */
const setUp = (maxConcurrent: number, maxQueued: number) => {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const shed: string[] = [];
  const waiting = new Map<string, AbortController>();
  let most = 0;
  const limit: FairLimit = createFairLimit({ maxConcurrent, maxQueued });
  const ask = (party: string, name: string) => {
    const abort = new AbortController();
    waiting.set(name, abort);
    const ended = limit.run(party, abort.signal, () => {
      started.push(name);
      waiting.delete(name);
      most = Math.max(most, ends.size + 1);
      return new Promise<void>((resolve) => ends.set(name, resolve));
    });
    ended.catch((error: unknown) => {
      waiting.delete(name);
      if ((error as { code?: string }).code === 'SUBREQUEST_OVERLOADED') shed.push(name);
    });
  };
  const settle = async () => {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  const end = async (name = [...ends.keys()][0] ?? '') => {
    ends.get(name)?.();
    ends.delete(name);
    await settle();
  };
  return { limit, ask, end, settle, started, shed, waiting, ends, most: () => most };
};
const drain = async ({ ends, end }: Pick<ReturnType<typeof setUp>, 'ends' | 'end'>) => {
  while (ends.size > 0) await end();
};

describe('requests wait for their turn', () => {
  test('not while there is room', () => {
    const { ask, started, limit } = setUp(2, 0);
    ask('a', 'a1');
    ask('a', 'a2');
    expect([started, limit.hasRoom()]).toEqual([['a1', 'a2'], false]);
  });
  test('first come, first served within a party; each party in turn', async () => {
    const limited = setUp(1, 100);
    for (const name of ['a1', 'a2', 'a3', 'a4']) limited.ask('a', name);
    for (const name of ['b1', 'b2']) limited.ask('b', name);
    limited.ask('c', 'c1');
    await drain(limited);
    expect(limited.started).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  });
  test('and leave at once when nobody waits for them', async () => {
    const { ask, waiting, started, limit, end, settle } = setUp(1, 100);
    ask('a', 'a1');
    ask('a', 'a2');
    ask('a', 'a3');
    waiting.get('a2')?.abort(new Error('gone'));
    await settle();
    expect(limit.queued).toBe(1);
    await end();
    expect(started).toEqual(['a1', 'a3']);
  });
});

describe('when the queue is full', () => {
  test('the next is turned away at once, with a time to come again', async () => {
    const { limit, ask } = setUp(1, 1);
    ask('a', 'a1');
    ask('a', 'a2');
    await expect(limit.run('a', new AbortController().signal, async () => 1)).rejects.toMatchObject({ code: 'SUBREQUEST_OVERLOADED', facts: { retryAfter: 1 } });
  });
  test('a party that has less than its share takes the last place of the one that has most', async () => {
    const { ask, shed, settle, limit } = setUp(1, 4);
    for (const name of ['a0', 'a1', 'a2', 'a3', 'a4']) ask('a', name);
    ask('b', 'b1');
    ask('b', 'b2');
    ask('b', 'b3');
    await settle();
    expect(shed).toEqual(['a4', 'a3', 'b3']);
    expect(limit.queued).toBe(4);
  });
});

type Step = { readonly kind: 'ask'; readonly party: string } | { readonly kind: 'end' | 'leave'; readonly at: number };
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('ask' as const), party: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ kind: fc.constantFrom('end' as const, 'leave' as const), at: fc.nat(100) }),
  ),
  { maxLength: 80 },
);

test('whatever comes, ends and leaves: never more run or wait than may, each party is served in the order it came, each in turn, and nothing is left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 8 }), steps, async (maxConcurrent, maxQueued, script) => {
      const limited = setUp(maxConcurrent, maxQueued);
      const { limit, ask, end, settle, started, waiting, ends } = limited;
      let count = 0;
      for (const step of script) {
        if (step.kind === 'ask') ask(step.party, `${step.party}${String(count++).padStart(3, '0')}`);
        else if (step.kind === 'end') await end([...ends.keys()][step.at % Math.max(1, ends.size)]);
        else [...waiting.values()][step.at % Math.max(1, waiting.size)]?.abort(new Error('gone'));
        await settle();
        expect(limit.running).toBeLessThanOrEqual(maxConcurrent);
        expect(limit.queued).toBeLessThanOrEqual(maxQueued);
        expect([limit.running, limit.queued]).toEqual([ends.size, waiting.size]);
        expect(limit.queued === 0 || limit.running === maxConcurrent, 'somebody waits though there is room').toBe(true);
      }
      for (const party of ['a', 'b', 'c']) {
        const own = started.filter((name) => name.startsWith(party));
        expect(own).toEqual([...own].sort());
      }
      const left = [...waiting.keys()];
      const before = started.length;
      await drain(limited);
      const rest = started.slice(before);
      expect([...rest].sort()).toEqual([...left].sort());
      // While n parties wait, of n starts in a row each party has one.
      const parties = new Set(left.map((name) => name[0]));
      expect(new Set(rest.slice(0, parties.size).map((name) => name[0]))).toEqual(parties);
      expect([limit.running, limit.queued, limited.most() <= maxConcurrent]).toEqual([0, 0, true]);
    }),
    { numRuns: 100 },
  );
});
