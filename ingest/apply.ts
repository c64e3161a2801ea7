/**
 * One transaction a batch: drop what is known already, let each subgraph write its part, append what happened and
 * promise the work that follows. After the commit, drop what cached answers said of it, and announce it.
 */
import type { Rejected } from '#core/connector.ts';
import type { EntityManager } from '#core/database.ts';
import type { DomainEvent, NewDomainEvent } from '#core/domain-events.ts';
import { EventgraphError } from '#core/errors.ts';
import { appendEvents } from '#core/event-log.ts';
import type { Fact } from '#core/facts.ts';
import { invalidatedBy } from '#core/invalidation.ts';
import { query } from '#core/sql.ts';
import { enqueueHandlers } from './handlers.ts';
import type { Ingest } from './ingest.ts';
import { keepRejected, releaseTold } from './quarantine.ts';
import { selectFacts } from './select.ts';

export type IncomingBatch = {
  readonly serviceId: string;
  readonly facts: readonly Fact[];
  readonly rejected: readonly Rejected[];
  /** Of the service, when it was read or judged; absent where that does not matter. */
  readonly revision?: number;
  /** Where the next pull goes on; left as it is when undefined (a push). */
  readonly cursor?: unknown;
  /** Of a pull: what it rejects is told again when everything is read anew. */
  readonly isPulled?: boolean;
};

export type Applied = {
  /** Facts that said something new. */
  readonly facts: number;
  readonly rejected: readonly Rejected[];
  readonly events: readonly DomainEvent[];
  /** The facts that said something new. */
  readonly fresh: readonly Fact[];
};

export const applyBatch = async (ingest: Ingest, batch: IncomingBatch): Promise<Applied> => {
  const applied = await ingest.writes.execute(() => ingest.hub.database.em().transactional((em) => writeBatch(ingest, em, batch)));
  await announce(ingest, applied.events, applied.fresh);
  return applied;
};

/** The same inside a transaction of the caller's, who announces the events after its commit. Throws SERVICE_UNKNOWN and SERVICE_CHANGED. */
export const writeBatch = async (ingest: Ingest, em: EntityManager, batch: IncomingBatch): Promise<Applied> => {
  // One batch of a service at a time: a push and a pull that say the same do not pass each other.
  await lockService(em, batch.serviceId);
  await assertCurrent(em, batch);
  const { sound, fresh, rejected: refused, isQuarantined } = await selectFacts(em, batch.serviceId, batch.facts, ingest.hub.now());
  const context = { serviceId: batch.serviceId, now: ingest.hub.now() };
  const happened: NewDomainEvent[] = [];
  for (const subgraph of ingest.subgraphs) if (subgraph.applyFacts && fresh.length > 0) happened.push(...(await subgraph.applyFacts(em, fresh, context)));
  const events = await recordEvents(ingest, em, batch.serviceId, happened);
  if (isQuarantined) await releaseTold(em, batch.serviceId, sound);
  await keepRejected(ingest, em, batch.serviceId, [...batch.rejected.map((each) => ({ ...each, isFact: false })), ...refused.map((each) => ({ ...each, isFact: true }))], batch.isPulled !== true);
  const rejected = [...batch.rejected, ...refused];
  if (batch.cursor !== undefined) await query(em, 'update hub.services set cursor = $2::jsonb, sync_facts = sync_facts + $3, sync_rejected = sync_rejected + $4 where id = $1', [batch.serviceId, JSON.stringify(batch.cursor), fresh.length, rejected.length]);
  return { facts: fresh.length, rejected, events, fresh };
};

/** Holds off other batches of the service, and changes of how it is reached, until the transaction ends. */
export const lockService = async (em: EntityManager, serviceId: string): Promise<void> => {
  await query(em, 'select pg_advisory_xact_lock(7232, hashtext($1))', [serviceId]);
};

/** What was read or judged under another configuration is not stored: whoever brings it asks, or judges, anew. */
const assertCurrent = async (em: EntityManager, { serviceId, revision }: IncomingBatch): Promise<void> => {
  const [service] = await query<{ state: string; revision: number }>(em, 'select state, revision from hub.services where id = $1', [serviceId]);
  if (!service || service.state === 'REMOVED') throw new EventgraphError('SERVICE_UNKNOWN', 'There is no such service any more.', { serviceId });
  if (revision !== undefined && service.revision !== revision) throw new EventgraphError('SERVICE_CHANGED', 'The service was changed meanwhile. Try again.', { serviceId, retryAfterMs: 1000 });
};

/** Appends domain events and the jobs of whoever reacts to them. */
export const recordEvents = async (ingest: Ingest, em: EntityManager, serviceId: string | null, happened: readonly NewDomainEvent[]): Promise<DomainEvent[]> => {
  const events = await appendEvents(em, serviceId, happened);
  await enqueueHandlers(ingest, em, events);
  return events;
};

/**
 * To be awaited after the commit and before anybody is told that it is done: from then on no cached answer says what was
 * so before.
 */
export const announce = async (ingest: Ingest, events: readonly DomainEvent[], facts: readonly Fact[] = []): Promise<void> => {
  await ingest.hub.answers.invalidate(invalidatedBy(ingest.subgraphs, events, facts));
  const last = events.at(-1);
  if (last) ingest.hub.bus.publish('events.appended', { cursor: last.cursor });
};
