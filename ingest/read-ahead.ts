/**
 * What `open` gives, in its order, with the next one read while the caller is busy with the one before: one, so that
 * nothing piles up. An error comes after what was given before it. When the caller stops early, the signal that `open`
 * was given ends the reading that is under way.
 */
export async function* readAhead<T>(open: (signal: AbortSignal) => AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  const stopped = new AbortController();
  const source = open(AbortSignal.any([signal, stopped.signal]))[Symbol.asyncIterator]();
  let next = source.next();
  try {
    for (;;) {
      const read = await next;
      if (read.done) return;
      next = source.next();
      next.catch(() => undefined); // thrown when it is its turn
      yield read.value;
    }
  } finally {
    stopped.abort();
    await next.catch(() => undefined);
    await source.return?.();
  }
}
