/**
 * Eventbrite's payloads as the hub's facts. Pure: the clock and the participant hash are arguments.
 *
 * How Eventbrite counts, for who compares: an attendee is one sold ticket. It is attending unless it is cancelled,
 * refunded, deleted or transferred, and checked in while one of its barcodes is `used`. There are no exits: who is
 * checked out was not checked in. A refund says nothing of whether the barcode was used before.
 */
import type { CheckInFact, EventFact, Fact, ObservationFact, RecordFact, RegistrationFact, StatusFact } from '#core/facts.ts';
import { notAfter } from '#core/plausible-time.ts';
import type { EventbriteSettings } from './connector-settings.ts';
import type { AttendeePayload, EventPayload, TicketClassPayload } from './upstream-payloads.ts';

export const product = 'EventbriteEvent';

export type Naming = Pick<EventbriteSettings, 'eventIds' | 'region' | 'organizationId'>;

export const hubEventId = (naming: Naming, id: string): string => naming.eventIds[id] ?? `eventbrite-${id}`;

/** A stamp of Eventbrite as `at` of a state. Never later than now, or a clock that ran ahead would win for ever. */
const stateAt = (stamp: string | undefined, now: Date): Date => (stamp === undefined ? now : notAfter(new Date(stamp), now));

const textOf = (text: string | null | undefined): string | null => text?.trim().slice(0, 1000) || null;

/** The event, what only Eventbrite tells of it, and its end where it was canceled: else its status follows its period. */
export const eventFacts = (event: EventPayload, naming: Naming, now: Date): Fact[] => {
  const at = stateAt(event.changed, now);
  const eventId = hubEventId(naming, event.id);
  const canceled: StatusFact[] = event.status === 'canceled' ? [{ kind: 'status', eventId, upstreamId: event.id, at, status: 'ENDED' }] : [];
  return [eventFact(event, naming, at), eventRecord(event, naming, at), ...canceled];
};

const eventFact = (event: EventPayload, naming: Naming, at: Date): EventFact => ({
  kind: 'event',
  product,
  eventId: hubEventId(naming, event.id),
  upstreamId: event.id,
  at,
  name: textOf(event.name?.text) ?? event.id,
  type: textOf(event.format?.name) ?? textOf(event.category?.name),
  start: new Date(event.start.utc),
  end: new Date(event.end.utc),
  timezone: event.start.timezone,
  region: naming.region,
  organizer: textOf(event.organizer?.name),
  venue: event.venue && !event.online_event ? { name: textOf(event.venue.name), address: textOf(event.venue.address?.localized_address_display), latitude: event.venue.latitude ?? event.venue.address?.latitude ?? null, longitude: event.venue.longitude ?? event.venue.address?.longitude ?? null } : null,
  public: event.listed && !event.invite_only && event.password === null && event.status !== 'draft' && event.status !== 'canceled',
});

const eventRecord = (event: EventPayload, naming: Naming, at: Date): RecordFact => ({
  kind: 'record',
  eventId: hubEventId(naming, event.id),
  type: 'eventbrite.event',
  upstreamId: event.id,
  at,
  data: { organization: naming.organizationId, url: event.url !== null && /^https?:\/\//.test(event.url) ? event.url : null, status: event.status, currency: event.currency, online: event.online_event, capacity: event.capacity, category: textOf(event.category?.name), format: textOf(event.format?.name), soldOut: event.ticket_availability?.is_sold_out ?? null },
});

/** All ticket classes that there are now: one that is known and not here was deleted. */
export const ticketClassesRecord = (event: string, classes: readonly TicketClassPayload[], naming: Naming, now: Date): RecordFact => ({
  kind: 'record',
  eventId: hubEventId(naming, event),
  type: 'eventbrite.ticketClasses',
  upstreamId: event,
  at: now,
  data: {
    classes: classes.map((each) => ({
      id: each.id,
      name: textOf(each.name) ?? each.id,
      free: each.free,
      donation: each.donation,
      hidden: each.hidden,
      cost: each.cost && { amount: each.cost.major_value, currency: each.cost.currency },
      quantityTotal: each.quantity_total ?? each.capacity,
      quantitySold: each.quantity_sold,
      onSaleStatus: each.on_sale_status,
    })),
  },
});

type Participants = (raw: string) => string;

const registrationState = ({ status, cancelled, refunded }: AttendeePayload): RegistrationFact['state'] => (cancelled || refunded ? 'CANCELLED' : status);

/**
 * One check-in for an attendee, as Eventbrite's `checked_in` is one, however many barcodes it has: since the first of
 * those that are used now. A barcode's `changed` tells one use from the next, after it was undone, and so does the id.
 */
const checkInOf = (attendee: AttendeePayload, eventId: string, participant: string): CheckInFact | null => {
  const used = attendee.barcodes.flatMap(({ status, changed }) => (status === 'used' ? [Date.parse(changed)] : []));
  if (used.length === 0 && !attendee.checked_in) return null;
  const since = used.length > 0 ? new Date(Math.min(...used)) : null;
  // Checked in without a barcode: nothing tells one time from another, so it counts once.
  return { kind: 'checkIn', eventId, upstreamId: since ? `${attendee.id}@${since.toISOString()}` : `${attendee.id}@`, at: since ?? new Date(attendee.changed), direction: 'ENTRY', gateId: null, area: '', participant };
};

/** One attendee: its registration, and its check-in where there is one or none any more. */
export const attendeeFacts = (attendee: AttendeePayload, naming: Naming, hash: Participants, now: Date): Fact[] => {
  const eventId = hubEventId(naming, attendee.event_id);
  const participant = hash(`attendee:${attendee.id}`);
  const at = stateAt(attendee.changed, now);
  const checkIn = checkInOf(attendee, eventId, participant);
  const isUnknown = checkIn === null && attendee.barcodes.some(({ status }) => status === 'refunded');
  return [
    { kind: 'registration', eventId, upstreamId: attendee.id, at, participant, state: registrationState(attendee), movable: true },
    ...(isUnknown ? [] : [{ kind: 'checkInsStanding' as const, eventId, upstreamId: attendee.id, at, participant, standing: checkIn ? [checkIn.upstreamId] : [] }]),
    ...(checkIn ? [checkIn] : []),
  ];
};

export const observations = (events: readonly string[], naming: Naming, now: Date): ObservationFact[] =>
  events.map((id) => ({ kind: 'observation', eventId: hubEventId(naming, id), at: now, totalRegistered: null, currentAttendees: null }));
