/** Which facts of a batch are taken: those of the right form, of the service's own events, at a time that can be, and new. */
import type { Rejected } from '#core/connector.ts';
import type { EntityManager } from '#core/database.ts';
import { type Fact, type ObservationFact, fact as factSchema, factDigest, factKey, factsOf, rejectedName } from '#core/facts.ts';
import { type PlausiblePeriod, implausibleMoment, notAfter } from '#core/plausible-time.ts';
import { query } from '#core/sql.ts';
import { mayClaim } from './event-access.ts';

export type Selection = {
  /** What can be true, new or not: of these names nothing stays in the quarantine. */
  readonly sound: readonly Fact[];
  /** Of those, what says something new. */
  readonly fresh: readonly Fact[];
  readonly rejected: readonly Rejected[];
  /** Whether something of this service is in the quarantine; false where nothing sound was told. */
  readonly isQuarantined: boolean;
};

/** Inside the batch's transaction, which remembers what it selects. */
export const selectFacts = async (em: EntityManager, serviceId: string, facts: readonly Fact[], now: Date): Promise<Selection> => {
  const valid = checkFacts(facts, now);
  const events = await claimEvents(em, serviceId, valid.facts);
  const sound: Fact[] = [];
  const rejected = [...valid.rejected];
  const doubtful: Fact[] = [];
  for (const fact of valid.facts) {
    const event = fact.eventId === null ? null : events.own.get(fact.eventId);
    const wrong = event === undefined ? events.whyNot(fact.eventId ?? '') : whenImplausible(fact, event, now);
    if (wrong === null) sound.push(fact);
    else if (event !== undefined) doubtful.push(fact);
    else rejected.push({ upstreamId: rejectedName(fact), reason: wrong, raw: fact });
  }
  const known = await knownAlready(em, serviceId, doubtful);
  for (const fact of doubtful) if (!known.has(factKeyOf(fact))) rejected.push({ upstreamId: rejectedName(fact), reason: whenImplausible(fact, events.own.get(fact.eventId ?? '') ?? null, now) ?? '', raw: fact });
  const heard = sound.filter((fact) => !isSettled(fact, events.own));
  return { sound, fresh: await dropKnown(em, serviceId, heard), rejected, isQuarantined: events.isQuarantined };
};

/** Bytes of a record as JSON. */
const largestRecord = 256 * 1024;

/** Connectors are trusted with the form of facts and not with their values: those came from outside. */
const checkFacts = (facts: readonly Fact[], now: Date): { facts: Fact[]; rejected: Rejected[] } => {
  const good: Fact[] = [];
  const rejected: Rejected[] = [];
  for (const each of facts) {
    const wrong = whatIsWrong(each);
    if (wrong === null) good.push(each.at <= now || isOccurrence(each) ? each : { ...each, at: notAfter(each.at, now) });
    else rejected.push({ upstreamId: rejectedName(each), reason: `FACT_INVALID: ${wrong}`, raw: each });
  }
  return { facts: good, rejected };
};

const whatIsWrong = (fact: Fact): string | null => {
  const parsed = factSchema.safeParse(fact);
  if (!parsed.success) return `${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`;
  return fact.kind === 'record' && JSON.stringify(fact.data).length > largestRecord ? `data: more than ${largestRecord} characters` : null;
};

/** `whyNot`: why an event that is named is none of the service's own. */
type Claimed = { readonly own: ReadonlyMap<string, OwnEvent>; readonly isQuarantined: boolean; readonly whyNot: (eventId: string) => string };
type OwnEvent = { readonly period: PlausiblePeriod | null; readonly settledAt: Date | null };

/**
 * The service's own among the events that are named. An event id belongs to the service that named it first, if it may
 * claim it (`eventAccess`); what another service says of it is refused. An event's period is remembered, as the times of
 * its facts are judged by it.
 */
const claimEvents = async (em: EntityManager, serviceId: string, facts: readonly Fact[]): Promise<Claimed> => {
  const told = [...new Map(facts.flatMap((fact) => (fact.kind === 'event' ? [[fact.eventId, fact] as const] : []))).values()].sort((a, b) => (a.eventId < b.eventId ? -1 : 1));
  if (told.length > 0)
    await query(
      em,
      `insert into hub.event_ids as e (event_id, service_id, starts_at, ends_at)
       select t.id, s.id, t.starts_at, t.ends_at from hub.services s, unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) as t (id, starts_at, ends_at)
       where s.id = $1 and (s.event_access is null or t.id = any(s.event_access) or exists (select from hub.event_ids o where o.event_id = t.id and o.service_id = s.id))
       on conflict (event_id) do update set starts_at = excluded.starts_at, ends_at = excluded.ends_at
         where e.service_id = excluded.service_id and (e.starts_at, e.ends_at) is distinct from (excluded.starts_at, excluded.ends_at)`,
      [serviceId, told.map(({ eventId }) => eventId), told.map(({ start }) => start.toISOString()), told.map(({ end }) => end?.toISOString() ?? null)],
    );
  const named = [...new Set(facts.flatMap(({ eventId }) => eventId ?? []))];
  if (named.length === 0) return { own: new Map(), isQuarantined: facts.length > 0, whyNot: notOwned };
  const rows = await query<{ event_id: string; starts_at: Date | null; ends_at: Date | null; settled_at: Date | null; is_quarantined: boolean }>(
    em,
    `select event_id, starts_at, ends_at, settled_at, exists (select from hub.rejected_facts where service_id = $1) as is_quarantined
     from hub.event_ids where service_id = $1 and event_id = any($2::text[])`,
    [serviceId, named],
  );
  const own = rows.map((row) => [row.event_id, { period: row.starts_at && { start: new Date(row.starts_at), end: row.ends_at && new Date(row.ends_at) }, settledAt: row.settled_at && new Date(row.settled_at) }] as const);
  const access = rows.length < named.length ? await eventAccessOf(em, serviceId) : null;
  const whyNot = (eventId: string): string => (mayClaim(access, eventId) ? notOwned(eventId) : `EVENT_NOT_ALLOWED: the event ${eventId} is not in the service's \`eventAccess\``);
  return { own: new Map(own), isQuarantined: rows.some((row) => row.is_quarantined), whyNot };
};

const notOwned = (eventId: string): string => `EVENT_NOT_OWNED: the event ${eventId} is not one of this service's`;

const eventAccessOf = async (em: EntityManager, serviceId: string): Promise<readonly string[] | null> =>
  (await query<{ event_access: string[] | null }>(em, 'select event_access from hub.services where id = $1', [serviceId]))[0]?.event_access ?? null;

const whenImplausible = (fact: Fact, event: OwnEvent | null, now: Date): string | null => {
  const wrong = fact.kind === 'checkIn' ? implausibleMoment(fact.at, event?.period ?? null, now) : null;
  return wrong === null ? null : `TIME_IMPLAUSIBLE: ${wrong}`;
};

/** What was counted stays counted, though its event has moved away from it since. */
const knownAlready = async (em: EntityManager, serviceId: string, facts: readonly Fact[]): Promise<ReadonlySet<string>> => {
  if (facts.length === 0) return new Set();
  const rows = await query<{ key: string }>(em, 'select key from hub.known_facts where service_id = $1 and key = any($2::text[])', [serviceId, facts.map(factKeyOf)]);
  return new Set(rows.map(({ key }) => key));
};

/** Of an event that is over for long, all is known that will be, unless it goes on after all; see retention.ts. */
const isSettled = (fact: Fact, events: ReadonlyMap<string, OwnEvent>): boolean => {
  const { period, settledAt } = events.get(fact.eventId ?? '') ?? {};
  if (!settledAt || ['event', 'status', 'observation'].includes(fact.kind)) return false;
  return fact.at <= settledAt || (period?.end != null && period.end <= settledAt);
};

const factKeyOf = (fact: Fact): string => (fact.kind === 'observation' ? `observation:${fact.eventId}` : factKey(fact));

type Remembered = Exclude<Fact, ObservationFact>;
const isOccurrence = (fact: Fact): boolean => fact.kind === 'checkIn' || fact.kind === 'checkInVoided';

/** Keys of events and records, as a regular expression of PostgreSQL: the types of records have a dot. */
const eventOrRecord = '^(event|[a-z]+[.][a-zA-Z]+):';

/**
 * Drops occurrences that were counted and states that say nothing new or are older than what is known. Of two states
 * with one key in a batch the newer stays. Who applies facts is told a check-in again where it stands anew.
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
  const fresh = new Set(rows.flatMap((row) => (row.changed ? (byKey.get(row.key) ?? []) : [])));
  for (const fact of standingAgain(fresh, byKey)) fresh.add(fact);
  return facts.filter((fact) => fact.kind === 'observation' || fresh.has(fact));
};

/**
 * Check-ins that news of their ticket let stand. They may be known and have been taken back since: an upstream that stamps
 * to the second, or a read that is older than the one before, tells the same check-in in, out, and in again.
 */
const standingAgain = (fresh: ReadonlySet<Remembered>, byKey: ReadonlyMap<string, Remembered>): Remembered[] =>
  factsOf([...fresh], 'checkInsStanding').flatMap(({ eventId, participant, standing }) =>
    standing.flatMap((upstreamId) => {
      const checkIn = byKey.get(factKey({ kind: 'checkIn', eventId, upstreamId }));
      return checkIn?.kind === 'checkIn' && checkIn.participant === participant ? [checkIn] : [];
    }),
  );
