import { InputError } from '#core/errors.ts';
import type { Connection } from '#core/pagination.ts';
import type { Service } from '#core/services.ts';
import type { SubgraphContext } from '#core/subgraph.ts';
import { parseRegistration } from './domain.ts';
import type { EventRow } from './entities.ts';
import type { EventResolvers, GateEventResolvers, Resolvers } from './generated/types.ts';
import { productTypes } from './products.ts';
import { type Loaders, findService, listEvents, listServices } from './store.ts';

export type Context = SubgraphContext<Loaders>;
export type EventParent = EventRow;
export type EventConnectionParent = Connection<EventRow>;
export type EventServiceParent = Service;
export type EventServiceConnectionParent = Connection<Service>;

/** PostgreSQL's driver may hand decimals over as text. */
const degrees = (value: string | number | null | undefined): number | null => (value == null ? null : Number(value));

const loadEvent = ({ id }: { readonly id: string }, context: Context) => context.loaders.event.load(id);

/** Of every product: the types differ in what their own subgraphs add. */
const eventFields: Omit<GateEventResolvers, '__resolveReference'> = {
  period: (event) => ({ start: event.startsAt, end: event.endsAt }),
  region: (event) => (event.region ? { name: event.region } : null),
  organizer: (event) => (event.organizer ? { name: event.organizer } : null),
  venue: (event) =>
    event.venueName || event.venueAddress || event.latitude != null ? { name: event.venueName, address: event.venueAddress, latitude: degrees(event.latitude), longitude: degrees(event.longitude) } : null,
  // A service stays as long as its events.
  service: (event, _args, context) => context.loaders.service.load(event.serviceId) as Promise<Service>,
};

type ProductType = Awaited<ReturnType<NonNullable<EventResolvers['__resolveType']>>>;
type Settings = { readonly contact?: string };

export const resolvers: Resolvers = {
  Query: {
    event: (_parent, args, context) => loadEvent(args, context),
    events: (_parent, args, context) => listEvents(context.em, context.viewer, args),
    eventService: (_parent, { id }, context) => findService(context.em, context.viewer, id),
    eventServices: (_parent, args, context) => listServices(context.em, context.viewer, args),
  },
  Mutation: {
    async registerEventService(_parent, { input }, context) {
      try {
        const registration = parseRegistration(input, context.hub.ingest.products, context.viewer.keyId, context.viewer.events);
        const result = await context.hub.ingest.register(registration);
        if (result.ok) return { service: await context.loaders.service.load(result.serviceId), userErrors: [] };
        return { service: null, userErrors: [{ code: result.code, field: result.field, message: `${result.step}: ${result.message}` }] };
      } catch (error) {
        if (error instanceof InputError) return { service: null, userErrors: [{ code: error.code, field: error.field, message: error.message }] };
        throw error;
      }
    },
  },
  Event: {
    // An event's product is the name of its type.
    __resolveType: ({ product }) => product as ProductType,
    __resolveReference: loadEvent,
  },
  ...Object.fromEntries(productTypes.map((type) => [type, { __resolveReference: loadEvent, ...eventFields }])),
  EventService: {
    __resolveReference: ({ id }, context) => context.loaders.service.load(id),
    lastSync: (service) =>
      service.syncStartedAt && service.syncFinishedAt ? { startedAt: service.syncStartedAt, finishedAt: service.syncFinishedAt, facts: service.syncFacts ?? 0, rejected: service.syncRejected ?? 0 } : null,
    endpoints: (service, _args, context) => ({ api: service.apiUrl, healthCheck: service.healthUrl, push: `${context.hub.publicUrl}/ingest/${service.id}` }),
    contact: (service) => (service.settings as Settings).contact ?? null,
  },
  EventConnection: { totalCount: (connection) => connection.totalCount() },
  EventServiceConnection: { totalCount: (connection) => connection.totalCount() },
};
