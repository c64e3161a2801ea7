import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readAhead } from './read-ahead.ts';

const never = new AbortController().signal;
const collect = async <T>(source: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const each of source) all.push(each);
  return all;
};

test('what is read ahead is the same, in the same order, up to the error that ends it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat()), fc.boolean(), async (given, fails) => {
      const got: number[] = [];
      const source = async function* () {
        yield* given;
        if (fails) throw new RangeError('the end');
      };
      const read = async () => {
        for await (const each of readAhead(source, never)) got.push(each);
      };
      await (fails ? expect(read()).rejects.toThrow('the end') : read());
      expect(got).toEqual(given);
    }),
  );
});

test('the next is read while the caller is busy, and none beyond it', async () => {
  const read: number[] = [];
  const source = async function* () {
    for (let n = 1; n <= 5; n++) yield (read.push(n), n);
  };
  const seen: number[][] = [];
  for await (const each of readAhead(source, never)) {
    await new Promise((resolve) => setImmediate(resolve)); // the caller's work
    seen.push([each, ...read]);
  }
  expect(seen).toEqual([[1, 1, 2], [2, 1, 2, 3], [3, 1, 2, 3, 4], [4, 1, 2, 3, 4, 5], [5, 1, 2, 3, 4, 5]]);
});

test('a caller that stops ends the call under way and the source', async () => {
  let ended = '';
  const source = async function* (signal: AbortSignal) {
    try {
      yield 1;
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('called off'))));
    } finally {
      ended = signal.aborted ? 'called off' : 'by itself';
    }
  };
  for await (const each of readAhead(source, never)) if (each === 1) break;
  expect(ended).toBe('called off');
});

test("the caller's own signal reaches the source", async () => {
  const abort = new AbortController();
  const source = async function* (signal: AbortSignal) {
    yield 1;
    abort.abort(new Error('enough'));
    signal.throwIfAborted();
  };
  await expect(collect(readAhead(source, abort.signal))).rejects.toThrow('enough');
});
