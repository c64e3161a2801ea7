/**
 * Schedules: what is due becomes a job. Any number of workers may run this; each due service is taken by one.
 */
import { maintainEventLog } from '#core/event-log-retention.ts';
import { enqueue } from '#core/jobs.ts';
import { maintainPlatformRecords } from '#core/platform-records.ts';
import { query } from '#core/sql.ts';
import { announce, recordEvents } from './apply.ts';
import type { Ingest } from './ingest.ts';
import { pullSpec, pullTask } from './pull-jobs.ts';
import { forgetRejected, forgetSettled } from './retention.ts';

export const healthTask = 'ingest.health';
/** Seconds between health checks of a service. */
const healthInterval = 30;
const maintenanceEveryMs = 3_600_000;

export type Scheduler = AsyncDisposable;

export const startScheduler = (ingest: Ingest, options: { readonly tickMs: number }): Scheduler => {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let maintainedAt = 0;
  const tick = async (): Promise<void> => {
    try {
      await enqueueDue(ingest);
      await passTime(ingest);
      if (Date.now() - maintainedAt > maintenanceEveryMs) {
        await maintain(ingest);
        maintainedAt = Date.now();
      }
    } catch (error) {
      if (!stopped) ingest.hub.logger.warn({ err: error }, 'schedules cannot be read; trying again');
    }
    if (!stopped) timer = setTimeout(() => (running = tick()), options.tickMs);
  };
  let running = tick();
  return {
    async [Symbol.asyncDispose]() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
};

const maintain = async (ingest: Ingest): Promise<void> => {
  await maintainEventLog(ingest.hub.database.em(), ingest.hub.eventLogDays, new Date());
  await maintainPlatformRecords(ingest.hub.database.em(), ingest.hub.eventLogDays, ingest.hub.now());
  await forgetSettled(ingest);
  await forgetRejected(ingest);
  for (const subgraph of ingest.subgraphs) await subgraph.maintain?.(ingest.hub.database.em(), ingest.hub.now(), ingest.hub);
};

const enqueueDue = (ingest: Ingest): Promise<void> =>
  ingest.hub.database.em().transactional(async (em) => {
    const due = await query<{ id: string }>(
      em,
      `update hub.services s set next_sync_at = now() + make_interval(secs => s.sync_interval) from (
         select id from hub.services where state = 'ACTIVE' and next_sync_at <= now() order by next_sync_at limit 100 for update skip locked) due
       where s.id = due.id returning s.id`,
    );
    for (const { id } of due) await enqueue(em, pullTask, { serviceId: id }, pullSpec(id));
    const unchecked = await query<{ id: string }>(
      em,
      `update hub.services s set next_health_at = now() + make_interval(secs => $1) from (
         select id from hub.services where state = 'ACTIVE' and next_health_at <= now() order by next_health_at limit 100 for update skip locked) due
       where s.id = due.id returning s.id`,
      [healthInterval],
    );
    for (const { id } of unchecked) await enqueue(em, healthTask, { serviceId: id }, { key: `health:${id}`, maxAttempts: 1 });
  });

/** What time alone brings about, done by one worker at a time. */
const passTime = async (ingest: Ingest): Promise<void> => {
  const events = await ingest.hub.database.em().transactional(async (em) => {
    const [lock] = await query<{ taken: boolean }>(em, 'select pg_try_advisory_xact_lock(7231003) as taken');
    if (!lock?.taken) return [];
    const happened = [];
    for (const subgraph of ingest.subgraphs) if (subgraph.onTick) happened.push(...(await subgraph.onTick(em, ingest.hub.now())));
    return recordEvents(ingest, em, null, happened);
  });
  await announce(ingest, events);
};
