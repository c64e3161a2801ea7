/**
 * Asking a shared ledger for every request costs a way to Redis each time. This ledger takes a little more than it was
 * asked for and serves the next requests from that lease: the sum of what all gateways accept never exceeds the budget,
 * and what a gateway can keep from the others is a lease: a four-hundredth of the budget, less when little is left.
 */
import { LRUCache } from 'lru-cache';
import type { Budget } from '#core/config-limits.ts';
import type { Ledger, Taken } from './ledger.ts';

const shareOfBudget = 1 / 400;
/** Near its end a budget is handed out in ever smaller leases, and then exactly. */
const shareOfRest = 1 / 20;
const maxAccounts = 100_000;

/** What one gateway has of an account. */
type Lease = {
  left: number;
  /** Of the shared ledger, when it was last asked. */
  rest: number;
  /** Corrects the shared ledger. */
  correct: Taken['correct'];
  /** The question under way: everybody else waits for what it brings. */
  refill: Promise<void> | null;
};

export const createLeasingLedger = (shared: Ledger): Ledger => {
  const leases = new LRUCache<string, Lease>({ max: maxAccounts });
  const leaseOf = (account: string, budget: Budget): Lease => {
    let lease = leases.get(account);
    // An account is one window of a budget: it is of no use after that.
    if (!lease) leases.set(account, (lease = { left: 0, rest: budget.units, correct: async () => undefined, refill: null }), { ttl: budget.seconds * 1000 });
    return lease;
  };

  return {
    async take(account, units, budget) {
      const lease = leaseOf(account, budget);
      while (lease.left < units && lease.refill) await lease.refill;
      const isAccepted = lease.left >= units ? spend(lease, units) : await refill(lease, shared, account, units, budget);
      return { isAccepted, remaining: lease.rest + lease.left, correct: isAccepted ? (by) => settle(lease, by, budget) : async () => undefined };
    },
  };
};

const spend = (lease: Lease, units: number): true => {
  lease.left -= units;
  return true;
};

/** Asks for what is missing and a lease, then for what is missing alone. Whether the units were taken. */
const refill = async (lease: Lease, shared: Ledger, account: string, units: number, budget: Budget): Promise<boolean> => {
  let done: () => void = () => undefined;
  lease.refill = new Promise((resolve) => (done = resolve));
  // Put aside, so that nobody else spends it meanwhile.
  const own = lease.left;
  lease.left = 0;
  const ask = async (extra: number): Promise<boolean> => {
    const { isAccepted, remaining, correct } = await shared.take(account, units - own + extra, budget);
    lease.rest = remaining;
    if (!isAccepted) return false;
    lease.left += extra;
    lease.correct = correct;
    return true;
  };
  let isAccepted = false;
  try {
    const extra = sizeOf(lease, budget);
    isAccepted = (extra > 0 && (await ask(extra))) || (await ask(0));
    return isAccepted;
  } finally {
    if (!isAccepted) lease.left += own;
    lease.refill = null;
    done();
  }
};

const sizeOf = ({ rest }: Lease, { units }: Budget): number => Math.floor(Math.min(units * shareOfBudget, rest * shareOfRest));

/** What is given back serves the next requests; more than a lease of it goes back to all. What cannot be paid here is owed there. */
const settle = async (lease: Lease, by: number, budget: Budget): Promise<void> => {
  lease.left -= by;
  const surplus = lease.left < 0 ? lease.left : Math.max(0, lease.left - sizeOf(lease, budget));
  if (surplus === 0) return;
  lease.left -= surplus;
  lease.rest = Math.max(0, lease.rest + surplus);
  await lease.correct(-surplus);
};
