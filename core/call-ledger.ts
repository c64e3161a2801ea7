/**
 * Which calls to upstreams count at the moment. An upstream allows so many calls in any span of so many seconds, and may
 * ask to be left alone (`Retry-After`): whoever calls it, in whichever process, asks here before each call.
 *
 * In Redis for all processes together, or in this one: the same rules, told by one suite of tests.
 */
import type { Redis } from 'ioredis';
import type { CallBudget } from './connector.ts';
import type { Logger } from './logging.ts';

export type Taken =
  | { readonly isTaken: true }
  /** Nothing was taken. `waitMs` from now it may be otherwise; `isHeld`: the upstream asked to be left alone. */
  | { readonly isTaken: false; readonly waitMs: number; readonly isHeld: boolean };

/** Calls that count at the moment; `resetMs` from now none of them does. */
export type CallsUsed = { readonly used: number; readonly resetMs: number };

export type CallLedger = {
  /**
   * Takes one call, unless the budget is spent or the upstream is left alone. Pressing calls count like any other and are
   * refused only by the upstream's own word: a tenth of the budget is theirs, which others leave.
   */
  take(account: string, budget: CallBudget | null, isPressing: boolean): Promise<Taken>;
  /** Nobody calls for so long; a longer wait that holds already stays. */
  hold(account: string, ms: number): Promise<void>;
  used(account: string, budget: CallBudget): Promise<CallsUsed>;
  forget(account: string): Promise<void>;
};

/** What ordinary calls may take of a budget. */
const ordinaryShare = ({ calls }: CallBudget): number => calls - Math.floor(calls / 10);
const limitOf = (budget: CallBudget, isPressing: boolean): number => (isPressing ? Number.MAX_SAFE_INTEGER : ordinaryShare(budget));

type Account = { /** Moments of the calls that count, in their order. */ sent: number[]; heldUntil: number };

export const createMemoryCallLedger = (now: () => number = () => performance.now()): CallLedger => {
  const accounts = new Map<string, Account>();
  const open = (name: string, seconds: number): Account => {
    const account = accounts.get(name) ?? { sent: [], heldUntil: 0 };
    accounts.set(name, account);
    const first = account.sent.findIndex((at) => at > now() - seconds * 1000);
    account.sent.splice(0, first === -1 ? account.sent.length : first);
    return account;
  };
  return {
    async take(name, budget, isPressing) {
      const account = open(name, budget?.seconds ?? 0);
      if (account.heldUntil > now()) return { isTaken: false, waitMs: Math.ceil(account.heldUntil - now()), isHeld: true };
      if (budget === null) return { isTaken: true };
      const over = account.sent.length - limitOf(budget, isPressing);
      const leaving = account.sent[over];
      if (over >= 0 && leaving !== undefined) return { isTaken: false, waitMs: Math.max(1, Math.ceil(leaving + budget.seconds * 1000 - now())), isHeld: false };
      account.sent.push(now());
      return { isTaken: true };
    },
    async hold(name, ms) {
      const account = open(name, Number.MAX_SAFE_INTEGER / 1000);
      account.heldUntil = Math.max(account.heldUntil, now() + ms);
    },
    async used(name, { seconds }) {
      const { sent } = open(name, seconds);
      return { used: sent.length, resetMs: Math.max(0, Math.ceil((sent.at(-1) ?? 0) + seconds * 1000 - now())) * Math.sign(sent.length) };
    },
    async forget(name) {
      accounts.delete(name);
    },
  };
};

/** By Redis's own clock, in milliseconds, so that processes whose clocks differ count alike. As text, as Lua by itself prints such numbers rounded. */
const clock = `
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

const dropOld = `
while true do
  local oldest = redis.call('lindex', KEYS[1], 0)
  if not oldest or tonumber(oldest) > now - window then break end
  redis.call('lpop', KEYS[1])
end`;

/** Arguments: limit, milliseconds of the window (0: no budget). Answers 0 or the wait, and 1 where the upstream is left alone. */
const takeScript = `${clock}
local held = tonumber(redis.call('get', KEYS[2]) or '0')
if held > now then return {held - now, 1} end
local limit = tonumber(ARGV[1])
local window = tonumber(ARGV[2])
if window == 0 then return {0, 0} end
${dropOld}
local over = redis.call('llen', KEYS[1]) - limit
if over >= 0 then
  return {math.max(1, tonumber(redis.call('lindex', KEYS[1], over)) + window - now), 0}
end
redis.call('rpush', KEYS[1], string.format('%.0f', now))
redis.call('pexpire', KEYS[1], window)
return {0, 0}`;

const holdScript = `${clock}
local held = tonumber(redis.call('get', KEYS[1]) or '0')
local ms = tonumber(ARGV[1])
if ms > 0 and now + ms > held then redis.call('set', KEYS[1], string.format('%.0f', now + ms), 'px', ms) end
return 0`;

const usedScript = `${clock}
local window = tonumber(ARGV[1])
${dropOld}
local used = redis.call('llen', KEYS[1])
if used == 0 then return {0, 0} end
return {used, tonumber(redis.call('lindex', KEYS[1], -1)) + window - now}`;

export const createRedisCallLedger = (redis: Redis): CallLedger => {
  const keysOf = (account: string) => ({ calls: `eventgraph:calls:{${account}}`, hold: `eventgraph:hold:{${account}}` });
  return {
    async take(account, budget, isPressing) {
      const { calls, hold } = keysOf(account);
      const [waitMs, held] = (await redis.eval(takeScript, 2, calls, hold, budget ? limitOf(budget, isPressing) : 0, (budget?.seconds ?? 0) * 1000)) as [number, number];
      return waitMs === 0 ? { isTaken: true } : { isTaken: false, waitMs, isHeld: held === 1 };
    },
    async hold(account, ms) {
      await redis.eval(holdScript, 1, keysOf(account).hold, Math.ceil(ms));
    },
    async used(account, { seconds }) {
      const [used, resetMs] = (await redis.eval(usedScript, 1, keysOf(account).calls, seconds * 1000)) as [number, number];
      return { used, resetMs };
    },
    async forget(account) {
      const { calls, hold } = keysOf(account);
      await redis.del(calls, hold);
    },
  };
};

/** While the first ledger is out of reach, the second counts: an outage of Redis stops no sync and lifts no limit. */
export const createInsuredCallLedger = (first: CallLedger, second: CallLedger, logger: Logger): CallLedger => {
  let isAway = false;
  const insured = async <T>(work: (ledger: CallLedger) => Promise<T>): Promise<T> => {
    try {
      const result = await work(first);
      if (isAway) logger.info('calls to upstreams are counted for all processes together again');
      isAway = false;
      return result;
    } catch (error) {
      if (!isAway) logger.warn({ err: error }, 'Redis is out of reach: calls to upstreams are counted in this process alone');
      isAway = true;
      return work(second);
    }
  };
  return {
    take: (...args) => insured((ledger) => ledger.take(...args)),
    hold: (...args) => insured((ledger) => ledger.hold(...args)),
    used: (...args) => insured((ledger) => ledger.used(...args)),
    forget: (...args) => insured((ledger) => ledger.forget(...args)),
  };
};
