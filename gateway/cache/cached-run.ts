/**
 * What one execution takes from the cache and leaves in it: entities as a subgraph answered them. Those that are found are
 * not asked for. It also notes what the whole answer was made from.
 */
import { sha256 } from '#core/digest.ts';
import { type Viewer, rightsOf } from '#core/viewer.ts';
import type { CacheEntry, Stamp, TaggedCache } from '#core/tagged-cache.ts';
import type { JsonObject } from '../execute/context.ts';
import { isObject } from '../execute/context.ts';
import type { Entity } from '../execute/entities.ts';
import type { Batch, FetchStep } from '../plan/plan.ts';
import type { CacheCounts } from './counts.ts';
import type { Terms } from './terms.ts';

export type CachedRunOptions = {
  readonly store: TaggedCache;
  readonly terms: Terms;
  readonly viewer: Viewer;
  readonly counts: CacheCounts;
  readonly stamp: Stamp;
  /** When it began, in milliseconds of `performance.now()`: before anything was read. */
  readonly begun: number;
};

/** The entities of each selection of a batch (`Batch.selections`). */
export type EntityLists = readonly (readonly Entity[])[];

type Awaited = { readonly key: string; readonly tags: readonly string[]; readonly maxAge: number };

export class CachedRun {
  /** Of everything that it read or found. */
  readonly tags = new Set<string>();
  /** When the first of what it found ends, in milliseconds of `performance.now()`. */
  expiresAt = Infinity;
  readonly #options: CachedRunOptions;
  /** What is not found and may be kept. */
  readonly #awaited = new Map<Entity, Awaited>();

  constructor(options: CachedRunOptions) {
    this.#options = options;
  }

  /** Requests may take part in equal ones under way that have the same: nothing changed between their beginnings. */
  get version(): string {
    return String(this.#options.stamp);
  }

  noteRoots(fetch: FetchStep): void {
    for (const tag of this.#options.terms.fetch(fetch).tags) this.tags.add(tag);
  }

  /** What is asked for and not kept by itself. */
  note(fetch: FetchStep, entities: readonly Entity[]): void {
    const { terms } = this.#options;
    const known = terms.fetch(fetch);
    for (const tag of known.tags) this.tags.add(tag);
    for (const { text } of entities) for (const tag of known.tagsOf(text)) this.tags.add(tag);
  }

  /** Hands over what is found; answers what is to be asked for. */
  async take({ selections }: Batch, lists: EntityLists, variablesOf: (fetch: FetchStep) => JsonObject, place: (entity: Entity, answer: JsonObject) => void): Promise<EntityLists> {
    const sought = lists.flatMap((entities, position) => {
      const fetch = selections[position];
      return fetch && entities.length > 0 ? this.#keysOf(fetch, entities, variablesOf) : [];
    });
    if (sought.length === 0) return lists;
    const { store, counts } = this.#options;
    const { hits } = await store.read(sought.map(([, { key }]) => key));
    const now = performance.now();
    const found = new Set<Entity>();
    sought.forEach(([entity, awaited], index) => {
      const hit = hits[index];
      if (!hit) return void this.#awaited.set(entity, awaited);
      this.expiresAt = Math.min(this.expiresAt, now + hit.remainingMs);
      found.add(entity);
      place(entity, JSON.parse(hit.value.toString()) as JsonObject);
    });
    counts.entities.hits += found.size;
    counts.entities.misses += sought.length - found.size;
    return found.size === 0 ? lists : lists.map((entities) => entities.filter((entity) => !found.has(entity)));
  }

  /** Keeps what a subgraph answered without errors; to be called before anything is merged into it. */
  keep(entities: readonly Entity[], answers: readonly unknown[]): void {
    const { store, stamp, begun, counts } = this.#options;
    const spentMs = performance.now() - begun;
    const entries: CacheEntry[] = [];
    entities.forEach((entity, index) => {
      const awaited = this.#awaited.get(entity);
      const answer = answers[index];
      // An entity that is not there, or not for this viewer, is asked for again.
      if (awaited && isObject(answer)) entries.push({ key: awaited.key, tags: awaited.tags, value: Buffer.from(JSON.stringify(answer)), ttlMs: awaited.maxAge * 1_000 - spentMs });
    });
    if (entries.length === 0) return;
    void store.store(stamp, entries).then((kept) => {
      counts.entities.stores += kept;
      counts.entities.refusals += entries.length - kept;
    });
  }

  /** Notes what the entities are; answers under which keys those are kept that may be. */
  #keysOf(fetch: FetchStep, entities: readonly Entity[], variablesOf: (fetch: FetchStep) => JsonObject): readonly (readonly [Entity, Awaited])[] {
    const { terms, viewer } = this.#options;
    const known = terms.fetch(fetch);
    const { maxAge, isPrivate } = known.policy;
    for (const tag of known.tags) this.tags.add(tag);
    const scope = maxAge > 0 ? scopeOf(viewer, isPrivate) : null;
    const prefix = scope === null ? null : sha256(JSON.stringify([known.digest, scope, variablesOf(fetch)]));
    return entities.flatMap((entity) => {
      const own = known.tagsOf(entity.text);
      for (const tag of own) this.tags.add(tag);
      return prefix === null ? [] : [[entity, { key: keyOf(prefix, entity.text), tags: [...known.tags, ...own], maxAge }] as const];
    });
  }
}

/**
 * For whom an answer is kept: everybody with the same rights, or one viewer; null for nobody. Who has no key cannot be
 * told from others who have none.
 */
export const scopeOf = (viewer: Viewer, isPrivate: boolean): string | null => {
  if (!isPrivate) return rightsOf(viewer);
  return viewer.keyId === null ? null : JSON.stringify([viewer.keyId, rightsOf(viewer)]);
};

const longestText = 200;

/** Long texts by their digest. */
export const keyOf = (prefix: string, text: string): string => `${prefix}${text.length > longestText ? sha256(text) : text}`;
