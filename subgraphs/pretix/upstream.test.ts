import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UpstreamError } from '#core/errors.ts';
import type { UpstreamHttp } from '#core/upstream-http.ts';
import { type RowKind, createPretixClient, parseRows, rows as kinds } from './upstream.ts';
import * as payloads from './upstream-payloads.ts';

const samples = join(import.meta.dirname, '../../../shared/upstream-samples/pretix');

/** Answers of `answer` for each path that is asked for; what was asked is in `asked`. */
const stub = (answer: (url: URL) => unknown) => {
  const asked: URL[] = [];
  const http: UpstreamHttp = {
    async request({ url }) {
      asked.push(new URL(url));
      return { status: 200, headers: { 'x-page-generated': '2024-01-01T00:00:00.000001Z' }, json: answer(new URL(url)) };
    },
    circuit: () => 'CLOSED',
    budget: async () => null,
    close: async () => {},
  };
  return { asked, client: createPretixClient({ http, api: 'https://pretix.example/api/v1/', organizer: 'acme', signal: new AbortController().signal }) };
};

/** Shortened from pretix 2026.8.0; the names are canaries. */
const order = {
  code: 'XBLUH', event: 'conf', status: 'p', testmode: false, secret: 'canary-secret', email: 'canary@example.org', phone: null, datetime: '2026-11-21T03:25:29.912210Z', last_modified: '2026-11-21T03:25:30.100073Z', total: '64.00', require_approval: false, valid_if_pending: false, sales_channel: 'web',
  invoice_address: { name: 'Canary Person', street: 'Canary Street' }, some_new_field: { nested: ['canary'] },
  positions: [{ id: 1, order: 'XBLUH', positionid: 1, item: 1, variation: null, price: '49.00', attendee_name: 'Canary Person', attendee_name_parts: { _legacy: 'Canary Person' }, secret: 'canary-ticket', addon_to: null, subevent: null, canceled: false, checkins: [{ id: 1, datetime: '2026-11-21T03:25:30.082655Z', list: 1, gate: null, device: null, type: 'entry' }] }],
};

describe('payloads', () => {
  test.skipIf(!existsSync(samples))("of pretix's documentation parse", () => {
    const read = (name: string) => JSON.parse(readFileSync(join(samples, `${name}.json`), 'utf8')) as unknown;
    const rows = (name: string) => payloads.page.parse(read(name)).results;
    expect(payloads.event.parse(read('event'))).toMatchObject({ slug: 'sampleconf', is_public: false, live: false });
    expect(payloads.order.parse(read('order'))).toMatchObject({ code: 'ABC12', positions: [{ id: 23442, canceled: false, checkins: [{ list: 44, type: 'entry' }] }] });
    expect(payloads.checkInListStatus.parse(read('checkinlist_status'))).toEqual({ checkin_count: 17, position_count: 42, inside_count: 12 });
    expect(payloads.notification.parse(read('webhook_delivery_order_placed'))).toMatchObject({ action: 'pretix.event.order.placed', code: 'ABC23' });
    for (const [name, schema] of [['events_list', payloads.event], ['subevents_list', payloads.subevent], ['checkinlists_list', payloads.checkInList], ['checkins_list', payloads.checkIn], ['order_positions_list', payloads.position], ['webhooks_list', payloads.webhook]] as const) {
      expect(rows(name)).toHaveLength(1);
      for (const row of rows(name)) expect(schema.safeParse(row).error).toBeUndefined();
    }
  });
  test('lose all that is not asked for: no name, mail or secret gets past the border', () => {
    expect(JSON.stringify(payloads.order.parse(order))).not.toMatch(/canary/i);
    expect(payloads.order.parse(order)).toMatchObject({ code: 'XBLUH', positions: [{ id: 1, checkins: [{ id: 1, gate: null }] }] });
  });
  test('of any shape are taken or refused, and never break the parser', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (rows) => {
        for (const kind of Object.values(kinds)) {
          const read = parseRows<unknown>(rows, kind as RowKind<unknown>);
          expect(read.rows.length + read.rejected.length).toBe(rows.length);
        }
      }),
    );
  });
  test('with absurd values are refused one by one, named, and without their content', () => {
    const good = payloads.order.parse(order);
    const bad = [{ ...order, last_modified: 'soon' }, { ...order, code: 'BAD2', total: '-1e99' }, { ...order, code: 'BAD3', status: 'x' }, { ...order, code: 'BAD4', positions: [{ ...order.positions[0], id: -1 }] }];
    const read = parseRows([order, ...bad], kinds.order);
    expect(read.rows).toEqual([good]);
    expect(read.rejected.map(({ upstreamId }) => upstreamId)).toEqual(['XBLUH', 'BAD2', 'BAD3', 'BAD4'].map((code) => `pretix.order:${code}`));
    expect(JSON.stringify(read.rejected)).not.toMatch(/canary/i);
    expect(read.rejected.map(({ reason }) => reason.split(':')[0])).toEqual(['last_modified', 'total', 'status', 'positions.0.id']);
  });
});

describe('the client', () => {
  test('reads every row of a list of any length once, by page numbers and never by the addresses that it is given', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(180), async (length) => {
        const all = Array.from({ length }, (_, index) => ({ id: index + 1, name: 'x', size: null, items: [] }));
        const { client, asked } = stub((url) => {
          const page = Number(url.searchParams.get('page'));
          return { count: length, next: page * 50 < length ? 'http://169.254.169.254/steal' : null, previous: null, results: all.slice((page - 1) * 50, page * 50) };
        });
        const { rows } = await client.quotas('conf');
        expect(rows.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
        expect(asked.every(({ origin, pathname }) => origin === 'https://pretix.example' && pathname === '/api/v1/organizers/acme/events/conf/quotas/')).toBe(true);
        expect(asked).toHaveLength(Math.max(1, Math.ceil(length / 50)));
      }),
      { numRuns: 30 },
    );
  });
  test('asks for orders without a single personal field', async () => {
    const { client, asked } = stub(() => ({ count: 0, next: null, previous: null, results: [] }));
    expect(await client.orders({ event: null, since: '2024-01-01T00:00:00.000001+02:00', page: 1 })).toEqual({ rows: [], rejected: [], more: false, count: 0, generated: '2024-01-01T00:00:00.000001Z' });
    expect(asked[0]?.searchParams.get('modified_since')).toBe('2024-01-01T00:00:00.000001+02:00');
    expect(asked[0]?.searchParams.getAll('include')).toEqual(expect.arrayContaining(['code', 'status', 'positions.id', 'positions.checkins']));
    expect(asked[0]?.searchParams.getAll('include').join()).not.toMatch(/name|email|secret|address|phone|answers/);
  });
  test('refuses what is no page, and a list that never ends', async () => {
    for (const answer of [null, 'x', [], { count: -1, next: null, results: [] }, { count: 1, next: 7, results: 'none' }]) await expect(stub(() => answer).client.events()).rejects.toMatchObject({ code: 'UPSTREAM_SHAPE' });
    await expect(stub(() => ({ count: 1, next: 'more', previous: null, results: [] })).client.events()).rejects.toBeInstanceOf(UpstreamError);
  });
});
