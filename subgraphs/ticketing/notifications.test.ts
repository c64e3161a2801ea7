import { describe, expect, test } from 'vitest';
import { begunPayment, start } from './test-ticketing.ts';

const seat = (number: number) => `autumn-quartet-s${number}`;
const post = async (url: string, body: unknown) => {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: typeof body === 'string' ? body : JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as { error?: { code: string } } };
};
const told = (event: string, object: object) => ({ type: 'notification', event, object });

describe('a notification of YooKassa', () => {
  test('that says paid of what is not paid is not believed: the payment is looked up', async () => {
    await using it = await start();
    const { bookingId, paymentId } = await begunPayment(it, [seat(1)]);
    const forged = { ...it.yookassa.payments.get(paymentId), status: 'succeeded', paid: true };
    expect((await post(it.notificationUrl, told('payment.succeeded', forged))).status).toBe(200);
    await it.settle(bookingId);
    expect([(await it.booking(bookingId)).state, await it.purchases()]).toEqual(['AWAITING_PAYMENT', []]);
  });
  test('of another shop’s payment, or of one that nobody began here, changes nothing', async () => {
    await using it = await start();
    const { bookingId } = await begunPayment(it, [seat(1)]);
    expect((await post(it.notificationUrl, told('payment.succeeded', { id: 'not-of-this-shop', metadata: { booking_id: bookingId } }))).status).toBe(200);
    const call = (metadata: object) => fetch(`${it.yookassa.url}/payments`, { method: 'POST', headers: { 'authorization': `Basic ${Buffer.from(`${it.yookassa.shopId}:${it.yookassa.secretKey}`).toString('base64')}`, 'idempotence-key': JSON.stringify(metadata).slice(0, 60), 'content-type': 'application/json' }, body: JSON.stringify({ amount: { value: '0.01', currency: 'RUB' }, capture: true, confirmation: { type: 'redirect', return_url: 'https://x.example' }, metadata }) }).then((response) => response.json() as Promise<{ id: string }>);
    for (const metadata of [{}, { booking_id: bookingId, event_id: 'autumn-quartet', attempt: '1' }, { booking_id: 'nothing', event_id: 'autumn-quartet', attempt: '1' }]) it.yookassa.pay((await call(metadata)).id);
    await it.yookassa.settled();
    await it.settle(bookingId);
    expect([(await it.booking(bookingId)).state, await it.purchases()]).toEqual(['AWAITING_PAYMENT', []]);
  });
  test('without the token of the service’s URL, with another one, or of no known form, is refused', async () => {
    await using it = await start();
    const { paymentId } = await begunPayment(it, [seat(1)]);
    const good = told('payment.succeeded', { id: paymentId });
    const bare = `${it.publicUrl}/ingest/${it.serviceId}`;
    for (const url of [bare, `${bare}?token=`, `${it.notificationUrl}0`, `${it.notificationUrl}&token=x`]) expect(await post(url, good)).toMatchObject({ status: 401, body: { error: { code: 'PUSH_SIGNATURE_INVALID' } } });
    for (const body of ['', 'half {', [], { type: 'notification' }, told('payment.succeeded', { id: '../refunds/1' }), told('refund.succeeded', { id: 'x' })]) expect(await post(it.notificationUrl, body)).toMatchObject({ status: 400, body: { error: { code: 'PUSH_MALFORMED' } } });
    expect(it.yookassa.requests.filter(({ method }) => method === 'GET')).toEqual([]);
  });
  test('that comes five times, also later and beside a job, is one payment', async () => {
    await using it = await start();
    const { bookingId, paymentId } = await begunPayment(it, [seat(1)]);
    const paid = it.yookassa.pay(paymentId);
    await it.yookassa.settled();
    await Promise.all([...Array.from({ length: 4 }, () => it.yookassa.notifyAgain('payment.succeeded', paid)), it.settle(bookingId), it.settle(bookingId)]);
    await it.yookassa.notifyAgain('payment.succeeded', paid);
    expect((await it.booking(bookingId)).state).toBe('CONFIRMED');
    expect([(await it.purchases()).length, it.yookassa.kept()]).toEqual([1, 1990.5]);
  });
  test('of how a payment was before comes after the one of how it is, and changes nothing', async () => {
    await using it = await start();
    const { bookingId, paymentId } = await begunPayment(it, [seat(1)]);
    const before = structuredClone(it.yookassa.payments.get(paymentId) ?? {});
    it.yookassa.pay(paymentId);
    await it.yookassa.settled();
    for (const [event, object] of [['payment.waiting_for_capture', before], ['payment.canceled', { ...before, status: 'canceled' }]] as const) expect(await it.yookassa.notifyAgain(event, object)).toBe(200);
    await it.settle(bookingId);
    expect((await it.booking(bookingId)).state).toBe('CONFIRMED');
  });
  test('that is lost does not matter: the payment is looked up by the booking’s job', async () => {
    await using it = await start();
    it.yookassa.notifyAt(null);
    const { bookingId, paymentId } = await begunPayment(it, [seat(1)]);
    it.yookassa.pay(paymentId);
    it.advance(1);
    await it.settle(bookingId);
    expect([(await it.booking(bookingId)).state, (await it.purchases()).length]).toEqual(['CONFIRMED', 1]);
  });
  test('that the payment was given up lets the buyer begin another', async () => {
    await using it = await start();
    const { bookingId, paymentId } = await begunPayment(it, [seat(1)]);
    it.yookassa.giveUp(paymentId);
    await it.yookassa.settled();
    expect((await it.booking(bookingId)).state).toBe('RESERVED');
    const again = await it.pay(bookingId, 'another try');
    expect(again.booking?.confirmationUrl).toContain('orderId=');
    expect([...it.yookassa.payments.keys()]).toHaveLength(2);
  });
});

describe('a call whose answer is lost', () => {
  test('to reserve leaves the booking RESERVING, and its job finds out what became of it', async () => {
    await using it = await start();
    it.platform.misbehave('status-500', /POST \/bookings$/);
    const { booking, userErrors } = await it.reserve([seat(1)], 'a');
    expect([booking?.state, userErrors]).toEqual(['RESERVING', []]);
    it.platform.misbehave('none');
    await it.settle(booking?.id ?? '');
    expect((await it.booking(booking?.id ?? '')).state).toBe('RESERVED');
    expect(it.platform.world.of('bookings').size).toBe(1);
  });
  test('for longer than five minutes gives the seats back, and what the platform has of it as well', async () => {
    await using it = await start();
    it.platform.misbehave('status-500', /POST \/bookings$/);
    const { booking } = await it.reserve([seat(1)], 'a');
    it.advance(6 * 60_000);
    await it.settle(booking?.id ?? '');
    expect((await it.reserve([seat(1)], 'b')).userErrors).toMatchObject([{ code: 'SEAT_TAKEN' }]);
    it.platform.misbehave('none');
    await it.settle(booking?.id ?? '');
    expect(await it.booking(booking?.id ?? '')).toMatchObject({ state: 'FAILED', failure: { code: 'PLATFORM_UNAVAILABLE' } });
    expect(it.platform.soldTimes(seat(1))).toBe(0);
    expect((await it.reserve([seat(1)], 'c')).booking?.state).toBe('RESERVED');
  });
  test('to begin a payment begins no second one', async () => {
    await using it = await start();
    const { booking } = await it.reserve([seat(1)], 'a');
    it.yookassa.misbehave('status-500', /POST/);
    expect((await it.pay(booking?.id ?? '', 'b')).booking).toMatchObject({ state: 'AWAITING_PAYMENT', confirmationUrl: null });
    it.yookassa.misbehave('none');
    expect((await it.pay(booking?.id ?? '', 'b')).booking?.confirmationUrl).toContain('orderId=');
    expect(it.yookassa.payments.size).toBe(1);
  });
});
