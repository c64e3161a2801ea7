import { describe, expect, test } from 'vitest';
import type { Batch } from '#core/connector.ts';
import { fact as factSchema, factsOf } from '#core/facts.ts';
import { contractPlan } from '#simulators/pretix/plans.ts';
import type { Subevent } from '#simulators/pretix/world.ts';
import { begin, longAgo, record, start } from './test-connector.ts';
import { settings } from './connector-settings.ts';
import { connector } from './connector.ts';

describe('a pull from the beginning', () => {
  test('tells events, and the dates of a series instead of the series', async () => {
    await using it = await start({ region: 'europe' });
    const { facts, rejected, complete } = await it.pull();
    expect([rejected, complete]).toEqual([[], true]);
    for (const fact of facts) expect(factSchema.parse(fact)).toEqual(fact);
    const events = factsOf(facts, 'event');
    const [first, second] = [...(it.pretix.world.events.get('workshops')?.subevents ?? [])].map(({ id }) => id);
    expect(events.map(({ eventId, name, product, timezone }) => [eventId, name, product, timezone])).toEqual([
      ['acme-concert', 'Summer Concert', 'PretixEvent', 'Europe/Berlin'],
      ['acme-conf', 'Tech Conference', 'PretixEvent', 'Asia/Seoul'],
      [`acme-workshops-${first}`, 'Workshop 1', 'PretixEvent', 'America/New_York'],
      [`acme-workshops-${second}`, 'Workshop 2', 'PretixEvent', 'America/New_York'],
    ]);
    expect(events[1]).toMatchObject({ start: new Date(begin + 86_400_000), end: new Date(begin + 32 * 3_600_000), organizer: 'Acme Events', region: 'europe', public: true, venue: { name: 'Hall 1', address: 'Hall 1\n1 Main Street' } });
    expect(factsOf(facts, 'observation').map(({ eventId }) => eventId).sort()).toEqual(events.map(({ eventId }) => eventId).sort());
    expect(record(facts, 'pretix.product').map(({ data }) => data?.name)).toEqual(['Standing', 'Seated', 'Regular', 'Student', 'Shirt', 'Seat']);
  });
  test('tells tickets, who came and went, and what pretix counts itself', async () => {
    await using it = await start();
    const paid = await it.visitor.buy('conf', ['Regular', 'Shirt']);
    await it.visitor.buy('conf', ['Student'], { status: 'n' });
    await it.visitor.buy('conf', ['Student'], { status: 'n', valid_if_pending: true });
    await it.visitor.scan('conf', 'Main', paid.positions[0]?.secret);
    await it.visitor.scan('conf', 'Main', paid.positions[0]?.secret);
    await it.visitor.scan('conf', 'Main', paid.positions[0]?.secret, { type: 'exit', datetime: '2024-06-01T09:30:00Z' });
    const { facts } = await it.pull();
    expect(factsOf(facts, 'registration').map(({ eventId, state }) => [eventId, state])).toEqual([['acme-conf', 'PENDING'], ['acme-conf', 'CONFIRMED'], ['acme-conf', 'CONFIRMED'], ['acme-conf', 'CONFIRMED']]);
    const area = String(await it.visitor.listId('conf', 'Main'));
    const participant = `hash of position:${paid.positions[0]?.id}`;
    expect(factsOf(facts, 'checkIn').sort((a, b) => a.direction.localeCompare(b.direction))).toMatchObject([
      { eventId: 'acme-conf', direction: 'ENTRY', area, participant, gateId: null, at: new Date(begin) },
      { eventId: 'acme-conf', direction: 'EXIT', area, participant, at: new Date('2024-06-01T09:30:00Z') },
    ]);
    expect(record(facts, 'pretix.checkInList').find(({ upstreamId }) => upstreamId === area)?.data).toMatchObject({ name: 'Main', checkInCount: 1, positionCount: 3, insideCount: 0 });
    expect(record(facts, 'pretix.order').find(({ upstreamId }) => upstreamId === paid.code)?.data).toMatchObject({ status: 'p', total: '64.00', positions: [{ state: 'CONFIRMED', checkIns: [expect.any(String), expect.any(String)] }, { checkIns: [] }] });
  });
  test('carries no name, mail or secret of anybody', async () => {
    await using it = await start();
    const { code, positions } = await it.visitor.buy('conf', ['Regular']);
    const { facts, rejected } = await it.pull();
    const all = JSON.stringify([facts, rejected]);
    expect(all).toContain(code);
    expect(all).not.toMatch(/canary/i);
    expect(all).not.toContain(positions[0]?.secret);
  });
});

describe('the next pull', () => {
  test('costs four calls when nothing changed, and says that everything is known up to now', async () => {
    await using it = await start();
    await it.visitor.buy('conf', ['Regular']);
    it.clock.advance(longAgo);
    await it.pull();
    it.clock.advance(60_000);
    const { facts, calls } = await it.pull();
    const base = '/api/v1/organizers/acme/';
    expect(calls).toEqual([base, `${base}events/`, `${base}subevents/`, `${base}orders/`]);
    expect(factsOf(facts, 'observation')).toHaveLength(4);
    expect(factsOf(facts, 'registration')).toEqual([]);
  });
  test('that a webhook asked for costs one call when nothing changed', async () => {
    await using it = await start();
    await it.pull();
    it.clock.advance(1_000);
    expect((await it.pull()).calls).toEqual(['/api/v1/organizers/acme/orders/']);
  });
  test('tells events again only when they were read again, or what it read was not taken in, or everything is read anew', async () => {
    await using it = await start();
    for await (const { facts } of connector.pull(it.context, null)) {
      // The hub fails to store them.
      expect(factsOf(facts, 'event')).toHaveLength(4);
      break;
    }
    expect(factsOf((await it.pull()).facts, 'event')).toHaveLength(4);
    it.clock.advance(1_000);
    const { facts } = await it.pull();
    expect([factsOf(facts, 'event').length, factsOf(facts, 'observation').length]).toEqual([0, 4]);
    expect(factsOf((await it.pull(null)).facts, 'event')).toHaveLength(4);
    it.clock.advance(30_000);
    expect(factsOf((await it.pull()).facts, 'event')).toHaveLength(4);
  });
  test('tells a date that was added since before its orders', async () => {
    await using it = await start();
    const dates = (it.pretix.world.events.get('workshops')?.subevents ?? []) as Subevent[];
    const later = dates.splice(1, 1);
    await it.pull();
    dates.push(...later);
    await it.visitor.buy('workshops', ['Seat'], { date: 1 });
    const { facts } = await it.pull();
    const told = facts.filter(({ eventId }) => eventId === `acme-workshops-${later[0]?.id}`).map(({ kind }) => kind);
    expect(told.slice(0, 3)).toEqual(['event', 'record', 'registration']);
  });
  test('tells what changed, and reads the numbers of that event alone', async () => {
    await using it = await start();
    const { code, positions } = await it.visitor.buy('conf', ['Regular', 'Student']);
    await it.visitor.buy('concert', ['Seated']);
    it.clock.advance(longAgo);
    await it.pull();
    it.clock.advance(60_000);
    await it.api.call('DELETE', `events/conf/orderpositions/${positions[0]?.id}/`);
    const canceled = await it.pull();
    expect(factsOf(canceled.facts, 'registration').map(({ upstreamId, state }) => [upstreamId, state])).toEqual([[String(positions[0]?.id), 'CANCELLED'], [String(positions[1]?.id), 'CONFIRMED']]);
    expect(canceled.calls.filter((path) => path.includes('concert'))).toEqual([]);
    it.clock.advance(60_000);
    await it.api.call('POST', `events/conf/orders/${code}/mark_canceled/`, {});
    expect(factsOf((await it.pull()).facts, 'registration').map(({ state }) => state)).toEqual(['CANCELLED', 'CANCELLED']);
  });
  test('tells a ticket of a series as one that can move to another date, and what is no series has none such', async () => {
    await using it = await start();
    await it.visitor.buy('conf', ['Regular']);
    await it.visitor.buy('workshops', ['Seat'], { date: 1 });
    const registrations = factsOf((await it.pull()).facts, 'registration');
    expect(registrations.map(({ eventId, movable }) => [eventId.split('-')[1], movable]).toSorted()).toEqual([['conf', undefined], ['workshops', true]]);
  });
  test('takes back what was annulled', async () => {
    await using it = await start();
    const { positions } = await it.visitor.buy('workshops', ['Seat'], { date: 1 });
    await it.visitor.scan('workshops', 'All dates', positions[0]?.secret, { nonce: 'n1' });
    const [came] = factsOf((await it.pull()).facts, 'checkIn');
    it.clock.advance(60_000);
    await it.api.call('POST', 'checkinrpc/annul/', { lists: [await it.visitor.listId('workshops', 'All dates')], nonce: 'n1' });
    const { facts } = await it.pull();
    expect(factsOf(facts, 'checkInsStanding')).toMatchObject([{ eventId: came?.eventId, participant: came?.participant, standing: [] }]);
    expect(factsOf(facts, 'checkIn')).toEqual([]);
    expect(record(facts, 'pretix.order')[0]?.data).toMatchObject({ positions: [{ checkIns: [] }] });
  });
  test('reads products, quotas and lists of an event again after ten minutes', async () => {
    await using it = await start();
    await it.pull();
    it.clock.advance(601_000);
    expect(record((await it.pull()).facts, 'pretix.product')).toHaveLength(6);
  });
  test('reads an event whole that the token came to see later, however old its orders', async () => {
    await using it = await start();
    const hidden = it.pretix.world.events.get('conf');
    const events = it.pretix.world.events as Map<string, NonNullable<typeof hidden>>;
    const { code } = await it.visitor.buy('conf', ['Regular']);
    events.delete('conf');
    await it.pull();
    it.clock.advance(86_400_000);
    await it.pull();
    if (hidden) events.set('conf', hidden);
    it.clock.advance(longAgo * 2);
    expect(record((await it.pull()).facts, 'pretix.order').map(({ upstreamId }) => upstreamId)).toEqual([code]);
    it.clock.advance(60_000);
    expect((await it.pull()).calls.filter((path) => path.includes('orders'))).toEqual(['/api/v1/organizers/acme/orders/']);
  });
  test('goes on behind the last page that was stored when it was interrupted', async () => {
    await using it = await start();
    const codes = new Set<string>();
    for (let bought = 0; bought < 120; bought++) codes.add((await it.visitor.buy('conf', ['Regular'])).code);
    const iterator = connector.pull(it.context, null)[Symbol.asyncIterator]();
    const seen: string[] = [];
    let cursor: unknown = null;
    for (let batches = 0; batches < 2; batches++) {
      const { value } = (await iterator.next()) as { value: Batch };
      seen.push(...record(value.facts, 'pretix.order').map(({ upstreamId }) => upstreamId));
      cursor = JSON.parse(JSON.stringify(value.cursor));
    }
    expect(seen).toHaveLength(50);
    for await (const batch of connector.pull(it.context, cursor)) seen.push(...record(batch.facts, 'pretix.order').map(({ upstreamId }) => upstreamId));
    expect(new Set(seen)).toEqual(codes);
    // The first page is read at the beginning, to learn how many there are, and in its turn at the end.
    expect(seen).toHaveLength(codes.size + 50);
  });
});

test('the offers of many events are read over several pulls rather than wait for the rate limit, and what leaves some is not complete', async () => {
  const plan = contractPlan(new Date(begin));
  const conf = plan.events[0];
  const many = { ...plan, events: Array.from({ length: 30 }, (_, index) => ({ ...conf, slug: `conf${index}` })) } as typeof plan;
  await using it = await start({ requestsPerMinute: 60 }, { plan: () => many });
  const first = await it.pull();
  expect(factsOf(first.facts, 'observation')).toHaveLength(30);
  expect(first.calls.length).toBeLessThanOrEqual(60);
  const read = new Set(record(first.facts, 'pretix.offer').map(({ upstreamId }) => upstreamId));
  expect(read.size).toBeGreaterThanOrEqual(5);
  expect(read.size).toBeLessThan(30);
  expect(first.complete).toBe(false);
});

describe('settings', () => {
  test('choose events; one that is gone is told and holds up no other', async () => {
    await using it = await start({ events: ['gone', 'conf'], eventIds: { conf: 'tech-conference-2024' } });
    await it.visitor.buy('conf', ['Regular']);
    await it.visitor.buy('concert', ['Seated']);
    const { facts, rejected } = await it.pull();
    expect(rejected.map(({ upstreamId }) => upstreamId)).toEqual(['event:gone']);
    expect([...new Set(facts.map(({ eventId }) => eventId))]).toEqual(['tech-conference-2024']);
    expect(factsOf(facts, 'observation')).toHaveLength(1);
  });
  test('that are wrong are refused with the field', () => {
    expect(settings.safeParse({}).error?.issues[0]?.path).toEqual(['organizer']);
    expect(settings.safeParse({ organizer: '../admin' }).success).toBe(false);
    expect(settings.safeParse({ organizer: 'a', timezone: 'Mars/Base' }).error?.issues[0]?.path).toEqual(['timezone']);
  });
});
