/**
 * Values of services that are extras (discographies, coordinates): kept in the hub's cache, asked for anew after a day, and
 * served for a week more when the service is away. A cache that fails costs a call and no value. In one request a bounded number of them is asked for, all at once.
 */
import DataLoader from 'dataloader';
import type { z } from 'zod';
import type { Cache } from '#core/cache.ts';
import { UpstreamError } from '#core/errors.ts';
import type { Logger } from '#core/logging.ts';

export type Lookups<Key, Value> = {
  readonly cache: Cache;
  readonly now: () => Date;
  readonly logger: Logger;
  /** Name in the cache. */
  readonly nameOf: (key: Key) => string;
  readonly schema: z.ZodType<Value>;
  /** Answers null for what the service does not know, and undefined where there is none to ask: that is not kept. */
  readonly fetch: (key: Key) => Promise<Value | null | undefined>;
};

const freshMs = 24 * 3_600_000;
const keptMs = 7 * 24 * 3_600_000;
/** Calls in one request. Whoever wants more asks again: what was answered by then is kept. */
export const mostCalls = 12;

type Kept<Value> = { readonly value: Value | null; readonly at: number };

export const createLookups = <Key, Value>({ cache, now, logger, nameOf, schema, fetch }: Lookups<Key, Value>): DataLoader<Key, Value | null, string> => {
  let calls = 0;
  const withoutCache = (error: unknown): void => logger.debug({ err: error }, 'the cache of looked up values fails');
  const readKept = async (key: Key): Promise<Kept<Value> | null> => {
    const kept = (await cache.get(nameOf(key)).catch(withoutCache)) as Kept<unknown> | undefined;
    const parsed = schema.nullable().safeParse(kept?.value);
    return kept && parsed.success ? { value: parsed.data, at: kept.at } : null;
  };
  const lookUp = async (key: Key): Promise<Value | null | Error> => {
    const kept = await readKept(key);
    if (kept && now().getTime() - kept.at < freshMs) return kept.value;
    try {
      if ((calls += 1) > mostCalls) throw new UpstreamError('rate_limited', `At most ${mostCalls} are looked up for one request. Ask again for the rest.`, { maximum: mostCalls });
      const value = await fetch(key);
      if (value !== undefined) await cache.set(nameOf(key), { value, at: now().getTime() }, keptMs).catch(withoutCache);
      return value ?? null;
    } catch (error) {
      return kept ? kept.value : (error as Error);
    }
  };
  return new DataLoader((keys) => Promise.all(keys.map(lookUp)), { cacheKeyFn: nameOf });
};
