/** The demo's customer: books through the public API, as any client does, and pays at the simulated shop. */
import { z } from 'zod';
import { EventgraphError } from '#core/errors.ts';
import type { YooKassa } from '#simulators/ticketing/yookassa.ts';

export type CustomerOptions = {
  /** Where the gateway listens. */
  readonly url: string;
  readonly key: string;
  /** The registered platform, and the event that is booked. */
  readonly serviceId: string;
  readonly eventId: string;
  readonly shop: Pick<YooKassa, 'notifyAt' | 'pay'>;
};

const booked = z.object({ booking: z.object({ id: z.string(), confirmationUrl: z.url().nullable() }).nullable() });
const beginning = z.object({
  ticketingSetup: z.object({ notificationUrl: z.url() }),
  bookings: z.object({ totalCount: z.number() }),
  event: z.object({ tickets: z.object({ edges: z.array(z.object({ node: z.object({ id: z.string() }) })) }) }).nullable(),
});
const refusal = z.object({ errors: z.tuple([z.object({ message: z.string() })], z.unknown()) });
const lookAround = `query ($serviceId: ID!, $eventId: ID!) {
  ticketingSetup(serviceId: $serviceId) { notificationUrl }
  bookings(eventId: $eventId, first: 1) { totalCount }
  event(id: $eventId) { ... on TicketedEvent { tickets(available: true, first: 2) { edges { node { id } } } } }
}`;
const mutation = (name: string, input: string) => `mutation ($input: ${input}!) { ${name}(input: $input) { booking { id confirmationUrl } } }`;

/** Two tickets of the event, unless somebody has booked it already. The shop's notification confirms them. */
export const bookAsCustomer = async ({ url, key, serviceId, eventId, shop }: CustomerOptions): Promise<void> => {
  const ask = async <T>(schema: z.ZodType<T>, query: string, variables: object): Promise<T> => {
    const response = await fetch(`${url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` }, body: JSON.stringify({ query, variables }) });
    const answer: unknown = await response.json();
    const refused = refusal.safeParse(answer).data?.errors[0].message;
    const read = z.object({ data: schema }).safeParse(answer);
    if (!read.success) throw new EventgraphError('DEMO_FAILED', `The demo cannot book tickets: ${refused ?? z.prettifyError(read.error)}`);
    return read.data.data;
  };
  const { ticketingSetup, bookings, event } = await ask(beginning, lookAround, { serviceId, eventId });
  shop.notifyAt(ticketingSetup.notificationUrl);
  // The hub does not know the event where somebody paused the service.
  if (!event || bookings.totalCount > 0) return;
  const ticketIds = event.tickets.edges.map(({ node }) => node.id);
  const { reserveTickets } = await ask(z.object({ reserveTickets: booked }), mutation('reserveTickets', 'ReserveTicketsInput'), { input: { eventId, ticketIds, idempotencyKey: `demo ${eventId}` } });
  if (!reserveTickets.booking) return;
  const { payBooking } = await ask(z.object({ payBooking: booked }), mutation('payBooking', 'PayBookingInput'), { input: { bookingId: reserveTickets.booking.id, idempotencyKey: `demo ${eventId} paid` } });
  const paymentId = payBooking.booking?.confirmationUrl && new URL(payBooking.booking.confirmationUrl).searchParams.get('orderId');
  if (paymentId) shop.pay(paymentId);
};
