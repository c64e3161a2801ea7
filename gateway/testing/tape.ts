/**
 * Random choices from a tape of numbers: each takes the next one, so that a shorter or smaller tape makes something
 * smaller, and a failing case shrinks to what matters. Behind its end a tape is all zeros: zero is the plainest choice.
 */
export type Tape = {
  /** One of 0 … count - 1. */
  choose(count: number): number;
  /** Once in so many cases. */
  chance(oneIn: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** Some of them, in their order; each once in so many cases. */
  some<T>(from: readonly T[], oneIn: number): T[];
};

export const tapeOf = (numbers: readonly number[]): Tape => {
  let at = 0;
  const choose = (count: number): number => (numbers[at++] ?? 0) % Math.max(count, 1);
  const chance = (oneIn: number): boolean => choose(oneIn) === oneIn - 1;
  return {
    choose,
    chance,
    pick: <T>(from: readonly T[]): T => from[choose(from.length)] as T,
    some: (from, oneIn) => from.filter(() => chance(oneIn)),
  };
};
