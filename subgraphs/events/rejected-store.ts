/** Reads of what services said that could not be taken in. Ingestion keeps it. */
import DataLoader from 'dataloader';
import type { EntityManager } from '#core/database.ts';
import { type Connection, type Key, type Page, connectionOf, momentOf } from '#core/pagination.ts';
import { query } from '#core/sql.ts';

export type RejectedRecord = {
  readonly id: string;
  readonly serviceId: string;
  readonly reason: string;
  /** When it was first rejected, and last. */
  readonly since: Date;
  readonly lastSeenAt: Date;
  readonly attempts: number;
  /** Encrypted JSON; null where it was not kept. */
  readonly sealed: string | null;
};

type Row = { readonly service_id: string; readonly upstream_id: string; readonly reason: string; readonly since: Date; readonly at: Date; readonly attempts: number; readonly raw: string | null };

export type RejectedLoaders = {
  /** Pages of services, all services of one page size and place in one statement. */
  readonly rejectedOf: (page: Page) => DataLoader<string, Connection<RejectedRecord>>;
};

export const createRejectedLoaders = (em: EntityManager): RejectedLoaders => {
  const pages = new Map<string, DataLoader<string, Connection<RejectedRecord>>>();
  const count = new DataLoader<string, number>(async (ids) => {
    const rows = await query<{ service_id: string; n: number }>(em, 'select service_id, count(*)::int as n from hub.rejected_facts where service_id = any($1::text[]) group by service_id', [[...ids]]);
    const counts = new Map(rows.map(({ service_id, n }) => [service_id, n]));
    return ids.map((id) => counts.get(id) ?? 0);
  });
  return {
    rejectedOf(page) {
      const name = JSON.stringify(page);
      const loader = pages.get(name) ?? new DataLoader(async (ids: readonly string[]) => readPages(em, ids, page, (id) => count.load(id)));
      pages.set(name, loader);
      return loader;
    },
  };
};

const readPages = async (em: EntityManager, ids: readonly string[], page: Page, countOf: (id: string) => Promise<number>): Promise<Connection<RejectedRecord>[]> => {
  const [since, id] = page.after ?? [];
  const rows = await query<Row>(
    em,
    `select r.* from unnest($1::text[]) as s (id) cross join lateral (
       select service_id, upstream_id, reason, since, at, attempts, raw from hub.rejected_facts
       where service_id = s.id and ($2::timestamptz is null or (since, upstream_id) < ($2::timestamptz, $3::text)) order by since desc, upstream_id desc limit $4) r`,
    [[...ids], page.after ? momentOf(since).toISOString() : null, String(id ?? ''), page.size + 1],
  );
  const byService = Map.groupBy(rows, (row) => row.service_id);
  return ids.map((each) => connectionOf((byService.get(each) ?? []).map(recordOf), page, keyOf, () => countOf(each)));
};

const recordOf = (row: Row): RejectedRecord => ({ id: row.upstream_id, serviceId: row.service_id, reason: row.reason, since: new Date(row.since), lastSeenAt: new Date(row.at), attempts: row.attempts, sealed: row.raw });
const keyOf = ({ since, id }: RejectedRecord): Key => [since.toISOString(), id];
