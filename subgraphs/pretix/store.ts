/** Reads of what pretix told. One statement a request for each kind of thing, however many events it asks for. */
import DataLoader from 'dataloader';
import type { EntityManager } from '#core/database.ts';
import { perArguments } from '#core/loaders.ts';
import { type Connection, type Key, type PageArguments, connectionOf, momentOf, pageOf } from '#core/pagination.ts';
import { query } from '#core/sql.ts';
import type { OrderPosition, OrderStatusLetter, Variation } from './domain.ts';
import { PretixEventRow } from './entities.ts';

export type Product = { readonly id: string; readonly name: string; readonly active: boolean; readonly admission: boolean; readonly price: string; readonly variations: readonly Variation[]; readonly currency: string };
export type Quota = { readonly id: string; readonly name: string; readonly size: number | null; readonly availableNumber: number | null; readonly closed: boolean; readonly products: readonly number[] };
export type CheckInList = { readonly id: string; readonly name: string; readonly allProducts: boolean; readonly products: readonly number[]; readonly includePending: boolean; readonly positionCount: number; readonly checkInCount: number; readonly insideCount: number | null; readonly updatedAt: Date };
export type Order = { readonly code: string; readonly status: OrderStatusLetter; readonly placedAt: Date; readonly total: string; readonly testMode: boolean; readonly salesChannel: string; readonly positions: readonly OrderPosition[]; readonly updatedAt: Date; readonly currency: string };

export type Loaders = {
  readonly events: DataLoader<string, PretixEventRow | null>;
  readonly products: DataLoader<string, readonly Product[]>;
  readonly quotas: DataLoader<string, readonly Quota[]>;
  readonly checkInLists: DataLoader<string, readonly CheckInList[]>;
  readonly orders: (args: PageArguments) => DataLoader<string, Connection<Order>>;
};

export const createLoaders = (em: EntityManager): Loaders => {
  return {
    events: new DataLoader(async (ids) => {
      const rows = new Map((await em.find(PretixEventRow, { eventId: { $in: [...ids] } })).map((row) => [row.eventId, row]));
      return ids.map((id) => rows.get(id) ?? null);
    }),
    products: new DataLoader((ids) => readOffer<Product>(em, ids, 'products', 'o.id, o.name, o.active, o.admission, o.price, o.variations, e.currency', 'true')),
    quotas: new DataLoader((ids) => readOffer<Quota>(em, ids, 'quotas', 'o.id, o.name, o.size, o.available_number as "availableNumber", o.closed, o.products')),
    checkInLists: new DataLoader(async (ids) =>
      (await readOffer<CheckInList>(em, ids, 'check_in_lists', 'o.id, o.name, o.all_products as "allProducts", o.products, o.include_pending as "includePending", o.position_count as "positionCount", o.check_in_count as "checkInCount", o.inside_count as "insideCount", o.updated_at as "updatedAt"')).map((lists) =>
        lists.map((list) => ({ ...list, updatedAt: new Date(list.updatedAt) })),
      ),
    ),
    orders: perArguments((args: PageArguments) => new DataLoader((ids) => readOrders(em, ids, args))),
  };
};

/** What the events' series offer; of what belongs to one date, that of their own. */
const readOffer = async <Row>(em: EntityManager, ids: readonly string[], table: 'products' | 'quotas' | 'check_in_lists', columns: string, ofDate = '(o.subevent is null or o.subevent = e.subevent)'): Promise<Row[][]> => {
  const rows = await query<Row & { event_id: string }>(
    em,
    `select e.event_id, ${columns} from pretix.events e join pretix.${table} o on o.service_id = e.service_id and o.slug = e.slug and ${ofDate}
     where e.event_id = any($1::text[]) order by e.event_id, length(o.id), o.id`,
    [ids],
  );
  const byEvent = Map.groupBy(rows, (row) => row.event_id);
  return ids.map((id) => byEvent.get(id) ?? []);
};

type OrderRow = Omit<Order, 'placedAt' | 'updatedAt'> & { event_id: string; placed_at: string; updated_at: string };

const readOrders = async (em: EntityManager, ids: readonly string[], args: PageArguments): Promise<Connection<Order>[]> => {
  const page = pageOf(args, 2);
  const placedBefore = page.after && momentOf(page.after[0]).toISOString();
  const rows = await query<OrderRow>(
    em,
    `select o.event_id, o.code, o.status, o.placed_at, o.total, o.testmode as "testMode", o.sales_channel as "salesChannel", o.positions, o.updated_at, e.currency
     from pretix.events e cross join lateral (
       select * from pretix.orders
       where event_id = e.event_id and ($2::timestamptz is null or (placed_at, code) < ($2::timestamptz, $3::text))
       order by placed_at desc, code desc limit $4) o
     where e.event_id = any($1::text[]) order by o.event_id, o.placed_at desc, o.code desc`,
    [ids, placedBefore, page.after && String(page.after[1]), page.size + 1],
  );
  const byEvent = Map.groupBy(rows, (row) => row.event_id);
  const counts = new DataLoader<string, number>((wanted) => countOrders(em, wanted));
  return ids.map((id) => connectionOf((byEvent.get(id) ?? []).map(toOrder), page, keyOf, () => counts.load(id)));
};

const toOrder = ({ event_id: _event, placed_at, updated_at, ...row }: OrderRow): Order => ({ ...row, placedAt: new Date(placed_at), updatedAt: new Date(updated_at) });
/** pretix stamps orders to the microsecond; the record keeps milliseconds, so the two are the same here. */
const keyOf = (order: Order): Key => [order.placedAt.toISOString(), order.code];

const countOrders = async (em: EntityManager, ids: readonly string[]): Promise<number[]> => {
  const rows = await query<{ event_id: string; count: number }>(em, 'select event_id, count(*)::int as count from pretix.orders where event_id = any($1::text[]) group by event_id', [ids]);
  const counts = new Map(rows.map((row) => [row.event_id, row.count]));
  return ids.map((id) => counts.get(id) ?? 0);
};
