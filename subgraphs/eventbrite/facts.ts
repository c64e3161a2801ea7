/** Writes Eventbrite's own records. Tells nobody: attendance and events tell what changed for others. */
import type { z } from 'zod';
import type { EntityManager } from '#core/database.ts';
import type { NewDomainEvent } from '#core/domain-events.ts';
import { type Fact, type RecordFact, factsOf } from '#core/facts.ts';
import { query } from '#core/sql.ts';
import type { FactContext } from '#core/subgraph.ts';
import * as records from './domain.ts';

export const applyFacts = async (em: EntityManager, facts: readonly Fact[], { serviceId }: FactContext): Promise<NewDomainEvent[]> => {
  const told = factsOf(facts, 'record');
  await upsert(em, 'events', ofType(told, 'eventbrite.event', records.eventRecord).map(({ fact, data: { soldOut, ...data } }) => ({ event_id: fact.eventId, service_id: serviceId, number: fact.upstreamId, ...data, sold_out: soldOut })));
  await upsert(em, 'ticket_classes', ofType(told, 'eventbrite.ticketClasses', records.ticketClassesRecord).map(({ fact, data }) => ({ event_id: fact.eventId, service_id: serviceId, classes: data.classes, updated_at: fact.at })));
  return [];
};

/** The records of one type; of several of one event the newest, as one statement cannot write a row twice. */
const ofType = <T>(facts: readonly RecordFact[], type: string, schema: z.ZodType<T>): { fact: RecordFact; data: T }[] => {
  const newest = new Map<string, RecordFact>();
  for (const fact of facts) if (fact.type === type && fact.eventId !== null && (newest.get(fact.eventId)?.at ?? fact.at) <= fact.at) newest.set(fact.eventId, fact);
  return [...newest.values()].map((fact) => ({ fact, data: schema.parse(fact.data) }));
};

const upsert = async (em: EntityManager, table: string, rows: readonly Readonly<Record<string, unknown>>[]): Promise<void> => {
  const [first] = rows;
  if (!first) return;
  const columns = Object.keys(first);
  const rest = columns.filter((column) => column !== 'event_id');
  await query(
    em,
    `insert into eventbrite.${table} (${columns.join(', ')}) select ${columns.join(', ')} from jsonb_populate_recordset(null::eventbrite.${table}, $1::jsonb)
     on conflict (event_id) do update set ${rest.map((column) => `${column} = excluded.${column}`).join(', ')}`,
    [JSON.stringify(rows)],
  );
};

export const forgetEvents = async (em: EntityManager, eventIds: readonly string[], serviceId: string): Promise<void> => {
  for (const table of ['events', 'ticket_classes']) await query(em, `delete from eventbrite.${table} where service_id = $1 or event_id = any($2::text[])`, [serviceId, eventIds]);
};
