import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type GroupCommitOptions, createGroupCommit } from './group-commit.ts';

const refused = new Error('too much');
const open = (options: Partial<GroupCommitOptions<number, number>> = {}) => {
  const commits: number[][] = [];
  const group = createGroupCommit<number, number>({
    commit: async (together) => {
      commits.push([...together]);
      return commits.length;
    },
    sizeOf: (work) => work, mostTogether: 10, mostWaiting: 100, refuse: () => refused, ...options,
  });
  return { group, commits };
};

describe('group commit', () => {
  test('begins at once, and what comes meanwhile shares the next transaction, in order', async () => {
    const { group, commits } = open();
    expect(await Promise.all([1, 2, 3, 4].map((work) => group.add(work)))).toEqual([1, 2, 2, 2]);
    expect(commits).toEqual([[1], [2, 3, 4]]);
  });

  test('lets one that fails fail alone, and takes none of the others with it', async () => {
    const fault = new Error('a fault');
    const { group } = open({ commit: async (together) => (together.includes(7) ? Promise.reject(fault) : together.length) });
    const settled = await Promise.allSettled([1, 2, 7, 1].map((work) => group.add(work)));
    expect(settled).toEqual([{ status: 'fulfilled', value: 1 }, { status: 'fulfilled', value: 1 }, { status: 'rejected', reason: fault }, { status: 'fulfilled', value: 1 }]);
  });

  test('commits all that it takes once, in order, within its sizes, and refuses what is beyond', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 15 }), { maxLength: 60 }), async (works) => {
        let idle = 0;
        const { group, commits } = open({ onIdle: () => void (idle += 1) });
        const settled = await Promise.allSettled(works.map((work) => group.add(work)));
        const taken = works.filter((_, index) => settled[index]?.status === 'fulfilled');
        expect(commits.flat()).toEqual(taken);
        for (const together of commits) expect(together.length === 1 || together.reduce((sum, size) => sum + size, 0) <= 10).toBe(true);
        const [first = 0] = works;
        expect(taken.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(100 + first);
        for (const each of settled) if (each.status === 'rejected') expect(each.reason).toBe(refused);
        expect(idle).toBe(works.length === 0 ? 0 : 1);
      }),
    );
  });
});
