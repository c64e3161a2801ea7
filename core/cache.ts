/** A small shared cache: values are JSON and live for a given time. In process or in Redis, alike. */
import { LRUCache } from 'lru-cache';
import { connectRedis } from './bus.ts';
import type { Logger } from './logging.ts';

export type Cache = AsyncDisposable & {
  get(key: string): Promise<unknown>;
  /** `ttlMs`: how long the value may be served, in milliseconds. */
  set(key: string, value: unknown, ttlMs: number): Promise<void>;
  delete(key: string): Promise<void>;
};

/** At least a millisecond, as Redis has it: to the cache in memory, 0 would mean for ever. */
const lifetime = (ttlMs: number): number => Math.max(1, Math.round(ttlMs));

export const createMemoryCache = (maxEntries = 10_000): Cache => {
  const entries = new LRUCache<string, string>({ max: maxEntries });
  return {
    async get(key) {
      const text = entries.get(key);
      return text === undefined ? undefined : (JSON.parse(text) as unknown);
    },
    async set(key, value, ttlMs) {
      entries.set(key, JSON.stringify(value), { ttl: lifetime(ttlMs) });
    },
    async delete(key) {
      entries.delete(key);
    },
    [Symbol.asyncDispose]: async () => entries.clear(),
  };
};

export const createRedisCache = async (url: string, logger: Logger): Promise<Cache> => {
  const redis = await connectRedis(url, logger);
  const name = (key: string) => `eventgraph:cache:${key}`;
  return {
    async get(key) {
      const text = await redis.get(name(key));
      return text === null ? undefined : (JSON.parse(text) as unknown);
    },
    async set(key, value, ttlMs) {
      await redis.set(name(key), JSON.stringify(value), 'PX', lifetime(ttlMs));
    },
    async delete(key) {
      await redis.del(name(key));
    },
    async [Symbol.asyncDispose]() {
      await redis.quit().catch(() => redis.disconnect());
    },
  };
};
