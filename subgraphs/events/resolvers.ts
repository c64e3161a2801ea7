import { InputError } from '#core/errors.ts';
import type { Preview } from '#core/ingest-port.ts';
import { type Connection, type PageArguments, pageOf } from '#core/pagination.ts';
import type { Service } from '#core/services.ts';
import type { SubgraphContext } from '#core/subgraph.ts';
import { visibleEventIds } from '#core/viewer.ts';
import { parseRegistration } from './domain.ts';
import type { EventRow } from './entities.ts';
import type { EventResolvers, GateEventResolvers, PreviewEventServicePayload, Resolvers, UserError } from './generated/types.ts';
import { productTypes } from './products.ts';
import { type EventGroup, type Programme, groupOfRegion, regionId } from './programmes.ts';
import { type EntryOutcome, registerProgramme } from './programmes-register.ts';
import { type RegionSummary, listProgrammes } from './programmes-store.ts';
import { rejected, rejectedRecord, retryRejected } from './rejected-resolvers.ts';
import type { RejectedRecord } from './rejected-store.ts';
import { administration } from './services-resolvers.ts';
import { type Loaders, findService, listEvents, listServices } from './store.ts';

export type Context = SubgraphContext<Loaders>;
export type EventParent = EventRow;
export type EventConnectionParent = Connection<EventRow>;
export type EventServiceParent = Service;
export type EventServiceConnectionParent = Connection<Service>;
export type RejectedRecordParent = RejectedRecord;
export type RejectedRecordConnectionParent = Connection<RejectedRecord>;
export type RetryRejectedPayloadParent = { readonly service: Service | null; readonly recovered: number; readonly rejected: number; readonly resync: boolean; readonly userErrors: readonly UserError[] };
export type ProgrammeParent = Programme;
export type ProgrammeConnectionParent = Connection<Programme>;
/** Of one region: both are set, but for regions without a programme. */
export type RegionParent = EventGroup;
export type RegisteredProgrammeEventParent = EntryOutcome;
export type RegisterEventServicePayloadParent = { readonly service: Service | null; readonly pushUrl: string | null; readonly userErrors: readonly UserError[] };
export type RegisterProgrammePayloadParent = { readonly programme: Programme | null; readonly events: readonly EntryOutcome[]; readonly userErrors: readonly UserError[] };

/** PostgreSQL's driver may hand decimals over as text. */
const degrees = (value: string | number | null | undefined): number | null => (value == null ? null : Number(value));

const loadEvent = ({ id }: { readonly id: string }, context: Context) => context.loaders.event.load(id);

/** Of every product: the types differ in what their own subgraphs add. */
const eventFields: Omit<GateEventResolvers, '__resolveReference'> = {
  period: (event) => ({ start: event.startsAt, end: event.endsAt }),
  region: ({ programmeId, region }) => (region ? { programmeId: programmeId ?? null, region } : null),
  organizer: (event) => (event.organizer ? { name: event.organizer } : null),
  venue: (event) =>
    event.venueName || event.venueAddress || event.latitude != null ? { name: event.venueName, address: event.venueAddress, latitude: degrees(event.latitude), longitude: degrees(event.longitude) } : null,
  // A service stays as long as its events.
  service: (event, _args, context) => context.loaders.service.load(event.serviceId) as Promise<Service>,
};

const ofProgramme = ({ id }: Programme): EventGroup => ({ programmeId: id, region: null });
const eventsOf = (group: EventGroup, args: PageArguments, context: Context) => context.loaders.eventsOf(pageOf(args, 2)).load(group);
const periodOf = async (group: EventGroup, context: Context) => {
  const regions = await context.loaders.summary.load(group);
  const ends = regions.flatMap(({ end }) => (end === null ? [] : [end.getTime()]));
  return { start: new Date(Math.min(...regions.map(({ start }) => start.getTime()))), end: ends.length < regions.length ? null : new Date(Math.max(...ends)) };
};
const totalsOf = async (group: EventGroup, context: Context) => {
  const regions = await context.loaders.summary.load(group);
  const sum = (of: (each: RegionSummary) => number): number => regions.reduce((total, each) => total + of(each), 0);
  return { events: sum(({ events }) => events), preEvent: sum(({ preEvent }) => preEvent), ongoing: sum(({ ongoing }) => ongoing), ended: sum(({ ended }) => ended) };
};

const previewed = ({ facts, factCount, rejected, rejectedCount, recordsCut, complete, failure }: Preview): PreviewEventServicePayload => ({
  facts: JSON.parse(JSON.stringify(facts)) as unknown[],
  factCount,
  rejected: rejected.map(({ upstreamId, reason, raw }) => ({ id: upstreamId, reason, record: raw })),
  rejectedCount,
  factsCut: factCount - facts.length,
  recordsCut,
  complete,
  failedStep: failure?.step ?? null,
  userErrors: failure ? [{ code: failure.code, field: failure.field, message: `${failure.step}: ${failure.message}` }] : [],
});

/** Runs a mutation; mistakes that the caller can mend become the payload's. */
const mendable = async <Payload>(work: () => Promise<Payload>, refused: (userErrors: readonly UserError[]) => Payload): Promise<Payload> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof InputError) return refused([{ code: error.code, field: error.field, message: error.message }]);
    throw error;
  }
};

type ProductType = Awaited<ReturnType<NonNullable<EventResolvers['__resolveType']>>>;
type Settings = { readonly contact?: string };

export const resolvers: Resolvers = {
  Query: {
    event: (_parent, args, context) => loadEvent(args, context),
    events: (_parent, args, context) => listEvents(context.em, context.viewer, args),
    eventService: (_parent, { id }, context) => findService(context.em, context.viewer, id),
    eventServices: (_parent, args, context) => listServices(context.em, context.viewer, args),
    programme: (_parent, { id }, context) => context.loaders.programme.load(id),
    programmes: (_parent, args, context) => listProgrammes(context.em, context.viewer, args),
  },
  Mutation: {
    registerEventService: (_parent, { input }, context) =>
      mendable<RegisterEventServicePayloadParent>(
        async () => {
          const registration = parseRegistration(input, context.hub.ingest.products, context.viewer.keyId, context.viewer.events);
          const result = await context.hub.ingest.register(registration);
          if (result.ok) return { service: await context.loaders.service.load(result.serviceId), pushUrl: result.pushUrl, userErrors: [] };
          return { service: null, pushUrl: null, userErrors: [{ code: result.code, field: result.field, message: `${result.step}: ${result.message}` }] };
        },
        (userErrors) => ({ service: null, pushUrl: null, userErrors }),
      ),
    previewEventService: (_parent, { input }, context) =>
      mendable(
        async () => previewed(await context.hub.ingest.preview(parseRegistration(input, context.hub.ingest.products, context.viewer.keyId, context.viewer.events))),
        (userErrors) => ({ facts: [], factCount: 0, rejected: [], rejectedCount: 0, factsCut: 0, recordsCut: 0, complete: false, failedStep: null, userErrors }),
      ),
    retryRejected,
    registerProgramme: (_parent, { input }, context) =>
      mendable<RegisterProgrammePayloadParent>(
        async () => {
          const { programmeId, entries } = await registerProgramme(context, input);
          return { programme: programmeId === null ? null : await context.loaders.programme.load(programmeId), events: entries, userErrors: [] };
        },
        (userErrors) => ({ programme: null, events: [], userErrors }),
      ),
    ...administration,
  },
  Event: {
    // An event's product is the name of its type.
    __resolveType: ({ product }) => product as ProductType,
    __resolveReference: loadEvent,
  },
  ...Object.fromEntries(productTypes.map((type) => [type, { __resolveReference: loadEvent, ...eventFields }])),
  EventService: {
    __resolveReference: ({ id }, context) => context.loaders.service.load(id),
    lastSync: ({ syncStartedAt, syncFinishedAt, syncFacts, syncRejected, syncError }) =>
      syncStartedAt ? { started: syncStartedAt, finished: syncFinishedAt, facts: syncFacts ?? 0, rejected: syncRejected ?? 0, error: syncError && { ...syncError, at: new Date(syncError.at) } } : null,
    nextSync: ({ state, nextSyncAt }) => (state === 'ACTIVE' ? nextSyncAt : null),
    circuit: ({ circuit, circuitSince }) => ({ state: circuit, since: circuitSince }),
    endpoints: (service, _args, context) => ({ api: service.apiUrl, healthCheck: service.healthUrl, push: `${context.hub.publicUrl}/ingest/${service.id}` }),
    eventAccess: ({ eventAccess }, _args, { viewer }) => eventAccess && visibleEventIds(viewer, eventAccess),
    rejected,
    contact: (service) => (service.settings as Settings).contact ?? null,
  },
  Programme: {
    __resolveReference: ({ id }, context) => context.loaders.programme.load(id),
    regions: async (programme, _args, context) => (await context.loaders.summary.load(ofProgramme(programme))).map(({ region }) => ({ programmeId: programme.id, region })),
    events: (programme, args, context) => eventsOf(ofProgramme(programme), args, context),
    period: (programme, _args, context) => periodOf(ofProgramme(programme), context),
    totals: (programme, _args, context) => totalsOf(ofProgramme(programme), context),
  },
  Region: {
    async __resolveReference({ id }, context) {
      const group = groupOfRegion(id);
      return group && (await context.loaders.summary.load(group)).length > 0 ? group : null;
    },
    id: regionId,
    name: ({ region }) => region ?? '',
    programme: ({ programmeId }, _args, context) => (programmeId === null ? null : context.loaders.programme.load(programmeId)),
    events: eventsOf,
    period: (group, _args, context) => periodOf(group, context),
    totals: (group, _args, context) => totalsOf(group, context),
  },
  RegisteredProgrammeEvent: {
    event: ({ eventId, serviceId }, _args, context) => (serviceId === null ? null : context.loaders.event.load(eventId)),
    service: ({ serviceId }, _args, context) => (serviceId === null ? null : context.loaders.service.load(serviceId)),
  },
  ProgrammeConnection: { totalCount: (connection) => connection.totalCount() },
  RejectedRecord: rejectedRecord,
  RejectedRecordConnection: { totalCount: (connection) => connection.totalCount() },
  EventConnection: { totalCount: (connection) => connection.totalCount() },
  EventServiceConnection: { totalCount: (connection) => connection.totalCount() },
};
