/** What a client may cost: the cost of each request is taken of the budget of its tier, and corrected when it was answered. */
import type { Budget } from '#core/config-limits.ts';
import { type Tier, termsOf } from '#core/viewer.ts';
import type { Answer } from '../answer.ts';
import type { Asker, Budgets, Charge } from '../doors/admission.ts';
import { RequestRefused } from '../errors.ts';
import type { Gateway } from '../index.ts';
import { leastCost } from './cost.ts';
import type { Ledger } from './ledger.ts';
import { networkOf } from './network.ts';

export type BudgetsOptions = {
  readonly gateway: Pick<Gateway, 'costOf'>;
  readonly ledger: Ledger;
  /** Null for no limit. */
  readonly tiers: Readonly<Record<Tier, Budget | null>>;
  /** What one operation may cost, whoever asks. */
  readonly maxCost: number;
  /** Milliseconds since 1970; tests give their own. */
  readonly now?: () => number;
};

/** A budget and the window of it that is now; times in milliseconds. */
type Open = { readonly tier: Tier; readonly budget: Budget; readonly account: string; readonly leftMs: number };

export const createBudgets = ({ gateway, ledger, tiers, maxCost, now = Date.now }: BudgetsOptions): Budgets => ({
  charge(operation, variables, asker) {
    const cost = gateway.costOf(operation, variables);
    if (cost > maxCost) throw tooDear(cost, 'cost of an operation', maxCost);
    const { tier } = termsOf(asker.viewer);
    const budget = tiers[tier];
    if (!budget) return { cost, headers: {}, settle: () => undefined };
    if (cost > budget.units) throw tooDear(cost, `budget of the tier ${tier}`, budget.units);
    const windowMs = budget.seconds * 1000;
    const at = now();
    return chargeTo(ledger, { tier, budget, account: `${tier}:${accountOf(asker)}:${Math.floor(at / windowMs)}`, leftMs: windowMs - (at % windowMs) }, cost);
  },
});

const chargeTo = async (ledger: Ledger, open: Open, cost: number): Promise<Charge> => {
  const { isAccepted, remaining, correct } = await ledger.take(open.account, cost, open.budget);
  const headers = headersOf(open, remaining);
  if (!isAccepted) throw overBudget(open, cost, remaining, headers);
  return {
    cost,
    headers,
    settle(answer) {
      const actual = actualCost(answer);
      if (actual === null || actual === cost || (actual < cost && hasFailed(answer))) return;
      void correct(actual - cost);
    },
  };
};

/** Null where nobody counted: an answer in parts, or an execution that came to nothing. */
const actualCost = ({ hasData, cost }: Answer): number | null => {
  if (!hasData) return leastCost;
  return cost === null ? null : Math.max(leastCost, cost);
};

/**
 * Whether something was perhaps done and is not in the answer. Clients can bring that about, by an argument that one field
 * refuses or by going away: nothing is given back then. What was held back was never done.
 */
const hasFailed = ({ hasData, errors }: Answer): boolean => hasData && errors.some(({ extensions }) => extensions?.['code'] !== 'UNAUTHORIZED_FIELD_OR_TYPE');

/**
 * Whose budget it is: all keys and tokens of a client have one together, so that nobody gets more by making more of
 * them; those without a key have one for each network they come from.
 */
const accountOf = (asker: Asker): string => {
  const { viewer } = asker;
  const { client } = termsOf(viewer);
  if (client !== null) return `client ${client}`;
  const key = viewer.standsOn?.[0] ?? viewer.keyId;
  return key === null ? `address ${networkOf(asker.address)}` : `key ${key}`;
};

/** https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ (09); units are those of cost. */
const headersOf = ({ tier, budget, leftMs }: Open, remaining: number): Readonly<Record<string, string>> => ({
  'ratelimit-policy': `"${tier}";q=${budget.units};w=${budget.seconds}`,
  ratelimit: `"${tier}";r=${remaining};t=${secondsOf(leftMs)}`,
});

const secondsOf = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));

const overBudget = ({ tier, budget, leftMs }: Open, cost: number, remaining: number, headers: Readonly<Record<string, string>>): RequestRefused => {
  const retryAfter = secondsOf(leftMs);
  const message = `The operation costs ${cost}, and ${remaining} of the budget of ${budget.units} in ${budget.seconds} seconds is left. Come again in ${retryAfter} seconds, or ask for less.`;
  const facts = { limit: `cost in ${budget.seconds} seconds`, value: cost, maximum: budget.units, remaining, budget: tier, retryAfter };
  return new RequestRefused([{ message, extensions: { code: 'RATE_LIMITED', ...facts } }], { ...headers, 'retry-after': String(retryAfter) });
};

const tooDear = (value: number, limit: string, maximum: number): RequestRefused =>
  new RequestRefused([{ message: `The operation can cost ${value}; the maximum is ${maximum} (${limit}). It will never be answered: ask for fewer fields or shorter lists.`, extensions: { code: 'COST_EXCEEDED', limit, value, maximum } }]);
