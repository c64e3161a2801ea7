/** Partitions of the event log: one a day, made ahead of time and dropped as a whole when they are too old. */
import type { EntityManager } from './database.ts';
import { query } from './sql.ts';

const daysAhead = 7;

/** Run at every start and every hour. Idempotent; several processes may run it at once. */
export const maintainEventLog = async (em: EntityManager, retentionDays: number, now: Date): Promise<void> => {
  await em.transactional(async (tx) => {
    await query(tx, 'select pg_advisory_xact_lock(7231002)');
    for (let offset = -1; offset <= daysAhead; offset++) {
      const day = dayOf(now, offset);
      await query(tx, `create table if not exists hub.${nameOf(day)} partition of hub.domain_events for values from ('${iso(day)}') to ('${iso(dayOf(day, 1))}')`);
    }
    const oldest = nameOf(dayOf(now, -retentionDays - 1));
    const old = await query<{ name: string }>(tx, `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'hub.domain_events'::regclass and c.relname < $1`, [oldest]);
    for (const { name } of old) await query(tx, `drop table hub.${name}`);
    await query(tx, `delete from hub.handled_events where handled_at < now() - make_interval(days => $1)`, [retentionDays]);
  });
};

const dayOf = (from: Date, offset: number): Date => new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth(), from.getUTCDate() + offset));
const iso = (day: Date): string => `${day.toISOString().slice(0, 10)} 00:00:00+00`;
const nameOf = (day: Date): string => `domain_events_${day.toISOString().slice(0, 10).replaceAll('-', '')}`;
