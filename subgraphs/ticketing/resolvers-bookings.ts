/**
 * Bookings. A mutation notes its request, its change and the job that will see to it in one transaction; then it does at
 * once what the job would do. What cannot be done now is the job's: the answer shows how far it came.
 */
import { sha256 } from '#core/digest.ts';
import { InputError } from '#core/errors.ts';
import type { EntityManager } from '#core/database.ts';
import { connectionOf, momentOf, pageOf } from '#core/pagination.ts';
import { Service } from '#core/services.ts';
import { isAllowed, visibleEventIds } from '#core/viewer.ts';
import { type Booking, isCancellable, isPayable } from './domain-booking.ts';
import type { MutationResolvers, QueryResolvers } from './generated/types.ts';
import { isPassing, settle } from './handlers.ts';
import type { Context } from './resolvers.ts';
import { type VisibleBookings, beginRequest, change, claimSeats, countBookings, endRequest, enqueueSettle, findBooking, listBookings } from './store-bookings.ts';
import { findEvent, isVisible, knownTickets } from './store.ts';

type UserError = { readonly code: string; readonly field: string; readonly message: string };
type Payload = { readonly booking: Booking | null; readonly userErrors: readonly UserError[] };
/** What a request changed, inside its transaction. */
type Effect = { readonly booking: Booking | null; readonly errors: readonly UserError[] };

const mostTickets = 20;
/** The job takes over when the mutation has not settled it by then. */
const jobDelayMs = 10_000;

/** Whoever books with one key, or as one user of an issuer, is one owner. */
const ownerOf = ({ viewer, hub }: Context): string => hub.secrets.hashParticipant('ticketing.owner', viewer.keyId ?? '');
/** Its own, and for an admin those of the events that its key is for. */
const visibleTo = (context: Context): VisibleBookings => ({ owner: ownerOf(context), eventIds: isAllowed(context.viewer, 'admin') ? visibleEventIds(context.viewer, null) : [] });

const refuse = (code: string, field: string, message: string): Effect => ({ booking: null, errors: [{ code, field: `input.${field}`, message }] });

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
    if (!known.isNew) return { booking: null, errors: known.errors, bookingId: known.bookingId };
    const { booking, errors } = await act(em);
    await endRequest(em, request, booking?.id ?? null, errors);
    if (booking) await enqueueSettle(em, booking.id, new Date(hub.now().getTime() + jobDelayMs));
    return { booking, errors, bookingId: booking?.id ?? null };
  });
  if (effect.bookingId === null) return { booking: null, userErrors: effect.errors };
  await settleNow(context, effect.bookingId, signal);
  return outcome(await findBooking(hub.database.em(), effect.bookingId), operation, effect.errors);
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

const fieldOf: Readonly<Record<string, string>> = { SEAT_TAKEN: 'ticketIds', PLATFORM_REFUSED: 'ticketIds', PAYMENT_REFUSED: 'bookingId' };

/** A reservation that failed is no booking to its caller, and a payment that was refused says why. */
const outcome = (booking: Booking | null, operation: string, errors: readonly UserError[]): Payload => {
  const failure = booking?.failure;
  const isFailed = (operation === 'reserveTickets' && booking?.state === 'FAILED') || (operation === 'payBooking' && failure?.code === 'PAYMENT_REFUSED');
  if (failure && isFailed) return { booking: operation === 'payBooking' ? booking : null, userErrors: [{ code: failure.code, field: `input.${fieldOf[failure.code] ?? 'eventId'}`, message: failure.message }] };
  return { booking, userErrors: errors };
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
      const service = await em.findOne(Service, { id: event.serviceId });
      if (service?.state !== 'ACTIVE') return refuse('SERVICE_PAUSED', 'eventId', 'The ticketing service is paused. Try again later.');
      const booking = await claimSeats(em, { serviceId: event.serviceId, eventId: event.eventId, owner: ownerOf(context), ticketIds, now: context.hub.now() });
      return { booking, errors: [] };
    }),
  payBooking: (_parent, { input }, context) =>
    once(context, 'payBooking', input, async (em) => {
      const booking = await findOwn(em, context, input.bookingId);
      if (!booking) return refuse('BOOKING_NOT_FOUND', 'bookingId', 'There is no such booking.');
      const { now } = context.hub;
      const changed = isPayable(booking, now()) ? await change(em, booking.id, { type: 'paymentBegun' }, now()) : null;
      if (changed && changed.booking !== changed.before) return { booking: changed.booking, errors: [] };
      return { booking, errors: refuse('BOOKING_NOT_PAYABLE', 'bookingId', `The booking is ${booking.state}; one can be paid while it is RESERVED and has not expired.`).errors };
    }),
  cancelBooking: (_parent, { input }, context) =>
    once(context, 'cancelBooking', input, async (em) => {
      const booking = await findOwn(em, context, input.bookingId);
      if (!booking) return refuse('BOOKING_NOT_FOUND', 'bookingId', 'There is no such booking.');
      const { now } = context.hub;
      const event = await findEvent(em, booking.eventId);
      if (event && event.startsAt <= now()) return { booking, errors: refuse('CANCEL_TOO_LATE', 'bookingId', 'The event has begun.').errors };
      if (!isCancellable(booking)) return { booking, errors: refuse('BOOKING_NOT_CANCELLABLE', 'bookingId', `The booking is ${booking.state} already.`).errors };
      const changed = await change(em, booking.id, { type: 'cancelled' }, now());
      return { booking: changed?.booking ?? booking, errors: [] };
    }),
};
