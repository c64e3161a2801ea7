/** The part of the contract that is about scanning, counting, and telling webhooks of it. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type PretixAddress, createApi } from '#scripts/pretix/api.ts';
import { makeTraffic } from '#scripts/pretix/traffic.ts';
import * as payloads from '#subgraphs/pretix/upstream-payloads.ts';
import { expectedCounts } from './expected-counts.ts';
import { createVisitor } from './visitor.ts';

export const describeScansAndCounts = (subject: () => PretixAddress): void => {
  const api = () => createApi(subject());
  const visitor = () => createVisitor(api());

  describe('scans', () => {
    test('let a valid ticket in once, out, and in again', async () => {
      const visit = await visitor();
      const { positions } = await visit.buy('conf', ['Regular']);
      const secret = positions[0]?.secret;
      expect(await visit.scan('conf', 'Main', secret, { nonce: `${secret}-1` })).toEqual([201, 'ok']);
      expect(await visit.scan('conf', 'Main', secret, { nonce: `${secret}-1` })).toEqual([201, 'ok']);
      expect(await visit.scan('conf', 'Main', secret)).toEqual([400, 'already_redeemed']);
      expect(await visit.scan('conf', 'Main', secret, { type: 'exit' })).toEqual([201, 'ok']);
      expect(await visit.scan('conf', 'Main', secret)).toEqual([201, 'ok']);
      expect(await visit.scan('conf', 'Unpaid too', secret)).toEqual([201, 'ok']);
    });
    test('refuse what a list does not allow, with the reason', async () => {
      const visit = await visitor();
      const paid = await visit.buy('conf', ['Regular']);
      const pending = await visit.buy('conf', ['Regular'], { status: 'n' });
      expect(await visit.scan('conf', 'Main', 'no-such-secret')).toEqual([404, 'invalid']);
      expect(await visit.scan('conf', 'Students', paid.positions[0]?.secret)).toEqual([400, 'product']);
      expect(await visit.scan('conf', 'Main', pending.positions[0]?.secret)).toEqual([400, 'unpaid']);
      expect(await visit.scan('conf', 'Main', pending.positions[0]?.secret, { ignore_unpaid: true })).toEqual([400, 'unpaid']);
      expect(await visit.scan('conf', 'Unpaid too', pending.positions[0]?.secret, { ignore_unpaid: true })).toEqual([201, 'ok']);
      await api().call('POST', `events/conf/orders/${paid.code}/mark_canceled/`, { send_email: false });
      expect(await visit.scan('conf', 'Main', paid.positions[0]?.secret)).toEqual([400, 'canceled']);
      expect(await api().call('POST', 'checkinrpc/redeem/', {})).toMatchObject({ status: 400, body: { lists: [expect.any(String)], secret: [expect.any(String)] } });
      expect((await api().call('POST', 'checkinrpc/redeem/', { secret: 'x', lists: [999_999] })).status).toBe(400);
    });
    test('let out once and for all where the list says so', async () => {
      const visit = await visitor();
      const secret = (await visit.buy('concert', ['Standing'])).positions[0]?.secret;
      expect(await visit.scan('concert', 'One way', secret)).toEqual([201, 'ok']);
      expect(await visit.scan('concert', 'One way', secret, { type: 'exit' })).toEqual([201, 'ok']);
      expect(await visit.scan('concert', 'One way', secret)).toEqual([400, 'already_redeemed']);
    });
    test('for a date of a series take its tickets alone', async () => {
      const visit = await visitor();
      const secret = (await visit.buy('workshops', ['Seat'], { date: 0 })).positions[0]?.secret;
      expect(await visit.scan('workshops', 'Date 2', secret)).toEqual([404, 'invalid']);
      expect(await visit.scan('workshops', 'Date 1', secret)).toEqual([201, 'ok']);
      expect(await visit.scan('workshops', 'All dates', secret)).toEqual([201, 'ok']);
    });
    test('that are annulled stay as failed ones, leave their order, and touch it', async () => {
      const visit = await visitor();
      const { code, positions } = await visit.buy('conf', ['Regular']);
      const nonce = `annul-${positions[0]?.secret}`;
      await visit.scan('conf', 'Main', positions[0]?.secret, { nonce });
      const order = () => api().get(`events/conf/orders/${code}/`, payloads.order);
      const before = await order();
      const id = before.positions[0]?.checkins[0]?.id;
      const lists = [await visit.listId('conf', 'Main')];
      expect(await api().call('POST', 'checkinrpc/annul/', { lists, nonce })).toMatchObject({ status: 200, body: { status: 'ok' } });
      const after = await order();
      expect(after.positions[0]?.checkins).toEqual([]);
      expect(after.last_modified > before.last_modified).toBe(true);
      const annulled = await api().all('events/conf/checkins/?error_reason=annulled', payloads.checkIn);
      expect(annulled.find((each) => each.id === id)).toMatchObject({ successful: false, position: positions[0]?.id });
      expect((await api().call('POST', 'checkinrpc/annul/', { lists, nonce })).status).toBe(400);
      expect((await api().call('POST', 'checkinrpc/annul/', { lists, nonce: 'never' })).status).toBe(404);
    });
  });

  describe('counts', () => {
    const status = async (visit: Awaited<ReturnType<typeof createVisitor>>, event: string, list: string) => api().get(`events/${event}/checkinlists/${await visit.listId(event, list)}/status/`, payloads.checkInListStatus);

    test('who was scanned in last is inside, and an exit at the same instant wins', async () => {
      const visit = await visitor();
      const before = await status(visit, 'conf', 'Main');
      const [a, b, c] = (await visit.buy('conf', ['Regular', 'Regular', 'Regular'])).positions.map(({ secret }) => secret);
      const at = (second: number) => ({ datetime: `2024-05-01T10:00:0${second}Z` });
      await visit.scan('conf', 'Main', a, at(1));
      // Uploaded later, but scanned before: the entry is the last.
      await visit.scan('conf', 'Main', a, { type: 'exit', ...at(0) });
      await visit.scan('conf', 'Main', b, at(3));
      await visit.scan('conf', 'Main', b, { type: 'exit', ...at(3) });
      await visit.scan('conf', 'Main', c, { type: 'exit', ...at(4) });
      expect(await status(visit, 'conf', 'Main')).toEqual({ position_count: before.position_count + 3, checkin_count: before.checkin_count + 2, inside_count: (before.inside_count ?? 0) + 1 });
    });
    test('an order that is canceled takes its people out, and brings them back', async () => {
      const visit = await visitor();
      const { code, positions } = await visit.buy('conf', ['Regular', 'Regular']);
      const empty = await status(visit, 'conf', 'Main');
      await visit.scan('conf', 'Main', positions[0]?.secret);
      const inside = await status(visit, 'conf', 'Main');
      expect(inside.inside_count).toBe((empty.inside_count ?? 0) + 1);
      await api().call('POST', `events/conf/orders/${code}/mark_canceled/`, { send_email: false });
      expect(await status(visit, 'conf', 'Main')).toEqual({ position_count: inside.position_count - 2, checkin_count: inside.checkin_count - 1, inside_count: empty.inside_count });
      await api().call('POST', `events/conf/orders/${code}/reactivate/`, {});
      expect(await status(visit, 'conf', 'Main')).toEqual(inside);
    });
    test('pending orders count where the list includes them, or the order is valid as it is', async () => {
      const visit = await visitor();
      const [main, pending] = [await status(visit, 'conf', 'Main'), await status(visit, 'conf', 'Unpaid too')];
      await visit.buy('conf', ['Regular'], { status: 'n' });
      await visit.buy('conf', ['Regular'], { status: 'n', valid_if_pending: true });
      expect((await status(visit, 'conf', 'Main')).position_count).toBe(main.position_count + 1);
      expect((await status(visit, 'conf', 'Unpaid too')).position_count).toBe(pending.position_count + 2);
    });
    test('after a day of everything, the rule over orders and their check-ins gives the same numbers', async () => {
      await makeTraffic(subject(), { seed: 'contract', orders: 40, checkIns: 60, exits: 25, cancellations: 8, others: 4 });
      for (const event of ['conf', 'concert', 'workshops']) {
        const orders = await api().all(`events/${event}/orders/?include_canceled_positions=true`, payloads.order);
        for (const list of await api().all(`events/${event}/checkinlists/`, payloads.checkInList))
          expect.soft(expectedCounts(orders, list), `${event}: ${list.name}`).toEqual(await api().get(`events/${event}/checkinlists/${list.id}/status/`, payloads.checkInListStatus));
      }
    });
  });

  describe('webhooks', () => {
    test('are thin: they say where something happened and what, to who asked for it', async () => {
      const told: unknown[] = [];
      const receiver = createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          told.push(JSON.parse(Buffer.concat(chunks).toString()));
          response.writeHead(200).end();
        });
      }).listen(0, '127.0.0.1');
      await once(receiver, 'listening');
      const target_url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
      const webhook = await api().post('webhooks/', { enabled: true, target_url, all_events: true, limit_events: [], action_types: ['pretix.event.order.placed', 'pretix.event.order.canceled', 'pretix.event.checkin'] }, payloads.webhook);
      expect(await api().all('webhooks/', payloads.webhook)).toContainEqual(webhook);
      const visit = await visitor();
      const { code, positions } = await visit.buy('conf', ['Regular']);
      await visit.scan('conf', 'Main', positions[0]?.secret);
      await api().call('POST', `events/conf/orders/${code}/mark_canceled/`, { send_email: false });
      await expect.poll(() => told.length, { timeout: 10_000, interval: 20 }).toBe(3);
      const about = (action: string) => ({ notification_id: expect.any(Number) as number, organizer: subject().organizer, event: 'conf', code, action });
      expect(told).toEqual([about('pretix.event.order.placed'), { ...about('pretix.event.checkin'), orderposition_id: positions[0]?.id, orderposition_positionid: 1, checkin_list: await visit.listId('conf', 'Main'), type: 'entry', first_checkin: null }, about('pretix.event.order.canceled')]);
      expect(told.map((each) => payloads.notification.parse(each).action)).toHaveLength(3);
      expect((await api().call('DELETE', `webhooks/${webhook.id}/`)).status).toBe(204);
      // Deleting disables; the row stays.
      expect(await api().all('webhooks/', payloads.webhook)).toContainEqual({ ...webhook, enabled: false });
      expect((await api().call('DELETE', 'webhooks/999999/')).status).toBe(404);
      receiver.close();
    });
  });
};
