/**
 * Changes of artists, venues, events and tickets: forwarded to the platform, and what it answers is taken in as its word
 * before the mutation answers, so that the graph is right by then.
 */
import { z } from 'zod';
import { ForbiddenError } from '#core/errors.ts';
import { Service } from '#core/services.ts';
import { maySeeEvent } from '#core/viewer.ts';
import { deletedFact, factsOfResource } from './connector-facts.ts';
import { type TicketingContext, hubEventId, platformOf } from './connector-settings.ts';
import { amount, currency, readGlobalId } from './domain.ts';
import type { MutationResolvers } from './generated/types.ts';
import type { Context } from './resolvers.ts';
import { type EventRow, findEvent } from './store.ts';
import type { Refusal, Row } from './upstream.ts';

type UserError = { readonly code: string; readonly field: string | null; readonly message: string };
type Managed = 'artists' | 'venues' | 'events' | 'tickets';
type Names = Readonly<Record<string, string>>;

/** What the caller can mend, thrown within and answered as a user error. */
class Mendable extends Error {
  readonly userError: UserError;

  constructor(code: string, field: string | null, message: string) {
    super(message);
    this.userError = { code, field, message };
  }
}

const mendable = async <Empty extends object, Answer extends object>(empty: Empty, work: () => Promise<Answer>): Promise<(Answer | Empty) & { readonly userErrors: readonly UserError[] }> => {
  try {
    return { ...(await work()), userErrors: [] };
  } catch (error) {
    if (error instanceof Mendable) return { ...empty, userErrors: [error.userError] };
    throw error;
  }
};

const codes: Readonly<Record<number, string>> = { 404: 'NOT_FOUND', 409: 'CONFLICT', 410: 'NOT_FOUND' };
const refused = ({ status, code, message, field }: Refusal, names: Names): Mendable => new Mendable(codes[status] ?? 'INPUT_INVALID', field === null ? null : `input.${names[field] ?? field}`, `${code}: ${message}`);

/** Artists, venues and new events are for all events of a service. */
const requireAllEvents = ({ viewer }: Context): void => {
  if (viewer.events !== 'all') throw new ForbiddenError('This needs a key for all events.');
};

const connect = async ({ em, hub, signal }: Context, serviceId: string, field: string): Promise<TicketingContext> => {
  const service = await em.findOne(Service, { id: serviceId, product: 'ticketing' });
  if (!service || service.state === 'REMOVED') throw new Mendable('SERVICE_NOT_FOUND', field, 'There is no such service of the product ticketing.');
  if (service.state === 'PAUSED') throw new Mendable('SERVICE_PAUSED', field, 'The ticketing service is paused. Try again later.');
  return (await hub.ingest.connect(serviceId, signal)) as TicketingContext;
};

const keyOf = (id: string, field: string) => {
  const key = readGlobalId(id);
  if (!key) throw new Mendable('NOT_FOUND', field, 'There is none of this id.');
  return key;
};

const eventOf = async (context: Context, id: string): Promise<EventRow> => {
  const event = maySeeEvent(context.viewer, id) ? await findEvent(context.em, id) : null;
  if (!event) throw new Mendable('EVENT_NOT_FOUND', 'input.eventId', 'There is no such ticketed event.');
  return event;
};

/** The platform's answer, taken in. */
const save = async <K extends Managed>(context: Context, service: TicketingContext, kind: K, id: string | null, body: object, names: Names = {}): Promise<Row<K>> => {
  const client = platformOf(service);
  const answer = await (id === null ? client.create(kind, body) : client.update(kind, id, body));
  if (!answer.ok) throw refused(answer, names);
  await context.hub.ingest.takeIn(service.service.serviceId, factsOfResource(kind, answer.value as Row<K>, service));
  return answer.value as Row<K>;
};

const singular = { artists: 'artist', venues: 'venue', events: 'event', tickets: 'ticket' } as const;

const remove = async (context: Context, service: TicketingContext, kind: Managed, id: string, eventId: string | null): Promise<void> => {
  const answer = await platformOf(service).remove(kind, id);
  if (!answer.ok) throw refused(answer, {});
  const at = context.hub.now();
  const ended = kind === 'events' && eventId !== null ? [{ kind: 'status' as const, eventId, upstreamId: id, at, status: 'ENDED' as const }] : [];
  await context.hub.ingest.takeIn(service.service.serviceId, [...ended, deletedFact(singular[kind], eventId, id, at)]);
};

const ofService = <Key extends 'artist' | 'venue'>(key: Key, kind: 'artists' | 'venues') => ({
  create: (input: { readonly serviceId: string }, context: Context) =>
    mendable({ [key]: null } as Record<Key, null>, async () => {
      requireAllEvents(context);
      const { serviceId, ...body } = input;
      const saved = await save(context, await connect(context, serviceId, 'input.serviceId'), kind, null, body);
      return { [key]: await context.loaders[kind].load({ serviceId, id: saved.id }) } as Record<Key, never>;
    }),
  update: (input: { readonly id: string }, context: Context) =>
    mendable({ [key]: null } as Record<Key, null>, async () => {
      requireAllEvents(context);
      const { id, ...body } = input;
      const its = keyOf(id, 'input.id');
      await save(context, await connect(context, its.serviceId, 'input.id'), kind, its.id, body);
      return { [key]: await context.loaders[kind].load(its) } as Record<Key, never>;
    }),
  remove: (input: { readonly id: string }, context: Context) =>
    mendable({ deletedId: null }, async () => {
      requireAllEvents(context);
      const its = keyOf(input.id, 'input.id');
      await remove(context, await connect(context, its.serviceId, 'input.id'), kind, its.id, null);
      return { deletedId: input.id };
    }),
});
const artists = ofService('artist', 'artists');
const venues = ofService('venue', 'venues');

type EventInput = { readonly start?: Date | null; readonly end?: Date | null; readonly venueId?: string | null; readonly artistIds?: readonly string[] | null };

/** Moments as text, and ids as the platform knows them: of the same service. */
const eventBody = ({ start, end, venueId, artistIds, ...rest }: EventInput, serviceId: string): object => {
  const own = (id: string, field: string): string => {
    const key = keyOf(id, `input.${field}`);
    if (key.serviceId !== serviceId) throw new Mendable('OTHER_SERVICE', `input.${field}`, 'This belongs to another service.');
    return key.id;
  };
  return {
    ...rest,
    ...(start === undefined ? {} : { startsAt: start?.toISOString() ?? null }),
    ...(end === undefined ? {} : { endsAt: end?.toISOString() ?? null }),
    ...(venueId === undefined ? {} : { venueId: venueId === null ? null : own(venueId, 'venueId') }),
    ...(artistIds ? { artistIds: artistIds.map((id) => own(id, 'artistIds')) } : {}),
  };
};
const eventNames: Names = { startsAt: 'start', endsAt: 'end' };

const price = z.object({ amount, currency });
type TicketInput = { readonly price?: { readonly amount: unknown; readonly currency: string } | null };

const ticketBody = ({ price: given, ...rest }: TicketInput): object => {
  if (!given) return rest;
  const parsed = price.safeParse(given);
  if (!parsed.success) throw new Mendable('PRICE_INVALID', `input.price.${parsed.error.issues[0]?.path.join('.')}`, 'A price is a decimal number such as 1990.50, and a currency of three letters.');
  return { ...rest, price: parsed.data };
};

export const manageMutations: Omit<MutationResolvers, 'reserveTickets' | 'payBooking' | 'cancelBooking'> = {
  createArtist: (_parent, { input }, context) => artists.create(input, context),
  updateArtist: (_parent, { input }, context) => artists.update(input, context),
  deleteArtist: (_parent, { input }, context) => artists.remove(input, context),
  createTicketVenue: (_parent, { input }, context) => venues.create(input, context),
  updateTicketVenue: (_parent, { input }, context) => venues.update(input, context),
  deleteTicketVenue: (_parent, { input }, context) => venues.remove(input, context),
  createTicketedEvent: (_parent, { input: { serviceId, ...input } }, context) =>
    mendable({ event: null }, async () => {
      requireAllEvents(context);
      const service = await connect(context, serviceId, 'input.serviceId');
      const saved = await save(context, service, 'events', null, eventBody(input, serviceId), eventNames);
      return { event: { id: hubEventId(service.service.settings, saved.id) } };
    }),
  updateTicketedEvent: (_parent, { input: { eventId, ...input } }, context) =>
    mendable({ event: null }, async () => {
      const event = await eventOf(context, eventId);
      await save(context, await connect(context, event.serviceId, 'input.eventId'), 'events', event.platformId, eventBody(input, event.serviceId), eventNames);
      return { event: { id: eventId } };
    }),
  deleteTicketedEvent: (_parent, { input: { eventId } }, context) =>
    mendable({ deletedId: null }, async () => {
      const event = await eventOf(context, eventId);
      await remove(context, await connect(context, event.serviceId, 'input.eventId'), 'events', event.platformId, eventId);
      return { deletedId: eventId };
    }),
  createTicket: (_parent, { input: { eventId, ...input } }, context) =>
    mendable({ ticket: null }, async () => {
      const event = await eventOf(context, eventId);
      const saved = await save(context, await connect(context, event.serviceId, 'input.eventId'), 'tickets', null, { eventId: event.platformId, ...ticketBody(input) });
      return { ticket: await context.loaders.ticket.load({ eventId, id: saved.id }) };
    }),
  updateTicket: (_parent, { input: { eventId, ticketId, ...input } }, context) =>
    mendable({ ticket: null }, async () => {
      const event = await eventOf(context, eventId);
      const known = await context.loaders.ticket.clear({ eventId, id: ticketId }).load({ eventId, id: ticketId });
      if (!known) throw new Mendable('TICKET_NOT_FOUND', 'input.ticketId', 'The event has no such ticket.');
      await save(context, await connect(context, event.serviceId, 'input.eventId'), 'tickets', ticketId, ticketBody(input));
      return { ticket: await context.loaders.ticket.clear({ eventId, id: ticketId }).load({ eventId, id: ticketId }) };
    }),
  deleteTicket: (_parent, { input: { eventId, ticketId } }, context) =>
    mendable({ deletedId: null }, async () => {
      const event = await eventOf(context, eventId);
      const known = await context.loaders.ticket.load({ eventId, id: ticketId });
      if (!known) throw new Mendable('TICKET_NOT_FOUND', 'input.ticketId', 'The event has no such ticket.');
      if (known.status !== 'available') throw new Mendable('CONFLICT', 'input.ticketId', 'The ticket is reserved or sold.');
      await remove(context, await connect(context, event.serviceId, 'input.eventId'), 'tickets', ticketId, eventId);
      return { deletedId: ticketId };
    }),
};
