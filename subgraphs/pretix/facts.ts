/** Writes pretix's own records. Tells nobody: attendance and events tell what changed for others. */
import type { z } from 'zod';
import type { EntityManager } from '#core/database.ts';
import type { NewDomainEvent } from '#core/domain-events.ts';
import { type Fact, type RecordFact, factsOf } from '#core/facts.ts';
import { query } from '#core/sql.ts';
import type { FactContext } from '#core/subgraph.ts';
import * as records from './domain.ts';

export const applyFacts = async (em: EntityManager, facts: readonly Fact[], { serviceId }: FactContext): Promise<NewDomainEvent[]> => {
  const told = factsOf(facts, 'record').filter(({ type }) => type.startsWith('pretix.'));
  if (told.length === 0) return [];
  await upsert(em, 'events', ['event_id'], ofType(told, 'pretix.event', records.eventRecord).map(({ fact, data }) => ({ event_id: fact.eventId, service_id: serviceId, organizer: data.organizer, slug: data.slug, subevent: data.subevent, currency: data.currency, live: data.live, testmode: data.testmode })));
  const own = (fact: RecordFact, { slug }: { slug: string }) => ({ service_id: serviceId, slug, id: fact.upstreamId });
  await upsert(em, 'products', offerKey, ofType(told, 'pretix.product', records.productRecord).map(({ fact, data }) => ({ ...own(fact, data), name: data.name ?? fact.upstreamId, active: data.active, admission: data.admission, price: data.price, variations: data.variations })));
  await upsert(em, 'quotas', offerKey, ofType(told, 'pretix.quota', records.quotaRecord).map(({ fact, data }) => ({ ...own(fact, data), subevent: data.subevent, name: data.name, size: data.size, available_number: data.availableNumber, closed: data.closed, products: data.products })));
  await upsert(
    em,
    'check_in_lists',
    offerKey,
    ofType(told, 'pretix.checkInList', records.listRecord).map(({ fact, data }) => ({ ...own(fact, data), subevent: data.subevent, name: data.name, all_products: data.allProducts, products: data.products, include_pending: data.includePending, position_count: data.positionCount, check_in_count: data.checkInCount, inside_count: data.insideCount, updated_at: fact.at })),
  );
  await dropWithdrawn(em, serviceId, told);
  await writeOrders(em, serviceId, told);
  return [];
};

const offerKey = ['service_id', 'slug', 'id'] as const;

/** The records of one type; of several with one id the newest, as one statement cannot write a row twice. */
const ofType = <T>(facts: readonly RecordFact[], type: string, schema: z.ZodType<T>): { fact: RecordFact; data: T }[] => {
  const newest = new Map<string, RecordFact>();
  for (const fact of facts) {
    if (fact.type !== type) continue;
    const key = `${fact.eventId}\n${fact.upstreamId}`;
    const known = newest.get(key);
    if (!known || known.at <= fact.at) newest.set(key, fact);
  }
  return [...newest.values()].map((fact) => ({ fact, data: schema.parse(fact.data) }));
};

type Row = Readonly<Record<string, unknown>>;

const upsert = async (em: EntityManager, table: string, key: readonly string[], rows: readonly Row[]): Promise<void> => {
  const [first] = rows;
  if (!first) return;
  const columns = Object.keys(first);
  const rest = columns.filter((column) => !key.includes(column));
  await query(
    em,
    `insert into pretix.${table} (${columns.join(', ')}) select ${columns.join(', ')} from jsonb_populate_recordset(null::pretix.${table}, $1::jsonb)
     on conflict (${key.join(', ')}) do update set ${rest.map((column) => `${column} = excluded.${column}`).join(', ')}`,
    [JSON.stringify(rows)],
  );
};

/** Products, quotas and lists that pretix no longer has. */
const dropWithdrawn = async (em: EntityManager, serviceId: string, told: readonly RecordFact[]): Promise<void> => {
  for (const { data } of ofType(told, 'pretix.offer', records.offerRecord))
    for (const [table, ids] of [['products', data.products], ['quotas', data.quotas], ['check_in_lists', data.lists]] as const)
      await query(em, `delete from pretix.${table} where service_id = $1 and slug = $2 and id <> all($3::text[])`, [serviceId, data.slug, ids]);
};

const writeOrders = async (em: EntityManager, serviceId: string, told: readonly RecordFact[]): Promise<void> => {
  const orders = ofType(told, 'pretix.order', records.orderRecord);
  await upsert(
    em,
    'orders',
    ['event_id', 'code'],
    orders.map(({ fact, data }) => ({ event_id: fact.eventId, code: fact.upstreamId, service_id: serviceId, status: data.status, placed_at: data.placedAt, total: data.total, testmode: data.testmode, sales_channel: data.salesChannel, positions: data.positions, updated_at: fact.at })),
  );
  // In a series a ticket can be moved to another date: the order is then no more one of the first date's.
  const moved = orders.filter(({ data }) => data.events.length > 0);
  if (moved.length === 0) return;
  await query(
    em,
    `delete from pretix.orders o using jsonb_to_recordset($2::jsonb) as told (code text, events text[])
     where o.service_id = $1 and o.code = told.code and o.event_id <> all(told.events)`,
    [serviceId, JSON.stringify(moved.map(({ fact, data }) => ({ code: fact.upstreamId, events: data.events })))],
  );
};

export const forgetEvents = async (em: EntityManager, eventIds: readonly string[], serviceId: string): Promise<void> => {
  for (const table of ['events', 'orders']) await query(em, `delete from pretix.${table} where service_id = $1 or event_id = any($2::text[])`, [serviceId, eventIds]);
  for (const table of ['products', 'quotas', 'check_in_lists']) await query(em, `delete from pretix.${table} where service_id = $1`, [serviceId]);
};
