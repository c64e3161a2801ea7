/**
 * What the hub relies on in pretix, as one suite over HTTP. It runs over the simulator (`npm test`) and over the real
 * pretix (`npm run test:pretix`): what one does and the other does not, fails.
 *
 * Each test works with orders of its own, and reads lists before and after, so that tests do not disturb each other.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type PretixAddress, createApi } from '#scripts/pretix/api.ts';
import * as payloads from '#subgraphs/pretix/upstream-payloads.ts';
import { describeScansAndCounts } from './test-scans.ts';
import { createVisitor } from './visitor.ts';

export type ContractSubject = AsyncDisposable & PretixAddress;

export const describePretixContract = (name: string, open: () => Promise<ContractSubject>): void => {
  describe(name, () => {
    let subject: ContractSubject;
    beforeAll(async () => {
      subject = await open();
    }, 600_000);
    afterAll(() => subject[Symbol.asyncDispose]());

    const api = () => createApi(subject);
    const visitor = () => createVisitor(api());

    describe('who may', () => {
      test('nobody without a token, nobody with a wrong one', async () => {
        const address = `${subject.url}/api/v1/organizers/${subject.organizer}/`;
        const without = await fetch(address);
        expect([without.status, await without.json()]).toEqual([401, { detail: 'Authentication credentials were not provided.' }]);
        const wrong = await fetch(address, { headers: { authorization: 'Token nobody' } });
        expect([wrong.status, await wrong.json()]).toEqual([401, { detail: 'Invalid token.' }]);
      });
      test('a token sees its organizer alone, and an event that is not there is forbidden', async () => {
        const foreign = createApi({ ...subject, organizer: 'else' });
        expect(await foreign.call('GET', '')).toMatchObject({ status: 403, body: { detail: expect.any(String) } });
        expect(await api().call('GET', 'events/nope/orders/')).toMatchObject({ status: 403, body: { detail: expect.any(String) } });
      });
    });

    describe('events', () => {
      test('have names in several languages, a zone and a period', async () => {
        const event = await api().get('events/conf/', payloads.event);
        expect(event).toMatchObject({ slug: 'conf', name: { en: 'Tech Conference', de: 'Technikkonferenz' }, timezone: 'Asia/Seoul', live: true, is_public: true, has_subevents: false, currency: 'EUR' });
        expect(Date.parse(event.date_to ?? '')).toBeGreaterThan(Date.parse(event.date_from));
      });
      test('are listed by slug where asked so', async () => {
        const events = await api().all('events/?ordering=slug', payloads.event);
        expect(events.map(({ slug }) => slug)).toEqual(['concert', 'conf', 'workshops']);
      });
      test('of a series have dates, seen from the organizer and from the event', async () => {
        const answer = await api().call('GET', 'subevents/?ordering=id');
        expect(answer.headers.get('x-page-generated')).toMatch(/^\d{4}-\d\d-\d\dT/);
        const all = await api().all('subevents/', payloads.subevent);
        const own = await api().all('events/workshops/subevents/', payloads.subevent);
        expect(all).toEqual(own);
        expect(all.map(({ event, name }) => [event, name])).toEqual([['workshops', { en: 'Workshop 1' }], ['workshops', { en: 'Workshop 2' }]]);
      });
      test('sell products by quotas that tell what is left', async () => {
        const items = await api().all('events/conf/items/', payloads.item);
        expect(items.map(({ name, default_price, admission }) => [name, default_price, admission])).toEqual([[{ en: 'Regular', de: 'Normal' }, '49.00', true], [{ en: 'Student' }, '25.00', true], [{ en: 'Shirt' }, '15.00', false]]);
        const left = async () => (await api().all('events/conf/quotas/?with_availability=true', payloads.quota)).map(({ available_number }) => available_number)[0] ?? 0;
        const before = await left();
        await (await visitor()).buy('conf', ['Regular', 'Shirt']);
        expect(await left()).toBe(before - 2);
        expect((await api().all('events/conf/quotas/', payloads.quota))[0]?.available_number).toBeNull();
      });
    });

    describe('orders', () => {
      test('parse, and have no more in them than was asked for', async () => {
        const bought = await (await visitor()).buy('conf', ['Regular', 'Student']);
        const full = await api().get(`events/conf/orders/${bought.code}/`, z.looseObject({ email: z.string(), positions: z.array(z.looseObject({ attendee_name: z.string() })) }));
        expect(full).toMatchObject({ email: 'canary@example.org', positions: [{ attendee_name: 'Canary Person' }, { attendee_name: 'Canary Person' }] });
        expect(payloads.order.parse(full)).toMatchObject({ code: bought.code, event: 'conf', status: 'p', total: '74.00', positions: [{ positionid: 1, price: '49.00', canceled: false, checkins: [] }, { positionid: 2 }] });
        const query = payloads.orderFields.map((field) => `include=${field}`).join('&');
        const lean = (await api().all(`orders/?code=${bought.code}&${query}`, z.record(z.string(), z.unknown())))[0] ?? {};
        expect(Object.keys(lean).sort()).toEqual(Object.keys(payloads.order.shape).sort());
        const position = z.array(z.record(z.string(), z.unknown())).parse(lean.positions)[0] ?? {};
        expect(Object.keys(position).sort()).toEqual(Object.keys(payloads.position.shape).sort());
        expect(JSON.stringify(lean)).not.toMatch(/canary/i);
      });
      test('go from pending to paid to canceled and back, and refuse what makes no sense', async () => {
        const visit = await visitor();
        const { code } = await visit.buy('conf', ['Regular'], { status: 'n' });
        const operate = async (operation: string) => api().call('POST', `events/conf/orders/${code}/${operation}/`, { send_email: false });
        const status = async () => (await api().get(`events/conf/orders/${code}/`, payloads.order)).status;
        expect((await operate('mark_paid')).status).toBe(200);
        expect(await status()).toBe('p');
        expect(await operate('mark_paid')).toMatchObject({ status: 400, body: { detail: 'The order is not pending or expired.' } });
        expect((await operate('mark_canceled')).status).toBe(200);
        expect(await status()).toBe('c');
        expect(await operate('mark_canceled')).toMatchObject({ status: 400, body: { detail: 'The order is not allowed to be canceled.' } });
        expect((await operate('reactivate')).status).toBe(200);
        expect(await status()).toBe('p');
        const { code: unpaid } = await visit.buy('conf', ['Regular'], { status: 'n' });
        expect((await api().call('POST', `events/conf/orders/${unpaid}/mark_expired/`)).status).toBe(200);
        expect((await api().get(`events/conf/orders/${unpaid}/`, payloads.order)).status).toBe('e');
      });
      test('lose single positions, which stay visible where canceled ones are asked for', async () => {
        const { code, positions } = await (await visitor()).buy('conf', ['Regular', 'Shirt']);
        expect((await api().call('DELETE', `events/conf/orderpositions/${positions[1]?.id}/`)).status).toBe(204);
        expect((await api().get(`events/conf/orders/${code}/`, payloads.order)).positions).toHaveLength(1);
        const all = (await api().get(`events/conf/orders/${code}/?include_canceled_positions=true`, payloads.order)).positions;
        expect(all.map(({ canceled }) => canceled).sort()).toEqual([false, true]);
      });
      test('can be deleted in test mode alone', async () => {
        const visit = await visitor();
        const real = await visit.buy('conf', ['Regular']);
        expect((await api().call('DELETE', `events/conf/orders/${real.code}/`)).status).toBe(403);
        const trial = await visit.buy('conf', ['Regular'], { testmode: true });
        expect((await api().call('DELETE', `events/conf/orders/${trial.code}/`)).status).toBe(204);
        expect((await api().call('GET', `events/conf/orders/${trial.code}/`)).status).toBe(404);
      });
      test('of unknown products, or without a date of a series, are refused with the field', async () => {
        expect(await api().call('POST', 'events/conf/orders/', { positions: [{ item: 999_999 }] })).toMatchObject({ status: 400, body: { positions: [{ item: [expect.any(String)] }] } });
        const seat = (await api().all('events/workshops/items/', payloads.item))[0]?.id;
        expect((await api().call('POST', 'events/workshops/orders/', { positions: [{ item: seat }] })).status).toBe(400);
      });
    });

    describe('lists', () => {
      test('come in pages of 50 at most, whatever is asked for', async () => {
        const visit = await visitor();
        for (let bought = 0; bought < 51; bought++) await visit.buy('concert', ['Standing']);
        const page = z.object({ count: z.number(), next: z.string().nullable(), previous: z.string().nullable(), results: z.array(z.unknown()) });
        const first = await api().get('events/concert/orders/?page_size=500', page);
        expect(first).toMatchObject({ count: expect.any(Number), next: expect.stringContaining('page=2'), previous: null });
        expect(first.results).toHaveLength(50);
        const second = await api().get('events/concert/orders/?page_size=50&page=2', page);
        expect(second.results).toHaveLength(first.count - 50);
        expect(second.previous).not.toBeNull();
        expect(await api().call('GET', 'events/concert/orders/?page=99')).toMatchObject({ status: 404, body: { detail: 'Invalid page.' } });
      });
      test('of orders tell what changed since, the instant itself included, in the order of the changes', async () => {
        const visit = await visitor();
        const older = await visit.buy('conf', ['Regular']);
        const mark = (await api().get(`events/conf/orders/${older.code}/`, payloads.order)).last_modified;
        const newer = await visit.buy('concert', ['Seated']);
        await visit.scan('conf', 'Main', older.positions[0]?.secret);
        const answer = await api().call('GET', `orders/?ordering=last_modified&modified_since=${encodeURIComponent(mark)}`);
        const changed = z.object({ results: z.array(payloads.order) }).parse(answer.body).results;
        expect(changed.map(({ code }) => code)).toEqual([newer.code, older.code]);
        expect(Date.parse(answer.headers.get('x-page-generated') ?? '')).toBeGreaterThanOrEqual(Date.parse(changed[1]?.last_modified ?? ''));
        const exactly = await api().all(`orders/?modified_since=${encodeURIComponent(changed[1]?.last_modified ?? '')}`, payloads.order);
        expect(exactly.map(({ code }) => code)).toEqual([older.code]);
        expect(await api().call('GET', 'orders/?modified_since=yesterday')).toMatchObject({ status: 400, body: { modified_since: [expect.any(String)] } });
      });
      test('of check-ins tell what was taken in since, failures included', async () => {
        const visit = await visitor();
        const { positions } = await visit.buy('conf', ['Regular']);
        await visit.scan('conf', 'Main', positions[0]?.secret, { datetime: '2024-01-01T10:00:00Z' });
        const rows = await api().all('events/conf/checkins/?ordering=-id', payloads.checkIn);
        const [late] = rows;
        expect(late).toMatchObject({ successful: true, position: positions[0]?.id, type: 'entry', datetime: expect.stringMatching(/^2024-01-01T10:00:00/) });
        await visit.scan('conf', 'Main', positions[0]?.secret);
        const since = await api().all(`events/conf/checkins/?created_since=${encodeURIComponent(late?.created ?? '')}`, payloads.checkIn);
        expect(since.map(({ successful, error_reason }) => [successful, error_reason])).toEqual([[true, null], [false, 'already_redeemed']]);
      });
    });

    describeScansAndCounts(() => subject);
  });
};
