/**
 * A booking as a saga: what happened to it (events) decides how it stands; how it stands decides what is to be done next
 * (steps). Both are pure, so that a crash, a lost answer, a repeated or a late one, by whichever way, is only one more
 * order of events.
 *
 * Seats are claimed here first, then reserved at the platform, paid at YooKassa, confirmed at the platform. Every call can
 * be repeated, as it carries the booking's id as its idempotency key. A booking that ends holds its seats until the platform
 * says that it let them go; one that was paid and does not come to be, or that the platform takes back, is refunded.
 */
import { Decimal } from 'decimal.js';

export const bookingStates = ['RESERVING', 'RESERVED', 'AWAITING_PAYMENT', 'CONFIRMED', 'CANCELLED', 'EXPIRED', 'FAILED'] as const;
export type BookingState = (typeof bookingStates)[number];
export type Failure = { readonly code: string; readonly message: string; readonly ticketIds: readonly string[] };

export type Booking = {
  readonly id: string;
  readonly serviceId: string;
  readonly eventId: string;
  readonly owner: string;
  readonly ticketIds: readonly string[];
  readonly state: BookingState;
  readonly createdAt: Date;
  /** When its event begins, as of when it was made. */
  readonly startsAt: Date | null;
  /** The platform's id of the reservation; null before it is known. */
  readonly platformId: string | null;
  readonly amount: string | null;
  readonly currency: string | null;
  readonly expiresAt: Date | null;
  /** Whether the platform still has to let go of the tickets. */
  readonly release: 'DUE' | 'DONE' | null;
  /** Payments that were begun; each has a key of its own at YooKassa, and none is begun before the last one was cancelled. */
  readonly attempt: number;
  /** When the last of them was begun. */
  readonly begunAt: Date | null;
  readonly paymentId: string | null;
  /** `UNKNOWN`: begun, and not yet known whether YooKassa has it. `MISMATCH`: paid, but not what was to be paid. */
  readonly paymentStatus: 'UNKNOWN' | 'PENDING' | 'SUCCEEDED' | 'CANCELED' | 'MISMATCH' | null;
  readonly confirmationUrl: string | null;
  /** When the hub took the payment for this booking; null for one that came too late. */
  readonly paidAt: Date | null;
  readonly refundId: string | null;
  readonly refundStatus: 'DUE' | 'PENDING' | 'SUCCEEDED' | 'FAILED' | null;
  readonly failure: Failure | null;
};

export type BookingEvent =
  | { readonly type: 'reserved'; readonly platformId: string; readonly amount: string; readonly currency: string; readonly expiresAt: Date }
  /** The platform will not have it: nothing is reserved there. */
  | { readonly type: 'refused'; readonly failure: Failure }
  | { readonly type: 'gaveUp'; readonly failure: Failure }
  /** The platform says of itself that the booking is over there. */
  | { readonly type: 'endedByPlatform'; readonly status: 'cancelled' | 'expired'; readonly failure: Failure }
  | { readonly type: 'paymentBegun' }
  | { readonly type: 'paymentOpened'; readonly attempt: number; readonly paymentId: string; readonly confirmationUrl: string | null }
  /** Not begun, or not known to have been: nobody was told where to pay. */
  | { readonly type: 'paymentRefused'; readonly attempt: number; readonly failure: Failure }
  | { readonly type: 'paymentSeen'; readonly attempt: number; readonly paymentId: string; readonly status: 'PENDING' | 'SUCCEEDED' | 'CANCELED'; readonly amount: string; readonly currency: string }
  | { readonly type: 'confirmed' }
  | { readonly type: 'confirmRefused'; readonly failure: Failure }
  | { readonly type: 'cancelled' }
  | { readonly type: 'expired' }
  | { readonly type: 'released' }
  /** The platform does not let go of it: it is confirmed there, and admits. */
  | { readonly type: 'kept'; readonly failure: Failure }
  | { readonly type: 'refundSeen'; readonly refundId: string; readonly status: 'PENDING' | 'SUCCEEDED' | 'FAILED' };

/** What has to be asked or told next. */
export type Step = 'reserve' | 'giveUp' | 'openPayment' | 'giveUpPayment' | 'lookUpPayment' | 'confirm' | 'expire' | 'release' | 'refund' | 'lookUpRefund';

const live: ReadonlySet<BookingState> = new Set(['RESERVING', 'RESERVED', 'AWAITING_PAYMENT']);
export const isFree = ({ amount }: Booking): boolean => amount !== null && new Decimal(amount).isZero();

/** After so long without an answer of the platform a reservation is given up. */
const reservingForMs = 5 * 60_000;
/** YooKassa knows a request again by its key for 24 hours: later, asking for the same payment would begin a second one. */
const openingForMs = 20 * 3_600_000;

/** Whether its claims stand: nobody else may have its seats. */
export const holdsSeats = ({ state, release }: Booking): boolean => live.has(state) || state === 'CONFIRMED' || release === 'DUE';

export const isPayable = ({ state, expiresAt }: Booking, now: Date): boolean => state === 'RESERVED' && expiresAt !== null && expiresAt > now;
export const isCancellable = ({ state }: Booking): boolean => live.has(state) || state === 'CONFIRMED';

/** How it stands after this. What does not concern it any more leaves it as it is. */
export const after = (booking: Booking, event: BookingEvent, now: Date): Booking => {
  const { state } = booking;
  switch (event.type) {
    case 'reserved': {
      if (booking.platformId !== null) return booking;
      const known = { ...booking, platformId: event.platformId, amount: event.amount, currency: event.currency, expiresAt: event.expiresAt };
      return state === 'RESERVING' ? { ...known, state: 'RESERVED' } : known;
    }
    case 'refused':
      if (booking.platformId !== null) return booking;
      if (state === 'RESERVING') return { ...booking, state: 'FAILED', failure: event.failure };
      return booking.release === 'DUE' ? { ...booking, release: 'DONE' } : booking;
    case 'endedByPlatform':
      return afterPlatformEnded(booking, event);
    case 'gaveUp':
      return state === 'RESERVING' ? { ...booking, state: 'FAILED', failure: event.failure, release: 'DUE' } : booking;
    case 'paymentBegun':
      return isPayable(booking, now) ? { ...booking, ...begunPayment(booking, now), state: 'AWAITING_PAYMENT', failure: null } : booking;
    case 'cancelled':
      return isCancellable(booking) ? { ...booking, state: 'CANCELLED', release: 'DUE', refundStatus: dueRefund(booking), failure: null } : booking;
    case 'expired':
      return (state === 'RESERVED' || state === 'AWAITING_PAYMENT') && booking.paidAt === null ? { ...booking, state: 'EXPIRED', release: 'DUE' } : booking;
    case 'confirmed':
      return state === 'AWAITING_PAYMENT' && booking.paidAt !== null ? { ...booking, state: 'CONFIRMED' } : booking;
    case 'confirmRefused':
      return state === 'AWAITING_PAYMENT' && booking.paidAt !== null ? { ...booking, state: 'FAILED', failure: event.failure, release: 'DUE', refundStatus: dueRefund(booking) } : booking;
    case 'released':
      return booking.release === 'DUE' ? { ...booking, release: 'DONE' } : booking;
    case 'kept':
      return booking.release === 'DUE' && booking.paidAt !== null && (booking.refundStatus ?? 'DUE') === 'DUE' ? { ...booking, state: 'CONFIRMED', release: null, refundStatus: null, failure: event.failure } : booking;
    case 'refundSeen':
      return booking.refundStatus === 'DUE' || booking.refundStatus === 'PENDING' ? { ...booking, refundId: event.refundId, refundStatus: event.status } : booking;
    default:
      return afterPayment(booking, event, now);
  }
};

/** Money goes back when the platform, asked to release it, says once more that it is over. */
const afterPlatformEnded = (booking: Booking, { status, failure }: Extract<BookingEvent, { type: 'endedByPlatform' }>): Booking => {
  if (booking.platformId === null || !isCancellable(booking)) return booking;
  if (status === 'expired' && booking.paidAt === null) return { ...booking, state: 'EXPIRED', release: 'DUE' };
  return { ...booking, state: booking.state === 'CONFIRMED' ? 'CANCELLED' : 'FAILED', release: 'DUE', refundStatus: dueRefund(booking), failure };
};

const begunPayment = (booking: Booking, now: Date): Partial<Booking> =>
  isFree(booking) ? { paidAt: now } : { attempt: booking.attempt + 1, begunAt: now, paymentId: null, paymentStatus: 'UNKNOWN', confirmationUrl: null };

/** Money that was taken goes back, once. */
const dueRefund = (booking: Booking): Booking['refundStatus'] => booking.refundStatus ?? (booking.paidAt !== null && !isFree(booking) ? 'DUE' : null);

type PaymentEvent = Extract<BookingEvent, { type: 'paymentOpened' | 'paymentRefused' | 'paymentSeen' }>;

const afterPayment = (booking: Booking, event: PaymentEvent, now: Date): Booking => {
  // Of an earlier attempt, or of a payment that is not ours.
  if (event.attempt !== booking.attempt || !isOpen(booking, event)) return booking;
  if ('paymentId' in event && booking.paymentId !== null && event.paymentId !== booking.paymentId) return booking;
  if (event.type === 'paymentOpened') return { ...booking, paymentId: event.paymentId, paymentStatus: 'PENDING', confirmationUrl: event.confirmationUrl ?? booking.confirmationUrl };
  const back: Pick<Booking, 'state'> = { state: booking.state === 'AWAITING_PAYMENT' ? 'RESERVED' : booking.state };
  if (event.type === 'paymentRefused') return { ...booking, ...back, paymentStatus: 'CANCELED', failure: booking.state === 'AWAITING_PAYMENT' ? event.failure : booking.failure };
  const known = { ...booking, paymentId: event.paymentId };
  if (event.status === 'PENDING') return { ...known, paymentStatus: 'PENDING' };
  if (event.status === 'CANCELED') return { ...known, ...back, paymentStatus: 'CANCELED', confirmationUrl: null };
  if (!isAsAgreed(booking, event)) return { ...known, paymentStatus: 'MISMATCH' };
  // Paid. In time it is taken; too late it is given back.
  return booking.state === 'AWAITING_PAYMENT' || booking.state === 'RESERVED' ? { ...known, state: 'AWAITING_PAYMENT', paymentStatus: 'SUCCEEDED', paidAt: now } : { ...known, paymentStatus: 'SUCCEEDED', refundStatus: 'DUE' };
};

/** Whether there is something left to hear of the payment. One that was refused or given up may turn out to be there, and paid. */
const isOpen = ({ paymentStatus, paymentId }: Booking, event: PaymentEvent): boolean => {
  if (event.type === 'paymentSeen' && event.status === 'SUCCEEDED' && paymentStatus === 'CANCELED') return paymentId === null;
  return paymentStatus === 'UNKNOWN' || (paymentStatus === 'PENDING' && event.type !== 'paymentRefused');
};

const isAsAgreed = (booking: Booking, paid: { readonly amount: string; readonly currency: string }): boolean =>
  booking.amount !== null && new Decimal(booking.amount).equals(paid.amount) && booking.currency === paid.currency;

/** What is to be done now; null while there is only to wait (`wakeAt`), or nothing at all. */
export const nextStep = (booking: Booking, now: Date): Step | null => {
  const isOver = booking.expiresAt !== null && booking.expiresAt <= now;
  if (booking.state === 'RESERVING') return now.getTime() - booking.createdAt.getTime() > reservingForMs ? 'giveUp' : 'reserve';
  if (booking.state === 'AWAITING_PAYMENT' && booking.paidAt !== null) return 'confirm';
  if (booking.state === 'RESERVED' || booking.state === 'AWAITING_PAYMENT') {
    if (isOver) return 'expire';
    if (booking.paymentStatus !== 'UNKNOWN') return null;
    return now.getTime() - (booking.begunAt?.getTime() ?? 0) > openingForMs ? 'giveUpPayment' : 'openPayment';
  }
  // Seats before money: while the shop is away, nobody else has to wait for them.
  if (booking.release === 'DUE') return 'release';
  // Nobody was told where to pay, and nobody will be.
  if (booking.paymentStatus === 'UNKNOWN') return 'giveUpPayment';
  if (booking.refundStatus === 'DUE') return 'refund';
  return null;
};

/** What is asked about from time to time, since nobody may tell. */
export const watched = (booking: Booking): 'lookUpPayment' | 'lookUpRefund' | null => {
  if (booking.paymentStatus === 'PENDING') return 'lookUpPayment';
  return booking.refundStatus === 'PENDING' ? 'lookUpRefund' : null;
};

/** Nothing will ever be done about it again. */
export const isSettled = (booking: Booking): boolean => !live.has(booking.state) && booking.release !== 'DUE' && booking.paymentStatus !== 'UNKNOWN' && watched(booking) === null && booking.refundStatus !== 'DUE';

/** What the purchases of the hub are to know: money came, or went back. Payments that came too late are neither. */
export const moneyMoved = (before: Booking, now: Booking): 'paid' | 'refunded' | null => {
  if (isFree(now) || now.paidAt === null) return null;
  if (before.paidAt === null) return 'paid';
  return before.refundStatus !== 'SUCCEEDED' && now.refundStatus === 'SUCCEEDED' ? 'refunded' : null;
};
