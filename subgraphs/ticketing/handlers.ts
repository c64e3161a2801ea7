/**
 * What is done about bookings: `settle` takes a booking through its steps until it has to wait. The mutations call it
 * after their commit, and the job that they promised in it calls it again, so that a crash between two steps only delays.
 */
import { Decimal } from 'decimal.js';
import { z } from 'zod';
import type { EntityManager } from '#core/database.ts';
import { EventgraphError, UpstreamError } from '#core/errors.ts';
import type { Handlers, Hub, SubgraphTask } from '#core/subgraph.ts';
import { type TicketingContext, paymentsOf, platformOf } from './connector-settings.ts';
import { paymentMetadata, seenPayment } from './connector-facts.ts';
import { type Booking, type BookingEvent, type Failure, type Step, isSettled, nextStep, watched } from './domain-booking.ts';
import { change, enqueueSettle, findBooking, lockBooking, purchaseOf, retireBooking, settleTask, wakeUnsettled } from './store-bookings.ts';
import { findEvent } from './store.ts';
import type { Refusal } from './upstream.ts';
import type { Refund } from './upstream-payments.ts';

const payloadSchema = z.object({ bookingId: z.string(), tries: z.number().int().default(0) });

/** So many steps lead from any state to one that waits; more would be a circle. */
const mostSteps = 12;
/** First and longest wait after a step that failed. */
const backoff = { firstMs: 2_000, longestMs: 5 * 60_000 };
/** Payments are looked up in case their notification is lost: soon after they were begun, later seldom. */
const watch = { firstMs: 10_000, longestMs: 30 * 60_000 };

const grown = ({ firstMs, longestMs }: typeof backoff, tries: number): number => Math.min(longestMs, firstMs * 2 ** Math.min(tries, 20));

const passing: ReadonlySet<string> = new Set(['SERVICE_MISCONFIGURED', 'SERVICE_PAUSED']);

/** What is tried again for as long as it takes: an upstream is away, or an operator has to set the service right. */
export const isPassing = (error: unknown): error is EventgraphError => error instanceof UpstreamError || (error instanceof EventgraphError && passing.has(error.code));

export const settleJob: SubgraphTask = async (payload, hub, signal) => {
  const { bookingId, tries } = payloadSchema.parse(payload);
  try {
    const booking = await settle(hub, bookingId, signal);
    if (booking?.paymentStatus === 'MISMATCH') hub.logger.error({ bookingId, paymentId: booking.paymentId }, 'a payment does not agree with its booking; it is not taken');
    await schedule(hub, bookingId, true, tries);
  } catch (error) {
    if (error instanceof EventgraphError && error.code === 'SERVICE_UNKNOWN') {
      hub.logger.error({ bookingId }, 'a booking is left as it is: its service was removed by force');
      return retireBooking(hub.database.em(), bookingId);
    }
    if (!isPassing(error)) throw error;
    hub.logger.warn({ bookingId, code: error.code, facts: error.facts }, 'a booking cannot be settled yet');
    await schedule(hub, bookingId, false, tries);
  }
};

export const tasks = { [settleTask]: settleJob } as const;

/** What waited for the service goes on at once. */
const wake = (em: EntityManager, { serviceId }: { readonly serviceId: string | null }): Promise<void> => (serviceId === null ? Promise.resolve() : wakeUnsettled(em, serviceId));
export const on: Handlers = { 'service.resumed': wake, 'service.updated': wake };

/**
 * When the job comes again; never, once nothing will be done about the booking any more. While it is decided the booking
 * stands still. Whoever changed it meanwhile promised a job, which this one does not put off, or saw this one before it began
 * and relied on it: then there is something to be done at once.
 */
const schedule = (hub: Hub, bookingId: string, isDone: boolean, tries: number): Promise<void> =>
  hub.database.em().transactional(async (em) => {
    const booking = await lockBooking(em, bookingId);
    if (!booking || isSettled(booking)) return;
    const now = hub.now().getTime();
    if (!isDone) return enqueueSettle(em, bookingId, new Date(now + grown(backoff, tries)), tries + 1);
    if (nextStep(booking, hub.now()) !== null) return enqueueSettle(em, bookingId);
    const next = watched(booking) === null ? Infinity : now + grown(watch, tries);
    const end = booking.expiresAt !== null && (booking.state === 'RESERVED' || booking.state === 'AWAITING_PAYMENT') ? booking.expiresAt.getTime() : Infinity;
    const at = Math.min(next, end);
    if (at < Infinity) await enqueueSettle(em, bookingId, new Date(at), tries + 1);
  });

/** Takes it as far as it goes now. Throws an UpstreamError where a step has to be tried again. */
export const settle = async (hub: Hub, bookingId: string, signal: AbortSignal): Promise<Booking | null> => {
  let isWatched = false;
  for (let steps = 0; steps < mostSteps; steps += 1) {
    const booking = await findBooking(hub.database.em(), bookingId);
    if (!booking) return null;
    const step = nextStep(booking, hub.now());
    // A payment is looked at once before it is given up, and once for each time that the job comes.
    const look = step === null || step === 'expire' ? watched(booking) : null;
    if (look !== null && !isWatched) {
      isWatched = true;
      // One whose time is over does not hold its seats until the shop is back: what was paid there meanwhile is refunded.
      await perform(hub, booking, look, signal).catch((error: unknown) => {
        if (step !== 'expire' || !isPassing(error)) throw error;
      });
    } else if (step === null) return booking;
    else {
      await perform(hub, booking, step, signal);
      // What was only now begun is not over yet.
      if (step === 'openPayment' || step === 'refund') isWatched = true;
    }
  }
  throw new Error(`the booking ${bookingId} does not come to rest`);
};

/** The platform's words for a booking that holds no ticket any more. */
const isOver: ReadonlySet<string> = new Set(['cancelled', 'expired']);

const failureOfStatus = (status: string): Failure => ({ code: 'PLATFORM_REFUSED', message: `The booking is ${status} at the ticketing platform.`, ticketIds: [] });
const failureOf = ({ code, message, ticketIds }: Refusal): Failure => (code === 'tickets_taken' ? { code: 'SEAT_TAKEN', message: `Somebody else has ${ticketIds.join(', ')}.`, ticketIds } : { code: 'PLATFORM_REFUSED', message: `${code}: ${message}`, ticketIds });

/** With what the rest of the hub is told of its money, in one transaction. */
const tell = async (hub: Hub, booking: Booking, event: BookingEvent): Promise<void> => {
  const happened = await hub.database.em().transactional(async (em) => {
    const changed = await change(em, booking.id, event, hub.now());
    return changed ? hub.ingest.record(em, purchaseOf(changed, hub.now())) : [];
  });
  if (happened.length > 0) await hub.ingest.announce(happened);
};

const refusePayment = (hub: Hub, booking: Booking, message: string): Promise<void> => tell(hub, booking, { type: 'paymentRefused', attempt: booking.attempt, failure: { code: 'PAYMENT_REFUSED', message, ticketIds: [] } });

const perform = async (hub: Hub, booking: Booking, step: Step, signal: AbortSignal): Promise<void> => {
  if (step === 'expire') return tell(hub, booking, { type: 'expired' });
  if (step === 'giveUp') return tell(hub, booking, { type: 'gaveUp', failure: { code: 'PLATFORM_UNAVAILABLE', message: 'The ticketing platform did not answer in time.', ticketIds: [] } });
  if (step === 'giveUpPayment') return refusePayment(hub, booking, 'YooKassa did not answer in time.');
  const context = (await hub.ingest.connect(booking.serviceId, signal)) as TicketingContext;
  const work = { reserve, release, confirm, openPayment, lookUpPayment, refund, lookUpRefund }[step];
  await work(hub, context, booking);
};

type Work = (hub: Hub, context: TicketingContext, booking: Booking) => Promise<void>;

const askToReserve = async (hub: Hub, context: TicketingContext, booking: Booking): Promise<BookingEvent> => {
  const event = await findEvent(hub.database.em(), booking.eventId);
  const answer = await platformOf(context).reserve({ eventId: event?.platformId ?? booking.eventId, ticketIds: booking.ticketIds, reference: booking.id });
  if (!answer.ok) return { type: 'refused', failure: failureOf(answer) };
  const { id, status, total, expiresAt } = answer.value;
  if (isOver.has(status)) return { type: 'refused', failure: failureOfStatus(status) };
  // Rounded up: nothing that costs something is free.
  return { type: 'reserved', platformId: id, amount: new Decimal(total.amount).toFixed(2, Decimal.ROUND_UP), currency: total.currency, expiresAt: new Date(expiresAt) };
};

const reserve: Work = async (hub, context, booking) => tell(hub, booking, await askToReserve(hub, context, booking));

/** Where it is not known whether the platform has it, the platform is asked by the same key, and then told to let go. */
const release: Work = async (hub, context, booking) => {
  if (booking.platformId === null) return tell(hub, booking, await askToReserve(hub, context, booking));
  const answer = await platformOf(context).cancel(booking.platformId);
  const hasLetGo = answer.ok ? isOver.has(answer.value.status) : answer.status === 404 || answer.status === 410 || isOver.has(answer.code.replace(/^booking_/, ''));
  if (hasLetGo) return tell(hub, booking, { type: 'released' });
  // A booking that it keeps admits: its seats stay claimed, and no money goes back.
  const { status } = answer.ok ? answer.value : await platformOf(context).booking(booking.platformId);
  if (!answer.ok && status === 'confirmed' && booking.paidAt !== null) return tell(hub, booking, { type: 'kept', failure: { code: 'CANCEL_REFUSED', message: `The ticketing platform keeps the booking: ${answer.message}`, ticketIds: [] } });
  throw new UpstreamError('status', 'The platform does not let go of the tickets.', { booking: status });
};

const confirm: Work = async (hub, context, booking) => {
  if (booking.platformId === null) throw new Error(`the booking ${booking.id} was paid and never reserved`);
  const answer = await platformOf(context).confirm(booking.platformId);
  if (!answer.ok) return tell(hub, booking, { type: 'confirmRefused', failure: failureOf(answer) });
  const { status } = answer.value;
  if (status === 'confirmed') return tell(hub, booking, { type: 'confirmed' });
  if (isOver.has(status)) return tell(hub, booking, { type: 'confirmRefused', failure: failureOfStatus(status) });
  throw new UpstreamError('shape', 'The platform took the confirmation and does not say that the booking is confirmed.', { booking: status });
};

const requirePayments = (context: TicketingContext) => {
  const client = paymentsOf(context);
  if (!client) throw new UpstreamError('status', 'The service has no payment shop any more.', { field: 'settings.payments' });
  return client;
};

const totalOf = ({ amount, currency }: Booking): { readonly amount: string; readonly currency: string } => ({ amount: amount ?? '0.00', currency: currency ?? '' });

/** The booking's id is the key of its first payment; one that was cancelled has used its key up. */
const paymentKey = ({ id, attempt }: Booking): string => (attempt === 1 ? id : `${id}.${attempt}`);

const openPayment: Work = async (hub, context, booking) => {
  const { attempt } = booking;
  const client = paymentsOf(context);
  if (!client) return refusePayment(hub, booking, 'The ticketing service has no payment shop.');
  const answer = await client.create({ key: paymentKey(booking), ...totalOf(booking), description: `Booking ${booking.id}`, metadata: paymentMetadata(booking) });
  if (!answer.ok) return refusePayment(hub, booking, `YooKassa refused the payment: ${answer.code}.`);
  await tell(hub, booking, { type: 'paymentOpened', attempt, paymentId: answer.payment.id, confirmationUrl: answer.payment.confirmation?.confirmation_url ?? null });
};

const lookUpPayment: Work = async (hub, context, booking) => {
  const payment = booking.paymentId === null ? null : await requirePayments(context).payment(booking.paymentId);
  if (payment) await tell(hub, booking, { type: 'paymentSeen', attempt: booking.attempt, ...seenPayment(payment) });
};

const refundStates = { pending: 'PENDING', succeeded: 'SUCCEEDED', canceled: 'FAILED' } as const;
const tellRefund = (hub: Hub, booking: Booking, { id, status }: Refund): Promise<void> => tell(hub, booking, { type: 'refundSeen', refundId: id, status: refundStates[status] });

/** YooKassa forgets after 24 hours which requests it had: whether it refunded the payment is asked of it before it is to. */
const refund: Work = async (hub, context, booking) => {
  const client = requirePayments(context);
  const { amount, currency } = totalOf(booking);
  const known = (await client.refundsOf(booking.paymentId ?? '')).find((each) => each.status !== 'canceled' && each.amount.currency === currency && new Decimal(each.amount.value).equals(amount));
  const answer = known ?? (await client.refund(`${booking.id}.refund`, booking.paymentId ?? '', amount, currency));
  await (answer ? tellRefund(hub, booking, answer) : tell(hub, booking, { type: 'refundSeen', refundId: '', status: 'FAILED' }));
};

const lookUpRefund: Work = async (hub, context, booking) => {
  const answer = booking.refundId === null ? null : await requirePayments(context).refundOf(booking.refundId);
  if (answer) await tellRefund(hub, booking, answer);
};
