/** Reserves, confirms and cancels bookings, and expires those that nobody confirmed. */
import { Decimal } from 'decimal.js';
import { z } from 'zod';
import { Refused } from './refused.ts';
import type { Booking, Ticket, World } from './platform-world.ts';

export const bookingInput = z.object({ eventId: z.string(), ticketIds: z.array(z.string()).min(1).max(20), reference: z.string().max(100).nullish() });
export type BookingInput = z.infer<typeof bookingInput>;

export type BookingsOptions = {
  readonly world: World;
  /** For how long a reservation holds, in milliseconds. */
  readonly holdMs: number;
  /** Looks whether tickets are free, waits as long as this, and only then takes them: two who look at once both get them. */
  readonly sloppyMs: () => number | null;
  /** Whether it lets nobody cancel, as a platform does after a time limit of its own. */
  readonly refusesToCancel: () => boolean;
  /** Whether it answers the confirmation of a booking that is over with the booking as it is, instead of a refusal. */
  readonly isVague: () => boolean;
};

export const createBookings = ({ world, holdMs, sloppyMs, refusesToCancel, isVague }: BookingsOptions) => {
  const setTickets = (ids: readonly string[], status: Ticket['status']): void => {
    for (const id of ids) {
      const ticket = world.of('tickets').get(id);
      if (ticket && ticket.status !== status) world.put('tickets', { ...ticket, status });
    }
  };
  const end = (booking: Booking, status: 'cancelled' | 'expired'): Booking => {
    setTickets(booking.ticketIds, 'available');
    return world.put('bookings', { ...booking, status });
  };
  const expire = (): void => {
    for (const booking of world.of('bookings').values()) if (booking.status === 'reserved' && Date.parse(booking.expiresAt) <= world.now()) end(booking, 'expired');
  };
  const taken = (ids: readonly string[]): string[] => ids.filter((id) => world.of('tickets').get(id)?.status !== 'available');

  return {
    expire,
    async reserve(input: BookingInput): Promise<Booking> {
      expire();
      const event = world.find('events', input.eventId);
      const tickets = input.ticketIds.map((id) => world.find('tickets', id));
      if (tickets.some(({ eventId }) => eventId !== event.id)) throw new Refused(422, 'wrong_event', 'A ticket is for another event.', { field: 'ticketIds' });
      const currencies = new Set(tickets.map(({ price }) => price.currency));
      if (currencies.size !== 1 || new Set(input.ticketIds).size !== tickets.length) throw new Refused(422, 'invalid', 'Tickets of one booking are different ones in one currency.', { field: 'ticketIds' });
      const unavailable = taken(input.ticketIds);
      if (unavailable.length > 0) throw new Refused(409, 'tickets_taken', 'Some tickets are not available.', { ticketIds: unavailable });
      const delay = sloppyMs();
      if (delay !== null) await new Promise((resolve) => setTimeout(resolve, delay));
      setTickets(input.ticketIds, 'reserved');
      const total = { amount: Decimal.sum(...tickets.map(({ price }) => price.amount)).toFixed(2), currency: [...currencies][0] ?? '' };
      const now = world.now();
      return world.put('bookings', { id: world.newId('bkg'), eventId: event.id, ticketIds: input.ticketIds, reference: input.reference ?? null, status: 'reserved', total, expiresAt: new Date(now + holdMs).toISOString(), createdAt: new Date(now).toISOString() });
    },
    confirm(id: string): Booking {
      expire();
      const booking = world.find('bookings', id);
      if (booking.status === 'confirmed' || (booking.status !== 'reserved' && isVague())) return booking;
      if (booking.status !== 'reserved') throw new Refused(409, `booking_${booking.status}`, `The booking is ${booking.status}.`);
      setTickets(booking.ticketIds, 'sold');
      return world.put('bookings', { ...booking, status: 'confirmed' });
    },
    /** Of one that is over already: as it is. */
    cancel(id: string): Booking {
      expire();
      const booking = world.find('bookings', id);
      if (refusesToCancel()) throw new Refused(409, 'cancel_refused', 'This booking cannot be cancelled.');
      return booking.status === 'reserved' || booking.status === 'confirmed' ? end(booking, 'cancelled') : booking;
    },
    /** Somebody shows a ticket of a confirmed booking at the door. */
    checkIn(bookingId: string, ticketId: string, direction: 'entry' | 'exit', gate: string | null, at: string) {
      const booking = world.find('bookings', bookingId);
      if (booking.status !== 'confirmed' || !booking.ticketIds.includes(ticketId)) throw new Refused(409, 'not_admitted', 'This booking does not admit with this ticket.');
      return world.put('check-ins', { id: world.newId('chk'), eventId: booking.eventId, ticketId, bookingId, direction, gate, at });
    },
  };
};
export type Bookings = ReturnType<typeof createBookings>;

/** The answer to a key is made once, also for those who ask again while it is made. */
export const createIdempotency = () => {
  const answers = new Map<string, { readonly input: string; readonly answer: Promise<unknown> }>();
  return <Answer>(key: string | undefined, input: unknown, make: () => Promise<Answer>): Promise<Answer> => {
    if (key === undefined || key === '' || key.length > 64) throw new Refused(400, 'idempotency_key_required', 'Idempotency-Key has 1 to 64 characters.', { field: 'Idempotency-Key' });
    const known = answers.get(key);
    if (known && known.input !== JSON.stringify(input)) throw new Refused(422, 'idempotency_key_reused', 'The key was used for another request.', { field: 'Idempotency-Key' });
    if (known) return known.answer as Promise<Answer>;
    const answer = make();
    answers.set(key, { input: JSON.stringify(input), answer });
    return answer;
  };
};
