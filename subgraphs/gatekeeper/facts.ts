/** Writes gate facts of gate systems. Tells nobody: the subgraph `attendance` tells of gates with the live value. */
import type { EntityManager } from '#core/database.ts';
import type { NewDomainEvent } from '#core/domain-events.ts';
import { type Fact, factsOf } from '#core/facts.ts';
import { query } from '#core/sql.ts';

export const applyFacts = async (em: EntityManager, facts: readonly Fact[]): Promise<NewDomainEvent[]> => {
  // Several states of one gate in a batch: the newest, as one statement cannot write a row twice.
  const newest = new Map<string, ReturnType<typeof factsOf<'gate'>>[number]>();
  for (const fact of factsOf(facts, 'gate')) {
    const key = `${fact.eventId}\n${fact.upstreamId}`;
    const known = newest.get(key);
    if (!known || known.at <= fact.at) newest.set(key, fact);
  }
  const rows = [...newest.values()].map(({ eventId, upstreamId, name, status, throughput, at }) => ({ event_id: eventId, gate_id: upstreamId, name, status, throughput, updated_at: at }));
  if (rows.length > 0)
    await query(
      em,
      `insert into gatekeeper.gates as g select * from jsonb_populate_recordset(null::gatekeeper.gates, $1::jsonb)
       on conflict (event_id, gate_id) do update set name = excluded.name, status = excluded.status, throughput = excluded.throughput, updated_at = excluded.updated_at
       where g.updated_at <= excluded.updated_at`,
      [JSON.stringify(rows)],
    );
  return [];
};

export const forgetEvents = async (em: EntityManager, eventIds: readonly string[]): Promise<void> => {
  await query(em, 'delete from gatekeeper.gates where event_id = any($1::text[])', [eventIds]);
};
