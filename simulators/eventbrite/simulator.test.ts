import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createManualClock } from '#simulators/gatekeeper/clock.ts';
import { describeEventbriteContract } from './contract.ts';
import { expectedCounts } from './expected-counts.ts';
import { type EventbriteSimulatorOptions, createEventbriteSimulator } from './index.ts';
import { contractPlan, demoPlan } from './plans.ts';

describeEventbriteContract('Eventbrite, simulated', async () => {
  const clock = createManualClock(Date.UTC(2024, 5, 1, 9));
  const simulator = await createEventbriteSimulator({ plan: contractPlan, clock, callsPerHour: null, pageSize: 2 });
  const [event, other] = simulator.world.organization.events.map(({ id }) => id) as [string, string];
  const [first] = simulator.world.register(event, { tickets: 3 });
  simulator.world.register(other);
  clock.advance(60_000);
  simulator.world.checkIn(first?.id ?? '');
  return simulator;
});

const begin = Date.UTC(2024, 5, 1, 9);
const start = async (options: EventbriteSimulatorOptions = {}) => {
  const clock = createManualClock(begin);
  const simulator = await createEventbriteSimulator({ plan: contractPlan, clock, webhookRetryMs: [], ...options });
  const get = async (path: string) => {
    const response = await fetch(`${simulator.url}/v3/${path}`, { headers: { authorization: `Bearer ${simulator.token}` } });
    return { status: response.status, body: (await response.json()) as unknown };
  };
  const [event] = simulator.world.organization.events.map(({ id }) => id) as [string];
  const attendees = async () => z.object({ attendees: z.array(z.object({ id: z.string(), checked_in: z.boolean() })) }).parse((await get(`events/${event}/attendees/`)).body).attendees;
  return { clock, simulator, get, attendees, event, [Symbol.asyncDispose]: () => simulator[Symbol.asyncDispose]() };
};

describe('the simulator', () => {
  test('shows what was written after a lag, to some readers sooner than to others, and to all in the end', async () => {
    await using it = await start({ lag: { longestMs: 60_000 } });
    const [one] = it.simulator.world.register(it.event);
    expect(await it.attendees()).toEqual([]);
    it.clock.advance(30_000);
    const counts = new Set<number>();
    for (let reads = 0; reads < 40; reads++) counts.add((await it.attendees()).length);
    expect([...counts].sort()).toEqual([0, 1]);
    it.clock.advance(30_000);
    for (let reads = 0; reads < 10; reads++) expect((await it.attendees()).map(({ id }) => id)).toEqual([one?.id]);
  });
  test('allows so many calls in an hour and no more', async () => {
    await using it = await start({ callsPerHour: 3 });
    const statuses = [];
    for (let calls = 0; calls < 4; calls++) statuses.push((await it.get('users/me/')).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect((await it.get('users/me/')).body).toMatchObject({ status_code: 429, error: 'HIT_RATE_LIMIT' });
    it.clock.advance(3_600_000);
    expect((await it.get('users/me/')).status).toBe(200);
  });
  test('counts who comes by Eventbrite’s rule', async () => {
    await using it = await start();
    const { world } = it.simulator;
    const [comes, leaves, refunded, moves, unpaid] = Array.from({ length: 5 }, (_, index) => world.register(it.event, { unpaid: index === 4 })[0]?.id ?? '') as [string, string, string, string, string];
    for (const id of [comes, leaves, refunded]) world.checkIn(id);
    world.undoCheckIn(leaves);
    world.refund(refunded);
    world.transfer(moves, world.organization.events[1]?.id ?? '');
    expect(unpaid).not.toBe('');
    expect(expectedCounts(world.truth(), it.event)).toEqual({ registered: 3, current: 1, checkIns: 1 });
    expect(expectedCounts(world.truth(), world.organization.events[1]?.id ?? '')).toMatchObject({ registered: 1, current: 0 });
  });
  test('plays a day: tickets are sold, people come, some are refunded; the same seed plays the same', async () => {
    const play = async () => {
      await using it = await start({ plan: demoPlan, day: { speed: 1, startedAt: begin } });
      it.clock.advance(7 * 3_600_000);
      return it.simulator.world.truth();
    };
    const [once, again] = [await play(), await play()];
    expect(again).toEqual(once);
    const counts = demoPlan(new Date(begin)).events.map(({ id }) => expectedCounts(once, id));
    for (const { registered, current } of counts) {
      expect(registered).toBeGreaterThan(100);
      expect(current).toBeGreaterThan(registered / 2);
    }
    expect(once.some(({ refunded }) => refunded)).toBe(true);
  });
});
