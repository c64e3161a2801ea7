/**
 * Documents that clients sent once and name by their hash from then on (Apollo's automatic persisted queries), shared by
 * all gateways. Each has a place that follows from its hash, and takes it from whatever was there: so they are never
 * more than there are places, in Redis too, and whoever floods them with documents makes others send theirs again.
 */
import { LRUCache } from 'lru-cache';
import type { Cache } from '#core/cache.ts';
import { sha256Hex } from '#core/digest.ts';
import type { Logger } from '#core/logging.ts';

export type AutomaticDocuments = {
  /** The text with this SHA-256; nothing where it was never kept, or is gone. */
  find(hash: string): Promise<string | undefined>;
  /** For a text that was found valid: one with half a character, which has the hash of another text, is not. */
  keep(hash: string, text: string): Promise<void>;
};

export type AutomaticOptions = { readonly cache: Cache; readonly logger: Logger; readonly places?: number };

/** 8,192 texts of 16,000 characters: 130 MB at most. */
const maxPlaces = 8_192;
const maxLength = 16_000;
const ttlMs = 24 * 60 * 60 * 1_000;

export const createAutomaticDocuments = ({ cache, logger, places = maxPlaces }: AutomaticOptions): AutomaticDocuments => {
  const near = new LRUCache<string, string>({ max: 1_000, maxSize: 16_000_000, sizeCalculation: (text) => text.length + 1, ttl: ttlMs });
  const placeOf = (hash: string): string => `apq:${Number.parseInt(hash.slice(0, 8), 16) % places}`;
  // Without the store every client can still send its text.
  const lost = (error: unknown) => logger.warn({ err: error }, 'the store of automatic persisted queries does not answer');

  return {
    async find(hash) {
      const known = near.get(hash);
      if (known !== undefined || !isHash(hash)) return known;
      const text = await cache.get(placeOf(hash)).catch(lost);
      // Another text may have taken the place, and others write to a shared cache too.
      if (typeof text !== 'string' || sha256Hex(text) !== hash) return undefined;
      near.set(hash, text);
      return text;
    },
    async keep(hash, text) {
      if (text.length > maxLength || near.has(hash)) return;
      near.set(hash, text);
      await cache.set(placeOf(hash), text, ttlMs).catch(lost);
    },
  };
};

const isHash = (id: string): boolean => /^[0-9a-f]{64}$/.test(id);
