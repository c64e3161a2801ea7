/** Configuration of what clients may cost and ask for at once; all of it is the gateway's. See docs/operations.md. */
import { z } from 'zod';
import type { Tier } from './viewer.ts';

/** Units of cost in a window of so many seconds. */
export type Budget = { readonly units: number; readonly seconds: number };

const secondsIn = { s: 1, m: 60, h: 3600 } as const;
const budgetPattern = /^(\d{1,12})\/(\d{1,5})(s|m|h)$/;

/** `10000/60s`, `5000/1m`, `unlimited`. */
const budget = z
  .string()
  .refine((text) => text === 'unlimited' || (parseBudget(text)?.units ?? 0) > 0, 'units of cost in a time, such as 10000/60s or 5000/1h, or unlimited')
  .transform((text) => parseBudget(text));

const parseBudget = (text: string): Budget | null => {
  const [, units, count, unit] = budgetPattern.exec(text) ?? [];
  const seconds = Number(count) * secondsIn[(unit ?? 's') as keyof typeof secondsIn];
  return seconds > 0 ? { units: Number(units), seconds } : null;
};

const whole = (minimum: number, maximum: number) => z.coerce.number().int().min(minimum).max(maximum);

export const limitVariables = {
  EVENTGRAPH_BUDGET_PUBLIC: budget.default({ units: 10_000, seconds: 60 }),
  EVENTGRAPH_BUDGET_PARTNER: budget.default({ units: 50_000, seconds: 60 }),
  EVENTGRAPH_BUDGET_PREMIUM: budget.default({ units: 500_000, seconds: 60 }),
  EVENTGRAPH_BUDGET_INTERNAL: budget.default(null),
  EVENTGRAPH_MAX_COST: whole(1, 1e12).default(100_000),
  EVENTGRAPH_LIST_SIZE: whole(1, 100_000).default(10),
  EVENTGRAPH_MAX_DOCUMENT_LENGTH: whole(100, 10_000_000).default(100_000),
  EVENTGRAPH_MAX_TOKENS: whole(10, 1_000_000).default(10_000),
  EVENTGRAPH_MAX_DEPTH: whole(1, 1_000).default(30),
  EVENTGRAPH_MAX_ALIASES: whole(0, 100_000).default(200),
  EVENTGRAPH_MAX_ROOT_FIELDS: whole(1, 10_000).default(50),
  EVENTGRAPH_MAX_FIELDS: whole(1, 1_000_000).default(5_000),
};

export type LimitsConfig = {
  /** Null for no limit. */
  readonly budgets: Readonly<Record<Tier, Budget | null>>;
  /** What one operation may cost, whoever asks. */
  readonly maxCost: number;
  /** Entries that a list is taken to have where the schema says nothing. */
  readonly listSize: number;
  /** Of a document: see `gateway/limits.ts`. */
  readonly document: { readonly maxDocumentLength: number; readonly maxTokens: number; readonly maxDepth: number; readonly maxAliases: number; readonly maxRootFields: number; readonly maxFields: number };
};

type Values = { readonly [name in keyof typeof limitVariables]: z.infer<(typeof limitVariables)[name]> };

export const limitsOf = (value: Values): LimitsConfig => ({
  budgets: { public: value.EVENTGRAPH_BUDGET_PUBLIC, partner: value.EVENTGRAPH_BUDGET_PARTNER, premium: value.EVENTGRAPH_BUDGET_PREMIUM, internal: value.EVENTGRAPH_BUDGET_INTERNAL },
  maxCost: value.EVENTGRAPH_MAX_COST,
  listSize: value.EVENTGRAPH_LIST_SIZE,
  document: {
    maxDocumentLength: value.EVENTGRAPH_MAX_DOCUMENT_LENGTH,
    maxTokens: value.EVENTGRAPH_MAX_TOKENS,
    maxDepth: value.EVENTGRAPH_MAX_DEPTH,
    maxAliases: value.EVENTGRAPH_MAX_ALIASES,
    maxRootFields: value.EVENTGRAPH_MAX_ROOT_FIELDS,
    maxFields: value.EVENTGRAPH_MAX_FIELDS,
  },
});
