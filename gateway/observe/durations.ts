/** Upper bounds of the buckets, in milliseconds. */
export const durationBounds: readonly number[] = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];

/** A histogram of durations. */
export class Durations {
  /** One for each bound, and one for what is longer than all of them; each duration is in one. */
  readonly buckets: number[] = [...durationBounds.map(() => 0), 0];
  /** Milliseconds. */
  sum = 0;

  add(ms: number): void {
    let index = 0;
    while (index < durationBounds.length && ms > (durationBounds[index] as number)) index++;
    this.buckets[index] = (this.buckets[index] as number) + 1;
    this.sum += ms;
  }
}
