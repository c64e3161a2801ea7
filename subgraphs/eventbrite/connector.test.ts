import { describe, expect, test } from 'vitest';
import { type Fact, fact as factSchema, factsOf } from '#core/facts.ts';
import { begin, conference, hour, meetup, minute, record, second, start, webinar } from './test-connector.ts';
import { connector } from './connector.ts';

const states = (facts: readonly Fact[]) => Object.fromEntries(factsOf(facts, 'registration').map(({ upstreamId, state }) => [upstreamId, state]));
const standing = (facts: readonly Fact[]) => factsOf(facts, 'checkInsStanding').map((each) => each.standing);
/** Told once or several times. */
const checkIns = (facts: readonly Fact[]) => [...new Set(factsOf(facts, 'checkIn').map(({ upstreamId }) => upstreamId))];

describe('a pull', () => {
  test('from the beginning tells events, attendees, check-ins and what is sold, in words of the hub', async () => {
    await using it = await start({ region: 'north-america' });
    const [one] = it.world.register(conference, { tickets: 2 });
    it.clock.advance(10 * second);
    it.world.checkIn(one?.id ?? '');
    const { facts, rejected } = await it.pull();
    for (const each of facts) expect(factSchema.parse(each)).toEqual(each);
    expect(rejected).toEqual([]);
    expect(factsOf(facts, 'event').find(({ upstreamId }) => upstreamId === conference)).toMatchObject({
      product: 'EventbriteEvent', eventId: `eventbrite-${conference}`, name: 'Tech Conference', type: 'Conference', start: new Date(begin - hour), end: new Date(begin + 7 * hour), timezone: 'America/Los_Angeles', region: 'north-america', organizer: 'Acme Events', public: true,
      venue: { name: 'Harbour Hall', address: "333 O'Farrell St, San Francisco, CA 94102", latitude: 37.7576792, longitude: -122.5078119 },
    });
    expect(factsOf(facts, 'event').find(({ upstreamId }) => upstreamId === webinar)).toMatchObject({ venue: null, public: true });
    expect(factsOf(facts, 'event').find(({ upstreamId }) => upstreamId === meetup)).toMatchObject({ public: false });
    expect(factsOf(facts, 'checkIn')[0]).toEqual({ kind: 'checkIn', eventId: `eventbrite-${conference}`, upstreamId: `${one?.id}@2024-06-01T09:00:10.000Z`, at: new Date(begin + 10 * second), direction: 'ENTRY', gateId: null, area: '', participant: `hash of attendee:${one?.id}` });
    expect(record(facts, 'eventbrite.ticketClasses').find(({ upstreamId }) => upstreamId === conference)?.data).toMatchObject({ classes: [{ name: 'General Admission', free: false, cost: { amount: '49.00', currency: 'USD' }, quantityTotal: 500, quantitySold: 2 }, { name: 'Student', free: true, cost: null }] });
    expect(record(facts, 'eventbrite.event').find(({ upstreamId }) => upstreamId === conference)?.data).toMatchObject({ url: `https://www.eventbrite.com/e/tickets-${conference}`, capacity: 600, online: false, status: 'started', soldOut: false });
    expect(factsOf(facts, 'observation').map(({ eventId }) => eventId).sort()).toEqual([conference, webinar].map((id) => `eventbrite-${id}`).sort());
  });
  test('in which nothing changed costs one call, and a handful now and then', async () => {
    await using it = await start();
    for (let sold = 0; sold < 5; sold++) it.world.register(webinar);
    await it.pull();
    it.clock.advance(hour);
    await it.pull();
    const calls = [];
    for (let pulls = 0; pulls < 60; pulls++) {
      it.clock.advance(minute);
      calls.push((await it.pull()).calls.length);
    }
    // Two current events' ticket classes once an hour, their list every five minutes.
    expect(Math.min(...calls)).toBe(1);
    expect(Math.max(...calls)).toBeLessThanOrEqual(4);
    expect(calls.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(60 + 12 + 2);
  });
  test('holds no name, no mail address and no barcode', async () => {
    await using it = await start();
    const [one] = it.world.register(conference);
    const { batches } = await it.pull();
    expect(one?.name).toContain('Canary');
    expect(JSON.stringify(batches)).not.toMatch(/canary/i);
    expect(JSON.stringify(batches)).not.toContain(one?.barcodes[0]?.barcode);
  });
  test('of wanted events alone tells of no other, and takes the ids that were given', async () => {
    await using it = await start({ events: [conference], eventIds: { [conference]: 'tech-2024' } });
    it.world.register(conference);
    it.world.register(webinar);
    const { facts } = await it.pull();
    expect([...new Set(facts.map(({ eventId }) => eventId))]).toEqual(['tech-2024']);
  });
});

describe('an attendee', () => {
  test('is registered by status, and not when cancelled, refunded or transferred', async () => {
    await using it = await start();
    const sold = Array.from({ length: 6 }, (_, index) => it.world.register(conference, { unpaid: index === 1 })[0]?.id ?? '');
    const [, unpaid, cancelled, refunded, transferred, checkedIn] = sold as [string, string, string, string, string, string];
    it.clock.advance(second);
    it.world.cancel(cancelled);
    it.world.refund(refunded);
    const { id: taken } = it.world.transfer(transferred, webinar);
    it.world.checkIn(checkedIn);
    const { facts } = await it.pull();
    expect(states(facts)).toEqual({ [sold[0] ?? '']: 'CONFIRMED', [unpaid]: 'PENDING', [cancelled]: 'CANCELLED', [refunded]: 'CANCELLED', [transferred]: 'CANCELLED', [checkedIn]: 'CONFIRMED', [taken]: 'CONFIRMED' });
    it.clock.advance(10 * minute);
    it.world.pay(unpaid);
    expect(states((await it.pull()).facts)[unpaid]).toBe('CONFIRMED');
  });
  test('checks in once, however many barcodes it has; undone it stands no more, and again is another', async () => {
    await using it = await start();
    const id = it.world.register(conference, { barcodes: 2 })[0]?.id ?? '';
    const step = async (happen: () => unknown) => {
      it.clock.advance(20 * minute);
      happen();
      const { facts } = await it.pull();
      return { told: checkIns(facts), standing: standing(facts).at(-1) };
    };
    const first = await step(() => it.world.checkIn(id, 0));
    expect(first.told).toHaveLength(1);
    expect(first.standing).toEqual(first.told);
    expect(await step(() => it.world.checkIn(id, 1))).toEqual(first);
    // The first barcode's use was taken back: it is in by the other.
    const second = await step(() => it.world.undoCheckIn(id, 0));
    expect(second.standing).toEqual(second.told);
    expect(second.told).not.toEqual(first.told);
    expect(await step(() => it.world.undoCheckIn(id, 1))).toEqual({ told: [], standing: [] });
    const again = await step(() => it.world.checkIn(id, 0));
    expect(again.told).toHaveLength(1);
    expect([...first.told, ...second.told]).not.toContain(again.told[0]);
  });
  test('that is refunded was there or was not: nothing is said of it', async () => {
    await using it = await start();
    const id = it.world.register(conference)[0]?.id ?? '';
    it.clock.advance(second);
    it.world.checkIn(id);
    await it.pull();
    it.clock.advance(20 * minute);
    it.world.refund(id);
    const { facts } = await it.pull();
    expect([states(facts), checkIns(facts), standing(facts)]).toEqual([{ [id]: 'CANCELLED' }, [], []]);
  });
});

test('a health check wants a token of a member of the organization', async () => {
  await using it = await start();
  await expect(connector.checkHealth(it.context)).resolves.toBeUndefined();
  await using foreign = await start({ organizationId: '1' });
  await expect(connector.checkHealth(foreign.context)).rejects.toMatchObject({ code: 'UPSTREAM_STATUS', facts: { field: 'settings.organizationId' } });
  await using wrong = await start({}, { token: 'nobody' });
  await expect(connector.checkHealth(wrong.context)).rejects.toMatchObject({ code: 'UPSTREAM_STATUS', facts: { status: 401 } });
});
