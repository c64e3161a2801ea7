/**
 * Whole answers of queries, kept as the bytes that are sent, by operation, variables and rights. See
 * docs/decisions/caching.md for what is kept, for whom, and why what is served is never older than what was acknowledged.
 */
import { sha256 } from '#core/digest.ts';
import { tags } from '#core/invalidation.ts';
import type { Stamp, TaggedCache } from '#core/tagged-cache.ts';
import type { Viewer } from '#core/viewer.ts';
import { Answer } from '../answer.ts';
import type { Engine, Prepared } from '../engine.ts';
import type { Plan } from '../plan/plan.ts';
import { CachedRun, keyOf, scopeOf } from './cached-run.ts';
import type { CacheCounts } from './counts.ts';
import type { CachePolicy } from './policy.ts';
import { type Terms, createTerms } from './terms.ts';

/** What was found, or how what is not found is answered and kept. */
export type Looked =
  | { readonly hit: Answer }
  | {
      readonly hit: null;
      /** Queries may share an answer under way with the same version alone: what one begins later may have changed meanwhile. */
      readonly version: string;
      /** Runs the query, and keeps its answer where it may be; without a cache that can be reached, just runs it. */
      answer(run: (cached: CachedRun | undefined) => Promise<Answer>): Promise<Answer>;
    };

export type AnswerCache = {
  /** Of a query. */
  look(engine: Engine, prepared: Prepared, viewer: Viewer): Promise<Looked>;
  /** After a mutation, and before it is answered: what its subgraphs said is served no more. */
  changed(plan: Plan): Promise<void>;
};

/** Answers made from more than this are not kept: each reading of them would look at as many tags. */
const mostTags = 2_000;

export const createAnswerCache = (store: TaggedCache, counts: CacheCounts): AnswerCache => {
  const byEngine = new WeakMap<Engine, Terms>();
  const termsOf = (engine: Engine): Terms => {
    let terms = byEngine.get(engine);
    if (!terms) byEngine.set(engine, (terms = createTerms(engine.supergraph)));
    return terms;
  };
  return {
    async look(engine, prepared, viewer) {
      const terms = termsOf(engine);
      const policy = terms.operation(prepared.operation);
      const key = prepared.parts ? null : answerKey(engine, prepared, viewer, policy);
      const begun = performance.now();
      const { stamp, hits } = await store.read(key === null ? [] : [key]);
      const [found] = hits;
      if (found) {
        counts.answers.hits++;
        const hit = unpacked(found.value);
        hit.freshness = { until: performance.now() + found.remainingMs, isPrivate: policy.isPrivate };
        return { hit };
      }
      if (key !== null) counts.answers.misses++;
      return {
        hit: null,
        version: String(stamp),
        async answer(run) {
          if (stamp === null) return run(undefined);
          const cached = new CachedRun({ store, terms, viewer, counts, stamp, begun });
          const answer = await run(cached);
          if (policy.maxAge > 0 && isWhole(answer)) answer.freshness = { until: Math.min(begun + policy.maxAge * 1_000, cached.expiresAt), isPrivate: policy.isPrivate };
          if (key !== null) keep(store, counts, key, stamp, answer, cached);
          return answer;
        },
      };
    },
    async changed({ fetches }) {
      await store.invalidate([...new Set(fetches.flatMap(({ operation, subgraph }) => (operation.kind === 'mutation' ? [tags.subgraph(subgraph)] : [])))]);
    },
  };
};

const isWhole = ({ hasData, errors, rest }: Answer): boolean => hasData && errors.length === 0 && !rest;

/** What the answer costs its client (`Answer.cost`), and its bytes. */
const packed = ({ bytes, cost }: Answer): Buffer => {
  const value = Buffer.allocUnsafe(costBytes + bytes.length);
  value.writeDoubleLE(cost ?? NaN);
  bytes.copy(value, costBytes);
  return value;
};
const costBytes = 8;

/** The same bytes for the same value: doors remember things of them. */
const unpacked = (value: Buffer): Answer => {
  let bytes = bytesIn.get(value);
  if (!bytes) bytesIn.set(value, (bytes = value.subarray(costBytes)));
  const cost = value.readDoubleLE();
  return new Answer(bytes, true, [], undefined, Number.isNaN(cost) ? null : cost);
};
const bytesIn = new WeakMap<Buffer, Buffer>();

const operationDigests = new WeakMap<Prepared['selection'], string>();

/** Null for what is not to be kept. */
const answerKey = (engine: Engine, { operation, access, selection, variables }: Prepared, viewer: Viewer, { maxAge, isPrivate }: CachePolicy): string | null => {
  const scope = maxAge > 0 ? scopeOf(viewer, isPrivate) : null;
  if (scope === null) return null;
  let known = operationDigests.get(selection);
  if (known === undefined) operationDigests.set(selection, (known = sha256(JSON.stringify([engine.supergraph.id, operation.key, access.key]))));
  return keyOf(sha256(`${known}${scope}`), JSON.stringify(variables));
};

/** Not awaited by whoever answers: what is kept too late is not kept. */
const keep = (store: TaggedCache, counts: CacheCounts, key: string, stamp: Stamp, answer: Answer, { tags: made }: CachedRun): void => {
  if (!answer.freshness || made.size > mostTags) return;
  void store.store(stamp, [{ key, value: packed(answer), tags: [...made], ttlMs: answer.freshness.until - performance.now() }]).then((kept) => {
    if (kept > 0) counts.answers.stores++;
    else counts.answers.refusals++;
  });
};
