/**
 * What the hub relies on in Eventbrite, as one suite over HTTP. It runs over the simulator (`npm test`) and, with a
 * token, over Eventbrite itself (`npm run test:eventbrite`): what one does and the other does not, fails.
 *
 * It reads what is there, and changes nothing but a webhook that it adds and removes. The organization needs an event
 * with two attendees, one of them checked in.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import * as payloads from '#subgraphs/eventbrite/upstream-payloads.ts';

export type ContractSubject = AsyncDisposable & { /** Without `/v3`. */ readonly url: string; readonly token: string; readonly organizationId: string };

const errorShape = z.object({ status_code: z.number(), error: z.string().regex(/^[A-Z_]+$/), error_description: z.string() });

export const describeEventbriteContract = (name: string, open: () => Promise<ContractSubject>): void => {
  describe(name, () => {
    let subject: ContractSubject;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject[Symbol.asyncDispose]());

    const call = async (path: string, { method = 'GET', body, authorization = `Bearer ${subject.token}` }: { method?: string; body?: unknown; authorization?: string | null } = {}) => {
      const headers = { ...(authorization === null ? {} : { authorization }), ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
      const response = await fetch(`${subject.url}/v3/${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
      return { status: response.status, date: response.headers.get('date'), body: (await response.json()) as unknown };
    };
    const refused = async (answer: ReturnType<typeof call>) => {
      const { status, body } = await answer;
      const { status_code: code, error } = errorShape.parse(body);
      expect(code).toBe(status);
      return [status, error] as const;
    };
    /** All rows of a list, by its continuation tokens. */
    const all = async <T>(path: string, key: string, schema: z.ZodType<T>): Promise<T[]> => {
      const rows: T[] = [];
      for (let token = ''; ; ) {
        const page = payloads.page(key).parse((await call(`${path}${path.includes('?') ? '&' : '?'}${token && `continuation=${encodeURIComponent(token)}`}`)).body);
        rows.push(...page.rows.map((row) => schema.parse(row)));
        if (!page.pagination.has_more_items) return rows;
        token = page.pagination.continuation ?? '';
      }
    };
    const organization = () => `organizations/${subject.organizationId}/`;
    const events = () => all(`${organization()}events/?status=all&order_by=start_desc&expand=venue,organizer,category,format,ticket_availability`, 'events', payloads.event);
    const attendees = (query = '') => all(`${organization()}attendees/${query}`, 'attendees', payloads.attendee);

    describe('who may', () => {
      test('nobody without a token, nobody with a wrong one: errors have a status, a constant and a description', async () => {
        expect(await refused(call('users/me/', { authorization: null }))).toEqual([401, 'NO_AUTH']);
        expect((await refused(call('users/me/', { authorization: 'Bearer NOBODY' })))[1]).toBe('INVALID_AUTH');
      });
      test('a token sees its user and the organizations that it is a member of', async () => {
        expect(payloads.user.parse((await call('users/me/')).body).id).not.toBe('');
        expect((await all('users/me/organizations/', 'organizations', payloads.organization)).map(({ id }) => id)).toContain(subject.organizationId);
      });
      test('an organization and an event of nobody are refused', async () => {
        expect([403, 404]).toContain((await refused(call('organizations/1/events/')))[0]);
        expect([403, 404]).toContain((await refused(call('events/1/')))[0]);
      });
    });

    describe('events', () => {
      test('have a name, a period in a zone and a currency, the newest first', async () => {
        const listed = await events();
        expect(listed.length).toBeGreaterThan(0);
        const starts = listed.map(({ start }) => Date.parse(start.utc));
        expect(starts).toEqual(starts.toSorted((a, b) => b - a));
        for (const { start, end } of listed) expect(Date.parse(end.utc)).toBeGreaterThanOrEqual(Date.parse(start.utc));
      });
      test('of which one is asked for are as in the list', async () => {
        const [first] = await events();
        const one = payloads.event.parse((await call(`events/${first?.id}/?expand=venue,organizer,category,format,ticket_availability`)).body);
        expect(one).toEqual(first);
      });
      test('sell ticket classes, with prices as exact text and counts of what was sold', async () => {
        const [first] = await events();
        const classes = await all(`events/${first?.id}/ticket_classes/`, 'ticket_classes', payloads.ticketClass);
        expect(classes.length).toBeGreaterThan(0);
        for (const { free, donation, cost, quantity_sold: sold } of classes) {
          expect(cost === null).toBe(free || donation);
          expect(sold).not.toBeNull();
        }
      });
    });

    describe('attendees', () => {
      test('of the organization are those of its events', async () => {
        const every = await attendees();
        expect(every.length).toBeGreaterThan(1);
        const event = every[0]?.event_id;
        const own = await all(`events/${event}/attendees/`, 'attendees', payloads.attendee);
        const ids = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id).sort();
        expect(ids(own)).toEqual(ids(every.filter(({ event_id }) => event_id === event)));
        expect(new Set(ids(every)).size).toBe(every.length);
      });
      test('are told by the time of their last change, that instant included', async () => {
        const every = await attendees();
        const newest = every.toSorted((a, b) => Date.parse(b.changed) - Date.parse(a.changed))[0];
        const changed = await attendees(`?changed_since=${encodeURIComponent(newest?.changed ?? '')}`);
        expect(changed.map(({ id }) => id)).toContain(newest?.id);
        for (const each of changed) expect(Date.parse(each.changed)).toBeGreaterThanOrEqual(Date.parse(newest?.changed ?? ''));
        expect(changed.length).toBeLessThan(every.length);
      });
      test('that are checked in have a barcode that is used, since when they are changed: so changes tell of check-ins', async () => {
        const came = (await attendees()).filter((each) => each.checked_in);
        expect(came.length).toBeGreaterThan(0);
        for (const { changed, barcodes } of came) {
          const used = barcodes.filter(({ status }) => status === 'used').map((each) => Date.parse(each.changed));
          expect(used.length).toBeGreaterThan(0);
          expect(Date.parse(changed)).toBeGreaterThanOrEqual(Math.min(...used));
        }
      });
      test('come in pages by continuation, and a token that is none is refused', async () => {
        const first = payloads.page('attendees').parse((await call(`${organization()}attendees/`)).body);
        expect(first.rows.length).toBeGreaterThan(0);
        expect(await refused(call(`${organization()}attendees/?continuation=nonsense`))).toEqual([400, 'BAD_CONTINUATION_TOKEN']);
      });
      test('since a moment that is none are refused', async () => {
        expect((await refused(call(`${organization()}attendees/?changed_since=yesterday`)))[0]).toBe(400);
      });
    });

    test('answers say when they were made', async () => {
      expect(Number.isNaN(Date.parse((await call('users/me/')).date ?? ''))).toBe(false);
    });

    test('webhooks are added, listed and removed', async () => {
      const endpoint = `https://example.com/eventgraph-contract-${Date.now()}?token=x`;
      const added = await call(`${organization()}webhooks/`, { method: 'POST', body: { endpoint_url: endpoint, actions: 'attendee.updated,barcode.checked_in', event_id: '' } });
      expect(added.status).toBe(200);
      const { id } = z.object({ id: z.string() }).parse(added.body);
      const listed = await all(`${organization()}webhooks/`, 'webhooks', payloads.webhook);
      expect(listed.find((each) => each.id === id)).toMatchObject({ endpoint_url: endpoint, actions: ['attendee.updated', 'barcode.checked_in'] });
      expect((await call(`webhooks/${id}/`, { method: 'DELETE' })).status).toBe(200);
      expect((await refused(call(`webhooks/${id}/`, { method: 'DELETE' })))[0]).toBe(404);
      expect((await all(`${organization()}webhooks/`, 'webhooks', payloads.webhook)).map((each) => each.id)).not.toContain(id);
    });
  });
};
