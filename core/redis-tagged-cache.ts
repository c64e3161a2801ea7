/**
 * The tagged cache in Redis, for all processes of a hub.
 *
 * `log` is a sorted set: the stamp of each tag's last invalidation, with two members of its own, `clock` (the last stamp)
 * and `floor` (what was read before it is served to nobody). They stand in one key so that they are lost together: a Redis
 * that lost the log begins with a new floor, whatever entries it kept. Each entry is a hash: stamp, tags, value.
 *
 * A process that lost its connection may have missed to tell of a change, and drops everything before it takes part
 * again; so does one that starts, as what was changed before may never have been told.
 */
import { type ChainableCommander, Redis } from 'ioredis';
import type { Logger } from './logging.ts';
import { type CacheEntry, type CacheHit, type CacheReading, type Stamp, type TaggedCache, longestMs, mostTags } from './tagged-cache.ts';

/** Begins every script. KEYS[1] is the log; times are Redis's own, in microseconds. */
const prelude = `
local log = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function number(score) return score and tonumber(score) end
local clock, floor = number(redis.call('ZSCORE', log, 'clock')), number(redis.call('ZSCORE', log, 'floor'))
if not clock or not floor then
  clock, floor = now, now
  redis.call('ZADD', log, clock, 'clock', floor, 'floor')
end
local function text(stamp) return string.format('%.0f', stamp) end
local function isCurrent(stamp, tags)
  if stamp < floor then return false end
  for tag in string.gmatch(tags, '[^\\n]+') do
    local last = number(redis.call('ZSCORE', log, tag))
    if last and last > stamp then return false end
  end
  return true
end
`;

const scripts = {
  taggedRead: `${prelude}
local found = { text(clock) }
for index = 2, #KEYS do
  local entry = redis.call('HMGET', KEYS[index], 'stamp', 'tags', 'value')
  if entry[1] and isCurrent(tonumber(entry[1]), entry[2]) then
    found[index] = { entry[3], entry[2], redis.call('PTTL', KEYS[index]) }
  else
    if entry[1] then redis.call('UNLINK', KEYS[index]) end
    found[index] = false
  end
end
return found`,
  taggedStore: `${prelude}
local stamp, kept = tonumber(ARGV[1]), 0
for index = 2, #KEYS do
  local at = (index - 2) * 3 + 2
  if isCurrent(stamp, ARGV[at + 1]) then
    redis.call('HSET', KEYS[index], 'stamp', ARGV[1], 'tags', ARGV[at + 1], 'value', ARGV[at + 2])
    redis.call('PEXPIRE', KEYS[index], ARGV[at])
    kept = kept + 1
  end
end
return kept`,
  taggedInvalidate: `${prelude}
local stamp = math.max(clock + 1, now)
for index = 1, #ARGV do redis.call('ZADD', log, stamp, ARGV[index]) end
redis.call('ZREMRANGEBYSCORE', log, '-inf', text(now - ${longestMs} * 1000))
local many = redis.call('ZCARD', log) - ${mostTags}
if many > 0 then
  local last = redis.call('ZRANGE', log, many - 1, many - 1, 'WITHSCORES')
  floor = math.max(floor, tonumber(last[2]))
  redis.call('ZREMRANGEBYRANK', log, 0, many - 1)
end
redis.call('ZADD', log, stamp, 'clock', floor, 'floor')
return 1`,
  taggedFlush: `${prelude}
local stamp = math.max(clock + 1, now)
redis.call('ZADD', log, stamp, 'clock', stamp, 'floor')
return 1`,
} as const;

type Script = (...args: (string | number | Buffer)[]) => Promise<unknown>;
type Scripted = { readonly taggedReadBuffer: Script; readonly taggedStore: Script; readonly taggedInvalidate: Script; readonly taggedFlush: Script };

export type RedisTaggedCacheOptions = {
  readonly url: string;
  readonly logger: Logger;
  /** Of all keys; for tests that share a server. */
  readonly prefix?: string;
  /** How long an answer of Redis is waited for, in milliseconds. One that is later than that is asked again after as long. */
  readonly patienceMs?: number;
};

/** Throws when Redis cannot be reached at first; afterwards, while it is away, nothing is found and nothing is kept. */
export const createRedisTaggedCache = async ({ url, logger, prefix = 'eventgraph:answers:', patienceMs = 500 }: RedisTaggedCacheOptions): Promise<TaggedCache> => {
  const redis = new Redis(url, { lazyConnect: true, enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: patienceMs, retryStrategy: (times) => Math.min(times * 50, 500) });
  for (const [name, lua] of Object.entries(scripts)) redis.defineCommand(name, { lua });
  const scripted = redis as unknown as Scripted & ChainableCommander;
  const log = `${prefix}log`;
  const nameOf = (key: string): string => `${prefix}${key}`;
  const counts = { invalidated: 0, flushed: 0 };
  let hasMissed = true;
  let flushing: Promise<boolean> | null = null;
  let awayUntil = 0;

  redis.on('error', (error) => logger.debug({ err: error }, 'redis connection'));
  redis.on('close', () => (hasMissed = true));
  redis.on('ready', () => {
    awayUntil = 0;
    void isUsable();
  });

  /** Whether or not anybody asks: others may be served what this process should have told them of. */
  let again: NodeJS.Timeout | undefined;
  const away = (error: unknown, doing: string): void => {
    awayUntil = performance.now() + patienceMs;
    clearTimeout(again);
    again = setTimeout(() => void isUsable(), patienceMs + 1).unref();
    logger.warn({ err: error }, `the shared cache cannot be reached (${doing}): going on without it`);
  };
  const flush = async (): Promise<boolean> => {
    hasMissed = false;
    try {
      await scripted.taggedFlush(1, log);
      counts.flushed++;
      return !hasMissed;
    } catch (error) {
      hasMissed = true;
      away(error, 'beginning anew');
      return false;
    } finally {
      flushing = null;
    }
  };
  /** Whether it can be used; after something may have been missed, once everything was dropped. */
  const isUsable = async (): Promise<boolean> => {
    if (redis.status !== 'ready' || performance.now() < awayUntil) return false;
    return !hasMissed || (flushing ??= flush());
  };

  await redis.connect().catch((error: unknown) => {
    redis.disconnect();
    throw error;
  });
  await isUsable();

  return {
    counts,
    async read(keys) {
      if (!(await isUsable())) return nothing(keys);
      try {
        return readingOf((await scripted.taggedReadBuffer(keys.length + 1, log, ...keys.map(nameOf))) as readonly unknown[]);
      } catch (error) {
        away(error, 'reading');
        return nothing(keys);
      }
    },
    async store(stamp, entries) {
      const lasting = entries.filter(({ ttlMs }) => ttlMs >= 1);
      if (lasting.length === 0 || !(await isUsable())) return 0;
      try {
        return Number(await scripted.taggedStore(lasting.length + 1, log, ...lasting.map(({ key }) => nameOf(key)), stamp, ...lasting.flatMap(argumentsOf)));
      } catch (error) {
        away(error, 'storing');
        return 0;
      }
    },
    /** What cannot be told is made up for by dropping everything, as soon as Redis can be reached again. */
    async invalidate(tags) {
      if (tags.length === 0) return;
      counts.invalidated += tags.length;
      try {
        if (redis.status !== 'ready') throw new Error('not connected');
        for (let start = 0; start < tags.length; start += tagsPerCall) await scripted.taggedInvalidate(1, log, ...tags.slice(start, start + tagsPerCall));
      } catch (error) {
        hasMissed = true;
        away(error, 'telling of a change');
      }
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(again);
      await redis.quit().catch(() => redis.disconnect());
    },
  };
};

/** Scripts of Redis take some thousand arguments. */
const tagsPerCall = 1_000;

const nothing = (keys: readonly string[]): CacheReading => ({ stamp: null, hits: keys.map(() => undefined) });

const argumentsOf = ({ ttlMs, tags, value }: CacheEntry): (number | string | Buffer)[] => [Math.floor(Math.min(ttlMs, longestMs)), tags.join('\n'), value];

/** The stamp, and for each key a value, its tags and how long it lasts, or null. */
const readingOf = ([stamp, ...found]: readonly unknown[]): CacheReading => ({
  stamp: Number(String(stamp)) satisfies Stamp,
  hits: found.map((each): CacheHit | undefined => {
    if (!Array.isArray(each)) return undefined;
    const [value, tags, remainingMs] = each as [Buffer, Buffer, number];
    return { value, tags: tags.length === 0 ? [] : tags.toString().split('\n'), remainingMs };
  }),
});
