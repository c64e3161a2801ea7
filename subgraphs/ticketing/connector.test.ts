import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Batch } from '#core/connector.ts';
import { type Fact, fact as factSchema, factsOf } from '#core/facts.ts';
import { createUpstreamHttp } from '#core/upstream-http.ts';
import { createPlatform } from '#simulators/ticketing/platform.ts';
import { demoPlan } from '#simulators/ticketing/plans.ts';
import { type TicketingContext, settings } from './connector-settings.ts';
import { connector } from './connector.ts';

const begin = Date.UTC(2024, 5, 1, 9);
const secret = 'the secret that was exchanged';

const start = async (wanted: object = {}) => {
  let now = begin;
  const platform = await createPlatform({ plan: demoPlan(new Date(begin)), now: () => now, webhookRetryMs: [] });
  const http = createUpstreamHttp({ allowPrivateAddresses: true, timeoutMs: 1_500, retries: 0 });
  const context: TicketingContext = {
    service: { serviceId: 's1', serviceName: 'Concerts', endpoints: { api: platform.url, webhook: null, healthCheck: `${platform.url}/health` }, credentials: { type: 'api_key', apiKey: platform.token }, settings: settings.parse(wanted), pushSecret: secret, pushSecrets: [secret] },
    http, httpFor: () => http, hashParticipant: (raw) => `hash of ${raw}`, now: () => new Date(now), signal: new AbortController().signal,
  };
  let cursor: unknown = null;
  const pull = async () => {
    const batches: Batch[] = [];
    for await (const batch of connector.pull(context, cursor)) {
      batches.push(batch);
      cursor = JSON.parse(JSON.stringify(batch.cursor));
    }
    return { batches, facts: batches.flatMap(({ facts }) => facts), rejected: batches.flatMap(({ rejected }) => rejected) };
  };
  return { platform, context, pull, advance: (ms: number) => void (now += ms), [Symbol.asyncDispose]: async () => void (await Promise.all([http.close(), platform[Symbol.asyncDispose]()])) };
};
type Started = Awaited<ReturnType<typeof start>>;

const record = (facts: readonly Fact[], type: string) => factsOf(facts, 'record').filter((each) => each.type === type);
/** Sold at the platform itself. */
const sell = async ({ platform }: Started, ticketIds: readonly string[]) => platform.bookings.confirm((await platform.bookings.reserve({ eventId: 'autumn-quartet', ticketIds: [...ticketIds] })).id);

describe('a pull', () => {
  test('from the beginning tells events, artists, venues, tickets, bookings and check-ins, in words of the hub', async () => {
    await using it = await start();
    const booking = await sell(it, ['autumn-quartet-s1', 'autumn-quartet-s2']);
    it.platform.bookings.checkIn(booking.id, 'autumn-quartet-s1', 'entry', 'north', new Date(begin).toISOString());
    const { facts, rejected, batches } = await it.pull();
    for (const fact of facts) factSchema.parse(fact);
    expect(rejected).toEqual([]);
    expect(Math.max(...batches.map((batch) => batch.facts.length))).toBeLessThanOrEqual(200);
    expect(factsOf(facts, 'event').map(({ eventId, name, public: isPublic, venue }) => [eventId, name, isPublic, venue?.name])).toEqual([['autumn-quartet', 'Autumn Quartet', true, 'Small Hall'], ['amber-night', 'Amber Night', true, 'Amber Club'], ['closed-reading', 'Closed Reading', false, 'Small Hall']]);
    expect([record(facts, 'ticketing.artist').length, record(facts, 'ticketing.venue').length, record(facts, 'ticketing.ticket').length]).toEqual([3, 2, 85]);
    expect(factsOf(facts, 'registration')).toMatchObject([{ state: 'CONFIRMED', participant: `hash of ${booking.id}/autumn-quartet-s1` }, { state: 'CONFIRMED' }]);
    expect(factsOf(facts, 'checkIn')).toMatchObject([{ eventId: 'autumn-quartet', gateId: 'north', participant: `hash of ${booking.id}/autumn-quartet-s1` }]);
    expect(factsOf(facts, 'observation')).toHaveLength(3);
  });
  test('in which nothing changed costs a call for each list, and says that the events are known up to now', async () => {
    await using it = await start();
    await it.pull();
    it.advance(60_000);
    const before = it.platform.requests.length;
    const { facts } = await it.pull();
    expect(it.platform.requests.length - before).toBe(6);
    expect(new Set(facts.map(({ kind }) => kind))).toContain('observation');
  });
  test('tells what was cancelled and what was deleted', async () => {
    await using it = await start();
    const booking = await sell(it, ['autumn-quartet-s1']);
    await it.pull();
    it.advance(60_000);
    it.platform.bookings.cancel(booking.id);
    it.platform.world.remove('tickets', 'amber-night-p1');
    it.platform.world.remove('events', 'closed-reading');
    const { facts } = await it.pull();
    expect(factsOf(facts, 'registration')).toMatchObject([{ state: 'CANCELLED' }]);
    expect(record(facts, 'ticketing.ticket').filter(({ data }) => data === null)).toMatchObject([{ eventId: 'amber-night', upstreamId: 'amber-night-p1' }]);
    expect(factsOf(facts, 'status')).toMatchObject([{ eventId: 'closed-reading', status: 'ENDED' }]);
    expect(record(facts, 'ticketing.event').filter(({ data }) => data === null)).toMatchObject([{ eventId: 'closed-reading', data: null }]);
  });
  test('of many changes, whenever they happen and wherever a pull is broken off, misses none', async () => {
    await using it = await start();
    await it.pull();
    const sold = new Set<string>();
    const told = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 6 }), fc.nat(20_000), async (seats, gap) => {
        for (const seat of seats) {
          const ticket = `autumn-quartet-s${seat}`;
          if (it.platform.world.of('tickets').get(ticket)?.status === 'available') sold.add((await sell(it, [ticket])).id);
        }
        it.advance(gap);
        for (const fact of factsOf((await it.pull()).facts, 'registration')) told.add(fact.upstreamId.split('/')[0] ?? '');
        expect([...sold].filter((id) => !told.has(id))).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });
  test('puts the prefix of its settings before ids, so that two platforms can have the same', async () => {
    await using it = await start({ prefix: 'north' });
    const { facts } = await it.pull();
    expect(factsOf(facts, 'event')[0]).toMatchObject({ eventId: 'north-autumn-quartet', upstreamId: 'autumn-quartet' });
    expect(new Set(facts.flatMap(({ eventId }) => (eventId === null || eventId.startsWith('north-') ? [] : [eventId])))).toEqual(new Set());
  });
  test('leaves out one bad record with its reason, and takes it when it is tried again after it was mended', async () => {
    await using it = await start();
    it.platform.world.put('tickets', { ...it.platform.world.find('tickets', 'amber-night-p1'), price: { amount: 'a lot', currency: 'RUB' } });
    const { facts, rejected } = await it.pull();
    expect(rejected).toMatchObject([{ upstreamId: 'tickets:amber-night-p1', reason: expect.stringContaining('price.amount') as string }]);
    expect(record(facts, 'ticketing.ticket')).toHaveLength(84);
    const again = await connector.translateAgain?.(it.context, rejected.map((each) => ({ ...each, raw: { ...(each.raw as object), price: { amount: '1.00', currency: 'RUB' } } })));
    expect(again).toMatchObject({ facts: [{ type: 'ticketing.ticket', upstreamId: 'amber-night-p1' }], rejected: [] });
    expect((await connector.translateAgain?.(it.context, rejected))?.rejected).toHaveLength(1);
  });
  test.each(['hang', 'status-500', 'html', 'half-json', 'wrong-shape'] as const)('from a platform that answers with %s fails with a reason', async (day) => {
    await using it = await start();
    it.platform.misbehave(day);
    await expect(it.pull()).rejects.toMatchObject({ code: expect.stringMatching(/^UPSTREAM_(TIMEOUT|STATUS|NOT_JSON|SHAPE)$/) as string });
    await expect(connector.checkHealth(it.context)).rejects.toMatchObject({ code: expect.stringMatching(/^UPSTREAM_/) as string });
  });
});

describe('a push of the platform', () => {
  const checkIn = { id: 'chk-9', eventId: 'autumn-quartet', ticketId: 't', bookingId: 'b', direction: 'entry', gate: null, at: new Date(begin).toISOString(), updatedAt: new Date(begin).toISOString(), deletedAt: null };
  const push = (body: unknown, { key = secret, at = begin } = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const timestamp = String(Math.floor(at / 1000));
    return { headers: { 'x-webhook-timestamp': timestamp, 'x-webhook-signature': `sha256=${createHmac('sha256', key).update(`${timestamp}.${text}`).digest('hex')}` }, query: {}, body: Buffer.from(text) };
  };
  test('brings check-ins as facts, and asks for anything else', async () => {
    await using it = await start();
    expect(await connector.receive?.(it.context, push({ id: 'd', type: 'checkin.recorded', data: checkIn }))).toMatchObject({ kind: 'facts', facts: [{ kind: 'checkIn', upstreamId: 'chk-9' }] });
    for (const body of [{ id: 'd', type: 'booking.changed', data: {} }, { id: 'd', type: 'checkin.recorded', data: { id: 5 } }]) expect(await connector.receive?.(it.context, push(body))).toEqual({ kind: 'hint' });
  });
  test('that is forged, old or malformed is refused', async () => {
    await using it = await start();
    const body = { id: 'd', type: 'checkin.recorded', data: checkIn };
    await expect(connector.receive?.(it.context, push(body, { key: 'another' }))).rejects.toMatchObject({ code: 'PUSH_SIGNATURE_INVALID' });
    await expect(connector.receive?.(it.context, { ...push(body), body: Buffer.from(JSON.stringify({ ...body, id: 'e' })) })).rejects.toMatchObject({ code: 'PUSH_SIGNATURE_INVALID' });
    await expect(connector.receive?.(it.context, push(body, { at: begin - 301_000 }))).rejects.toMatchObject({ code: 'PUSH_TIMESTAMP_INVALID' });
    for (const bad of ['half {', [], {}]) await expect(connector.receive?.(it.context, push(bad))).rejects.toMatchObject({ code: 'PUSH_MALFORMED' });
  });
  test('comes to where the keys were exchanged, until they are withdrawn', async () => {
    await using it = await start();
    const context = { ...it.context, service: { ...it.context.service, endpoints: { ...it.context.service.endpoints, webhook: 'http://127.0.0.1:9/ingest/s1' } } };
    await connector.exchangeKeys?.(context);
    await connector.exchangeKeys?.(context);
    expect(it.platform.webhooks.all.map(({ url }) => url)).toEqual(['http://127.0.0.1:9/ingest/s1']);
    await connector.withdrawKeys?.(context);
    expect(it.platform.webhooks.all).toEqual([]);
  });
});
