/**
 * Group commit: work that arrives while a transaction runs shares the next one, so that much small work costs little more
 * than one large one. Each is answered when its transaction has committed.
 */
export type GroupCommit<Work, Result> = {
  /** Resolves after the commit with what the transaction answered. Throws what `refuse` made where too much waits. */
  add(work: Work): Promise<Result>;
};

export type GroupCommitOptions<Work, Result> = {
  /** One transaction: all of it or nothing. */
  readonly commit: (together: readonly Work[]) => Promise<Result>;
  readonly sizeOf: (work: Work) => number;
  /** Size of one transaction; larger work has one of its own. */
  readonly mostTogether: number;
  /** Size of what may wait. */
  readonly mostWaiting: number;
  readonly refuse: () => Error;
  /** Nothing waits and nothing runs any more. */
  readonly onIdle?: () => void;
};

type Waiting<Work, Result> = { readonly work: Work; readonly resolve: (result: Result) => void; readonly reject: (error: unknown) => void };

export const createGroupCommit = <Work, Result>(options: GroupCommitOptions<Work, Result>): GroupCommit<Work, Result> => {
  const { commit, sizeOf, mostTogether, mostWaiting } = options;
  const waiting: Waiting<Work, Result>[] = [];
  let size = 0;
  let isRunning = false;

  const takeTogether = (): readonly Waiting<Work, Result>[] => {
    let count = 0;
    let together = 0;
    for (const { work } of waiting) {
      if (count > 0 && together + sizeOf(work) > mostTogether) break;
      together += sizeOf(work);
      count += 1;
    }
    size -= together;
    return waiting.splice(0, count);
  };

  const run = async (): Promise<void> => {
    isRunning = true;
    while (waiting.length > 0) await settle(commit, takeTogether());
    isRunning = false;
    options.onIdle?.();
  };

  return {
    add(work) {
      if (size + sizeOf(work) > mostWaiting) return Promise.reject(options.refuse());
      return new Promise((resolve, reject) => {
        waiting.push({ work, resolve, reject });
        size += sizeOf(work);
        if (!isRunning) void run();
      });
    },
  };
};

/** When the shared transaction fails, each is tried by itself, so that none fails for another's sake. */
const settle = async <Work, Result>(commit: GroupCommitOptions<Work, Result>['commit'], together: readonly Waiting<Work, Result>[]): Promise<void> => {
  try {
    const result = await commit(together.map(({ work }) => work));
    for (const { resolve } of together) resolve(result);
  } catch (error) {
    const [first, ...others] = together;
    if (others.length === 0) return first?.reject(error);
    for (const { work, resolve, reject } of together) await commit([work]).then(resolve, reject);
  }
};
