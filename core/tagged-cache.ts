/**
 * A cache of what was read, which forgets what changed.
 *
 * Glossary
 * - tag: a name of something that can change, `attendance/Event:{"id":"e1"}`. An entry has the tags of all that it was
 *   made from. Tags hold no line breaks.
 * - stamp: how far the invalidations had come when a read began. Each invalidation gets a larger one.
 *
 * An entry is served as long as none of its tags was invalidated after its stamp. So a read that began before a change
 * and ended after the invalidation is never kept, and nobody has to know beforehand what a read will touch.
 */
import { LRUCache } from 'lru-cache';

export type Stamp = number;

export type CacheEntry = {
  readonly key: string;
  readonly value: Buffer;
  readonly tags: readonly string[];
  /** How long it may be served from now on, in milliseconds; at most `longestMs`. Not positive: not at all. */
  readonly ttlMs: number;
};

/** `value` is not to be changed: others are served the same. */
export type CacheHit = { readonly value: Buffer; readonly tags: readonly string[]; readonly remainingMs: number };

/** `stamp` is null where the cache cannot be reached: nothing is found then, and nothing can be stored. */
export type CacheReading = { readonly stamp: Stamp | null; readonly hits: readonly (CacheHit | undefined)[] };

export type TaggedCache = AsyncDisposable & {
  /** Looks keys up and begins a read, in one: what is read from now on is stored with this stamp. Never rejects. */
  read(keys: readonly string[]): Promise<CacheReading>;
  /** Keeps the entries of a read of which no tag was invalidated since it began; answers how many. Never rejects. */
  store(stamp: Stamp, entries: readonly CacheEntry[]): Promise<number>;
  /** When it resolves, nobody is served what had one of these tags. Never rejects; see each form for what it does while the cache is away. */
  invalidate(tags: readonly string[]): Promise<void>;
  readonly counts: { /** Tags that were invalidated. */ invalidated: number; /** Times that everything was forgotten. */ flushed: number };
};

/** Entries live a day at most: for so long, what was invalidated must be remembered. */
export const longestMs = 86_400_000;
/** How many invalidated tags are remembered. Beyond that, what was read before the oldest is forgotten instead. */
export const mostTags = 100_000;

export type MemoryTaggedCacheOptions = {
  /** About what all entries together may take. */
  readonly maxBytes: number;
  /** Milliseconds. */
  readonly now?: () => number;
  readonly mostTags?: number;
};

/** `checkedAt`: the stamp up to which none of its tags was invalidated. */
type Kept = { readonly value: Buffer; readonly tags: readonly string[]; readonly stamp: Stamp; readonly expiresAt: number; checkedAt: Stamp };

/** What an entry takes besides its texts. */
const overhead = 400;
const bytesOf = ({ value, tags }: Kept, key: string): number => tags.reduce((sum, tag) => sum + tag.length, overhead + key.length + value.length);

/** For a process that is the only one: who writes and who reads are the same. */
export const createMemoryTaggedCache = ({ maxBytes, now = () => performance.now(), mostTags: most = mostTags }: MemoryTaggedCacheOptions): TaggedCache => {
  const entries = new LRUCache<string, Kept>({ maxSize: maxBytes, sizeCalculation: bytesOf });
  /** The stamp of each tag's last invalidation, oldest first. */
  const invalidated = new Map<string, Stamp>();
  const counts = { invalidated: 0, flushed: 0 };
  let clock: Stamp = 0;
  let floor: Stamp = 0;

  const isCurrent = (tags: readonly string[], stamp: Stamp): boolean => stamp >= floor && tags.every((tag) => (invalidated.get(tag) ?? 0) <= stamp);
  const find = (key: string): CacheHit | undefined => {
    const kept = entries.get(key);
    if (!kept) return undefined;
    const remainingMs = kept.expiresAt - now();
    if (remainingMs <= 0 || (kept.checkedAt !== clock && !isCurrent(kept.tags, kept.stamp))) {
      entries.delete(key);
      return undefined;
    }
    kept.checkedAt = clock;
    return { value: kept.value, tags: kept.tags, remainingMs };
  };

  return {
    counts,
    read: async (keys) => ({ stamp: clock, hits: keys.map(find) }),
    async store(stamp, offered) {
      let kept = 0;
      for (const { key, value, tags, ttlMs } of offered) {
        if (ttlMs <= 0 || !isCurrent(tags, stamp)) continue;
        entries.set(key, { value, tags, stamp, expiresAt: now() + Math.min(ttlMs, longestMs), checkedAt: clock });
        kept++;
      }
      return kept;
    },
    async invalidate(tags) {
      if (tags.length === 0) return;
      clock++;
      counts.invalidated += tags.length;
      for (const tag of tags) {
        invalidated.delete(tag);
        invalidated.set(tag, clock);
      }
      for (const [tag, stamp] of invalidated) {
        if (invalidated.size <= most) break;
        invalidated.delete(tag);
        floor = stamp;
      }
    },
    async [Symbol.asyncDispose]() {
      entries.clear();
    },
  };
};

/** For a hub that is told to keep nothing. */
export const noTaggedCache: TaggedCache = {
  counts: { invalidated: 0, flushed: 0 },
  read: async (keys) => ({ stamp: null, hits: keys.map(() => undefined) }),
  store: async () => 0,
  invalidate: async () => undefined,
  [Symbol.asyncDispose]: async () => undefined,
};
