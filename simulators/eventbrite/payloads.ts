/** The simulated world in the shapes that Eventbrite documents. */
import type { Attendee, SimulatedEvent, TicketClass, World } from './world.ts';

const api = 'https://www.eventbriteapi.com/v3/';

const tellMoney = (minor: number, currency: string) => ({ currency, value: minor, major_value: (minor / 100).toFixed(2), display: `${(minor / 100).toFixed(2)} ${currency}` });
const tellZoned = (at: Date, timezone: string) => ({ timezone, utc: `${at.toISOString().slice(0, 19)}Z`, local: at.toLocaleString('sv-SE', { timeZone: timezone }).replace(' ', 'T') });

const isSold = ({ status }: Attendee): boolean => status === 'Attending' || status === 'Checked In' || status === 'Unpaid';
const sold = (world: World, kind: TicketClass): number => world.truth().filter((each) => each.ticketClassId === kind.id && isSold(each)).length;

const stageOf = ({ plan, canceled }: SimulatedEvent, now: number): string => (canceled ? 'canceled' : plan.start.getTime() > now ? 'live' : plan.end.getTime() > now ? 'started' : 'completed');

/** `expand`: which of the related objects are told whole. */
export const tellEvent = (world: World, event: SimulatedEvent, now: number, expand: ReadonlySet<string>) => {
  const { plan } = event;
  const left = event.ticketClasses.reduce((sum, kind) => sum + kind.total - sold(world, kind), 0);
  return {
    id: plan.id,
    resource_uri: `${api}events/${plan.id}/`,
    organization_id: world.organization.id,
    name: { text: plan.name, html: plan.name },
    url: `https://www.eventbrite.com/e/tickets-${plan.id}`,
    start: tellZoned(plan.start, plan.timezone),
    end: tellZoned(plan.end, plan.timezone),
    created: event.changed,
    changed: event.changed,
    status: stageOf(event, now),
    currency: plan.currency,
    online_event: plan.venue === null,
    listed: plan.listed,
    invite_only: false,
    capacity: event.ticketClasses.reduce((sum, { total }) => sum + total, 0),
    capacity_is_custom: false,
    is_series: false,
    is_series_parent: false,
    venue_id: plan.venue && '46391155',
    organizer_id: '1',
    ...(expand.has('venue') ? { venue: plan.venue && { id: '46391155', name: plan.venue.name, latitude: plan.venue.latitude, longitude: plan.venue.longitude, address: { localized_address_display: plan.venue.address, latitude: plan.venue.latitude, longitude: plan.venue.longitude } } } : {}),
    ...(expand.has('organizer') ? { organizer: { id: '1', name: world.organization.name } } : {}),
    ...(expand.has('category') ? { category: { id: '102', name: plan.category } } : {}),
    ...(expand.has('format') ? { format: { id: '1', name: plan.format } } : {}),
    ...(expand.has('ticket_availability') ? { ticket_availability: { has_available_tickets: left > 0, is_sold_out: left <= 0 } } : {}),
  };
};

export const tellTicketClass = (world: World, { plan }: SimulatedEvent, kind: TicketClass) => ({
  id: kind.id,
  resource_uri: `${api}events/${plan.id}/ticket_classes/${kind.id}/`,
  event_id: plan.id,
  name: kind.name,
  free: kind.cost === null,
  donation: false,
  hidden: kind.hidden,
  cost: kind.cost === null ? null : tellMoney(kind.cost, plan.currency),
  capacity: kind.total,
  quantity_total: kind.total,
  quantity_sold: sold(world, kind),
  on_sale_status: sold(world, kind) < kind.total ? 'AVAILABLE' : 'SOLD_OUT',
});

export const tellAttendee = (attendee: Attendee) => ({
  id: attendee.id,
  resource_uri: `${api}events/${attendee.eventId}/attendees/${attendee.id}/`,
  event_id: attendee.eventId,
  order_id: attendee.orderId,
  ticket_class_id: attendee.ticketClassId,
  created: attendee.created,
  changed: attendee.changed,
  quantity: 1,
  status: attendee.status,
  cancelled: attendee.cancelled,
  refunded: attendee.refunded,
  checked_in: attendee.barcodes.some(({ status }) => status === 'used'),
  barcodes: attendee.barcodes.map((each) => ({ ...each, is_printed: false })),
  delivery_method: 'electronic',
  profile: { name: attendee.name, first_name: 'Canary', last_name: 'Person', email: `canary-${attendee.id}@example.org` },
  answers: [],
});
