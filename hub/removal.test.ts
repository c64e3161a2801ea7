/**
 * A service that is removed with its data leaves no row, in no table of no subgraph: whatever table names a service or an
 * event by its column is found by asking the database, and given a row of the service and one of another.
 */
import { expect, test } from 'vitest';
import { query } from '#core/sql.ts';
import { openTestHub } from '#core/testing-hub.ts';
import { createIngest } from '#ingest/ingest.ts';
import { loadSubgraphs } from './subgraphs.ts';

type Column = { readonly name: string; readonly type: string; readonly isGenerated: boolean };
type Table = { readonly name: string; readonly columns: readonly Column[]; readonly checks: readonly string[] };

const gone = { service: 'svc_gone', event: 'event-gone' };
const stays = { service: 'svc_stays', event: 'event-stays' };

test('a service that is removed with its data leaves no row in any table of any subgraph, and every row of others', async () => {
  const subgraphs = await loadSubgraphs();
  await using own = await openTestHub({ entities: subgraphs.flatMap(({ entities }) => entities) });
  await using ingest = createIngest({ hub: own.hub, subgraphs, allowPrivateUpstreams: true });
  const em = own.hub.database.em();
  for (const { service } of [gone, stays]) await addService(service, own.hub.secrets.encrypt('{"type":"none"}'));
  const tables = await tablesOf();
  // Rows stand by themselves here: what they would refer to is of no interest.
  await em.transactional(async (tx) => {
    await query(tx, `set local session_replication_role = replica`);
    for (const [index, of] of [gone, stays].entries()) for (const table of tables) await insert(table, of, index);

    async function insert(table: Table, of: typeof gone, index: number): Promise<void> {
      const columns = table.columns.filter(({ isGenerated }) => !isGenerated);
      const values = columns.map((column) => valueOf(table, column, of, index));
      await query(tx, `insert into ${table.name} (${columns.map(({ name }) => `"${name}"`).join(', ')}) overriding system value values (${columns.map((_, nth) => `$${nth + 1}`).join(', ')})`, values).catch((error: unknown) => {
        throw new Error(`${table.name}: ${(error as Error).message}`);
      });
    }
  });
  expect(tables.length).toBeGreaterThan(20);
  expect(await rowsOf(gone)).toEqual(Object.fromEntries(tables.map(({ name }) => [name, 1])));

  // One has a booking that is not settled.
  expect(await ingest.administration.remove(gone.service, { withData: true, by: null })).toMatchObject({ ok: false, code: 'BOOKINGS_UNSETTLED', field: 'input.serviceId' });
  expect(await rowsOf(gone)).toEqual(Object.fromEntries(tables.map(({ name }) => [name, 1])));
  expect(await ingest.administration.remove(gone.service, { withData: true, force: true, by: null })).toMatchObject({ ok: true });
  expect(await rowsOf(gone)).toEqual(Object.fromEntries(tables.map(({ name }) => [name, 0])));
  expect(await rowsOf(stays)).toEqual(Object.fromEntries(tables.map(({ name }) => [name, 1])));

  async function addService(id: string, sealed: string): Promise<void> {
    await query(
      em,
      `insert into hub.services (id, product, name, api_url, health_url, credentials, push_secret, settings, sync_interval, retries, state, health, next_sync_at, next_health_at, created_at)
       values ($1, 'gatekeeper', $1, 'http://127.0.0.1:9', 'http://127.0.0.1:9', $2, $2, '{"eventId": "x"}', 60, 0, 'ACTIVE', 'HEALTHY', now(), now(), now())`,
      [id, sealed],
    );
  }

  /** Base tables that name a service or an event, with all their columns. */
  async function tablesOf(): Promise<Table[]> {
    return query<Table>(
      em,
      `select c.table_schema || '.' || c.table_name as name,
         jsonb_agg(jsonb_build_object('name', c.column_name, 'type', c.udt_name, 'isGenerated', c.is_generated = 'ALWAYS') order by c.ordinal_position) as columns,
         coalesce((select jsonb_agg(pg_get_constraintdef(k.oid)) from pg_constraint k where k.conrelid = format('%I.%I', c.table_schema, c.table_name)::regclass and k.contype = 'c'), '[]') as checks
       from information_schema.columns c join pg_class t on t.oid = format('%I.%I', c.table_schema, c.table_name)::regclass
       where c.table_schema = any($1::text[]) and t.relkind in ('r', 'p') and not t.relispartition
       group by c.table_schema, c.table_name having bool_or(c.column_name in ('service_id', 'event_id')) order by 1`,
      [['hub', ...subgraphs.map(({ name }) => name)]],
    );
  }

  /** In each table. The log keeps what the audit log is made of. */
  async function rowsOf({ service, event }: typeof gone): Promise<Record<string, number>> {
    const counts: [string, number][] = [];
    for (const { name, columns } of tables) {
      const named = (column: string, value: string) => (columns.some((each) => each.name === column) ? [`${column} = '${value}'`] : []);
      const conditions = [...named('service_id', service), ...named('event_id', event)];
      const [row] = await query<{ n: number }>(em, `select count(*)::int as n from ${name} where (${conditions.join(' or ')}) ${name === 'hub.domain_events' ? `and type not in ('service.removed', 'event.removed')` : ''}`);
      counts.push([name, row?.n ?? -1]);
    }
    return Object.fromEntries(counts);
  }
});

/** Something that the column takes: of a check, the first text that it allows. `events.events` calls the event's id `id`. */
const valueOf = (table: Table, { name, type }: Column, of: typeof gone, index: number): unknown => {
  if (name === 'service_id') return of.service;
  if (name === 'event_id' || (table.name === 'events.events' && name === 'id')) return of.event;
  const allowed = table.checks.find((check) => new RegExp(`\\b${name}\\b`).test(check));
  const literal = allowed && /'([^']+)'::text/.exec(allowed)?.[1];
  if (literal) return literal;
  if (type.startsWith('_')) return [];
  if (/^(int|float|numeric)/.test(type)) return index + 1;
  if (type === 'xid8') return String(index + 1);
  if (/^(timestamp|date)/.test(type)) return new Date().toISOString();
  if (type === 'bool') return false;
  if (type === 'jsonb' || type === 'json') return '{}';
  if (type === 'uuid') return `00000000-0000-4000-8000-00000000000${index}`;
  if (type === 'bytea') return Buffer.from([index]);
  return `${of.event} ${name}`;
};
