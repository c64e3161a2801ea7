import { Decimal } from 'decimal.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Booking, type BookingEvent, after, holdsSeats, isSettled, moneyMoved, nextStep, watched } from './domain-booking.ts';

const start = new Date(Date.UTC(2024, 5, 1));
const holdMs = 15 * 60_000;
const day = 24 * 3_600_000;
/** For how long the platform holds what is reserved. */
const holds = fc.constantFrom(holdMs, 5 * day);
const fresh: Booking = {
  id: 'b', serviceId: 's', eventId: 'e', owner: 'o', ticketIds: ['t'], state: 'RESERVING', createdAt: start, startsAt: null, platformId: null, amount: null, currency: null, expiresAt: null, release: null, attempt: 0, begunAt: null, paymentId: null,
  paymentStatus: null, confirmationUrl: null, paidAt: null, refundId: null, refundStatus: null, failure: null,
};
const failure = { code: 'X', message: 'x', ticketIds: [] };

/** What happens in the world between two tries of the hub: the buyer, time, and how often answers are lost. */
type Whim = 'buyerPays' | 'buyerGivesUp' | 'begin' | 'cancel' | 'minute' | 'quarter' | 'day' | 'platformForgets' | 'platformCancels' | 'platformKeeps' | 'pull' | 'notify' | 'work' | 'lostAnswer' | 'lostRequest';
/** Mostly what should happen, and each mishap now and then. */
const often: Readonly<Record<Whim, number>> = { work: 12, begin: 4, buyerPays: 4, notify: 2, lostAnswer: 2, lostRequest: 2, minute: 2, pull: 2, buyerGivesUp: 1, cancel: 1, quarter: 1, day: 1, platformForgets: 1, platformCancels: 1, platformKeeps: 1 };
const whims = fc.array(fc.constantFrom(...Object.entries(often).flatMap(([whim, times]) => Array.from({ length: times }, () => whim as Whim))), { maxLength: 40 });

/** A platform and a payment provider by the rules of their documentation alone, and a hub that may crash between any two calls. */
const createWorld = (price: string, seatIsFree: boolean, holdMs: number) => {
  let now = start.getTime();
  let booking = fresh;
  const platform = { status: 'none' as 'none' | 'refused' | 'reserved' | 'confirmed' | 'ended', expiresAt: new Date(start), keeps: false, endedBy: null as 'cancelled' | 'expired' | null };
  /** By key, which is known for a day. */
  const payments = new Map<string, { id: string; attempt: number; status: 'PENDING' | 'SUCCEEDED' | 'CANCELED'; at: number }>();
  /** What a buyer was sent to pay. */
  const shown = new Set<string>();
  const money = { taken: new Decimal(0), refunded: new Decimal(0), told: new Decimal(0) };
  let refund: 'SUCCEEDED' | null = null;

  const tell = (event: BookingEvent): void => {
    const before = booking;
    booking = after(booking, event, new Date(now));
    if (event.type === 'paymentOpened' && booking.state === 'AWAITING_PAYMENT') shown.add(event.paymentId);
    const moved = moneyMoved(before, booking);
    if (moved) money.told = money.told.plus(moved === 'paid' ? price : new Decimal(price).neg());
  };
  const end = (endedBy: 'cancelled' | 'expired'): void => void Object.assign(platform, { status: 'ended', endedBy });
  const expirePlatform = (): void => void (platform.status === 'reserved' && platform.expiresAt.getTime() <= now && end('expired'));
  const reserve = (): BookingEvent => {
    if (platform.status === 'none') {
      platform.status = seatIsFree ? 'reserved' : 'refused';
      platform.expiresAt = new Date(now + holdMs);
    }
    return platform.status === 'refused' ? { type: 'refused', failure } : { type: 'reserved', platformId: 'p', amount: price, currency: 'RUB', expiresAt: platform.expiresAt };
  };
  const seen = ({ id, attempt, status }: { id: string; attempt: number; status: 'PENDING' | 'SUCCEEDED' | 'CANCELED' }): BookingEvent => ({ type: 'paymentSeen', attempt, paymentId: id, status, amount: price, currency: 'RUB' });
  /** What the world does when it is asked, and what it answers. */
  const call = (step: NonNullable<ReturnType<typeof nextStep>> | 'lookUpPayment' | 'lookUpRefund'): BookingEvent | null => {
    expirePlatform();
    switch (step) {
      case 'giveUp': return { type: 'gaveUp', failure };
      case 'expire': return { type: 'expired' };
      case 'reserve': return reserve();
      case 'release':
        if (booking.platformId === null) return reserve();
        if (platform.keeps && platform.status === 'confirmed') return { type: 'kept', failure };
        if (platform.keeps && platform.status === 'reserved') return null;
        if (platform.status !== 'ended') end('cancelled');
        return { type: 'released' };
      case 'confirm':
        if (platform.status !== 'reserved' && platform.status !== 'confirmed') return { type: 'confirmRefused', failure };
        platform.status = 'confirmed';
        return { type: 'confirmed' };
      case 'openPayment': {
        const key = `pay-${booking.attempt}`;
        const known = payments.get(key);
        // Never: the buyer could pay both.
        if (known && known.at <= now - day) throw new Error('the key of a payment is used when it is not known any more');
        const payment = known ?? { id: key, attempt: booking.attempt, status: 'PENDING' as const, at: now };
        payments.set(key, payment);
        return { type: 'paymentOpened', attempt: booking.attempt, paymentId: key, confirmationUrl: 'https://pay' };
      }
      case 'giveUpPayment': return { type: 'paymentRefused', attempt: booking.attempt, failure };
      case 'lookUpPayment': return seen(payments.get(booking.paymentId ?? '') ?? { id: '', attempt: -1, status: 'PENDING' });
      case 'refund':
        if (refund === null) money.refunded = money.refunded.plus(price);
        refund = 'SUCCEEDED';
        return { type: 'refundSeen', refundId: 'r', status: 'SUCCEEDED' };
      case 'lookUpRefund': return { type: 'refundSeen', refundId: 'r', status: 'SUCCEEDED' };
    }
  };
  /** One step of the hub, of which the request or the answer may be lost. */
  const work = (lost: 'request' | 'answer' | null): boolean => {
    const next = nextStep(booking, new Date(now));
    const step = next === null ? watched(booking) : next;
    if (step === null) return false;
    const isOwn = step === 'giveUp' || step === 'expire' || step === 'giveUpPayment';
    if (lost === 'request' && !isOwn) return true;
    const event = call(step);
    if (event !== null && (lost !== 'answer' || isOwn)) tell(event);
    return true;
  };
  const live = () => [...payments.values()].filter(({ status }) => status === 'PENDING');
  const happen = (whim: Whim): void => {
    expirePlatform();
    switch (whim) {
      case 'begin': return tell({ type: 'paymentBegun' });
      case 'cancel': return tell({ type: 'cancelled' });
      case 'minute': return void (now += 60_000);
      case 'quarter': return void (now += holdMs);
      case 'day': return void (now += 21 * 3_600_000);
      case 'platformForgets': return void (platform.status === 'reserved' && end('cancelled'));
      case 'platformCancels': return void (platform.status === 'confirmed' && end('cancelled'));
      case 'platformKeeps': return void (platform.keeps = !platform.keeps);
      case 'pull': {
        const { endedBy: status } = platform;
        // Told once, and to somebody who does not know yet whose it is, in vain.
        platform.endedBy = null;
        return void (status !== null && booking.platformId !== null && tell({ type: 'endedByPlatform', status, failure }));
      }
      case 'notify': return [...payments.values()].forEach((payment) => tell(seen(payment)));
      case 'buyerGivesUp': return live().forEach((payment) => void (payment.status = 'CANCELED'));
      case 'buyerPays':
        return live().filter(({ id }) => shown.has(id)).slice(0, 1).forEach((payment) => {
          payment.status = 'SUCCEEDED';
          money.taken = money.taken.plus(price);
        });
      case 'work': return void work(null);
      case 'lostAnswer': return void work('answer');
      case 'lostRequest': return void work('request');
    }
  };
  /** Everybody does what they still have to do, and nothing is lost any more. */
  const settle = (): void => {
    for (let round = 0; round < 5; round += 1) {
      now += holdMs;
      happen('buyerGivesUp');
      happen('pull');
      for (let steps = 0; steps < 20; steps += 1) work(null);
    }
  };
  return { happen, settle, platform, money, booking: () => booking };
};

describe('a booking', () => {
  test('comes to rest whatever happens in whatever order, with no seat held for nothing and no money kept for nothing', () => {
    fc.assert(
      fc.property(whims, fc.constantFrom('1990.50', '0.00'), fc.boolean(), holds, (happened, price, seatIsFree, hold) => {
        const world = createWorld(price, seatIsFree, hold);
        for (const whim of happened) {
          world.happen(whim);
          // Whoever may still get the seat from this booking has it claimed.
          if (world.platform.status === 'confirmed' || (world.platform.status === 'reserved' && world.booking().platformId !== null)) expect(holdsSeats(world.booking())).toBe(true);
        }
        world.settle();
        const booking = world.booking();
        expect(isSettled(booking)).toBe(true);
        const isHad = booking.state === 'CONFIRMED';
        expect([holdsSeats(booking), world.platform.status === 'confirmed']).toEqual([isHad, isHad]);
        expect(world.platform.status).not.toBe('reserved');
        const kept = world.money.taken.minus(world.money.refunded);
        expect([kept.toFixed(2), world.money.told.toFixed(2)]).toEqual(isHad ? [price, price] : ['0.00', '0.00']);
      }),
      { numRuns: 2_000 },
    );
  });
  test('can end in each way that there is', () => {
    const ends = new Set<string>();
    fc.assert(fc.property(whims, fc.boolean(), holds, (happened, seatIsFree, hold) => {
      const world = createWorld('10.00', seatIsFree, hold);
      for (const whim of happened) world.happen(whim);
      world.settle();
      ends.add(`${world.booking().state} ${world.booking().refundStatus}`);
    }), { numRuns: 2_000 });
    expect([...ends].sort()).toEqual(expect.arrayContaining(['CANCELLED SUCCEEDED', 'CANCELLED null', 'CONFIRMED null', 'EXPIRED null', 'FAILED SUCCEEDED', 'FAILED null']));
  });
});

describe('a payment', () => {
  const reserved = after(fresh, { type: 'reserved', platformId: 'p', amount: '10.00', currency: 'RUB', expiresAt: new Date(start.getTime() + holdMs) }, start);
  const awaiting = after(after(reserved, { type: 'paymentBegun' }, start), { type: 'paymentOpened', attempt: 1, paymentId: 'pay', confirmationUrl: 'https://pay' }, start);
  const seen = { type: 'paymentSeen', attempt: 1, paymentId: 'pay', status: 'SUCCEEDED', amount: '10.00', currency: 'RUB' } as const;

  test('counts when payment, amount, currency and attempt agree, and not when one of them does not', () => {
    expect(after(awaiting, seen, start)).toMatchObject({ paidAt: start, paymentStatus: 'SUCCEEDED' });
    expect(after(awaiting, { ...seen, amount: '10' }, start).paidAt).toEqual(start);
    for (const wrong of [{ amount: '9.99' }, { amount: '1000.00' }, { currency: 'USD' }]) expect(after(awaiting, { ...seen, ...wrong }, start)).toMatchObject({ paidAt: null, paymentStatus: 'MISMATCH' });
    for (const wrong of [{ paymentId: 'another' }, { attempt: 2 }, { attempt: 0 }]) expect(after(awaiting, { ...seen, ...wrong }, start)).toBe(awaiting);
    expect(after(reserved, seen, start)).toBe(reserved);
  });
  test('that is told again, or as it was before, changes nothing', () => {
    const paid = after(awaiting, seen, start);
    for (const status of ['SUCCEEDED', 'PENDING', 'CANCELED'] as const) expect(after(paid, { ...seen, status }, start)).toBe(paid);
  });
  test('that is not known to be there is asked for by its key for less than a day, and by nobody once the booking is over', () => {
    const begun = after({ ...reserved, expiresAt: new Date(start.getTime() + 5 * day) }, { type: 'paymentBegun' }, start);
    const steps = [0, 19, 21, 30].map((hours) => nextStep(begun, new Date(start.getTime() + hours * 3_600_000)));
    expect(steps).toEqual(['openPayment', 'openPayment', 'giveUpPayment', 'giveUpPayment']);
    expect(nextStep({ ...begun, state: 'CANCELLED', release: 'DONE' }, start)).toBe('giveUpPayment');
  });
  test('that was given up without being known, and is there and paid all the same, counts in time and goes back too late', () => {
    const begun = after(reserved, { type: 'paymentBegun' }, start);
    const back = after(begun, { type: 'paymentRefused', attempt: 1, failure }, start);
    expect(after(back, seen, start)).toMatchObject({ state: 'AWAITING_PAYMENT', paidAt: start });
    expect(after(after(back, { type: 'expired' }, start), seen, start)).toMatchObject({ state: 'EXPIRED', paidAt: null, refundStatus: 'DUE' });
    for (const status of ['PENDING', 'CANCELED'] as const) expect(after(back, { ...seen, status }, start)).toBe(back);
  });
  test('that is known to be there is not refused by what was asked before', () => {
    expect(after(awaiting, { type: 'paymentRefused', attempt: 1, failure }, start)).toBe(awaiting);
  });
  test('that was given up can be begun anew, under another attempt', () => {
    const back = after(awaiting, { ...seen, status: 'CANCELED' }, start);
    expect(back).toMatchObject({ state: 'RESERVED', paymentStatus: 'CANCELED', confirmationUrl: null });
    expect(after(back, { type: 'paymentBegun' }, start)).toMatchObject({ state: 'AWAITING_PAYMENT', attempt: 2, paymentId: null });
  });
});
