/**
 * What is done about bookings: `settle` takes a booking through its steps until it has to wait. The mutations call it
 * after their commit, and the job that they promised in it calls it again, so that a crash between two steps only delays.
 */
import { Decimal } from 'decimal.js';
import { z } from 'zod';
import { EventgraphError, UpstreamError } from '#core/errors.ts';
import type { Fact } from '#core/facts.ts';
import type { Hub, SubgraphTask } from '#core/subgraph.ts';
import { type TicketingContext, paymentsOf, platformOf } from './connector-settings.ts';
import { paymentFact, paymentMetadata, refundFact } from './connector-facts.ts';
import { type Booking, type BookingEvent, type Failure, type Step, isSettled, nextStep, watched } from './domain-booking.ts';
import { change, enqueueSettle, findBooking, logMismatch, settleTask } from './store-bookings.ts';
import { findEvent } from './store.ts';
import type { Refusal } from './upstream.ts';

const payloadSchema = z.object({ bookingId: z.string(), tries: z.number().int().default(0) });

/** So many steps lead from any state to one that waits; more would be a circle. */
const mostSteps = 12;
/** First and longest wait after a step that failed. */
const backoff = { firstMs: 2_000, longestMs: 5 * 60_000 };
/** Payments are looked up in case their notification is lost: soon after they were begun, later seldom. */
const watch = { firstMs: 10_000, longestMs: 30 * 60_000 };

const grown = ({ firstMs, longestMs }: typeof backoff, tries: number): number => Math.min(longestMs, firstMs * 2 ** Math.min(tries, 20));

/** What is tried again for as long as it takes: an upstream is away, or an operator has to set the service right. */
export const isPassing = (error: unknown): error is EventgraphError => error instanceof UpstreamError || (error instanceof EventgraphError && error.code === 'SERVICE_MISCONFIGURED');

export const settleJob: SubgraphTask = async (payload, hub, signal) => {
  const { bookingId, tries } = payloadSchema.parse(payload);
  const isDone = await settle(hub, bookingId, signal).then(
    () => true,
    (error: unknown) => {
      if (!isPassing(error)) throw error;
      hub.logger.warn({ bookingId, code: error.code, facts: error.facts }, 'a booking cannot be settled yet');
      return false;
    },
  );
  await schedule(hub, bookingId, isDone, tries);
};

export const tasks = { [settleTask]: settleJob } as const;

/** When the job comes again; never, once nothing will be done about the booking any more. */
const schedule = async (hub: Hub, bookingId: string, isDone: boolean, tries: number): Promise<void> => {
  const em = hub.database.em();
  const booking = await findBooking(em, bookingId);
  if (!booking || isSettled(booking)) return;
  const now = hub.now().getTime();
  if (!isDone) return enqueueSettle(em, bookingId, new Date(now + grown(backoff, tries)), tries + 1);
  const next = watched(booking) === null ? Infinity : now + grown(watch, tries);
  const end = booking.expiresAt !== null && (booking.state === 'RESERVED' || booking.state === 'AWAITING_PAYMENT') ? booking.expiresAt.getTime() : Infinity;
  const wake = Math.min(next, end);
  if (wake < Infinity) await enqueueSettle(em, bookingId, new Date(wake), tries + 1);
};

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

const failureOf = ({ code, message, ticketIds }: Refusal): Failure => (code === 'tickets_taken' ? { code: 'SEAT_TAKEN', message: `Somebody else has ${ticketIds.join(', ')}.`, ticketIds } : { code: 'PLATFORM_REFUSED', message: `${code}: ${message}`, ticketIds });

const tell = async (hub: Hub, booking: Booking, event: BookingEvent): Promise<void> => {
  const changed = await hub.database.em().transactional((em) => change(em, booking.id, event, hub.now()));
  if (changed) logMismatch(hub.logger, changed);
};

const perform = async (hub: Hub, booking: Booking, step: Step, signal: AbortSignal): Promise<void> => {
  if (step === 'expire') return tell(hub, booking, { type: 'expired' });
  if (step === 'giveUp') return tell(hub, booking, { type: 'gaveUp', failure: { code: 'PLATFORM_UNAVAILABLE', message: 'The ticketing platform did not answer in time.', ticketIds: [] } });
  const context = (await hub.ingest.connect(booking.serviceId, signal)) as TicketingContext;
  const work = { reserve, release, confirm, openPayment, lookUpPayment, refund, lookUpRefund }[step];
  await work(hub, context, booking);
};

type Work = (hub: Hub, context: TicketingContext, booking: Booking) => Promise<void>;

const askToReserve = async (hub: Hub, context: TicketingContext, booking: Booking): Promise<BookingEvent> => {
  const event = await findEvent(hub.database.em(), booking.eventId);
  const answer = await platformOf(context).reserve({ eventId: event?.platformId ?? booking.eventId, ticketIds: booking.ticketIds, reference: booking.id });
  if (!answer.ok) return { type: 'refused', failure: failureOf(answer) };
  const { id, total, expiresAt } = answer.value;
  return { type: 'reserved', platformId: id, amount: new Decimal(total.amount).toFixed(2), currency: total.currency, expiresAt: new Date(expiresAt) };
};

const reserve: Work = async (hub, context, booking) => tell(hub, booking, await askToReserve(hub, context, booking));

/** The platform's words for a booking that holds no ticket any more. */
const isOver: ReadonlySet<string> = new Set(['cancelled', 'expired']);

/** Where it is not known whether the platform has it, the platform is asked by the same key, and then told to let go. */
const release: Work = async (hub, context, booking) => {
  if (booking.platformId === null) return tell(hub, booking, await askToReserve(hub, context, booking));
  const answer = await platformOf(context).cancel(booking.platformId);
  const hasLetGo = answer.ok ? isOver.has(answer.value.status) : answer.status === 404 || answer.status === 410 || isOver.has(answer.code.replace(/^booking_/, ''));
  // A booking that it keeps admits: its seats stay claimed, and no money goes back.
  if (!hasLetGo) throw new UpstreamError('status', 'The platform does not let go of the tickets.', answer.ok ? { booking: answer.value.status } : { status: answer.status, code: answer.code });
  await tell(hub, booking, { type: 'released' });
};

const confirm: Work = async (hub, context, booking) => {
  if (booking.platformId === null) throw new Error(`the booking ${booking.id} was paid and never reserved`);
  const answer = await platformOf(context).confirm(booking.platformId);
  await tell(hub, booking, answer.ok ? { type: 'confirmed' } : { type: 'confirmRefused', failure: failureOf(answer) });
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
  // Nobody was told where to pay, so that nothing can have been paid.
  if (!client) return tell(hub, booking, { type: 'paymentRefused', attempt, failure: { code: 'PAYMENT_REFUSED', message: 'The ticketing service has no payment shop.', ticketIds: [] } });
  const answer = await client.create({ key: paymentKey(booking), ...totalOf(booking), description: `Booking ${booking.id}`, metadata: paymentMetadata(booking) });
  if (!answer.ok) return tell(hub, booking, { type: 'paymentRefused', attempt, failure: { code: 'PAYMENT_REFUSED', message: `YooKassa refused the payment: ${answer.code}.`, ticketIds: [] } });
  await tell(hub, booking, { type: 'paymentOpened', attempt, paymentId: answer.payment.id, confirmationUrl: answer.payment.confirmation?.confirmation_url ?? null });
};

/** Taken in as a fact, so that what a notification says and what is looked up go the same way. */
const takeIn = async (hub: Hub, booking: Booking, fact: Fact | null): Promise<void> => {
  if (fact) await hub.ingest.takeIn(booking.serviceId, [fact]);
};

const lookUpPayment: Work = async (hub, context, booking) => {
  const payment = booking.paymentId === null ? null : await requirePayments(context).payment(booking.paymentId);
  await takeIn(hub, booking, payment && paymentFact(payment, hub.now()));
};

const refund: Work = async (hub, context, booking) => {
  const { amount, currency } = totalOf(booking);
  const answer = await requirePayments(context).refund(`${booking.id}.refund`, booking.paymentId ?? '', amount, currency);
  if (answer) await takeIn(hub, booking, refundFact(booking, answer, hub.now()));
  else await tell(hub, booking, { type: 'refundSeen', refundId: '', status: 'FAILED' });
};

const lookUpRefund: Work = async (hub, context, booking) => {
  const answer = booking.refundId === null ? null : await requirePayments(context).refundOf(booking.refundId);
  await takeIn(hub, booking, answer && refundFact(booking, answer, hub.now()));
};
