/**
 * What the hub relies on in YooKassa, as one suite over HTTP: it runs over the simulator (`npm test`), and over a real test
 * shop where its credentials are in the environment (see README.md). And what README.md promises of the platform, and the
 * makers of Yandex Music and of the geocoder document, over their simulators.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createUpstreamHttp } from '#core/upstream-http.ts';
import { createPaymentsClient } from '#subgraphs/ticketing/upstream-payments.ts';
import { createYandexClient } from '#subgraphs/ticketing/upstream-yandex.ts';
import * as payloads from '#subgraphs/ticketing/upstream-payloads.ts';
import type { Platform } from './platform.ts';
import type { Geocoder, YandexMusic } from './yandex.ts';

export type ShopSubject = AsyncDisposable & { readonly api: string; readonly shopId: string; readonly secretKey: string; /** Pays as a customer does; absent where only a person could. */ readonly pay?: (paymentId: string) => void };

export const describeShopContract = (name: string, open: () => Promise<ShopSubject>): void => {
  describe(name, () => {
    let subject: ShopSubject;
    beforeAll(async () => void (subject = await open()), 60_000);
    afterAll(() => subject[Symbol.asyncDispose]());

    const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
      const authorization = `Basic ${Buffer.from(`${subject.shopId}:${subject.secretKey}`).toString('base64')}`;
      const response = await fetch(`${subject.api}/${path}`, { method, headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    const client = () => createPaymentsClient({ http: createUpstreamHttp({ allowPrivateAddresses: true, retries: 0 }), api: subject.api, shopId: subject.shopId, secretKey: subject.secretKey, returnUrl: 'https://tickets.example.org/thanks', signal: AbortSignal.timeout(30_000) });
    const payment = (value = '10.50') => ({ amount: { value, currency: 'RUB' }, capture: true, confirmation: { type: 'redirect', return_url: 'https://tickets.example.org/thanks' }, description: 'Booking', metadata: { booking_id: 'b', event_id: 'e', attempt: '1' } });

    test('nobody without the shop’s key', async () => {
      expect(await call('GET', `payments/${randomUUID()}`, undefined, { authorization: 'Basic bm9ib2R5Om5vdGhpbmc=' })).toMatchObject({ status: 401, body: { type: 'error', code: 'invalid_credentials' } });
    });
    test('a payment begins pending, with a page to pay at and what was noted on it', async () => {
      const made = await call('POST', 'payments', payment(), { 'idempotence-key': randomUUID() });
      expect(made).toMatchObject({ status: 200, body: { status: 'pending', paid: false, amount: { value: '10.50', currency: 'RUB' }, metadata: { booking_id: 'b', event_id: 'e', attempt: '1' }, confirmation: { type: 'redirect', confirmation_url: expect.stringMatching(/^https?:/) as string } } });
      expect(await call('GET', `payments/${String(made.body.id)}`)).toMatchObject({ status: 200, body: { id: made.body.id, status: 'pending' } });
    });
    test('the same key and request get the same payment, another request under the key is refused', async () => {
      const key = randomUUID();
      const [first, second] = [await call('POST', 'payments', payment(), { 'idempotence-key': key }), await call('POST', 'payments', payment(), { 'idempotence-key': key })];
      expect(second.body.id).toBe(first.body.id);
      expect(await call('POST', 'payments', payment('11.00'), { 'idempotence-key': key })).toMatchObject({ status: 400, body: { type: 'error', code: 'invalid_request' } });
    });
    test('a request without a key, or with nonsense in it, is refused with code and parameter', async () => {
      expect(await call('POST', 'payments', payment())).toMatchObject({ status: 400, body: { type: 'error', code: 'invalid_request', description: expect.any(String) as string } });
      expect(await call('POST', 'payments', { ...payment(), amount: { value: 'much', currency: 'RUB' } }, { 'idempotence-key': randomUUID() })).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    });
    test('what is not there is 404, and a pending payment can be neither cancelled nor refunded', async () => {
      expect(await call('GET', `payments/${randomUUID()}`)).toMatchObject({ status: 404, body: { type: 'error', code: 'not_found' } });
      const { body } = await call('POST', 'payments', payment(), { 'idempotence-key': randomUUID() });
      expect((await call('POST', `payments/${String(body.id)}/cancel`, {}, { 'idempotence-key': randomUUID() })).status).toBe(400);
      expect((await call('POST', 'refunds', { payment_id: body.id, amount: { value: '10.50', currency: 'RUB' } }, { 'idempotence-key': randomUUID() })).status).toBe(400);
    });
    test('the hub’s client reads it', async () => {
      const made = await client().create({ key: randomUUID(), amount: '10.50', currency: 'RUB', description: 'Booking', metadata: { booking_id: 'b' } });
      if (made.ok) expect(await client().refundsOf(made.payment.id)).toEqual([]);
      expect(made).toMatchObject({ ok: true, payment: { status: 'pending', metadata: { booking_id: 'b' } } });
      expect(await client().payment(randomUUID())).toBeNull();
      expect(await client().create({ key: randomUUID(), amount: '0.00', currency: 'RUB', description: 'Booking', metadata: {} })).toMatchObject({ ok: false, code: 'invalid_request' });
    });
    test('a paid payment can be refunded once, under one key', async ({ skip }) => {
      if (!subject.pay) return skip('A real shop needs a person to pay.');
      const made = await client().create({ key: randomUUID(), amount: '10.50', currency: 'RUB', description: 'Booking', metadata: {} });
      if (!made.ok) throw new Error(made.code);
      subject.pay(made.payment.id);
      expect(await client().payment(made.payment.id)).toMatchObject({ status: 'succeeded', paid: true });
      const key = randomUUID();
      const refunds = [await client().refund(key, made.payment.id, '10.50', 'RUB'), await client().refund(key, made.payment.id, '10.50', 'RUB')];
      expect([refunds[0]?.status, refunds[1]?.id]).toEqual(['succeeded', refunds[0]?.id]);
      expect(await client().refundsOf(made.payment.id)).toMatchObject([{ id: refunds[0]?.id, status: 'succeeded', amount: { value: '10.50' } }]);
      expect(await client().refund(randomUUID(), made.payment.id, '10.50', 'RUB')).toBeNull();
      expect(await client().refundOf(refunds[0]?.id ?? '')).toMatchObject({ status: 'succeeded', payment_id: made.payment.id });
    });
  });
};

export const describePlatformContract = (name: string, open: () => Promise<Platform>): void => {
  describe(name, () => {
    let subject: Platform;
    beforeAll(async () => void (subject = await open()));
    afterAll(() => subject[Symbol.asyncDispose]());

    const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
      const response = await fetch(`${subject.url}/${path}`, { method, headers: { authorization: `Bearer ${subject.token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
      const text = await response.text();
      return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as never as Record<string, never> };
    };
    const all = async (path: string): Promise<{ id: string; updatedAt: string; deletedAt: string | null }[]> => {
      const rows = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const { body } = await call('GET', `${path}${path.includes('?') ? '&' : '?'}limit=7${cursor ? `&cursor=${cursor}` : ''}`);
        rows.push(...(body.items as never as { id: string; updatedAt: string; deletedAt: string | null }[]));
        cursor = body.nextCursor ?? null;
      }
      return rows;
    };
    const newTicket = async (amount = '5.00') => String((await call('POST', 'tickets', { eventId: 'autumn-quartet', category: 'Extra', price: { amount, currency: 'RUB' } })).body.id);
    const reserve = (ticketIds: readonly string[], key: string) => call('POST', 'bookings', { eventId: 'autumn-quartet', ticketIds, reference: key }, { 'idempotency-key': key });

    test('says that it is healthy to everybody, and the rest to those who have its token', async () => {
      expect(await (await fetch(`${subject.url}/health`)).json()).toEqual({ status: 'healthy' });
      expect(await call('GET', 'events', undefined, { authorization: 'Bearer nobody' })).toMatchObject({ status: 401, body: { error: { code: 'unauthorized' } } });
    });
    test('lists each resource in pages, every one once, as documented', async () => {
      for (const kind of ['artists', 'venues', 'events', 'tickets'] as const) {
        const rows = await all(kind);
        expect(rows.length).toBeGreaterThan(0);
        expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
        for (const row of rows) payloads.resources[kind].parse(row);
      }
    });
    test('makes, changes and deletes, and lists changes since a time, deletions among them', async () => {
      const made = await call('POST', 'artists', { name: 'New' });
      const id = String(made.body.id);
      expect(made).toMatchObject({ status: 201, body: { name: 'New', yandexMusicId: null } });
      expect((await call('PATCH', `artists/${id}`, { name: 'Renamed' })).body).toMatchObject({ id, name: 'Renamed' });
      const since = String((await call('GET', `artists/${id}`)).body.updatedAt);
      expect((await all(`artists?changedSince=${since}`)).map((row) => row.id)).toEqual([id]);
      expect((await call('DELETE', `artists/${id}`)).status).toBe(204);
      expect([(await call('GET', `artists/${id}`)).status, (await all('artists')).some((row) => row.id === id)]).toEqual([404, false]);
      expect(await all(`artists?changedSince=${since}`)).toMatchObject([{ id, deletedAt: expect.any(String) as string }]);
    });
    test('refuses what is not so, with the field', async () => {
      expect(await call('POST', 'artists', { name: '' })).toMatchObject({ status: 422, body: { error: { code: 'invalid', field: 'name' } } });
      expect(await call('POST', 'tickets', { eventId: 'nothing', category: 'x', price: { amount: '1.00', currency: 'RUB' } })).toMatchObject({ status: 422, body: { error: { field: 'eventId' } } });
      expect(payloads.refusal.parse((await call('GET', 'venues/nothing')).body)).toMatchObject({ error: { code: 'not_found' } });
    });
    test('an event shows its venue, and changes when the venue does', async () => {
      const before = (await call('GET', 'events/autumn-quartet')).body;
      await call('PATCH', 'venues/hall', { name: 'Great Hall' });
      const now = (await call('GET', 'events/autumn-quartet')).body;
      expect(now).toMatchObject({ venue: { name: 'Great Hall' } });
      expect(Date.parse(String(now.updatedAt))).toBeGreaterThan(Date.parse(String(before.updatedAt)));
    });
    test('a reservation is all or none, says what is taken, and is the same under the same key', async () => {
      const [a, b] = [await newTicket(), await newTicket('7.50')];
      const made = await reserve([a, b], 'key-1');
      expect(made).toMatchObject({ status: 201, body: { status: 'reserved', total: { amount: '12.50', currency: 'RUB' }, reference: 'key-1' } });
      payloads.booking.parse(made.body);
      expect((await reserve([a, b], 'key-1')).body).toEqual(made.body);
      expect((await reserve([a], 'key-1')).status).toBe(422);
      const free = await newTicket();
      expect(await reserve([free, a], 'key-2')).toMatchObject({ status: 409, body: { error: { code: 'tickets_taken', ticketIds: [a] } } });
      expect((await call('GET', `tickets/${free}`)).body.status).toBe('available');
      expect((await call('POST', 'bookings', { eventId: 'autumn-quartet', ticketIds: [free] })).status).toBe(400);
    });
    test('a booking can be confirmed and cancelled, each again without harm, and not confirmed after it ended', async () => {
      const ticket = await newTicket();
      const id = String((await reserve([ticket], 'key-3')).body.id);
      for (let times = 0; times < 2; times += 1) expect((await call('POST', `bookings/${id}/confirm`)).body).toMatchObject({ status: 'confirmed' });
      expect((await call('GET', `tickets/${ticket}`)).body.status).toBe('sold');
      expect((await call('DELETE', `tickets/${ticket}`)).status).toBe(409);
      for (let times = 0; times < 2; times += 1) expect((await call('POST', `bookings/${id}/cancel`)).body).toMatchObject({ status: 'cancelled' });
      expect((await call('GET', `tickets/${ticket}`)).body.status).toBe('available');
      expect(await call('POST', `bookings/${id}/confirm`)).toMatchObject({ status: 409, body: { error: { code: 'booking_cancelled' } } });
    });
    test('admits at the door with a ticket of a confirmed booking alone', async () => {
      const ticket = await newTicket();
      const bookingId = String((await reserve([ticket], 'key-4')).body.id);
      expect((await call('POST', 'check-ins', { bookingId, ticketId: ticket })).status).toBe(409);
      await call('POST', `bookings/${bookingId}/confirm`);
      const { status, body } = await call('POST', 'check-ins', { bookingId, ticketId: ticket, gate: 'north' });
      expect(status).toBe(201);
      expect(payloads.checkIn.parse(body)).toMatchObject({ bookingId, ticketId: ticket, direction: 'entry', gate: 'north' });
    });
  });
};

export const describeYandexContract = (name: string, open: () => Promise<AsyncDisposable & { readonly music: YandexMusic; readonly geocoder: Geocoder }>): void => {
  describe(name, () => {
    let subject: Awaited<ReturnType<typeof open>>;
    beforeAll(async () => void (subject = await open()));
    afterAll(() => subject[Symbol.asyncDispose]());
    const client = (more: object = {}) => {
      const http = createUpstreamHttp({ allowPrivateAddresses: true, retries: 0 });
      return createYandexClient({ music: { http, api: subject.music.url, token: subject.music.token, ...more }, geocoder: { http, api: subject.geocoder.url, apiKey: subject.geocoder.apiKey, language: 'ru_RU', ...more }, signal: AbortSignal.timeout(10_000) });
    };

    test('albums come newest first, and an artist that is not there is none', async () => {
      expect(await client().discography('1001')).toEqual([{ id: '2', title: 'Northern Lights', year: 2023, trackCount: 10 }, { id: '1', title: 'First Snow', year: 2019, trackCount: 10 }]);
      expect(await client().discography('nobody')).toBeNull();
    });
    test('a place is longitude and latitude in this order, and an address that is not found is none', async () => {
      expect(await client().coordinates('Saint Petersburg, Nevsky 35')).toEqual({ longitude: 30.332_631, latitude: 59.934_172 });
      expect(await client().coordinates('nowhere')).toBeNull();
    });
    test('neither answers without its key', async () => {
      await expect(client({ token: 'x' }).discography('1001')).rejects.toMatchObject({ code: 'UPSTREAM_STATUS', facts: { status: 401 } });
      await expect(client({ apiKey: 'x' }).coordinates('nowhere')).rejects.toMatchObject({ code: 'UPSTREAM_STATUS', facts: { status: 403 } });
    });
  });
};
