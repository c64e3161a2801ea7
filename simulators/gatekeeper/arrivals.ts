/**
 * When people arrive, relative to the start of what they come for.
 */
import type { Random } from './random.ts';

/** Values at equally spaced probabilities from 0 to 1, ascending. Between them the distribution is uniform. */
export type QuantileTable = readonly number[];

/**
 * Minutes after the start at each 5 % of arrivals: fitted by `scripts/fit-arrivals.ts` on the badge scans of 18
 * sessions (808 joins) of a research conference of 2019. Most come within a quarter of an hour after the start; a
 * tenth later than an hour.
 */
export const arrivalMinutes: QuantileTable = [-20.4, -8.4, -4.9, -1.8, 0.9, 2.2, 3.4, 4.9, 6.4, 7.9, 9.9, 12.3, 14.4, 17.6, 23.1, 27.9, 34.8, 47.4, 60.0, 72.6, 111.3];

/** The value that a share `probability` (0 to 1) of the distribution lies below. */
export const quantile = (table: QuantileTable, probability: number): number => {
  const place = Math.min(1, Math.max(0, probability)) * (table.length - 1);
  const low = table[Math.floor(place)] ?? 0;
  const high = table[Math.ceil(place)] ?? low;
  return low + (high - low) * (place - Math.floor(place));
};

/** The share of the distribution that lies at or below `value`. */
export const cumulative = (table: QuantileTable, value: number): number => {
  const steps = table.length - 1;
  // From the right, so that a value which several quantiles share has the share of the last.
  for (let step = steps; step >= 0; step -= 1) {
    const low = table[step] ?? 0;
    if (value < low) continue;
    const high = table[step + 1];
    return high === undefined || high === low ? step / steps : (step + (value - low) / (high - low)) / steps;
  }
  return 0;
};

/** The table of a sample, with `steps` equal steps of probability; linear between order statistics (type 7 of Hyndman and Fan 1996). */
export const quantileTable = (sample: readonly number[], steps: number): QuantileTable => {
  const sorted = [...sample].sort((left, right) => left - right);
  return Array.from({ length: steps + 1 }, (_, step) => quantile(sorted, step / steps));
};

/** Kolmogorov-Smirnov distance: the greatest difference between the table's distribution and the sample's, 0 to 1. */
export const kolmogorovSmirnov = (table: QuantileTable, sample: readonly number[]): number => {
  const sorted = [...sample].sort((left, right) => left - right);
  return sorted.reduce((worst, value, index) => {
    const expected = cumulative(table, value);
    return Math.max(worst, expected - index / sorted.length, (index + 1) / sorted.length - expected);
  }, 0);
};

/** Minutes after the start at which one person arrives. */
export const drawArrival = (random: Random): number => quantile(arrivalMinutes, random.next());
