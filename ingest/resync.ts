/**
 * Reading everything of a service anew, on demand. What is known is served on meanwhile. What is told again is dropped as
 * known, so nothing is counted twice; what was missed or rejected before is taken in.
 *
 * A reading says what is there and not what is gone: an upstream may tell the newest alone. What it took back it says by
 * its facts (a cancelled registration, `checkInVoided`, `checkInsStanding`), and what it tells no more stays as it was.
 * Only the quarantine is emptied of what a whole reading did not complain of again, pushes excepted: they may come from
 * elsewhere than what is read.
 */
import type { EntityManager } from '#core/database.ts';
import { query } from '#core/sql.ts';
import type { Ingest } from './ingest.ts';

/** The next pull begins anew; one that is running does not take the wish with it. */
export const askResync = async (em: EntityManager, serviceId: string): Promise<void> => {
  await query(em, `update hub.services set resync = 'ASKED' where id = $1`, [serviceId]);
};

/** Begins what was asked for, and answers whether the cursor was reset. */
export const beginResync = async ({ hub }: Ingest, serviceId: string): Promise<boolean> => {
  const rows = await query(hub.database.em(), `update hub.services set resync = 'RUNNING', resync_since = $2::timestamptz, cursor = null where id = $1 and resync = 'ASKED' returning id`, [serviceId, hub.now().toISOString()]);
  return rows.length > 0;
};

/** To be called when a pull came to its end and left nothing to later ones. */
export const endResync = async ({ hub }: Ingest, serviceId: string): Promise<void> => {
  await query(
    hub.database.em(),
    `with ended as (update hub.services set resync = null where id = $1 and resync = 'RUNNING' returning resync_since)
     delete from hub.rejected_facts r using ended where r.service_id = $1 and r.at < ended.resync_since and not r.is_pushed`,
    [serviceId],
  );
};
