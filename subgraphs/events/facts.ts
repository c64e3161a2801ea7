/** Writes event and status facts; tells which events changed their status. */
import type { EntityManager } from '#core/database.ts';
import type { NewDomainEvent } from '#core/domain-events.ts';
import { type EventFact, type Fact, type StatusFact, factsOf } from '#core/facts.ts';
import { query } from '#core/sql.ts';
import type { FactContext } from '#core/subgraph.ts';
import { type EventStatus, statusAt } from './domain.ts';

export const applyFacts = async (em: EntityManager, facts: readonly Fact[], context: FactContext): Promise<NewDomainEvent[]> => {
  const events = newestPerEvent(factsOf(facts, 'event'));
  const statuses = newestPerEvent(factsOf(facts, 'status'));
  if (events.length > 0) await writeEvents(em, events, new Map(statuses.map(({ eventId, status }) => [eventId, status])), context);
  if (statuses.length > 0) await writeTold(em, statuses);
  const touched = [...new Set([...events, ...statuses].map(({ eventId }) => eventId))];
  return touched.length > 0 ? settleStatuses(em, touched, context.now) : [];
};

/** One fact an event, the newest: an upstream may know an event under two ids of its own. */
const newestPerEvent = <F extends EventFact | StatusFact>(facts: readonly F[]): F[] => [...new Map(facts.toSorted((a, b) => a.at.getTime() - b.at.getTime()).map((fact) => [fact.eventId, fact])).values()];

const writeEvents = async (em: EntityManager, events: readonly EventFact[], told: ReadonlyMap<string, EventStatus>, context: FactContext): Promise<void> => {
  const rows = events.map((fact) => ({
    id: fact.eventId,
    product: fact.product,
    service_id: context.serviceId,
    upstream_id: fact.upstreamId,
    name: fact.name,
    type: fact.type,
    // A new row starts with its true status, so that nobody is told of a change that was none.
    status: statusAt(fact, told.get(fact.eventId) ?? null, context.now),
    starts_at: fact.start,
    ends_at: fact.end,
    timezone: fact.timezone,
    region: fact.region,
    organizer: fact.organizer,
    venue_name: fact.venue?.name ?? null,
    venue_address: fact.venue?.address ?? null,
    latitude: fact.venue?.latitude ?? null,
    longitude: fact.venue?.longitude ?? null,
    public: fact.public,
    updated_at: fact.at,
  }));
  await query(
    em,
    `insert into events.events as e (id, product, service_id, upstream_id, name, type, status, starts_at, ends_at, timezone, region, organizer, venue_name, venue_address, latitude, longitude, public, updated_at)
     select r.id, r.product, r.service_id, r.upstream_id, r.name, r.type, r.status, r.starts_at, r.ends_at, r.timezone, coalesce(r.region, s.settings ->> 'region'), r.organizer, r.venue_name, r.venue_address, r.latitude, r.longitude, r.public, r.updated_at
     from jsonb_populate_recordset(null::events.events, $1::jsonb) r left join hub.services s on s.id = r.service_id order by r.id -- as the tick locks them
     on conflict (id) do update set
       product = excluded.product, upstream_id = excluded.upstream_id, name = excluded.name, type = excluded.type, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
       timezone = excluded.timezone, region = case when e.programme_id is null then excluded.region else e.region end, organizer = excluded.organizer, venue_name = excluded.venue_name, venue_address = excluded.venue_address,
       latitude = excluded.latitude, longitude = excluded.longitude, public = excluded.public, updated_at = excluded.updated_at`,
    [JSON.stringify(rows)],
  );
};

const writeTold = async (em: EntityManager, statuses: readonly StatusFact[]): Promise<void> => {
  await query(em, `update events.events e set told_status = told.status from unnest($1::text[], $2::text[]) as told (id, status) where e.id = told.id`, [statuses.map(({ eventId }) => eventId), statuses.map(({ status }) => status)]);
};

type StatusRow = { id: string; status: EventStatus; told_status: EventStatus | null; starts_at: string; ends_at: string | null };

/** Brings the stored status of these events up to `now`. */
const settleStatuses = async (em: EntityManager, ids: readonly string[], now: Date): Promise<NewDomainEvent[]> => {
  const rows = await query<StatusRow>(em, 'select id, status, told_status, starts_at, ends_at from events.events where id = any($1::text[]) order by id for update', [ids]);
  const changed = rows.flatMap((row) => {
    const to = statusAt({ start: new Date(row.starts_at), end: row.ends_at ? new Date(row.ends_at) : null }, row.told_status, now);
    return to === row.status ? [] : [{ id: row.id, from: row.status, to }];
  });
  if (changed.length === 0) return [];
  await query(em, 'update events.events e set status = new.status from unnest($1::text[], $2::text[]) as new (id, status) where e.id = new.id', [changed.map(({ id }) => id), changed.map(({ to }) => to)]);
  return changed.map(({ id, from, to }) => ({ type: 'event.status_changed', eventId: id, occurredAt: now, payload: { from, to } }));
};

/** Time passes: events that began or ended since the last tick. */
export const onTick = async (em: EntityManager, now: Date): Promise<NewDomainEvent[]> => {
  const due = await query<{ id: string }>(
    em,
    `select id from events.events where told_status is null and status <> 'ENDED'
     and ((status = 'PRE_EVENT' and starts_at <= $1) or (status = 'ONGOING' and coalesce(ends_at, starts_at + interval '24 hours') <= $1)) order by id limit 1000`,
    [now.toISOString()],
  );
  return due.length === 0 ? [] : settleStatuses(em, due.map(({ id }) => id), now);
};

export const forgetEvents = async (em: EntityManager, eventIds: readonly string[]): Promise<void> => {
  await query(em, 'delete from events.events where id = any($1::text[])', [eventIds]);
};
