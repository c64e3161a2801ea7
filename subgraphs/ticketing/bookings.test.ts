import { describe, expect, test } from 'vitest';
import { begunPayment, buyer, confirmed, manager, start } from './test-ticketing.ts';

const seat = (number: number) => `autumn-quartet-s${number}`;
const claims = (it: Awaited<ReturnType<typeof start>>) => it.sql<{ ticket_id: string }>('select ticket_id from ticketing.claims order by 1').then((rows) => rows.map(({ ticket_id }) => ticket_id));

describe('a booking', () => {
  test('is reserved, paid, confirmed by the payment’s notification, and then admits', async () => {
    await using it = await start();
    const reserved = await it.reserve([seat(1), seat(2)], 'a');
    expect(reserved).toMatchObject({ booking: { state: 'RESERVED', total: { amount: '3981.00', currency: 'RUB' } }, userErrors: [] });
    const id = reserved.booking?.id ?? '';
    const begun = await it.pay(id, 'b');
    expect(begun).toMatchObject({ booking: { state: 'AWAITING_PAYMENT', confirmationUrl: expect.stringContaining('/checkout?orderId=') as string }, userErrors: [] });
    const [payment] = [...it.yookassa.payments.values()];
    expect(payment).toMatchObject({ amount: { value: '3981.00', currency: 'RUB' }, metadata: { booking_id: id } });
    it.yookassa.pay(payment?.id ?? '');
    await it.yookassa.settled();
    await it.settle(id);
    expect(await it.booking(id)).toMatchObject({ state: 'CONFIRMED', refund: null });
    expect(it.platform.world.of('tickets').get(seat(1))?.status).toBe('sold');
    expect(await it.purchases()).toMatchObject([{ amount: '3981.00', currency: 'RUB', orderId: id }]);
    await it.pull();
    expect(await it.sql(`select state from attendance.registrations where event_id = 'autumn-quartet'`)).toEqual([{ state: 'CONFIRMED' }, { state: 'CONFIRMED' }]);
  });
  test('that costs nothing is confirmed without a payment', async () => {
    await using it = await start();
    const { booking } = await it.reserve(['closed-reading-s1'], 'a', manager, 'closed-reading');
    expect(await it.pay(booking?.id ?? '', 'b', manager)).toMatchObject({ booking: { state: 'CONFIRMED' }, userErrors: [] });
    expect([it.yookassa.payments.size, await it.purchases()]).toEqual([0, []]);
  });
  test('of a service without a shop cannot be paid for, and says so', async () => {
    await using it = await start({ settings: { payments: null } });
    const { booking } = await it.reserve([seat(1)], 'a');
    expect(await it.pay(booking?.id ?? '', 'b')).toMatchObject({ booking: { state: 'RESERVED' }, userErrors: [{ code: 'PAYMENT_REFUSED', field: 'input.bookingId' }] });
  });
  test('is of all its tickets or none: one that is taken costs the others nothing', async () => {
    await using it = await start();
    await it.reserve([seat(1)], 'a');
    expect(await it.reserve([seat(2), seat(1), seat(3)], 'b', buyer(2))).toMatchObject({ booking: null, userErrors: [{ code: 'SEAT_TAKEN', field: 'input.ticketIds', message: expect.stringContaining(seat(1)) as string }] });
    expect(await claims(it)).toEqual([seat(1)]);
    expect((await it.reserve([seat(2), seat(3)], 'c', buyer(2))).booking?.state).toBe('RESERVED');
  });
  test('that the platform refuses frees its seats', async () => {
    await using it = await start();
    it.platform.world.put('tickets', { ...it.platform.world.find('tickets', seat(1)), status: 'sold' });
    expect(await it.reserve([seat(1), seat(2)], 'a')).toMatchObject({ booking: null, userErrors: [{ code: 'SEAT_TAKEN', message: expect.stringContaining(seat(1)) as string }] });
    expect(await claims(it)).toEqual([]);
  });
  test('of what is not there is refused and changes nothing', async () => {
    await using it = await start();
    const codes = async (ids: readonly string[], eventId?: string) => (await it.reserve(ids, `${eventId} ${ids.join()}`, buyer(), eventId)).userErrors.map(({ code }) => code);
    expect(await codes([])).toEqual(['TICKETS_INVALID']);
    expect(await codes([seat(1), seat(1)])).toEqual(['TICKETS_INVALID']);
    expect(await codes([seat(99)])).toEqual(['TICKET_NOT_FOUND']);
    expect(await codes(['amber-night-p1'])).toEqual(['TICKET_NOT_FOUND']);
    expect(await codes([seat(1)], 'nothing')).toEqual(['EVENT_NOT_FOUND']);
    expect(await codes(['closed-reading-s1'], 'closed-reading')).toEqual(['EVENT_NOT_FOUND']);
    expect(await it.sql('select id from ticketing.bookings')).toEqual([]);
  });
  test('is seen by its buyer and by admins alone', async () => {
    await using it = await start();
    const id = (await it.reserve([seat(1)], 'a')).booking?.id ?? '';
    const list = async (viewer = buyer()) => (await it.ask<{ bookings: { totalCount: number; edges: { node: { id: string } }[] } }>('{ bookings { totalCount edges { node { id } } } }', viewer)).data.bookings;
    expect(await list()).toEqual({ totalCount: 1, edges: [{ node: { id } }] });
    expect([await it.booking(id, buyer(2)), await list(buyer(2))]).toEqual([null, { totalCount: 0, edges: [] }]);
    const admin = (events: readonly string[] | 'all') => ({ ...buyer(3), permissions: new Set(['admin' as const]), events: events === 'all' ? events : new Set(events) });
    for (const events of ['all', ['autumn-quartet']] as const) expect([(await it.booking(id, admin(events))).id, await list(admin(events))]).toEqual([id, { totalCount: 1, edges: [{ node: { id } }] }]);
    expect([await it.booking(id, admin(['amber-night'])), await list(admin(['amber-night']))]).toEqual([null, { totalCount: 0, edges: [] }]);
    expect((await it.cancel(id, 'd', admin(['amber-night']))).userErrors).toMatchObject([{ code: 'BOOKING_NOT_FOUND' }]);
    expect((await it.pay(id, 'b', buyer(2))).userErrors).toMatchObject([{ code: 'BOOKING_NOT_FOUND' }]);
    expect((await it.cancel(id, 'c', buyer(2))).userErrors).toMatchObject([{ code: 'BOOKING_NOT_FOUND' }]);
    expect(JSON.stringify(await it.sql('select * from ticketing.bookings'))).not.toContain('key_buyer');
  });
});

describe('fifty buyers of one seat at once', () => {
  test('at a platform that would sell it twice: one wins, and 49 are told that it is taken', async () => {
    await using it = await start();
    it.platform.setSloppy(50);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, number) => it.reserve([seat(7), seat(8 + (number % 3))], 'mine', buyer(number))));
    const winners = answers.filter(({ booking }) => booking !== null);
    expect(winners.map(({ booking }) => booking?.state)).toEqual(['RESERVED']);
    expect(answers.flatMap(({ userErrors }) => userErrors.map(({ code }) => code))).toEqual(Array.from({ length: 49 }, () => 'SEAT_TAKEN'));
    expect(it.platform.soldTimes(seat(7))).toBe(1);
    expect(await claims(it)).toHaveLength(2);
  });
  test('and the platform alone, so used, does sell it twice', async () => {
    await using it = await start();
    it.platform.setSloppy(50);
    const direct = (key: string) => fetch(`${it.platform.url}/bookings`, { method: 'POST', headers: { authorization: `Bearer ${it.platform.token}`, 'content-type': 'application/json', 'idempotency-key': key }, body: JSON.stringify({ eventId: 'autumn-quartet', ticketIds: [seat(7)] }) });
    const answers = await Promise.all([direct('a'), direct('b')]);
    expect([answers.map(({ status }) => status), it.platform.soldTimes(seat(7))]).toEqual([[201, 201], 2]);
  });
});

describe('an idempotency key', () => {
  test('sent again with the same input gets the same booking, and with another an error', async () => {
    await using it = await start();
    const first = await it.reserve([seat(1)], 'a');
    expect(await it.reserve([seat(1)], 'a')).toEqual(first);
    expect((await it.reserve([seat(2)], 'a')).userErrors).toMatchObject([{ code: 'IDEMPOTENCY_KEY_REUSED', field: 'input.idempotencyKey' }]);
    expect((await it.pay(first.booking?.id ?? '', 'a')).userErrors).toMatchObject([{ code: 'IDEMPOTENCY_KEY_REUSED' }]);
    const taken = await it.reserve([seat(1)], 'b', buyer(2));
    await it.cancel(first.booking?.id ?? '', 'c');
    expect(await it.reserve([seat(1)], 'b', buyer(2))).toEqual(taken);
    expect((await it.reserve([seat(1)], 'a', buyer(2))).booking?.id).not.toBe(first.booking?.id);
  });
  test('sent twenty times at once is one booking and one payment', async () => {
    await using it = await start();
    const reserved = await Promise.all(Array.from({ length: 20 }, () => it.reserve([seat(1)], 'a')));
    expect(new Set(reserved.map(({ booking }) => booking?.id)).size).toBe(1);
    const id = reserved[0]?.booking?.id ?? '';
    const paid = await Promise.all(Array.from({ length: 20 }, () => it.pay(id, 'b')));
    expect(new Set(paid.map(({ booking }) => booking?.confirmationUrl)).size).toBe(1);
    expect([it.platform.world.of('bookings').size, it.yookassa.payments.size]).toEqual([1, 1]);
  });
  test('of no or too many characters is refused', async () => {
    await using it = await start();
    for (const key of ['', 'x'.repeat(201)]) await expect(it.reserve([seat(1)], key)).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_INVALID' });
  });
});

describe('a booking that ends', () => {
  test('by its buyer’s wish before it is paid is free again, here and there', async () => {
    await using it = await start();
    const id = (await it.reserve([seat(1)], 'a')).booking?.id ?? '';
    expect(await it.cancel(id, 'b')).toMatchObject({ booking: { state: 'CANCELLED', refund: null }, userErrors: [] });
    expect([await claims(it), it.platform.soldTimes(seat(1))]).toEqual([[], 0]);
    expect((await it.cancel(id, 'c')).userErrors).toMatchObject([{ code: 'BOOKING_NOT_CANCELLABLE' }]);
    expect((await it.pay(id, 'd')).userErrors).toMatchObject([{ code: 'BOOKING_NOT_PAYABLE' }]);
  });
  test('after it was paid is refunded, and the hub is told that the money went back', async () => {
    await using it = await start();
    const { bookingId, paymentId } = await begunPayment(it, [seat(1)]);
    it.yookassa.pay(paymentId);
    await it.yookassa.settled();
    await it.settle(bookingId);
    expect(await it.cancel(bookingId, 'c')).toMatchObject({ booking: { state: 'CANCELLED', refund: 'SUCCEEDED' }, userErrors: [] });
    expect([it.yookassa.kept(), it.yookassa.refunds.size, await claims(it)]).toEqual([0, 1, []]);
    expect((await it.purchases()).map(({ amount }) => amount)).toEqual(['1990.50', '-1990.50']);
  });
  test('when its time is over is free again; the payment that comes then is refunded', async () => {
    await using it = await start({ holdMs: 60_000 });
    const { bookingId, paymentId } = await begunPayment(it, [seat(1)]);
    it.advance(61_000);
    await it.settle(bookingId);
    expect([(await it.booking(bookingId)).state, await claims(it)]).toEqual(['EXPIRED', []]);
    expect((await it.reserve([seat(1)], 'other', buyer(2))).booking?.state).toBe('RESERVED');
    it.yookassa.pay(paymentId);
    await it.yookassa.settled();
    await it.settle(bookingId);
    expect(await it.booking(bookingId)).toMatchObject({ state: 'EXPIRED', refund: 'SUCCEEDED' });
    expect([it.yookassa.kept(), await it.purchases()]).toEqual([0, []]);
  });
  test.each([['refuses', false], ['answers as it is', true]] as const)('since the platform let its seats go before the payment was confirmed, which it %s, is refunded', async (_how, isVague) => {
    await using it = await start();
    it.platform.setVague(isVague);
    const { bookingId, paymentId } = await begunPayment(it, [seat(1)]);
    for (const { id } of it.platform.world.of('bookings').values()) it.platform.bookings.cancel(id);
    it.yookassa.pay(paymentId);
    await it.yookassa.settled();
    await it.settle(bookingId);
    expect(await it.booking(bookingId)).toMatchObject({ state: 'FAILED', refund: 'SUCCEEDED', failure: { code: 'PLATFORM_REFUSED' } });
    expect([it.yookassa.kept(), await claims(it), (await it.purchases()).map(({ amount }) => amount)]).toEqual([0, [], ['1990.50', '-1990.50']]);
  });
  test('for its buyer alone, while the platform keeps it, is confirmed again: its seats are its own, and no money goes back', async () => {
    await using it = await start();
    const bookingId = await confirmed(it, [seat(1)]);
    it.platform.refuseToCancel(true);
    const refused = await it.cancel(bookingId, 'c');
    expect(refused).toMatchObject({ booking: { state: 'CONFIRMED', refund: null }, userErrors: [{ code: 'CANCEL_REFUSED', field: 'input.bookingId' }] });
    expect(await it.cancel(bookingId, 'c')).toEqual(refused);
    expect([await claims(it), it.yookassa.refunds.size, it.platform.soldTimes(seat(1))]).toEqual([[seat(1)], 0, 1]);
    it.platform.refuseToCancel(false);
    expect(await it.cancel(bookingId, 'd')).toMatchObject({ booking: { state: 'CANCELLED', refund: 'SUCCEEDED', failure: null }, userErrors: [] });
    expect([await claims(it), it.yookassa.kept(), it.platform.soldTimes(seat(1))]).toEqual([[], 0, 0]);
  });
  test('at the platform after it was confirmed there is cancelled and refunded, once', async () => {
    await using it = await start();
    const bookingId = await confirmed(it, [seat(1)]);
    await it.pull();
    it.advance(60_000);
    const atPlatform = [...it.platform.world.of('bookings').keys()][0] ?? '';
    // One of somebody else there that has its reference says nothing of it.
    it.platform.bookings.cancel((await it.platform.bookings.reserve({ eventId: 'autumn-quartet', ticketIds: [seat(2)], reference: bookingId })).id);
    await it.pull();
    await it.settle(bookingId);
    expect(await it.booking(bookingId)).toMatchObject({ state: 'CONFIRMED', refund: null });
    it.platform.bookings.cancel(atPlatform);
    for (let times = 0; times < 2; times += 1) {
      await it.pull();
      await Promise.all([it.settle(bookingId), it.settle(bookingId)]);
      it.advance(60_000);
    }
    expect(await it.booking(bookingId)).toMatchObject({ state: 'CANCELLED', refund: 'SUCCEEDED', failure: { code: 'PLATFORM_CANCELLED' } });
    expect([it.yookassa.kept(), it.yookassa.refunds.size, await claims(it), (await it.purchases()).map(({ amount }) => amount)]).toEqual([0, 1, [], ['1990.50', '-1990.50']]);
    expect(await it.sql(`select state from attendance.registrations where event_id = 'autumn-quartet'`)).toEqual([{ state: 'CANCELLED' }, { state: 'CANCELLED' }]);
  });
  test('at the platform, is kept there and ends there again is cancelled and refunded then, though no pull saw it in between', async () => {
    await using it = await start();
    const bookingId = await confirmed(it, [seat(1)]);
    const atPlatform = [...it.platform.world.of('bookings').keys()][0] ?? '';
    const endThere = async (): Promise<void> => {
      it.advance(60_000);
      it.platform.bookings.cancel(atPlatform);
      await it.pull();
    };
    await endThere();
    it.platform.world.put('bookings', { ...it.platform.world.find('bookings', atPlatform), status: 'confirmed' });
    it.platform.refuseToCancel(true);
    await it.settle(bookingId);
    expect(await it.booking(bookingId)).toMatchObject({ state: 'CONFIRMED', refund: null });
    it.platform.refuseToCancel(false);
    await endThere();
    await it.settle(bookingId);
    expect(await it.booking(bookingId)).toMatchObject({ state: 'CANCELLED', refund: 'SUCCEEDED' });
    expect([it.yookassa.kept(), await claims(it)]).toEqual([0, []]);
  });
  test('at the platform before it was paid is over, and nobody is sent to pay for it', async () => {
    await using it = await start();
    const { bookingId } = await begunPayment(it, [seat(1)]);
    const atPlatform = [...it.platform.world.of('bookings').keys()][0] ?? '';
    it.platform.bookings.cancel(atPlatform);
    await it.pull();
    await it.settle(bookingId);
    expect([await it.booking(bookingId), await claims(it)]).toMatchObject([{ state: 'FAILED', confirmationUrl: null, refund: null, failure: { code: 'PLATFORM_CANCELLED' } }, []]);
  });
  test('with a refund that YooKassa made is refunded once, though it does not know the request any more; a part of it is for somebody to look at', async () => {
    await using it = await start();
    const [whole, part] = [await confirmed(it, [seat(1)]), await confirmed(it, [seat(2)])];
    it.yookassa.misbehave('status-500', /POST .*refunds/);
    for (const id of [whole, part]) expect((await it.cancel(id, id)).booking?.refund).toBe('DUE');
    it.yookassa.misbehave('none');
    await it.refundDirectly(whole, `${whole}.refund`, '1990.50');
    await it.refundDirectly(part, 'by hand', '1.00');
    it.advance(25 * 3_600_000);
    for (const id of [whole, part]) await it.settle(id);
    expect([(await it.booking(whole)).refund, (await it.booking(part)).refund, it.yookassa.refunds.size, it.yookassa.kept()]).toEqual(['SUCCEEDED', 'FAILED', 2, 1989.5]);
  });
  test('while YooKassa is away holds no seat: neither when its time is over nor when it is cancelled', async () => {
    await using it = await start({ holdMs: 60_000 });
    const { bookingId } = await begunPayment(it, [seat(1)]);
    it.yookassa.misbehave('status-500', /./);
    const begun = async (number: number) => {
      const id = (await it.reserve([seat(number)], `reserve ${number}`)).booking?.id ?? '';
      await it.pay(id, `pay ${number}`);
      return id;
    };
    const [cancelled, expired] = [await begun(2), await begun(3)];
    expect((await it.cancel(cancelled, 'c')).booking?.state).toBe('CANCELLED');
    expect(await claims(it)).toEqual([seat(1), seat(3)]);
    it.advance(61_000);
    await it.settle(bookingId);
    await it.settle(expired);
    expect([(await it.booking(bookingId)).state, (await it.booking(expired)).state, await claims(it)]).toEqual(['EXPIRED', 'EXPIRED', []]);
    it.yookassa.misbehave('none');
    for (const id of [bookingId, cancelled, expired]) await it.settle(id);
    // Nobody is sent to pay for what is over.
    expect(await Promise.all([bookingId, cancelled, expired].map(async (id) => (await it.booking(id)).confirmationUrl))).toEqual([null, null, null]);
  });
  test('cannot be wished for once the event has begun', async () => {
    await using it = await start();
    const id = (await it.reserve([seat(1)], 'a')).booking?.id ?? '';
    it.advance(3_600_000);
    expect((await it.cancel(id, 'b')).userErrors).toMatchObject([{ code: 'CANCEL_TOO_LATE' }]);
    // Nor when the platform has put it away since.
    await it.sql(`delete from ticketing.events where event_id = 'autumn-quartet'`);
    expect((await it.cancel(id, 'b')).userErrors).toMatchObject([{ code: 'CANCEL_TOO_LATE' }]);
  });
  test('with a refund that YooKassa takes its time for is watched until it is done', async () => {
    await using it = await start();
    it.yookassa.refundSlowly(true);
    const { bookingId, paymentId } = await begunPayment(it, [seat(1)]);
    it.yookassa.pay(paymentId);
    await it.yookassa.settled();
    await it.settle(bookingId);
    expect((await it.cancel(bookingId, 'c')).booking?.refund).toBe('PENDING');
    it.yookassa.finishRefund([...it.yookassa.refunds.keys()][0] ?? '', 'succeeded');
    it.advance(1);
    await it.settle(bookingId);
    expect((await it.booking(bookingId)).refund).toBe('SUCCEEDED');
  });
});
