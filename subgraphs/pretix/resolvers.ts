import type { PageArguments } from '#core/pagination.ts';
import type { SubgraphContext } from '#core/subgraph.ts';
import { type OrderPosition, type Variation, orderStatuses } from './domain.ts';
import type { PretixEventRow } from './entities.ts';
import type { CheckInList, Loaders, Order, Product, Quota } from './store.ts';

export type Context = SubgraphContext<Loaders>;
type EventReference = { readonly id: string };

/** A field of the event's own row; null before pretix told of it. */
const own =
  <T>(read: (row: PretixEventRow) => T) =>
  async ({ id }: EventReference, _args: unknown, { loaders }: Context): Promise<T | null> => {
    const row = await loaders.events.load(id);
    return row && read(row);
  };

const money = (amount: string, currency: string) => ({ amount, currency });
type In<T> = T & { readonly currency: string };

export const resolvers = {
  PretixEvent: {
    __resolveReference: ({ id }: EventReference): EventReference => ({ id }),
    organizerSlug: own(({ organizer }) => organizer),
    slug: own(({ slug }) => slug),
    dateId: own(({ subevent }) => subevent),
    live: own(({ live }) => live),
    testMode: own(({ testmode }) => testmode),
    products: ({ id }: EventReference, _args: unknown, { loaders }: Context) => loaders.products.load(id),
    quotas: ({ id }: EventReference, _args: unknown, { loaders }: Context) => loaders.quotas.load(id),
    checkInLists: ({ id }: EventReference, _args: unknown, { loaders }: Context) => loaders.checkInLists.load(id),
    orders: ({ id }: EventReference, args: PageArguments, { loaders }: Context) => loaders.orders(args).load(id),
  },
  PretixProduct: {
    price: ({ price, currency }: Product) => money(price, currency),
    variations: ({ variations, currency }: Product): In<Variation>[] => variations.map((each) => ({ ...each, currency })),
  },
  PretixVariation: {
    name: ({ id, name }: Variation) => name ?? String(id),
    price: ({ price, currency }: In<Variation>) => price && money(price, currency),
  },
  PretixQuota: { productIds: ({ products }: Quota) => products },
  PretixCheckInList: { productIds: ({ products }: CheckInList) => products },
  PretixOrder: {
    status: ({ status }: Order) => orderStatuses[status],
    total: ({ total, currency }: Order) => money(total, currency),
    positions: ({ positions, currency }: Order): In<OrderPosition>[] => positions.map((each) => ({ ...each, currency })),
  },
  PretixOrderPosition: {
    productId: ({ product }: OrderPosition) => product,
    variationId: ({ variation }: OrderPosition) => variation,
    price: ({ price, currency }: In<OrderPosition>) => money(price, currency),
  },
  PretixOrderConnection: { totalCount: (connection: { totalCount: () => Promise<number> }) => connection.totalCount() },
};
