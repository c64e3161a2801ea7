/**
 * One transaction a batch: drop what is known already, let each subgraph write its part, append what happened and
 * promise the work that follows. After the commit, drop what cached answers said of it, and announce it.
 */
import type { Rejected } from '#core/connector.ts';
import type { EntityManager } from '#core/database.ts';
import type { DomainEvent, NewDomainEvent } from '#core/domain-events.ts';
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

/** The same inside a transaction of the caller's, who announces the events after its commit. */
export const writeBatch = async (ingest: Ingest, em: EntityManager, batch: IncomingBatch): Promise<Applied> => {
  // One batch of a service at a time: a push and a pull that say the same do not pass each other.
  await query(em, 'select pg_advisory_xact_lock(7232, hashtext($1))', [batch.serviceId]);
  const { sound, fresh, rejected: refused, isQuarantined } = await selectFacts(em, batch.serviceId, batch.facts, ingest.hub.now());
  const context = { serviceId: batch.serviceId, now: ingest.hub.now() };
  const happened: NewDomainEvent[] = [];
  for (const subgraph of ingest.subgraphs) if (subgraph.applyFacts && fresh.length > 0) happened.push(...(await subgraph.applyFacts(em, fresh, context)));
  const events = await recordEvents(ingest, em, batch.serviceId, happened);
  if (isQuarantined) await releaseTold(em, batch.serviceId, sound);
  await keepRejected(ingest, em, batch.serviceId, [...batch.rejected.map((each) => ({ ...each, isFact: false })), ...refused.map((each) => ({ ...each, isFact: true }))], batch.isPulled !== true);
  const rejected = [...batch.rejected, ...refused];
  if (batch.cursor !== undefined) await query(em, 'update hub.services set cursor = $2::jsonb where id = $1', [batch.serviceId, JSON.stringify(batch.cursor)]);
  return { facts: fresh.length, rejected, events, fresh };
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
