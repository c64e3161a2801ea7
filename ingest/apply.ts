/**
 * One transaction a batch: drop what is known already, let each subgraph write its part, append what happened and
 * promise the work that follows. After the commit, drop what cached answers said of it, and announce it.
 */
import type { Rejected } from '#core/connector.ts';
import type { EntityManager } from '#core/database.ts';
import type { DomainEvent, NewDomainEvent } from '#core/domain-events.ts';
import { appendEvents } from '#core/event-log.ts';
import { type Fact, type ObservationFact, fact as factSchema, factDigest, factKey } from '#core/facts.ts';
import { invalidatedBy } from '#core/invalidation.ts';
import { query } from '#core/sql.ts';
import { enqueueHandlers } from './handlers.ts';
import type { Ingest } from './ingest.ts';
import { keepRejected, rejectedName } from './quarantine.ts';

export type IncomingBatch = {
  readonly serviceId: string;
  readonly facts: readonly Fact[];
  readonly rejected: readonly Rejected[];
  /** Where the next pull goes on; left as it is when undefined (a push). */
  readonly cursor?: unknown;
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
  const valid = checkFacts(batch.facts);
  const owned = await dropForeign(em, batch.serviceId, valid.facts);
  const fresh = await dropKnown(em, batch.serviceId, owned.facts);
  const context = { serviceId: batch.serviceId, now: ingest.hub.now() };
  const happened: NewDomainEvent[] = [];
  for (const subgraph of ingest.subgraphs) if (subgraph.applyFacts && fresh.length > 0) happened.push(...(await subgraph.applyFacts(em, fresh, context)));
  const events = await recordEvents(ingest, em, batch.serviceId, happened);
  const refused = [...valid.rejected, ...owned.rejected];
  await keepRejected(ingest, em, batch.serviceId, [...batch.rejected.map((each) => ({ ...each, isFact: false })), ...refused.map((each) => ({ ...each, isFact: true }))], batch.cursor === undefined);
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

/** Connectors are trusted with the form of facts and not with their values: those came from outside. */
const checkFacts = (facts: readonly Fact[]): { facts: Fact[]; rejected: Rejected[] } => {
  const good: Fact[] = [];
  const rejected: Rejected[] = [];
  for (const each of facts) {
    const parsed = factSchema.safeParse(each);
    if (parsed.success) good.push(each);
    else rejected.push({ upstreamId: rejectedName(each), reason: `FACT_INVALID: ${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`, raw: each });
  }
  return { facts: good, rejected };
};

/** An event id belongs to the service that named it first; what another service says of it is refused. */
const dropForeign = async (em: EntityManager, serviceId: string, facts: readonly Fact[]): Promise<{ facts: Fact[]; rejected: Rejected[] }> => {
  if (facts.length === 0) return { facts: [], rejected: [] };
  const claimed = [...new Set(facts.flatMap((fact) => (fact.kind === 'event' ? [fact.eventId] : [])))].sort();
  if (claimed.length > 0) await query(em, 'insert into hub.event_ids (event_id, service_id) select id, $1 from unnest($2::text[]) as id on conflict do nothing', [serviceId, claimed]);
  const named = [...new Set(facts.flatMap(({ eventId }) => eventId ?? []))];
  const rows = await query<{ event_id: string }>(em, 'select event_id from hub.event_ids where service_id = $1 and event_id = any($2::text[])', [serviceId, named]);
  const own = new Set(rows.map((row) => row.event_id));
  if (own.size === named.length) return { facts: [...facts], rejected: [] };
  const isOwn = ({ eventId }: Fact): boolean => eventId === null || own.has(eventId);
  return {
    facts: facts.filter(isOwn),
    rejected: facts.filter((fact) => !isOwn(fact)).map((fact) => ({ upstreamId: rejectedName(fact), reason: `EVENT_NOT_OWNED: the event ${fact.eventId} is not one of this service's`, raw: fact })),
  };
};

type Remembered = Exclude<Fact, ObservationFact>;
const isOccurrence = (fact: Remembered): boolean => fact.kind === 'checkIn' || fact.kind === 'checkInVoided';

/** Keys of events and records, as a regular expression of PostgreSQL: the types of records have a dot. */
const eventOrRecord = '^(event|[a-z]+[.][a-zA-Z]+):';

/**
 * Drops occurrences that were counted and states that say nothing new or are older than what is known. Of two states
 * with one key in a batch the newer stays.
 *
 * `at` of what is known keeps older states that arrive late from winning, so it moves also with states that say the
 * same again. Events and records come by one way only, the pulls, in order: theirs follows by the hour, or every pull
 * would write every event anew. So an older state of theirs could win over a confirmation by less than an hour.
 */
const dropKnown = async (em: EntityManager, serviceId: string, facts: readonly Fact[]): Promise<Fact[]> => {
  const byKey = new Map<string, Remembered>();
  for (const fact of facts) {
    if (fact.kind === 'observation') continue;
    const key = factKey(fact);
    const other = byKey.get(key);
    if (!other || (!isOccurrence(fact) && other.at <= fact.at)) byKey.set(key, fact);
  }
  const entries = [...byKey];
  if (entries.length === 0) return [...facts];
  const rows = await query<{ key: string; changed: boolean }>(
    em,
    `insert into hub.known_facts as k (service_id, key, digest, at) select $1, * from unnest($2::text[], $3::text[], $4::timestamptz[])
     on conflict (service_id, key) do update set digest = excluded.digest, at = excluded.at
       where k.digest <> '' and case when k.digest <> excluded.digest then k.at <= excluded.at
         when k.key ~ '${eventOrRecord}' then k.at < excluded.at - interval '1 hour' else k.at < excluded.at end
     returning key, case when k.digest = '' then true else
       (select o.digest from hub.known_facts o where o.service_id = k.service_id and o.key = k.key) is distinct from k.digest end as changed`,
    [serviceId, entries.map(([key]) => key), entries.map(([, fact]) => (isOccurrence(fact) ? '' : factDigest(fact))), entries.map(([, fact]) => fact.at.toISOString())],
  );
  const fresh = new Set(rows.flatMap((row) => (row.changed ? [byKey.get(row.key)] : [])));
  return facts.filter((fact) => fact.kind === 'observation' || fresh.has(fact));
};
