import { InputError } from '#core/errors.ts';
import type { PageArguments } from '#core/pagination.ts';
import type { Service } from '#core/services.ts';
import type { SubgraphContext } from '#core/subgraph.ts';
import { type RegisterEventServiceInput, parseRegistration } from './domain.ts';
import type { EventRow } from './entities.ts';
import { type EventFilter, type EventOrder, type Loaders, listEvents, listServices } from './store.ts';

type Context = SubgraphContext<Loaders>;

const eventFields = {
  __resolveReference: ({ id }: { id: string }, context: Context) => context.loaders.event.load(id),
  period: (event: EventRow) => ({ start: event.startsAt, end: event.endsAt }),
  region: (event: EventRow) => (event.region ? { name: event.region } : null),
  organizer: (event: EventRow) => (event.organizer ? { name: event.organizer } : null),
  venue: (event: EventRow) =>
    event.venueName || event.venueAddress || event.latitude != null ? { name: event.venueName, address: event.venueAddress, latitude: event.latitude, longitude: event.longitude } : null,
  service: (event: EventRow, _args: unknown, context: Context) => context.loaders.service.load(event.serviceId),
};

type Settings = { readonly contact?: string };

export const resolvers = {
  Query: {
    event: (_parent: unknown, { id }: { id: string }, context: Context) => context.loaders.event.load(id),
    events: (_parent: unknown, args: PageArguments & { filter?: EventFilter; orderBy?: EventOrder }, context: Context) => listEvents(context.em, context.viewer, args),
    eventService: (_parent: unknown, { id }: { id: string }, context: Context) => context.loaders.service.load(id),
    eventServices: (_parent: unknown, args: PageArguments, context: Context) => listServices(context.em, args),
  },
  Mutation: {
    async registerEventService(_parent: unknown, { input }: { input: RegisterEventServiceInput }, context: Context) {
      try {
        const registration = parseRegistration(input, context.hub.ingest.products, context.viewer.keyId);
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
    __resolveType: (event: EventRow) => event.product,
    __resolveReference: eventFields.__resolveReference,
  },
  GateEvent: eventFields,
  PretixEvent: eventFields,
  EventService: {
    __resolveReference: ({ id }: { id: string }, context: Context) => context.loaders.service.load(id),
    lastSync: (service: Service) =>
      service.syncStartedAt && service.syncFinishedAt ? { startedAt: service.syncStartedAt, finishedAt: service.syncFinishedAt, facts: service.syncFacts ?? 0, rejected: service.syncRejected ?? 0 } : null,
    endpoints: (service: Service, _args: unknown, context: Context) => ({ api: service.apiUrl, healthCheck: service.healthUrl, push: `${context.hub.publicUrl}/ingest/${service.id}` }),
    contact: (service: Service) => (service.settings as Settings).contact ?? null,
  },
  EventConnection: { totalCount: (connection: { totalCount: () => Promise<number> }) => connection.totalCount() },
  EventServiceConnection: { totalCount: (connection: { totalCount: () => Promise<number> }) => connection.totalCount() },
};
