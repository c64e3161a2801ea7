import type { SubgraphContext } from '#core/subgraph.ts';
import { type TicketClass, stageOf, ticketsSold } from './domain.ts';
import type { EventbriteEventRow } from './entities.ts';
import type { Resolvers } from './generated/types.ts';
import type { Loaders } from './store.ts';

export type Context = SubgraphContext<Loaders>;
export type EventbriteEventParent = { readonly id: string };
export type EventbriteTicketClassParent = TicketClass;

/** A field of the event's own row; null before Eventbrite told of it. */
const own =
  <T>(read: (row: EventbriteEventRow) => T) =>
  async ({ id }: EventbriteEventParent, _args: unknown, { loaders }: Context): Promise<T | null> => {
    const row = await loaders.events.load(id);
    return row && read(row);
  };

export const resolvers: Resolvers = {
  EventbriteEvent: {
    __resolveReference: ({ id }) => ({ id }),
    eventbriteId: own(({ number }) => number),
    organizationId: own(({ organization }) => organization),
    url: own(({ url }) => url),
    stage: own(({ status }) => stageOf(status)),
    online: own(({ online }) => online),
    category: own(({ category }) => category),
    format: own(({ format }) => format),
    soldOut: own(({ soldOut }) => soldOut),
    capacity: own(({ capacity }) => capacity),
    async ticketsSold({ id }, _args, { loaders }) {
      const row = await loaders.ticketClasses.load(id);
      return row && ticketsSold(row.classes);
    },
    ticketClasses: async ({ id }, _args, { loaders }) => (await loaders.ticketClasses.load(id))?.classes ?? [],
  },
};
