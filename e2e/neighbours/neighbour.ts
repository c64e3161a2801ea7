/** Simulated services beside the one that a test is about: things happen at them, and they fail on and off. */
import type { Random } from '#simulators/gatekeeper/random.ts';

/** The numbers of an event, as both the hub and the service have them. */
export type Counted = { readonly registered: number; readonly present: number; readonly checkIns: number };

export type Neighbour = AsyncDisposable & {
  /** `input` of registerEventService, apart from the interval. */
  readonly registration: Readonly<Record<string, unknown>>;
  /** Somebody registers, comes, leaves or gives up, as the service allows. */
  happen(random: Random): void;
  /** From now on it fails in one of its ways. */
  fail(random: Random): void;
  mend(): void;
  /** What the service itself knows, by the hub's event ids. */
  truth(): Readonly<Record<string, Counted>>;
};

/** Throws for an empty list. */
export const pickOf = <T>(random: Random, from: readonly T[]): T => {
  const picked = from[random.below(from.length)];
  if (picked === undefined) throw new RangeError('nothing to pick from');
  return picked;
};
