/**
 * What the platform notes about itself, for `platformMetrics`: how long requests took by the minute, how syncs went by the
 * minute, how much is stored by the day. Numbers are added to, so that any number of processes may write.
 */
import type { EntityManager } from './database.ts';
import { query } from './sql.ts';

export type RequestMinute = {
  /** Any instant of the minute. */
  readonly at: Date;
  /** Upper bounds of the buckets, in milliseconds; what is longer than all of them is in one bucket more. */
  readonly bounds: readonly number[];
  /** Requests in each bucket. */
  readonly buckets: readonly number[];
  readonly sumMs: number;
  /** Answered with errors, or refused. */
  readonly failed: number;
};

/** Minutes of one bounds are added up bucket by bucket, whoever wrote them. */
export const recordRequests = async (em: EntityManager, { at, bounds, buckets, sumMs, failed }: RequestMinute): Promise<void> => {
  await query(
    em,
    `insert into hub.request_minutes as kept (minute, bounds, buckets, sum_ms, failed) values (date_trunc('minute', $1::timestamptz), $2, $3, $4, $5)
     on conflict (minute, bounds) do update set
       buckets = (select array_agg(a + b order by place) from unnest(kept.buckets, excluded.buckets) with ordinality as each (a, b, place)),
       sum_ms = kept.sum_ms + excluded.sum_ms,
       failed = kept.failed + excluded.failed`,
    [at.toISOString(), bounds, buckets, sumMs, failed],
  );
};

/** One sync of a service, when it ended; not noted of one that is removed meanwhile. */
export type SyncRecord = { readonly at: Date; readonly serviceId: string; readonly ms: number; readonly isFailed: boolean };

export const recordSync = async (em: EntityManager, { at, serviceId, ms, isFailed }: SyncRecord): Promise<void> => {
  await query(
    em,
    `insert into hub.sync_minutes as kept (minute, service_id, runs, failed, sum_ms) select date_trunc('minute', $1::timestamptz), id, 1, $3, $4 from hub.services where id = $2 for key share
     on conflict (minute, service_id) do update set runs = kept.runs + 1, failed = kept.failed + excluded.failed, sum_ms = kept.sum_ms + excluded.sum_ms`,
    [at.toISOString(), serviceId, isFailed ? 1 : 0, ms],
  );
};

/** Notes today's size of the database and drops what is older than so many days. Run every hour. */
export const maintainPlatformRecords = async (em: EntityManager, days: number, now: Date): Promise<void> => {
  await query(em, `insert into hub.storage_days (day, bytes) values ($1::timestamptz::date, pg_database_size(current_database())) on conflict (day) do update set bytes = excluded.bytes`, [now.toISOString()]);
  for (const table of ['request_minutes', 'sync_minutes']) await query(em, `delete from hub.${table} where minute < $1::timestamptz - make_interval(days => $2)`, [now.toISOString(), days]);
};
