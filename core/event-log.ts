/**
 * The event log: one append-only table that live resumption, handlers and replays read the same way.
 *
 * Cursor order is (transaction, id). A reader only sees rows of transactions below the oldest one that is still open
 * (`pg_snapshot_xmin`), so whatever commits later stands behind its cursor and is never skipped. The cursor also
 * carries the time of its row, which lets PostgreSQL skip the partitions before it.
 */
import type { EntityManager } from './database.ts';
import { query } from './sql.ts';
import type { DomainEvent, DomainEventType, NewDomainEvent } from './domain-events.ts';
import { EventgraphError } from './errors.ts';

export type Position = { readonly tx: bigint; readonly id: bigint; readonly recordedAt: number };

/** No transaction of the hub may live this long (see the time limits in database.ts), so no row is older than that
 * before its cursor's time. */
const longestTransactionMs = 3_600_000;

export const encodeCursor = (position: Position): string => Buffer.from(`${position.tx}.${position.id}.${position.recordedAt}`).toString('base64url');

/** What PostgreSQL's bigint and the row numbers of its transactions hold. */
const largestInt8 = 9_223_372_036_854_775_807n;

/** Throws CURSOR_INVALID for what is not a cursor of this hub's. */
export const decodeCursor = (cursor: string): Position => {
  const match = /^(\d{1,20})\.(\d{1,19})\.(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString('utf8'));
  if (!match?.[1] || !match[2] || !match[3]) throw foreignCursor();
  const position = { tx: BigInt(match[1]), id: BigInt(match[2]), recordedAt: Number(match[3]) };
  if (position.tx > largestInt8 || position.id > largestInt8) throw foreignCursor();
  return position;
};

const foreignCursor = (): EventgraphError => new EventgraphError('CURSOR_INVALID', 'This is not a cursor of this hub. Leave `after` out to start from the current values.', { field: 'after' });

/** Throws CURSOR_INVALID for a position that the log has not reached: a cursor of another hub, which would skip events. */
export const assertReached = (position: Position, head: Position): void => {
  if (position.tx > head.tx) throw foreignCursor();
};

export const comparePositions = (a: Position, b: Position): number => (a.tx === b.tx ? Number(a.id - b.id) : a.tx < b.tx ? -1 : 1);

type Row = { id: string; tx: string; type: DomainEventType; event_id: string | null; service_id: string | null; occurred_at: string; recorded_ms: string; payload: unknown };

/** Appends in the caller's transaction and answers the events with their ids. Their order is kept. */
export const appendEvents = async (em: EntityManager, serviceId: string | null, events: readonly NewDomainEvent[]): Promise<DomainEvent[]> => {
  if (events.length === 0) return [];
  const rows = await query<Pick<Row, 'id' | 'tx' | 'recorded_ms'>>(
    em,
    `insert into hub.domain_events (type, event_id, service_id, occurred_at, payload)
     select type, event_id, $1, occurred_at, payload
     from unnest($2::text[], $3::text[], $4::timestamptz[], $5::jsonb[]) with ordinality as new (type, event_id, occurred_at, payload, n) order by n
     returning id, tx, (extract(epoch from recorded_at) * 1000)::bigint as recorded_ms`,
    [serviceId, events.map(({ type }) => type), events.map(({ eventId }) => eventId), events.map(({ occurredAt }) => occurredAt.toISOString()), events.map(({ payload }) => JSON.stringify(payload))],
  );
  return events.map((event, index) => {
    const row = rows[index];
    if (!row) throw new Error('the event log returned fewer rows than were appended');
    return { ...event, id: row.id, serviceId, cursor: encodeCursor(positionOf(row)) };
  });
};

const positionOf = (row: Pick<Row, 'id' | 'tx' | 'recorded_ms'>): Position => ({ tx: BigInt(row.tx), id: BigInt(row.id), recordedAt: Number(row.recorded_ms) });

/** The largest id: a position with it stands behind every row of its transaction. */
const lastId = largestInt8;

/** Where the log ends now: everything committed so far is at or before it, except what an open transaction hides. */
export const logHead = async (em: EntityManager): Promise<Position> => {
  const [row] = await query<{ snapshot: string; now_ms: string }>(em, `select pg_current_snapshot()::text as snapshot, (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms`);
  return parseSnapshot(row?.snapshot ?? '', Number(row?.now_ms ?? 0)).position;
};

/** What a statement saw: values read with it hold exactly the events for which `includes` is true. */
export type Snapshot = {
  /** Everything at or before this position is included. */
  readonly position: Position;
  readonly includes: (tx: bigint) => boolean;
  /** The first transaction that it cannot include, nor any later one; absent where it includes none behind `position`. */
  readonly end?: bigint;
};

/** Reads the text form of `pg_current_snapshot()`, `xmin:xmax:xip,…` (PostgreSQL manual, 9.27.8). */
export const parseSnapshot = (text: string, recordedAt: number): Snapshot => {
  const [xmin, xmax, open] = text.split(':');
  const inProgress = new Set((open ?? '').split(',').filter(Boolean).map(BigInt));
  return { position: { tx: BigInt(xmin ?? 0) - 1n, id: lastId, recordedAt }, includes: (tx) => tx < BigInt(xmax ?? 0) && !inProgress.has(tx), end: BigInt(xmax ?? 0) };
};

export type ReadOptions = { readonly after: Position; readonly types: readonly DomainEventType[]; readonly eventIds: readonly string[] | null; readonly limit: number };

/** The next events after a position, oldest first. */
export const readEvents = async (em: EntityManager, options: ReadOptions): Promise<DomainEvent[]> => {
  const rows = await query<Row>(
    em,
    `select id, tx::text, type, event_id, service_id, occurred_at, (extract(epoch from recorded_at) * 1000)::bigint as recorded_ms, payload
     from hub.domain_events
     where (tx, id) > ($1::text::xid8, $2::bigint) and tx < pg_snapshot_xmin(pg_current_snapshot())
       and recorded_at >= to_timestamp($3::double precision / 1000)
       and type = any($4::text[]) and ($5::text[] is null or event_id = any($5::text[]))
     order by domain_events.tx, id limit $6` /* the column: plain `tx` would be the text in the list, and sort 1000 before 999 */,
    [options.after.tx.toString(), options.after.id.toString(), options.after.recordedAt - longestTransactionMs, options.types, options.eventIds, options.limit],
  );
  return rows.map(toDomainEvent);
};

const toDomainEvent = (row: Row): DomainEvent =>
  ({ id: row.id, type: row.type, eventId: row.event_id, serviceId: row.service_id, occurredAt: new Date(row.occurred_at), payload: row.payload, cursor: encodeCursor(positionOf(row)) }) as DomainEvent;

/** The event that this cursor stands at, for handlers; null when retention dropped it. */
export const findEvent = async (em: EntityManager, cursor: string): Promise<DomainEvent | null> => {
  const { tx, id, recordedAt } = decodeCursor(cursor);
  const [row] = await query<Row>(
    em,
    `select id, tx::text, type, event_id, service_id, occurred_at, (extract(epoch from recorded_at) * 1000)::bigint as recorded_ms, payload
     from hub.domain_events where tx = $1::text::xid8 and id = $2::bigint and recorded_at between to_timestamp($3::double precision / 1000) - interval '1 second' and to_timestamp($3::double precision / 1000) + interval '1 second'`,
    [tx.toString(), id.toString(), recordedAt],
  );
  return row ? toDomainEvent(row) : null;
};

/** Throws CURSOR_EXPIRED when events after this position may already have been dropped by retention. */
export const assertRetained = async (em: EntityManager, position: Position, retentionDays: number): Promise<void> => {
  const [row] = await query<{ now_ms: string }>(em, 'select (extract(epoch from now()) * 1000)::bigint as now_ms');
  if (position.recordedAt < Number(row?.now_ms) - retentionDays * 86_400_000)
    throw new EventgraphError('CURSOR_EXPIRED', `Events are kept for ${retentionDays} days and this cursor is older. Leave \`after\` out to start from the current values.`, { field: 'after', retentionDays });
};
