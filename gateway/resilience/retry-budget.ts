/**
 * How many requests may be made beyond those that were asked for, so that retries and hedges never multiply the load of
 * a subgraph in trouble: a share of the fetches, and a small reserve for quiet times.
 */
export type RetryBudget = {
  /** A fetch was asked for. */
  earn(): void;
  /** Whether one more request may be made; it is then counted. */
  spend(): boolean;
};

export const createRetryBudget = ({ share, reserve }: { readonly share: number; readonly reserve: number }): RetryBudget => {
  let left = reserve;
  return {
    earn() {
      if (left < reserve) left = Math.min(reserve, left + share);
    },
    spend() {
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
};
