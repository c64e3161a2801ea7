/**
 * Bookings. A mutation notes its request, its change and the job that will see to it in one transaction; then it does at
 * once what the job would do. What cannot be done now is the job's: the answer shows how far it came.
 */
import { sha256 } from '#core/digest.ts';
import { InputError } from '#core/errors.ts';
import type { EntityManager } from '#core/database.ts';
import { connectionOf, momentOf, pageOf } from '#core/pagination.ts';
import { isAllowed, visibleEventIds } from '#core/viewer.ts';
import { type Booking, isCancellable, isPayable } from './domain-booking.ts';
import type { MutationResolvers, QueryResolvers } from './generated/types.ts';
import { isPassing, settle } from './handlers.ts';
import type { Context } from './resolvers.ts';
import { type VisibleBookings, beginRequest, change, claimSeats, countBookings, countHeldSeats, endRequest, enqueueSettle, findBooking, forgetRequest, listBookings } from './store-bookings.ts';
import { findEvent, holdService, isVisible, knownTickets } from './store.ts';

type UserError = { readonly code: string; readonly field: string; readonly message: string };
type Payload = { readonly booking: Booking | null; readonly userErrors: readonly UserError[] };
/** What a request changed, inside its transaction; nothing where there are errors. */
type Effect = { readonly booking: Booking | null; readonly errors: readonly UserError[] };

const mostTickets = 20;
/** The job takes over when the mutation has not settled it by then. */
const jobDelayMs = 10_000;

/** Whoever books with one key, or as one user of an issuer, is one owner. */
const ownerOf = ({ viewer, hub }: Context): string => hub.secrets.hashParticipant('ticketing.owner', viewer.keyId ?? '');
/** Its own, and for an admin those of the events that its key is for. */
const visibleTo = (context: Context): VisibleBookings => ({ owner: ownerOf(context), eventIds: isAllowed(context.viewer, 'admin') ? visibleEventIds(context.viewer, null) : [] });

const refuse = (code: string, field: string, message: string, booking: Booking | null = null): Effect => ({ booking, errors: [{ code, field: `input.${field}`, message }] });
const removed = (field: string): Effect => refuse('SERVICE_REMOVED', field, 'The ticketing service is not connected any more.');
const paused = (field: string): Effect => refuse('SERVICE_PAUSED', field, 'The ticketing service is paused. Try again later.');

const findOwn = async (em: EntityManager, context: Context, id: string): Promise<Booking | null> => {
  const booking = await findBooking(em, id);
  const { owner, eventIds } = visibleTo(context);
  return booking && (booking.owner === owner || eventIds === null || eventIds.includes(booking.eventId)) ? booking : null;
};

/**
 * Does something once for its idempotency key, and answers how the booking stands. `act` reads and writes by the
 * transaction's own connection alone: if each buyer needed two, fifty at once would wait for each other for ever.
 */
const once = async (context: Context, operation: string, input: { readonly idempotencyKey: string }, act: (em: EntityManager) => Promise<Effect>): Promise<Payload> => {
  const { hub, signal } = context;
  const { idempotencyKey: key, ...rest } = input;
  if (key.length < 1 || key.length > 200) throw new InputError('IDEMPOTENCY_KEY_INVALID', 'input.idempotencyKey', 'An idempotency key has 1 to 200 characters.');
  const request = { owner: ownerOf(context), key, inputHash: sha256(JSON.stringify([operation, rest])), now: hub.now() };
  const effect = await hub.database.em().transactional(async (em): Promise<Effect & { readonly bookingId: string | null }> => {
    const known = await beginRequest(em, request);
    if (!known.isSame) return { ...refuse('IDEMPOTENCY_KEY_REUSED', 'idempotencyKey', 'This key was sent with another input. Make up a new one for each thing to do.'), bookingId: null };
    if (!known.isNew) return { booking: null, errors: [], bookingId: known.bookingId };
    const { booking, errors } = await act(em);
    // A refusal changed nothing: it is not remembered, as it may be none the next time.
    if (booking === null || errors.length > 0) await forgetRequest(em, request);
    else {
      await endRequest(em, request, booking.id);
      await enqueueSettle(em, booking.id, new Date(hub.now().getTime() + jobDelayMs));
    }
    return { booking, errors, bookingId: booking?.id ?? null };
  });
  if (effect.bookingId === null || effect.errors.length > 0) return { booking: effect.booking, userErrors: effect.errors };
  await settleNow(context, effect.bookingId, signal);
  return outcome(await findBooking(hub.database.em(), effect.bookingId), operation);
};

/** A step that fails now is tried again by the job. */
const settleNow = async ({ hub }: Context, bookingId: string, signal: AbortSignal): Promise<void> => {
  try {
    await settle(hub, bookingId, signal);
  } catch (error) {
    if (!isPassing(error) && !signal.aborted) throw error;
    hub.logger.info({ bookingId, code: isPassing(error) ? error.code : 'CANCELED' }, 'a booking is left to its job');
  }
};

/** Why what was asked for did not come to be, and where the booking is shown all the same. */
const failures: Readonly<Record<string, { readonly isOne: (booking: Booking, code: string) => boolean; readonly field: (code: string) => string; readonly showsBooking: boolean }>> = {
  // A reservation that failed is no booking to its caller.
  reserveTickets: { isOne: ({ state }) => state === 'FAILED', field: (code) => (code === 'PLATFORM_UNAVAILABLE' ? 'eventId' : 'ticketIds'), showsBooking: false },
  payBooking: { isOne: (_booking, code) => code === 'PAYMENT_REFUSED', field: () => 'bookingId', showsBooking: true },
  cancelBooking: { isOne: ({ state }, code) => state === 'CONFIRMED' && code === 'CANCEL_REFUSED', field: () => 'bookingId', showsBooking: true },
};

const outcome = (booking: Booking | null, operation: keyof typeof failures): Payload => {
  if (booking === null) return { booking, userErrors: refuse('BOOKING_NOT_FOUND', 'idempotencyKey', 'The booking that was made under this key is not there any more.').errors };
  const rule = failures[operation];
  const { failure } = booking;
  if (!rule || !failure || !rule.isOne(booking, failure.code)) return { booking, userErrors: [] };
  return { booking: rule.showsBooking ? booking : null, userErrors: [{ code: failure.code, field: `input.${rule.field(failure.code)}`, message: failure.message }] };
};

export const bookingQueries: Pick<QueryResolvers, 'booking' | 'bookings'> = {
  booking: (_parent, { id }, context) => findOwn(context.em, context, id),
  async bookings(_parent, args, context) {
    const page = pageOf(args, 2);
    const [visible, eventId] = [visibleTo(context), args.eventId ?? null];
    const rows = await listBookings(context.em, { visible, eventId, before: page.after && { at: momentOf(page.after[0]), id: String(page.after[1]) }, limit: page.size + 1 });
    return connectionOf(rows, page, ({ createdAt, id }) => [createdAt.toISOString(), id], () => countBookings(context.em, visible, eventId));
  },
};

export const bookingMutations: Pick<MutationResolvers, 'reserveTickets' | 'payBooking' | 'cancelBooking'> = {
  reserveTickets: (_parent, { input }, context) =>
    once(context, 'reserveTickets', input, async (em) => {
      const event = await findEvent(em, input.eventId);
      if (!event || !isVisible(context.viewer, event)) return refuse('EVENT_NOT_FOUND', 'eventId', 'There is no such ticketed event.');
      const ticketIds = [...new Set(input.ticketIds)];
      if (ticketIds.length < 1 || ticketIds.length > mostTickets || ticketIds.length !== input.ticketIds.length) return refuse('TICKETS_INVALID', 'ticketIds', `A booking is of 1 to ${mostTickets} different tickets.`);
      const known = await knownTickets(em, event.eventId, ticketIds);
      const missing = ticketIds.filter((id) => !known.has(id));
      if (missing.length > 0) return refuse('TICKET_NOT_FOUND', 'ticketIds', `The event has no ticket ${missing.join(', ')}.`);
      const { serviceId, startsAt } = event;
      const service = await holdService(em, serviceId);
      if (!service) return removed('eventId');
      if (service.isPaused) return paused('eventId');
      const owner = ownerOf(context);
      const held = await countHeldSeats(em, serviceId, owner);
      if (held + ticketIds.length > service.maxHeldSeats) return refuse('TOO_MANY_SEATS_HELD', 'ticketIds', `One key has at most ${service.maxHeldSeats} seats reserved at a time, and has ${held}. Pay for some, cancel some, or wait until they expire.`);
      const booking = await claimSeats(em, { serviceId, eventId: event.eventId, startsAt, owner, ticketIds, now: context.hub.now() });
      return { booking, errors: [] };
    }),
  payBooking: (_parent, { input }, context) =>
    once(context, 'payBooking', input, async (em) => {
      const booking = await findOwn(em, context, input.bookingId);
      if (!booking) return refuse('BOOKING_NOT_FOUND', 'bookingId', 'There is no such booking.');
      const { now } = context.hub;
      const service = await holdService(em, booking.serviceId);
      if (!service) return removed('bookingId');
      if (service.isPaused) return paused('bookingId');
      const changed = isPayable(booking, now()) ? await change(em, booking.id, { type: 'paymentBegun' }, now()) : null;
      if (changed && changed.booking !== changed.before) return { booking: changed.booking, errors: [] };
      return refuse('BOOKING_NOT_PAYABLE', 'bookingId', `The booking is ${booking.state}; one can be paid while it is RESERVED and has not expired.`, booking);
    }),
  cancelBooking: (_parent, { input }, context) =>
    once(context, 'cancelBooking', input, async (em) => {
      const booking = await findOwn(em, context, input.bookingId);
      if (!booking) return refuse('BOOKING_NOT_FOUND', 'bookingId', 'There is no such booking.');
      const { now } = context.hub;
      // Of one that the platform deleted, what was known last counts: cancelling what took place is too late.
      const startsAt = (await findEvent(em, booking.eventId))?.startsAt ?? booking.startsAt;
      if (startsAt !== null && startsAt <= now()) return refuse('CANCEL_TOO_LATE', 'bookingId', 'The event has begun.', booking);
      if (!isCancellable(booking)) return refuse('BOOKING_NOT_CANCELLABLE', 'bookingId', `The booking is ${booking.state} already.`, booking);
      // While the service is paused it waits: the wish counts from now on.
      if (!(await holdService(em, booking.serviceId))) return removed('bookingId');
      const changed = await change(em, booking.id, { type: 'cancelled' }, now());
      return { booking: changed?.booking ?? booking, errors: [] };
    }),
};
