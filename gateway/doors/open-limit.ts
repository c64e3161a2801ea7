/** How many things each owner has open at a time. */
import { networkOf } from '../budgets/network.ts';
import { type RequestRefused, refuse } from '../errors.ts';

export type OpenLimit = {
  readonly maximum: number;
  /** Counts one more; answers what ends it, any number of times, or null where the owner has as many as may be. */
  enter(owner: string): (() => void) | null;
};

export const createOpenLimit = (maximum: number): OpenLimit => {
  const open = new Map<string, number>();
  return {
    maximum,
    enter(owner) {
      const before = open.get(owner) ?? 0;
      if (before >= maximum) return null;
      open.set(owner, before + 1);
      let isOpen = true;
      return () => {
        if (!isOpen) return;
        isOpen = false;
        const left = (open.get(owner) ?? 0) - 1;
        if (left > 0) open.set(owner, left);
        else open.delete(owner);
      };
    },
  };
};

/** Subscriptions and streams of a credential are counted over all of its connections. */
export const ownerOf = (credential: string | null, address: string): string => credential ?? `address ${networkOf(address)}`;

export const tooManyOpen = (limit: string, maximum: number): RequestRefused =>
  refuse('TOO_MANY_OPERATIONS', `At most ${maximum} may be open at a time (${limit}). End one first.`, { limit, value: maximum + 1, maximum });
