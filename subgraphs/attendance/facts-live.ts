/** The live value of events: counts, the upstream's own totals where it gives them, and what changed. */
import type { EntityManager } from '#core/database.ts';
import type { GateActivity, NewDomainEvent } from '#core/domain-events.ts';
import type { GateFact, ObservationFact } from '#core/facts.ts';
import { query } from '#core/sql.ts';

/** By how much the numbers of events moved. */
export type Differences = ReadonlyMap<string, { readonly inside: number; readonly registered: number }>;

/** What a batch says of these events. */
type LiveUpdate = {
  readonly events: readonly string[];
  readonly differences: readonly Differences[];
  readonly gates: readonly GateFact[];
  readonly observations: readonly ObservationFact[];
  readonly now: Date;
};

type Changed = { event_id: string; total_registered: number; current_attendees: number };

/** Moves the live value of the batch's events, and tells of each that is another one now. */
export const updateLive = async (em: EntityManager, update: LiveUpdate): Promise<NewDomainEvent[]> => {
  const moved = await moveCounts(em, update);
  const withGates = new Set(update.gates.map(({ eventId }) => eventId));
  const changed = moved.filter((row) => row.changed || withGates.has(row.event_id));
  if (changed.length === 0) return [];
  await appendPoints(em, changed, update.now);
  const gates = await gatesOf(em, changed.map((row) => row.event_id));
  return changed.map((row) => ({
    type: 'attendance.changed',
    eventId: row.event_id,
    occurredAt: update.now,
    payload: { totalRegistered: row.total_registered, currentAttendees: row.current_attendees, gateActivity: gates.get(row.event_id) ?? [], updatedAt: update.now.toISOString() },
  }));
};

/** Adds the batch's differences and takes over reported totals; answers every event with whether its value changed. */
const moveCounts = (em: EntityManager, update: LiveUpdate): Promise<(Changed & { changed: boolean })[]> => {
  const difference = (of: 'inside' | 'registered') => update.events.map((id) => update.differences.reduce((sum, each) => sum + (each.get(id)?.[of] ?? 0), 0));
  const newest = new Map(update.observations.toSorted((a, b) => a.at.getTime() - b.at.getTime()).map((fact) => [fact.eventId, fact]));
  const observed = (of: 'totalRegistered' | 'currentAttendees') => update.events.map((id) => newest.get(id)?.[of] ?? null);
  return query(
    em,
    `with delta as (
       select * from unnest($1::text[], $2::int[], $3::int[], $4::int[], $5::int[], $6::timestamptz[]) as d (event_id, registered, inside, told_registered, told_current, told_at)),
     old as (select live.* from attendance.live join delta using (event_id)),
     moved as (
       insert into attendance.live as l (event_id, counted_registered, counted_current, reported_registered, reported_current, reported_at, total_registered, current_attendees, observed_at)
       select event_id, registered, inside, told_registered, told_current, told_at, coalesce(told_registered, registered), coalesce(told_current, inside), $7 from delta
       on conflict (event_id) do update set
         counted_registered = l.counted_registered + excluded.counted_registered,
         counted_current = l.counted_current + excluded.counted_current,
         reported_registered = case when excluded.reported_at >= coalesce(l.reported_at, excluded.reported_at) then excluded.reported_registered else l.reported_registered end,
         reported_current = case when excluded.reported_at >= coalesce(l.reported_at, excluded.reported_at) then excluded.reported_current else l.reported_current end,
         reported_at = greatest(l.reported_at, excluded.reported_at),
         observed_at = greatest(l.observed_at, excluded.observed_at)
       returning event_id, counted_registered, counted_current, reported_registered, reported_current, total_registered, current_attendees),
     served as (
       select event_id, coalesce(reported_registered, counted_registered) as total_registered, coalesce(reported_current, counted_current) as current_attendees from moved)
     select served.*, (old.event_id is null or served.total_registered <> old.total_registered or served.current_attendees <> old.current_attendees) as changed
     from served left join old using (event_id) order by event_id`,
    [update.events, difference('registered'), difference('inside'), observed('totalRegistered'), observed('currentAttendees'), update.events.map((id) => newest.get(id)?.at.toISOString() ?? null), update.now.toISOString()],
  ).then((rows) => storeServed(em, rows as (Changed & { changed: boolean })[]));
};

/** A row cannot be updated twice in one statement: what is served follows in a second one, for changed events only. */
const storeServed = async (em: EntityManager, rows: (Changed & { changed: boolean })[]): Promise<(Changed & { changed: boolean })[]> => {
  const changed = rows.filter((row) => row.changed);
  if (changed.length > 0)
    await query(
      em,
      `update attendance.live l set total_registered = s.total, current_attendees = s.current from unnest($1::text[], $2::int[], $3::int[]) as s (event_id, total, current) where l.event_id = s.event_id`,
      [changed.map((row) => row.event_id), changed.map((row) => row.total_registered), changed.map((row) => row.current_attendees)],
    );
  return rows;
};

/** One point a second and event: the last value of that second. */
const appendPoints = async (em: EntityManager, changed: readonly Changed[], now: Date): Promise<void> => {
  await query(
    em,
    `insert into attendance.points (event_id, at, total_registered, current_attendees) select event_id, date_trunc('second', $1::timestamptz), total, current from unnest($2::text[], $3::int[], $4::int[]) as c (event_id, total, current)
     on conflict (event_id, at) do update set total_registered = excluded.total_registered, current_attendees = excluded.current_attendees`,
    [now.toISOString(), changed.map((row) => row.event_id), changed.map((row) => row.total_registered), changed.map((row) => row.current_attendees)],
  );
};

type GateRow = { event_id: string; gate_id: string; name: string; status: GateActivity['status']; throughput: number };

const gatesOf = async (em: EntityManager, eventIds: readonly string[]): Promise<Map<string, GateActivity[]>> => {
  const rows = await query<GateRow>(em, 'select event_id, gate_id, name, status, throughput from attendance.gates where event_id = any($1::text[]) order by event_id, gate_id', [eventIds]);
  const gates = new Map<string, GateActivity[]>();
  for (const row of rows) gates.set(row.event_id, [...(gates.get(row.event_id) ?? []), { gateId: row.gate_id, name: row.name, status: row.status, throughput: row.throughput }]);
  return gates;
};
