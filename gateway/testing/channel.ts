/** A subscription's source for tests: tells how many read it, and keeps the newest value for a reader that is busy. */
export type Channel<T> = {
  publish(value: T): void;
  fail(error: Error): void;
  subscribe(): AsyncIterableIterator<T>;
  /** Readers that were opened and have not returned. */
  readonly open: number;
  /** Resolves when so many readers wait for a value. */
  waiting(readers: number): Promise<void>;
  /** Resolves when at least one reader waits for a value. */
  readerWaits(): Promise<void>;
  /** Resolves when so many are open. */
  opened(readers: number): Promise<void>;
};

type Reader<T> = { newest: T | undefined; wake: ((result: IteratorResult<T>) => void) | null; reject: ((error: Error) => void) | null };

export const createChannel = <T extends object>(): Channel<T> => {
  const readers = new Set<Reader<T>>();
  const watchers = new Set<() => void>();
  const changed = () => [...watchers].forEach((check) => check());
  const until = (test: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = () => {
        if (!test()) return;
        watchers.delete(check);
        resolve();
      };
      watchers.add(check);
      check();
    });
  return {
    publish(value) {
      for (const reader of readers) {
        if (reader.wake) reader.wake({ value, done: false });
        else reader.newest = value;
        reader.wake = null;
      }
    },
    fail(error) {
      for (const reader of readers) reader.reject?.(error);
    },
    subscribe: () => {
      const reader: Reader<T> = { newest: undefined, wake: null, reject: null };
      readers.add(reader);
      changed();
      return readFrom(reader, () => (readers.delete(reader), changed()), changed);
    },
    get open() {
      return readers.size;
    },
    waiting: (count) => until(() => [...readers].filter(({ wake }) => wake !== null).length === count),
    readerWaits: () => until(() => [...readers].some(({ wake }) => wake !== null)),
    opened: (count) => until(() => readers.size === count),
  };
};

const readFrom = <T>(reader: Reader<T>, close: () => void, changed: () => void): AsyncIterableIterator<T> => ({
  next() {
    if (reader.newest !== undefined) {
      const value = reader.newest;
      reader.newest = undefined;
      return Promise.resolve({ value, done: false });
    }
    return new Promise((resolve, reject) => {
      reader.wake = resolve;
      reader.reject = reject;
      changed();
    });
  },
  return() {
    reader.wake?.({ value: undefined, done: true });
    close();
    return Promise.resolve({ value: undefined, done: true });
  },
  [Symbol.asyncIterator]() {
    return this;
  },
});
