/** The platform's payloads → facts. */
import type { RecordFact, Fact } from '#core/facts.ts';
import { type TicketingContext, hubEventId } from './connector-settings.ts';
import type { Booking } from './domain-booking.ts';
import type { Payment } from './upstream-payments.ts';
import type { ArtistPayload, BookingPayload, CheckInPayload, EventPayload, ResourceKind, TicketPayload, VenuePayload } from './upstream-payloads.ts';
import type { Row } from './upstream.ts';

type Context = Pick<TicketingContext, 'now' | 'hashParticipant'> & { readonly service: Pick<TicketingContext['service'], 'settings'> };

/** States compete by their time: one from a clock that is ahead must not win over all that follow. */
const notAhead = (at: string, { now }: Context): Date => {
  const told = new Date(at);
  return told > now() ? now() : told;
};

const record = (type: string, eventId: string | null, { id, updatedAt, deletedAt }: { id: string; updatedAt: string; deletedAt: string | null }, context: Context, data: Record<string, unknown>): RecordFact => ({ kind: 'record', type: `ticketing.${type}`, eventId, upstreamId: id, at: notAhead(updatedAt, context), data: deletedAt === null ? data : null });

const artistFacts = (payload: ArtistPayload, context: Context): Fact[] => [record('artist', null, payload, context, { name: payload.name, genre: payload.genre, yandexMusicId: payload.yandexMusicId })];
const venueFacts = (payload: VenuePayload, context: Context): Fact[] => [record('venue', null, payload, context, { name: payload.name, address: payload.address, capacity: payload.capacity })];

/** The hub has no word for an event that is gone: it has ended, and the platform's own part of it is deleted. */
const eventFacts = (payload: EventPayload, context: Context): Fact[] => {
  const eventId = hubEventId(context.service.settings, payload.id);
  const at = notAhead(payload.updatedAt, context);
  const own = record('event', eventId, payload, context, { platformId: payload.id, name: payload.name, startsAt: new Date(payload.startsAt).toISOString(), public: payload.public, venueId: payload.venueId, artistIds: payload.artistIds });
  if (payload.deletedAt !== null) return [{ kind: 'status', eventId, upstreamId: payload.id, at, status: 'ENDED' }, own];
  const { name, type, timezone, region, organizer, venue } = payload;
  const place = venue && { name: venue.name, address: venue.address, latitude: null, longitude: null };
  return [{ kind: 'event', product: 'TicketedEvent', eventId, upstreamId: payload.id, at, name, type, start: new Date(payload.startsAt), end: payload.endsAt === null ? null : new Date(payload.endsAt), timezone, region, organizer, venue: place, public: payload.public }, own];
};

const ticketFacts = (payload: TicketPayload, context: Context): Fact[] => [record('ticket', hubEventId(context.service.settings, payload.eventId), payload, context, { category: payload.category, seat: payload.seat, amount: payload.price.amount, currency: payload.price.currency, status: payload.status })];

const admitted = (bookingId: string, ticketId: string): string => `${bookingId}/${ticketId}`;
const registrationStates = { reserved: 'PENDING', confirmed: 'CONFIRMED', cancelled: 'CANCELLED', expired: 'CANCELLED' } as const;

/** Each ticket of a booking admits somebody. One with a reference may be the hub's own, which is to know when it is over. */
const bookingFacts = (payload: BookingPayload, context: Context): Fact[] => {
  const status = payload.deletedAt === null ? payload.status : 'cancelled';
  const about = { eventId: hubEventId(context.service.settings, payload.eventId), at: notAhead(payload.updatedAt, context) };
  const isOver = status === 'cancelled' || status === 'expired';
  const ended: Fact[] = isOver && payload.reference !== null ? [{ kind: 'record', type: 'ticketing.ended', ...about, upstreamId: payload.id, data: { reference: payload.reference, status, updatedAt: payload.updatedAt } }] : [];
  return [...payload.ticketIds.map((ticketId): Fact => ({ kind: 'registration', ...about, upstreamId: admitted(payload.id, ticketId), participant: context.hashParticipant(admitted(payload.id, ticketId)), state: registrationStates[status] })), ...ended];
};

export const checkInFacts = (payload: CheckInPayload, context: Context): Fact[] => {
  const about = { eventId: hubEventId(context.service.settings, payload.eventId), upstreamId: payload.id };
  if (payload.deletedAt !== null) return [{ kind: 'checkInVoided', ...about, at: new Date(payload.updatedAt) }];
  return [{ kind: 'checkIn', ...about, at: new Date(payload.at), direction: payload.direction === 'exit' ? 'EXIT' : 'ENTRY', gateId: payload.gate, area: '', participant: context.hashParticipant(admitted(payload.bookingId, payload.ticketId)) }];
};

const translators: { readonly [K in ResourceKind]: (payload: Row<K>, context: Context) => Fact[] } = { artists: artistFacts, venues: venueFacts, events: eventFacts, tickets: ticketFacts, bookings: bookingFacts, 'check-ins': checkInFacts };

export const factsOfResource = <K extends ResourceKind>(kind: K, payload: Row<K>, context: Context): Fact[] => translators[kind](payload, context);

/** What is left to say of something that the hub itself had deleted at the platform. */
export const deletedFact = (type: 'artist' | 'venue' | 'ticket' | 'event', eventId: string | null, id: string, at: Date): RecordFact => ({ kind: 'record', type: `ticketing.${type}`, eventId, upstreamId: id, at, data: null });

const paymentStatus = { pending: 'PENDING', waiting_for_capture: 'PENDING', succeeded: 'SUCCEEDED', canceled: 'CANCELED' } as const;

/** `paid` and the status must agree before it counts as paid. */
export const seenPayment = ({ id, status, paid, amount }: Payment) => ({ paymentId: id, status: status === 'succeeded' && !paid ? ('PENDING' as const) : paymentStatus[status], amount: amount.value, currency: amount.currency });

/** What a payment carries so that it is found again by whoever only has its notification. */
export const paymentMetadata = ({ id, eventId, attempt }: Booking): Record<string, string> => ({ booking_id: id, event_id: eventId, attempt: String(attempt) });

/** Null for a payment that the hub did not begin. */
export const paymentFact = (payment: Payment, at: Date): RecordFact | null => {
  const { booking_id: bookingId, event_id: eventId, attempt } = payment.metadata;
  if (!bookingId || !eventId || !/^\d{1,6}$/.test(attempt ?? '')) return null;
  return { kind: 'record', type: 'ticketing.payment', eventId, upstreamId: `${bookingId}.${attempt}.${payment.id}`, at, data: { bookingId, attempt: Number(attempt), ...seenPayment(payment) } };
};
