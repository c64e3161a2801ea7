/** What ingestion remembers of what each service has said, as far as subgraphs may touch it. */
import type { EntityManager } from './database.ts';
import { type FactName, factKey } from './facts.ts';
import { query } from './sql.ts';

/**
 * Lets these facts say something new again: what came of them was undone, by something that was told at `at`. Check-ins
 * count once more; states do, unless they are older than that.
 */
export const forgetFacts = async (em: EntityManager, serviceId: string, facts: readonly (FactName & { readonly at: Date })[]): Promise<void> => {
  if (facts.length === 0) return;
  await query(
    em,
    `with told as (select * from unnest($2::text[], $3::timestamptz[]) as t (key, at)),
     occurrences as (delete from hub.known_facts k using told where k.service_id = $1 and k.key = told.key and k.digest = '')
     update hub.known_facts k set digest = 'forgotten', at = greatest(k.at, told.at) from told where k.service_id = $1 and k.key = told.key and k.digest <> ''`,
    [serviceId, facts.map(factKey), facts.map(({ at }) => at.toISOString())],
  );
};
