/** Not an async generator: its `return` would wait for the source's next value before it ends the source. */
export const mapIterator = <From, To>(source: AsyncIterable<From>, map: (value: From) => To): AsyncIterableIterator<To> => {
  const iterator = source[Symbol.asyncIterator]();
  const done = { value: undefined, done: true } as const;
  return {
    async next() {
      const result = await iterator.next();
      return result.done ? done : { value: map(result.value), done: false };
    },
    async return() {
      await iterator.return?.();
      return done;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
};

/** `onEnd` is called once, also when the source is ended before it was begun. */
export const withEnd = <T>(source: AsyncIterableIterator<T>, onEnd: () => void): AsyncIterableIterator<T> => ({
  async next() {
    const result = await source.next();
    if (result.done) onEnd();
    return result;
  },
  async return() {
    onEnd();
    await source.return?.();
    return { value: undefined, done: true };
  },
  [Symbol.asyncIterator]() {
    return this;
  },
});

/** One value, then those of the rest. */
export const chain = <T>(first: T, rest: AsyncIterableIterator<T> | undefined): AsyncIterableIterator<T> => {
  const done = { value: undefined, done: true } as const;
  let isBegun = false;
  return {
    async next() {
      if (isBegun) return (await rest?.next()) ?? done;
      isBegun = true;
      return { value: first, done: false };
    },
    async return() {
      isBegun = true;
      await rest?.return?.();
      return done;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
};
