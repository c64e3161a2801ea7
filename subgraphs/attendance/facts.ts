/**
 * Writes registrations, check-ins, gates and observations, and tells what changed. The live value follows (`facts-live.ts`).
 *
 * Ingestion runs one batch of a service at a time and an event belongs to one service, so nobody else writes these
 * events meanwhile. Counts move by the difference that the batch's own participants make: the cost of a batch
 * follows its size and not the size of the event.
 */
import type { EntityManager } from '#core/database.ts';
import type { NewDomainEvent } from '#core/domain-events.ts';
import { type CheckInFact, type CheckInVoidedFact, type CheckInsStandingFact, type Fact, type GateFact, type RegistrationFact, factsOf } from '#core/facts.ts';
import { query } from '#core/sql.ts';
import type { FactContext } from '#core/subgraph.ts';
import { type Differences, updateLive } from './facts-live.ts';
import { type Left, findMoved, removeLeft } from './facts-moved.ts';

export const applyFacts = async (em: EntityManager, facts: readonly Fact[], context: FactContext): Promise<NewDomainEvent[]> => {
  const { registrations, left } = await findMoved(em, factsOf(facts, 'registration'), context.serviceId);
  const checkIns = factsOf(facts, 'checkIn');
  const voided = factsOf(facts, 'checkInVoided');
  const standing = factsOf(facts, 'checkInsStanding');
  const gates = factsOf(facts, 'gate');
  const observations = factsOf(facts, 'observation');
  const events = [...new Set([...registrations, ...left, ...checkIns, ...voided, ...standing, ...gates, ...observations].map(({ eventId }) => eventId))].sort();
  if (events.length === 0) return [];

  await keepVoided(em, voided);
  const changed = await changeRegistrations(em, { registrations, left, gone: [...voided, ...(await undone(em, standing))], serviceId: context.serviceId });
  const { differences: entered, written } = await writeCheckIns(em, checkIns, context.serviceId);
  await writeGates(em, gates);
  const changes = await updateLive(em, { events, differences: [changed, entered], gates, observations, now: context.now });
  return [...written.map(recorded), ...changes];
};

const recorded = (fact: CheckInFact): NewDomainEvent => ({
  type: 'checkin.recorded',
  eventId: fact.eventId,
  occurredAt: fact.at,
  payload: { checkInId: fact.upstreamId, at: fact.at.toISOString(), direction: fact.direction, gateId: fact.gateId, participant: fact.participant },
});

type CheckInName = Pick<CheckInVoidedFact, 'eventId' | 'upstreamId'>;

/** The check-ins that are known of these tickets and do not stand any more. */
const undone = async (em: EntityManager, facts: readonly CheckInsStandingFact[]): Promise<CheckInName[]> => {
  if (facts.length === 0) return [];
  const tickets = facts.map(({ eventId, participant, standing }) => ({ event_id: eventId, participant, standing }));
  return query<CheckInName>(
    em,
    `select c.event_id as "eventId", c.upstream_id as "upstreamId"
     from jsonb_to_recordset($1::jsonb) as t (event_id text, participant text, standing jsonb) join attendance.check_ins c using (event_id, participant) where not t.standing ? c.upstream_id`,
    [JSON.stringify(tickets)],
  );
};

/** Inside an area: entered it, and did not leave it since. `p` is a row of presences. */
const isInside = 'p.last_entry is not null and (p.last_exit is null or p.last_exit < p.last_entry)';

type Changes = { readonly registrations: readonly RegistrationFact[]; readonly left: readonly Left[]; readonly gone: readonly CheckInName[]; readonly serviceId: string };

/** Registrations that came, changed, moved or went, and check-ins that were taken back. */
const changeRegistrations = async (em: EntityManager, changes: Changes): Promise<Differences> => {
  const { registrations, left, gone, serviceId } = changes;
  if (registrations.length + gone.length === 0) return new Map();
  const affected = await participantsOf(em, changes);
  const before = await countsOf(em, affected);
  await removeLeft(em, left, serviceId);
  await writeRegistrations(em, registrations, serviceId);
  await removeCheckIns(em, gone);
  const after = await countsOf(em, affected);
  return new Map([...after].map(([id, now]) => [id, { inside: now.inside - (before.get(id)?.inside ?? 0), registered: now.registered - (before.get(id)?.registered ?? 0) }]));
};

type Affected = { readonly eventIds: readonly string[]; readonly participants: readonly string[] };

/** Whose state these facts can change: those named now, and those that the changed rows named before. */
const participantsOf = async (em: EntityManager, { registrations, left, gone }: Changes): Promise<Affected> => {
  const rows = await query<{ event_id: string; participant: string }>(
    em,
    `select event_id, participant from attendance.check_ins join unnest($1::text[], $2::text[]) as gone (event_id, upstream_id) using (event_id, upstream_id)
     union select event_id, participant from attendance.registrations join unnest($3::text[], $4::text[]) as known (event_id, upstream_id) using (event_id, upstream_id)
     union select * from unnest($3::text[], $5::text[])
     union select * from unnest($6::text[], $7::text[])`,
    [gone.map(({ eventId }) => eventId), gone.map(({ upstreamId }) => upstreamId), registrations.map(({ eventId }) => eventId), registrations.map(({ upstreamId }) => upstreamId), registrations.map(({ participant }) => participant), left.map(({ eventId }) => eventId), left.map(({ participant }) => participant)],
  );
  return { eventIds: rows.map((row) => row.event_id), participants: rows.map((row) => row.participant) };
};

/** How many of these participants are inside and registered, per event. */
const countsOf = async (em: EntityManager, affected: Affected): Promise<Differences> => {
  const rows = await query<{ event_id: string; inside: number; registered: number }>(
    em,
    `with state as (
       select a.event_id, a.participant,
         (select count(*) from attendance.registrations r where r.event_id = a.event_id and r.participant = a.participant and r.state <> 'CANCELLED') as registered,
         exists (select from attendance.registrations r where r.event_id = a.event_id and r.participant = a.participant) as known,
         exists (select from attendance.presences p where p.event_id = a.event_id and p.participant = a.participant and ${isInside}) as entered
       from unnest($1::text[], $2::text[]) as a (event_id, participant))
     select event_id, count(*) filter (where entered and (registered > 0 or not known))::int as inside, sum(registered)::int as registered from state group by event_id`,
    [affected.eventIds, affected.participants],
  );
  return new Map(rows.map((row) => [row.event_id, { inside: row.inside, registered: row.registered }]));
};

const writeRegistrations = async (em: EntityManager, facts: readonly RegistrationFact[], serviceId: string): Promise<void> => {
  if (facts.length === 0) return;
  await query(
    em,
    `insert into attendance.registrations (event_id, upstream_id, participant, state, service_id) select *, $5 from unnest($1::text[], $2::text[], $3::text[], $4::text[])
     on conflict (event_id, upstream_id) do update set participant = excluded.participant, state = excluded.state`,
    [facts.map(({ eventId }) => eventId), facts.map(({ upstreamId }) => upstreamId), facts.map(({ participant }) => participant), facts.map(({ state }) => state), serviceId],
  );
};

/**
 * One statement, as this is the path that a queue at the gate waits for. Its parts see the tables as they were before
 * it (PostgreSQL manual, 7.8.4), so `was` is who was inside before, and `touched` what the new rows say.
 */
const writeCheckIns = async (em: EntityManager, facts: readonly CheckInFact[], serviceId: string): Promise<{ readonly differences: Differences; readonly written: readonly CheckInFact[] }> => {
  if (facts.length === 0) return { differences: new Map(), written: [] };
  const rows = await query<{ event_id: string; not_written: string | null; inside: number }>(
    em,
    `with told as (
       select * from unnest($2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[]) as t (event_id, upstream_id, at, direction, gate_id, area, participant)),
     new as (
       insert into attendance.check_ins (service_id, event_id, upstream_id, at, direction, gate_id, area, participant)
       select $1, * from told where not exists (select from attendance.voided_check_ins v where (v.event_id, v.upstream_id) = (told.event_id, told.upstream_id))
       on conflict do nothing returning event_id, upstream_id, participant, area, at, direction),
     touched as (
       insert into attendance.presences as p (event_id, participant, area, last_entry, last_exit)
       select event_id, participant, area, max(at) filter (where direction = 'ENTRY'), max(at) filter (where direction = 'EXIT') from new group by event_id, participant, area
       on conflict (event_id, participant, area) do update set last_entry = greatest(p.last_entry, excluded.last_entry), last_exit = greatest(p.last_exit, excluded.last_exit)
       returning event_id, participant, area, (${isInside}) as inside),
     people as (select event_id, participant, bool_or(inside) as entered from touched group by event_id, participant),
     was as (
       select p.event_id, p.participant, true as inside, bool_or(t.area is null) as elsewhere
       from people join attendance.presences p using (event_id, participant) left join touched t on (t.event_id, t.participant, t.area) = (p.event_id, p.participant, p.area)
       where ${isInside} group by p.event_id, p.participant),
     cancelled as (
       select r.event_id, r.participant from people join attendance.registrations r using (event_id, participant) group by r.event_id, r.participant having bool_and(r.state = 'CANCELLED'))
     select event_id, null as not_written, sum((people.entered or coalesce(was.elsewhere, false))::int - coalesce(was.inside, false)::int)::int as inside
     from people left join was using (event_id, participant) left join cancelled using (event_id, participant) where cancelled.participant is null group by event_id
     union all select event_id, upstream_id, 0 from told left join new using (event_id, upstream_id) where new.event_id is null`,
    [serviceId, facts.map(({ eventId }) => eventId), facts.map(({ upstreamId }) => upstreamId), facts.map(({ at }) => at.toISOString()), facts.map(({ direction }) => direction), facts.map(({ gateId }) => gateId), facts.map(({ area }) => area), facts.map(({ participant }) => participant)],
  );
  const without = new Set(rows.flatMap((row) => (row.not_written === null ? [] : [`${row.event_id} ${row.not_written}`])));
  return {
    differences: new Map(rows.flatMap((row) => (row.not_written === null ? [[row.event_id, { inside: row.inside, registered: 0 }] as const] : []))),
    written: without.size === 0 ? facts : facts.filter(({ eventId, upstreamId }) => !without.has(`${eventId} ${upstreamId}`)),
  };
};

/** What was annulled counts no more, though it may arrive only later. */
const keepVoided = async (em: EntityManager, facts: readonly CheckInName[]): Promise<void> => {
  if (facts.length === 0) return;
  await query(em, 'insert into attendance.voided_check_ins select * from unnest($1::text[], $2::text[]) on conflict do nothing', [facts.map(({ eventId }) => eventId), facts.map(({ upstreamId }) => upstreamId)]);
};

/** What remains of those participants' check-ins decides anew who is inside. */
const removeCheckIns = async (em: EntityManager, names: readonly CheckInName[]): Promise<void> => {
  if (names.length === 0) return;
  const gone = await query<{ event_id: string; participant: string; area: string }>(
    em,
    `delete from attendance.check_ins c using unnest($1::text[], $2::text[]) as gone (event_id, upstream_id) where c.event_id = gone.event_id and c.upstream_id = gone.upstream_id returning c.event_id, c.participant, c.area`,
    [names.map(({ eventId }) => eventId), names.map(({ upstreamId }) => upstreamId)],
  );
  await query(
    em,
    `update attendance.presences p set (last_entry, last_exit) = (
       select max(at) filter (where direction = 'ENTRY'), max(at) filter (where direction = 'EXIT') from attendance.check_ins c
       where c.event_id = p.event_id and c.participant = p.participant and c.area = p.area)
     from unnest($1::text[], $2::text[], $3::text[]) as gone (event_id, participant, area)
     where p.event_id = gone.event_id and p.participant = gone.participant and p.area = gone.area`,
    [gone.map((row) => row.event_id), gone.map((row) => row.participant), gone.map((row) => row.area)],
  );
};

const writeGates = async (em: EntityManager, facts: readonly GateFact[]): Promise<void> => {
  if (facts.length === 0) return;
  await query(
    em,
    `insert into attendance.gates (event_id, gate_id, name, status, throughput) select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::float8[])
     on conflict (event_id, gate_id) do update set name = excluded.name, status = excluded.status, throughput = excluded.throughput`,
    [facts.map(({ eventId }) => eventId), facts.map(({ upstreamId }) => upstreamId), facts.map(({ name }) => name), facts.map(({ status }) => status), facts.map(({ throughput }) => throughput)],
  );
};

const tables = ['registrations', 'check_ins', 'voided_check_ins', 'presences', 'gates', 'live', 'points'];

export const forgetEvents = async (em: EntityManager, eventIds: readonly string[]): Promise<void> => {
  for (const table of tables) await query(em, `delete from attendance.${table} where event_id = any($1::text[])`, [eventIds]);
};

/** Nobody will confirm their live values any more. */
export const retireEvents = async (em: EntityManager, eventIds: readonly string[]): Promise<void> => {
  await query(em, 'update attendance.live set is_retired = true where event_id = any($1::text[])', [eventIds]);
};
