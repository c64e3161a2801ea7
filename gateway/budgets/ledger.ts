/**
 * What was taken of budgets. A budget is so many units in a window; windows are aligned to the clock, and an account is
 * kept for each, so that what is given back late goes to the window it was taken from and makes no other one larger.
 *
 * In Redis for all gateways together, or in this process: rate-limiter-flexible does the counting.
 */
import type { Redis } from 'ioredis';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { Budget } from '#core/config-limits.ts';
import type { Logger } from '#core/logging.ts';

export type Taken = {
  readonly isAccepted: boolean;
  /** Units left in the window. */
  readonly remaining: number;
  /** Takes more units, accepted or not, or gives some back. Never rejects. */
  correct(by: number): Promise<void>;
};

export type Ledger = {
  /** `account` names the window too. What is refused takes nothing. Whole units. */
  take(account: string, units: number, budget: Budget): Promise<Taken>;
};

type Limiters = { readonly charging: RateLimiterAbstract; readonly correcting: RateLimiterAbstract };

/** One limiter for each budget, made when it is first needed. */
const limitersBy = (make: (budget: Budget) => Limiters): ((budget: Budget) => Limiters) => {
  const known = new Map<string, Limiters>();
  return (budget) => {
    const key = `${budget.units}/${budget.seconds}`;
    let limiters = known.get(key);
    if (!limiters) known.set(key, (limiters = make(budget)));
    return limiters;
  };
};

/** Throws what is no refusal. */
const consume = async ({ charging }: Limiters, account: string, units: number): Promise<RateLimiterRes & { readonly isAccepted: boolean }> => {
  try {
    return Object.assign(await charging.consume(account, units), { isAccepted: true });
  } catch (refused) {
    if (refused instanceof RateLimiterRes) return Object.assign(refused, { isAccepted: false });
    throw refused;
  }
};

export const createMemoryLedger = (): Ledger => {
  const limitersOf = limitersBy((budget) => {
    const limiter = new RateLimiterMemory({ points: budget.units, duration: budget.seconds });
    return { charging: limiter, correcting: limiter };
  });
  return {
    async take(account, units, budget) {
      const { charging, correcting } = limitersOf(budget);
      const result = await consume({ charging, correcting }, account, units);
      // The limiter counts what it refuses.
      if (!result.isAccepted) await correcting.reward(account, units);
      return takenFrom(result, units, budget, correctWith(correcting, account));
    },
  };
};

export const createRedisLedger = (redis: Redis, report: (error: unknown) => void = () => undefined): Ledger => {
  const limitersOf = limitersBy((budget) => {
    // Not queued while the connection is away: whoever waits for a budget waits for an answer.
    const options = { storeClient: redis, keyPrefix: 'eventgraph:budget', duration: budget.seconds, customIncrTtlLuaScript: script, rejectIfRedisNotReady: true };
    return { charging: new RateLimiterRedis({ ...options, points: budget.units }), correcting: new RateLimiterRedis({ ...options, points: Number.MAX_SAFE_INTEGER }) };
  });
  return {
    async take(account, units, budget) {
      const limiters = limitersOf(budget);
      const result = await consume(limiters, account, units);
      return takenFrom(result, units, budget, correctWith(limiters.correcting, account, report));
    },
  };
};

/**
 * In place of the library's, which counts what it refuses: many refused requests would keep out small ones that fit.
 * Arguments: units, seconds, units of the budget. Answers what was or would be taken, and the milliseconds left.
 */
const script = `
local taken = tonumber(redis.call('get', KEYS[1]) or '0')
local units = tonumber(ARGV[1])
if units > 0 and taken + units > tonumber(ARGV[3]) then
  return {taken + units, redis.call('pttl', KEYS[1])}
end
taken = redis.call('incrby', KEYS[1], ARGV[1])
local left = redis.call('pttl', KEYS[1])
if left == -1 then
  redis.call('expire', KEYS[1], ARGV[2])
  left = 1000 * ARGV[2]
end
return {taken, left}`;

const takenFrom = ({ consumedPoints, isAccepted }: RateLimiterRes & { readonly isAccepted: boolean }, units: number, budget: Budget, correct: Taken['correct']): Taken => ({
  isAccepted,
  remaining: Math.max(0, budget.units - (isAccepted ? consumedPoints : consumedPoints - units)),
  correct: isAccepted ? correct : async () => undefined,
});

const correctWith =
  (limiter: RateLimiterAbstract, account: string, report: (error: unknown) => void = () => undefined): Taken['correct'] =>
  async (by) => {
    try {
      if (by > 0) await limiter.penalty(account, by);
      if (by < 0) await limiter.reward(account, -by);
    } catch (error) {
      report(error);
    }
  };

/** While the first ledger is out of reach, the second counts: never an outage, never without a limit. */
export const createInsuredLedger = (first: Ledger, second: Ledger, logger: Logger): Ledger => {
  let isAway = false;
  return {
    async take(account, units, budget) {
      try {
        const taken = await first.take(account, units, budget);
        if (isAway) logger.info('budgets are counted for all gateways together again');
        isAway = false;
        return taken;
      } catch (error) {
        if (!isAway) logger.warn({ err: error }, 'Redis is out of reach: budgets are counted in this process alone');
        isAway = true;
        return second.take(account, units, budget);
      }
    },
  };
};
