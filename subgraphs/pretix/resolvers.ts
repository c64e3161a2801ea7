import type { Connection } from '#core/pagination.ts';
import type { SubgraphContext } from '#core/subgraph.ts';
import { type OrderPosition, type Variation, orderStatuses } from './domain.ts';
import type { PretixEventRow } from './entities.ts';
import type { Resolvers } from './generated/types.ts';
import type { CheckInList, Loaders, Order, Product, Quota } from './store.ts';

export type Context = SubgraphContext<Loaders>;
type In<T> = T & { readonly currency: string };
export type PretixEventParent = { readonly id: string };
export type PretixProductParent = Product;
export type PretixVariationParent = In<Variation>;
export type PretixQuotaParent = Quota;
export type PretixCheckInListParent = CheckInList;
export type PretixOrderParent = Order;
export type PretixOrderPositionParent = In<OrderPosition>;
export type PretixOrderConnectionParent = Connection<Order>;

/** A field of the event's own row; null before pretix told of it. */
const own =
  <T>(read: (row: PretixEventRow) => T) =>
  async ({ id }: PretixEventParent, _args: unknown, { loaders }: Context): Promise<T | null> => {
    const row = await loaders.events.load(id);
    return row && read(row);
  };

const money = (amount: string, currency: string) => ({ amount, currency });

export const resolvers: Resolvers = {
  PretixEvent: {
    __resolveReference: ({ id }) => ({ id }),
    organizerSlug: own(({ organizer }) => organizer),
    slug: own(({ slug }) => slug),
    dateId: own(({ subevent }) => subevent?.toString()),
    live: own(({ live }) => live),
    testMode: own(({ testmode }) => testmode),
    products: ({ id }, _args, { loaders }) => loaders.products.load(id),
    quotas: ({ id }, _args, { loaders }) => loaders.quotas.load(id),
    checkInLists: ({ id }, _args, { loaders }) => loaders.checkInLists.load(id),
    orders: ({ id }, args, { loaders }) => loaders.orders(args).load(id),
  },
  PretixProduct: {
    price: ({ price, currency }) => money(price, currency),
    variations: ({ variations, currency }) => variations.map((each) => ({ ...each, currency })),
  },
  PretixVariation: {
    name: ({ id, name }) => name ?? String(id),
    price: ({ price, currency }) => (price ? money(price, currency) : null),
  },
  PretixQuota: { productIds: ({ products }) => products.map(String) },
  PretixCheckInList: { productIds: ({ products }) => products.map(String) },
  PretixOrder: {
    status: ({ status }) => orderStatuses[status],
    total: ({ total, currency }) => money(total, currency),
    positions: ({ positions, currency }) => positions.map((each) => ({ ...each, currency })),
  },
  PretixOrderPosition: {
    productId: ({ product }) => String(product),
    variationId: ({ variation }) => variation?.toString(),
    price: ({ price, currency }) => money(price, currency),
  },
  PretixOrderConnection: { totalCount: (connection) => connection.totalCount() },
};
