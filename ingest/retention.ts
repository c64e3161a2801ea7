/**
 * What ingestion forgets.
 *
 * What a service said is remembered, so that it counts once, for as long as it can be said again: until its event is over
 * for 90 days. From then on the event is settled: nothing more about its tickets and check-ins is taken in, so what is
 * told again does not count again. Of an event that is told to go on after that, what happens from then on is taken in.
 */
import { aroundMs } from '#core/plausible-time.ts';
import { query } from '#core/sql.ts';
import type { Ingest } from './ingest.ts';

const day = 86_400_000;
/** Behind the time in which somebody may be checked in. */
const settledAfterMs = aroundMs + 60 * day;
/** Events of one run; the rest comes with the next, an hour later. */
const eventsAtOnce = 200;
const rejectedForMs = 90 * day;
const mostRejected = 10_000;

/** Kinds of facts that are told of settled events all the same: few, and nothing is counted by them. */
const stillHeard = ['event', 'status'];

export const forgetSettled = async ({ hub }: Ingest): Promise<void> => {
  const before = new Date(hub.now().getTime() - settledAfterMs).toISOString();
  const due = await query<{ event_id: string; service_id: string }>(hub.database.em(), 'select event_id, service_id from hub.event_ids where ends_at < $1::timestamptz and (settled_at is null or settled_at < ends_at) order by ends_at limit $2', [before, eventsAtOnce]);
  for (const { event_id, service_id } of due)
    await hub.database.em().transactional(async (em) => {
      // As whoever writes a batch does: nothing is told of the event while it is settled.
      await query(em, 'select pg_advisory_xact_lock(7232, hashtext($1))', [service_id]);
      const settled = await query(em, 'update hub.event_ids set settled_at = $2::timestamptz where event_id = $1 and ends_at < $3::timestamptz returning event_id', [event_id, hub.now().toISOString(), before]);
      if (settled.length > 0) await query(em, `delete from hub.known_facts where service_id = $1 and split_part(key, ':', 2) = $2 and split_part(key, ':', 1) <> all($3::text[])`, [service_id, event_id, stillHeard]);
    });
};

export const forgetRejected = async ({ hub }: Ingest): Promise<void> => {
  await query(hub.database.em(), 'delete from hub.rejected_facts where at < $1::timestamptz', [new Date(hub.now().getTime() - rejectedForMs).toISOString()]);
  const dropped = await query<{ service_id: string; n: number }>(
    hub.database.em(),
    `with dropped as (delete from hub.rejected_facts r using (
       select service_id, upstream_id, row_number() over (partition by service_id order by at desc) as place from hub.rejected_facts) ranked
       where r.service_id = ranked.service_id and r.upstream_id = ranked.upstream_id and place > $1 returning r.service_id)
     select service_id, count(*)::int as n from dropped group by service_id`,
    [mostRejected],
  );
  for (const { service_id, n } of dropped) hub.logger.warn({ serviceId: service_id, records: n }, 'too many rejected records of a service; the oldest are dropped');
};
