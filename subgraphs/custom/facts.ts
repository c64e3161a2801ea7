/** Writes the attributes of events of custom services. Tells nobody: nothing else depends on them. */
import type { EntityManager } from '#core/database.ts';
import type { NewDomainEvent } from '#core/domain-events.ts';
import { type Fact, factsOf } from '#core/facts.ts';
import { query } from '#core/sql.ts';

export const applyFacts = async (em: EntityManager, facts: readonly Fact[]): Promise<NewDomainEvent[]> => {
  // Several of one resource and event in a batch: the newest, as one statement cannot write a row twice.
  const newest = new Map<string, { event_id: string; resource: string; data: Readonly<Record<string, unknown>> | null; updated_at: Date }>();
  for (const { type, eventId, upstreamId, data, at } of factsOf(facts, 'record')) {
    if (type !== 'custom.attributes' || eventId === null) continue;
    const key = `${eventId}\n${upstreamId}`;
    const known = newest.get(key);
    if (!known || known.updated_at <= at) newest.set(key, { event_id: eventId, resource: upstreamId, data, updated_at: at });
  }
  if (newest.size === 0) return [];
  const [told, takenBack] = [[...newest.values()].filter(({ data }) => data !== null), [...newest.values()].filter(({ data }) => data === null)];
  await query(
    em,
    `insert into custom.attributes as a select * from jsonb_populate_recordset(null::custom.attributes, $1::jsonb)
     on conflict (event_id, resource) do update set data = excluded.data, updated_at = excluded.updated_at where a.updated_at <= excluded.updated_at`,
    [JSON.stringify(told)],
  );
  await query(em, 'delete from custom.attributes a using unnest($1::text[], $2::text[]) as gone (event_id, resource) where a.event_id = gone.event_id and a.resource = gone.resource', [takenBack.map((each) => each.event_id), takenBack.map((each) => each.resource)]);
  return [];
};

export const forgetEvents = async (em: EntityManager, eventIds: readonly string[]): Promise<void> => {
  await query(em, 'delete from custom.attributes where event_id = any($1::text[])', [eventIds]);
};
