/** Reads of attendance. Everything of an event goes through a DataLoader: one statement a request, not an event. */
import DataLoader from 'dataloader';
import type { EntityManager } from '#core/database.ts';
import type { DomainEvent, GateActivity } from '#core/domain-events.ts';
import { type Snapshot, encodeCursor, parseSnapshot } from '#core/event-log.ts';
import type { Direction } from '#core/facts.ts';
import { type Connection, type Key, type PageArguments, connectionOf, momentOf, pageOf } from '#core/pagination.ts';
import { perArguments } from '#core/loaders.ts';
import { query } from '#core/sql.ts';
import { historyWindow } from './domain.ts';

export type Live = { readonly totalRegistered: number; readonly currentAttendees: number; readonly gateActivity: readonly GateActivity[]; readonly updatedAt: Date; /** Nobody confirms it any more. */ readonly isRetired: boolean };
export type Point = { readonly at: Date; readonly totalRegistered: number; readonly currentAttendees: number };
export type CheckInRow = { readonly id: string; readonly eventId: string; readonly at: Date; readonly direction: Direction; readonly gateId: string | null; readonly participant: string };
export type HistoryArguments = { readonly from?: Date | null; readonly to?: Date | null; readonly every: number };

export type Loaders = {
  readonly live: DataLoader<string, Live | null>;
  readonly history: (args: HistoryArguments, now: Date) => DataLoader<string, readonly Point[]>;
  readonly checkIns: (args: PageArguments) => DataLoader<string, Connection<CheckInRow>>;
};

export const createLoaders = (em: EntityManager): Loaders => ({
  live: new DataLoader(async (ids) => {
    const byId = (await readLive(em, ids)).values;
    return ids.map((id) => byId.get(id) ?? null);
  }),
  history: perArguments((args: HistoryArguments, now: Date) => new DataLoader((ids) => readHistory(em, ids, args, now))),
  checkIns: perArguments((args: PageArguments) => new DataLoader((ids) => readCheckIns(em, ids, args))),
});

type LiveRow = { event_id: string; total_registered: number; current_attendees: number; observed_at: string; is_retired: boolean; gates: GateActivity[] | null };

/** The live values of these events (null: all), and exactly which changes they hold. One statement, one snapshot. */
export const readLive = async (em: EntityManager, ids: readonly string[] | null): Promise<{ values: Map<string, Live>; snapshot: Snapshot }> => {
  const [row] = await query<{ rows: LiveRow[] | null; snapshot: string; now_ms: string }>(
    em,
    `select pg_current_snapshot()::text as snapshot, (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms, (
       select jsonb_agg(jsonb_build_object('event_id', l.event_id, 'total_registered', l.total_registered, 'current_attendees', l.current_attendees, 'observed_at', l.observed_at, 'is_retired', l.is_retired, 'gates', (
         select jsonb_agg(jsonb_build_object('gateId', g.gate_id, 'name', g.name, 'status', g.status, 'throughput', g.throughput) order by g.gate_id) from attendance.gates g where g.event_id = l.event_id)) order by l.event_id)
       from attendance.live l where $1::text[] is null or l.event_id = any($1::text[])) as rows`,
    [ids],
  );
  const values = (row?.rows ?? []).map((live) => [live.event_id, { totalRegistered: live.total_registered, currentAttendees: live.current_attendees, gateActivity: live.gates ?? [], updatedAt: new Date(live.observed_at), isRetired: live.is_retired }] as const);
  return { values: new Map(values), snapshot: parseSnapshot(row?.snapshot ?? '', Number(row?.now_ms)) };
};

/** The live values in the form of the changes that follow them. */
export const currentChanges = async (em: EntityManager, ids: readonly string[] | null): Promise<{ events: DomainEvent<'attendance.changed'>[]; snapshot: Snapshot }> => {
  const { values, snapshot } = await readLive(em, ids);
  const cursor = encodeCursor(snapshot.position);
  const events = [...values].map(([eventId, live]) => ({
    id: '0',
    type: 'attendance.changed' as const,
    eventId,
    serviceId: null,
    occurredAt: live.updatedAt,
    cursor,
    payload: { totalRegistered: live.totalRegistered, currentAttendees: live.currentAttendees, gateActivity: [...live.gateActivity], updatedAt: live.updatedAt.toISOString(), ...(live.isRetired && { isRetired: true as const }) },
  }));
  return { events, snapshot };
};

type PointRow = { event_id: string; at: string; total_registered: number; current_attendees: number };

const readHistory = async (em: EntityManager, ids: readonly string[], args: HistoryArguments, now: Date): Promise<Point[][]> => {
  const window = historyWindow(args, now);
  const rows = await query<PointRow>(
    em,
    `select distinct on (event_id, step) event_id, date_bin(make_interval(secs => $4), at, 'epoch') as step, at, total_registered, current_attendees
     from attendance.points where event_id = any($1::text[]) and at between $2 and $3 order by event_id, step, at desc`,
    [ids, window.from.toISOString(), window.to.toISOString(), window.every],
  );
  const points = new Map<string, Point[]>(ids.map((id) => [id, []]));
  for (const row of rows) points.get(row.event_id)?.push({ at: new Date(row.at), totalRegistered: row.total_registered, currentAttendees: row.current_attendees });
  return ids.map((id) => points.get(id) ?? []);
};

type CheckInDatabaseRow = { event_id: string; upstream_id: string; at: string; direction: Direction; gate_id: string | null; participant: string };

const readCheckIns = async (em: EntityManager, ids: readonly string[], args: PageArguments): Promise<Connection<CheckInRow>[]> => {
  const page = pageOf(args, 2);
  const behind = page.after && { at: momentOf(page.after[0]).toISOString(), id: String(page.after[1]) };
  const rows = await query<CheckInDatabaseRow>(
    em,
    `select c.* from unnest($1::text[]) as wanted (id) cross join lateral (
       select event_id, upstream_id, at, direction, gate_id, participant from attendance.check_ins
       where event_id = wanted.id and ($2::timestamptz is null or (at, upstream_id) < ($2::timestamptz, $3::text))
       order by at desc, upstream_id desc limit $4) c`,
    [ids, behind?.at ?? null, behind?.id ?? null, page.size + 1],
  );
  const byEvent = new Map<string, CheckInRow[]>(ids.map((id) => [id, []]));
  for (const row of rows) byEvent.get(row.event_id)?.push({ id: row.upstream_id, eventId: row.event_id, at: new Date(row.at), direction: row.direction, gateId: row.gate_id, participant: row.participant });
  const counts = new DataLoader<string, number>((wanted) => countCheckIns(em, wanted));
  return ids.map((id) => connectionOf<CheckInRow>(byEvent.get(id) ?? [], page, keyOf, () => counts.load(id)));
};

const keyOf = (row: CheckInRow): Key => [row.at.toISOString(), row.id];

const countCheckIns = async (em: EntityManager, ids: readonly string[]): Promise<number[]> => {
  const rows = await query<{ event_id: string; count: number }>(em, 'select event_id, count(*)::int as count from attendance.check_ins where event_id = any($1::text[]) group by event_id', [ids]);
  const counts = new Map(rows.map((row) => [row.event_id, row.count]));
  return ids.map((id) => counts.get(id) ?? 0);
};

/**
 * Thins the history: every second of the last day, every minute of the last 35 days, every hour before. Looks at the
 * three days behind each bound, as it runs every hour.
 */
export const thinHistory = async (em: EntityManager, now: Date): Promise<void> => {
  for (const [days, step] of [[1, 'minute'], [35, 'hour']] as const)
    await query(
      em,
      `delete from attendance.points p using (
         select event_id, at, row_number() over (partition by event_id, date_trunc($2, at) order by at desc) as newest from attendance.points
         where at < $1::timestamptz and at > $1::timestamptz - interval '3 days') old
       where p.event_id = old.event_id and p.at = old.at and old.newest > 1`,
      [new Date(now.getTime() - days * 86_400_000).toISOString(), step],
    );
};
