/** A subscription's source for tests that behaves as a live stream does: a log, read from any position at any pace. */
export type TestLog<T extends object> = {
  /** Appended together: readers find them all when they look. */
  publish(...values: readonly T[]): void;
  /** Streams, each from its own position; `conflate` skips to the newest. */
  subscribe(options: { readonly from: number; readonly conflate?: boolean }): LogStream<T>;
  readonly length: number;
  /** Streams that were opened and have not ended. */
  readonly open: number;
  /** Resolves when so many streams wait for a value. */
  waiting(streams: number): Promise<void>;
};

export type LogStream<T> = AsyncIterableIterator<T> & { continueAfter(value: T): (() => LogStream<T>) | null; atHand(most: number): T[] };

export const createTestLog = <T extends object>(): TestLog<T> => {
  const values: T[] = [];
  const open = new Set<object>();
  const waiting = new Set<() => void>();
  const watchers = new Set<() => void>();
  const changed = () => [...watchers].forEach((check) => check());

  const subscribe = (options: { readonly from: number; readonly conflate?: boolean }): LogStream<T> => {
    const me = {};
    let position = options.from;
    let wake: (() => void) | null = null;
    open.add(me);
    const end = () => {
      open.delete(me);
      wake?.();
      changed();
    };
    return {
      async next() {
        while (open.has(me) && position >= values.length) {
          await new Promise<void>((resolve) => {
            wake = resolve;
            waiting.add(resolve);
            changed();
          });
          if (wake) waiting.delete(wake);
        }
        if (!open.has(me)) return { value: undefined, done: true };
        if (options.conflate) position = values.length - 1;
        return { value: values[position++] as T, done: false };
      },
      atHand(most) {
        const found = open.has(me) && !options.conflate ? values.slice(position, position + most) : [];
        position += found.length;
        return found;
      },
      continueAfter: (value) => (values.includes(value) ? () => subscribe({ ...options, from: values.indexOf(value) + 1 }) : null),
      async return() {
        end();
        return { value: undefined, done: true };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  };

  return {
    publish(...added) {
      values.push(...added);
      for (const wake of [...waiting]) {
        waiting.delete(wake);
        wake();
      }
    },
    subscribe,
    get length() {
      return values.length;
    },
    get open() {
      return open.size;
    },
    waiting: (count) =>
      new Promise((resolve) => {
        const check = () => {
          if (waiting.size !== count) return;
          watchers.delete(check);
          resolve();
        };
        watchers.add(check);
        check();
      }),
  };
};
