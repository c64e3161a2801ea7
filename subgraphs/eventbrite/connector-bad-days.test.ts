import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { factsOf } from '#core/facts.ts';
import { pushToken } from '#core/secrets.ts';
import { badDays } from '#simulators/eventbrite/bad-days.ts';
import { contractPlan } from '#simulators/eventbrite/plans.ts';
import { begin, conference, hour, minute, record, second, start, webinar } from './test-connector.ts';
import { connector } from './connector.ts';

const registered = (facts: Parameters<typeof factsOf>[0]) => new Set(factsOf(facts, 'registration').map(({ upstreamId }) => upstreamId));

describe('a bad day', () => {
  for (const day of badDays.filter((each) => each !== 'none'))
    test(`of the whole service (${day}) ends the pull with a reason, and the next one goes on`, async () => {
      await using it = await start({}, { timeoutMs: day === 'hang' ? 2_000 : 10_000 });
      await it.pull();
      const id = it.world.register(conference)[0]?.id;
      it.clock.advance(minute);
      it.eventbrite.misbehave(day, /organizations\/\d+\/attendees/);
      await expect(it.pull()).rejects.toMatchObject({ code: expect.stringMatching(/^UPSTREAM_(TIMEOUT|STATUS|NOT_JSON|SHAPE)$/) as string });
      it.eventbrite.misbehave('none');
      expect([...registered((await it.pull()).facts)]).toEqual([id]);
    });
  test('of one event costs only its own news', async () => {
    await using it = await start();
    it.world.register(webinar);
    it.eventbrite.misbehave('status-500', new RegExp(`events/${conference}/`));
    const { facts, rejected } = await it.pull();
    expect(rejected).toEqual([{ upstreamId: `observation:eventbrite-${conference}`, reason: expect.stringContaining('UPSTREAM_STATUS') as string, raw: null }]);
    expect(factsOf(facts, 'observation').map(({ eventId }) => eventId)).toEqual([`eventbrite-${webinar}`]);
    it.eventbrite.misbehave('none');
    it.clock.advance(minute);
    expect(record((await it.pull()).facts, 'eventbrite.ticketClasses').map(({ upstreamId }) => upstreamId)).toContain(conference);
  });
  test('of too many calls says so, and what was read before is not read again', async () => {
    await using it = await start({}, { callsPerHour: 6, pageSize: 10 });
    it.world.register(conference, { tickets: 40 });
    await expect(it.pull()).rejects.toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', retryAfterMs: 60_000 });
    const { reading, stream } = it.cursor() as { reading: unknown; stream: { pass: unknown } };
    expect([reading, stream.pass]).not.toEqual([null, null]);
  });
  test('of forgotten pages reads the list from its beginning', async () => {
    await using it = await start({}, { pageSize: 4 });
    it.world.register(conference, { tickets: 20 });
    await it.pull({ batches: 3 });
    it.eventbrite.forgetPages();
    expect(registered((await it.pull()).facts).size).toBe(20);
  });
  test('of rows that are not understood keeps them without what is personal, and reads them again when it can', async () => {
    await using it = await start();
    const [good, odd] = it.world.register(conference, { tickets: 2 });
    it.world.attendees.write(odd?.id ?? '', { ...(odd as NonNullable<typeof odd>), status: 'Astral' as never });
    const { facts, rejected } = await it.pull();
    expect([...registered(facts)]).toEqual([good?.id]);
    expect(rejected[0]).toMatchObject({ upstreamId: `registration:${odd?.id}`, reason: expect.stringContaining('no known status') as string, raw: { id: odd?.id, status: 'Astral', barcodes: [{ status: 'unused' }] } });
    expect(JSON.stringify(rejected)).not.toMatch(/canary|barcode":/i);
    const again = await connector.translateAgain?.(it.context, rejected.slice(0, 1));
    expect(again).toMatchObject({ facts: [], rejected: [{ upstreamId: `registration:${odd?.id}` }] });
    const mended = rejected.slice(0, 1).map((each) => ({ ...each, raw: { ...(each.raw as object), status: 'Attending' } }));
    expect(await connector.translateAgain?.(it.context, mended)).toMatchObject({ facts: [{ kind: 'registration', upstreamId: odd?.id, state: 'CONFIRMED' }, { kind: 'checkInsStanding' }], rejected: [] });
  });
  test('of a clock that runs a year ahead wins over nothing that is told later', async () => {
    await using it = await start();
    const [one] = it.world.register(conference);
    it.world.attendees.write(one?.id ?? '', { ...(one as NonNullable<typeof one>), changed: '2025-06-01T09:00:00Z' });
    expect(factsOf((await it.pull()).facts, 'registration')[0]).toMatchObject({ at: new Date(begin) });
  });
});

describe('memory and calls', () => {
  test('one page is one batch, and killed at any batch it goes on there', async () => {
    await using it = await start({}, { pageSize: 5 });
    it.world.register(conference, { tickets: 60 });
    it.clock.advance(hour);
    const found = new Set<string>();
    for (let pulls = 0; pulls < 60; pulls++) {
      const { facts, batches } = await it.pull({ batches: 2 });
      for (const id of registered(facts)) found.add(id);
      for (const batch of batches) expect(registered(batch.facts).size).toBeLessThanOrEqual(5);
    }
    expect(found.size).toBe(60);
  });
  test('however often it is asked, live news take no more than their share of an hour, and come all the same', async () => {
    await using it = await start();
    await it.pull();
    const before = it.eventbrite.requests.length;
    for (let hints = 0; hints < 3_600 / 2; hints++) {
      it.clock.advance(2 * second);
      if (hints % 10 === 0) it.world.register(conference);
      await it.pull();
    }
    expect(it.eventbrite.requests.length - before).toBeLessThanOrEqual(2_000 * 0.9);
    it.clock.advance(minute);
    await it.pull();
    const { stream } = it.cursor() as { stream: { seen: Record<string, number> } };
    expect(Object.keys(stream.seen)).toContain(it.world.truth().at(-1)?.id);
  }, 60_000);
  test('a pull whose calls ran out before everything was read once says so, and the one that reads the rest that it is complete', async () => {
    const plan = contractPlan(new Date(begin));
    const events = plan.events.slice(0, 1).flatMap((event) => Array.from({ length: 10 }, (_, nth) => ({ ...event, id: `${event.id}${nth}` })));
    await using it = await start({ callsPerHour: 60 }, { plan: () => ({ ...plan, events }) });
    const lastOf = async () => (await it.pull()).batches.at(-1)?.complete;
    expect(await lastOf()).toBe(false);
    it.clock.advance(hour);
    expect(await lastOf()).toBe(true);
  });
  test('where the stream was left for later, nothing is said to be known', async () => {
    await using it = await start({ callsPerHour: 60 });
    const observed = [];
    for (let pulls = 0; pulls < 4; pulls++) observed.push(factsOf((await it.pull()).facts, 'observation').length > 0);
    expect(observed.slice(0, 1)).toEqual([true]);
    expect(observed.at(-1)).toBe(false);
  });
});

describe('a push', () => {
  const body = (more: object = {}) => ({ api_url: 'http://169.254.169.254/latest/', config: { action: 'barcode.checked_in', endpoint_url: 'http://hub.test', user_id: '1', webhook_id: '2', ...more } });
  const push = (content: unknown, token: unknown = pushToken('x')) => ({ headers: {}, query: { token } as Record<string, string>, body: Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)) });
  test('is a hint to ask, now and later, and what it points at is never called', async () => {
    await using it = await start();
    expect(await connector.receive?.(it.context, push(body()))).toEqual({ kind: 'hint', againAfter: [5, 20, 60, 300] });
    expect(await connector.receive?.(it.context, push({ ...body({ action: 'test' }), api_url: '{api-endpoint-to-fetch-object-details}' }))).toMatchObject({ kind: 'hint' });
    expect(it.eventbrite.requests).toEqual([]);
  });
  test('whose URL has no token, or another service’s, is refused', async () => {
    await using it = await start();
    for (const token of [undefined, '', 'x', pushToken('another'), pushToken('x').slice(1), `${pushToken('x')}0`, [pushToken('x'), 'x']]) await expect(connector.receive?.(it.context, { ...push(body()), query: { token } as Record<string, string> })).rejects.toMatchObject({ code: 'PUSH_SIGNATURE_INVALID' });
  });
  test('that is no notification is refused', async () => {
    await using it = await start();
    for (const content of [body({ action: 'rm -rf' }), { api_url: 5 }, {}, [], null, 'half {', '']) await expect(connector.receive?.(it.context, push(content))).rejects.toMatchObject({ code: 'PUSH_MALFORMED' });
  });
});

describe('webhooks', () => {
  const at = (context: Awaited<ReturnType<typeof start>>['context'], webhook: string) => ({ ...context, service: { ...context.service, endpoints: { ...context.service.endpoints, webhook } } });
  test('are asked for once, tell of what happens, and are withdrawn alone', async () => {
    await using it = await start();
    const told: string[] = [];
    const server = createServer((request, response) => {
      told.push(String(request.headers['x-eventbrite-event']));
      response.writeHead(202).end();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ingest/s1?token=t`;
    const context = at(it.context, target);
    it.eventbrite.webhooks.all.push({ id: '1', endpoint_url: 'http://127.0.0.1:9/of-another', actions: ['order.placed'], event_id: null, created: '' });
    await connector.exchangeKeys?.(context);
    await connector.exchangeKeys?.(context);
    expect(it.eventbrite.webhooks.all.map(({ endpoint_url }) => endpoint_url)).toEqual(['http://127.0.0.1:9/of-another', target]);
    const id = it.world.register(conference)[0]?.id ?? '';
    it.world.checkIn(id);
    it.world.undoCheckIn(id);
    await it.eventbrite.webhooks.settled();
    expect(told).toEqual(['order.placed', 'attendee.updated', 'barcode.checked_in', 'barcode.un_checked_in']);
    await connector.withdrawKeys?.(context);
    await connector.withdrawKeys?.(context);
    expect(it.eventbrite.webhooks.all.map(({ endpoint_url }) => endpoint_url)).toEqual(['http://127.0.0.1:9/of-another']);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  test('that tell of too little are made anew; without `webhooks` there are none', async () => {
    await using it = await start();
    const context = at(it.context, 'http://127.0.0.1:9/x');
    it.eventbrite.webhooks.all.push({ id: '1', endpoint_url: 'http://127.0.0.1:9/x', actions: ['order.placed'], event_id: null, created: '' });
    await connector.exchangeKeys?.(context);
    expect(it.eventbrite.webhooks.all).toHaveLength(1);
    expect(it.eventbrite.webhooks.all[0]?.actions).toContain('barcode.un_checked_in');
    await using none = await start({ webhooks: false });
    await connector.exchangeKeys?.(at(none.context, 'http://127.0.0.1:9/x'));
    expect(none.eventbrite.requests).toEqual([]);
  });
});
