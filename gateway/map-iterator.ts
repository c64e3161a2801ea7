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
