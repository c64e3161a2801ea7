/** The budgets of a gateway: counted in Redis where there is one, so that all gateways count together. */
import { connectRedis } from '#core/bus.ts';
import type { Config } from '#core/config.ts';
import type { Logger } from '#core/logging.ts';
import { createBudgets } from '#gateway/budgets/budgets.ts';
import { type Ledger, createInsuredLedger, createMemoryLedger, createRedisLedger } from '#gateway/budgets/ledger.ts';
import { createLeasingLedger } from '#gateway/budgets/leases.ts';
import type { Budgets } from '#gateway/doors/admission.ts';
import type { Gateway } from '#gateway/index.ts';

/** Milliseconds that a request waits for Redis to take its cost. */
const ledgerTimeoutMs = 250;

/** What is opened is left on `stack`. */
export const openBudgets = async (gateway: Gateway, { limits, redisUrl }: Config, logger: Logger, stack: AsyncDisposableStack): Promise<Budgets> =>
  createBudgets({ gateway, ledger: redisUrl === undefined ? createMemoryLedger() : await sharedLedger(redisUrl, logger, stack), tiers: limits.budgets, maxCost: limits.maxCost });

const sharedLedger = async (url: string, logger: Logger, stack: AsyncDisposableStack): Promise<Ledger> => {
  const redis = await connectRedis(url, logger, { commandTimeout: ledgerTimeoutMs });
  stack.defer(() => redis.disconnect());
  const lost = (error: unknown) => logger.debug({ err: error }, 'a correction of a budget was lost');
  return createInsuredLedger(createLeasingLedger(createRedisLedger(redis, lost)), createMemoryLedger(), logger);
};
