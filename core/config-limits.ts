/** Configuration of what clients may cost and ask for at once; all of it is the gateway's. See docs/operations.md. */
import { isIP } from 'node:net';
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

/** A number of balancers, or their addresses: `2`, `10.0.0.0/8,192.168.1.1`. */
export type TrustProxy = number | readonly string[];

const trustProxy = z
  .string()
  .transform((text): TrustProxy => (/^\d{1,2}$/.test(text) ? Number(text) : text.split(',').map((each) => each.trim())))
  .refine((setting) => typeof setting === 'number' || setting.every(isNetwork), 'a number of balancers, or their addresses, such as 1 or 10.0.0.0/8,192.168.1.1');

const isNetwork = (text: string): boolean => {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  return family !== 0 && more.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)));
};

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
  EVENTGRAPH_MAX_BODY: whole(1_000, 100_000_000).default(1_000_000),
  EVENTGRAPH_MAX_BATCH: whole(1, 1_000).default(1),
  EVENTGRAPH_MAX_SUBSCRIPTIONS: whole(1, 1_000_000).default(1_000),
  EVENTGRAPH_MAX_SOCKET_OPERATIONS: whole(1, 100_000).default(100),
  EVENTGRAPH_MAX_SOCKETS: whole(1, 1_000_000).default(1_000),
  EVENTGRAPH_SOCKET_INIT_MS: whole(100, 600_000).default(3_000),
  EVENTGRAPH_SOCKET_IDLE_MS: whole(100, 86_400_000).default(300_000),
  EVENTGRAPH_REQUEST_MS: whole(100, 600_000).default(60_000),
  EVENTGRAPH_STALLED_MS: whole(20_000, 3_600_000).default(180_000),
  EVENTGRAPH_TRUST_PROXY: trustProxy.optional(),
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
  readonly doors: DoorLimits;
};

export type DoorLimits = {
  /** Bytes of the body of a request, and of a message on a socket. */
  readonly bodyLimit: number;
  /** Operations in one request. */
  readonly maxBatch: number;
  /** Subscriptions and streams that one credential, or one address without any, has open at a gateway. */
  readonly maxSubscriptions: number;
  /** Operations that one socket has open. */
  readonly maxSocketOperations: number;
  /** Sockets that one address has open at a gateway. */
  readonly maxSockets: number;
  /** What a client has to say who it is, and how long it may have nothing open; milliseconds. */
  readonly socketInitMs: number;
  readonly socketIdleMs: number;
  /** What a request has to arrive, head and body; milliseconds. */
  readonly requestMs: number;
  /** How long a connection may stay open on which nothing moves while it is asked or answered; milliseconds, more than between two signs of life of a stream. */
  readonly stalledMs: number;
  readonly trustProxy: TrustProxy | undefined;
};

type Values = z.infer<z.ZodObject<typeof limitVariables>>;

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
  doors: {
    bodyLimit: value.EVENTGRAPH_MAX_BODY,
    maxBatch: value.EVENTGRAPH_MAX_BATCH,
    maxSubscriptions: value.EVENTGRAPH_MAX_SUBSCRIPTIONS,
    maxSocketOperations: value.EVENTGRAPH_MAX_SOCKET_OPERATIONS,
    maxSockets: value.EVENTGRAPH_MAX_SOCKETS,
    socketInitMs: value.EVENTGRAPH_SOCKET_INIT_MS,
    socketIdleMs: value.EVENTGRAPH_SOCKET_IDLE_MS,
    requestMs: value.EVENTGRAPH_REQUEST_MS,
    stalledMs: value.EVENTGRAPH_STALLED_MS,
    trustProxy: value.EVENTGRAPH_TRUST_PROXY,
  },
});
