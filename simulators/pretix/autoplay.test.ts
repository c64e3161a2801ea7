import { describe, expect, test } from 'vitest';
import { createManualClock } from '#simulators/gatekeeper/clock.ts';
import { createPretixSimulator } from './index.ts';
import { countList } from './world.ts';

const begin = Date.UTC(2024, 5, 1, 17);

/** The story of so many hours, as the numbers of every list and the orders of every event. */
const play = async (seed: string, hours: number, speed = 1) => {
  const clock = createManualClock(begin);
  await using pretix = await createPretixSimulator({ seed, clock, autoplay: { speed } });
  clock.advance((hours * 3_600_000) / speed);
  return [...pretix.world.events.values()].map((event) => ({
    slug: event.plan.slug,
    orders: event.orders.map(({ code, status }) => `${code}${status}`),
    scans: event.checkIns.length,
    lists: event.lists.map((list) => countList(list)).map(({ position_count, checkin_count, inside_count }) => ({ position_count, checkin_count, inside_count })),
  }));
};

describe('a played organizer', () => {
  test('has sold tickets when it starts, fills, and is empty in the end', async () => {
    const [before] = await play('s', 0);
    expect(before?.orders.length).toBeGreaterThan(200);
    expect(before?.lists[0]).toMatchObject({ checkin_count: 0, inside_count: 0 });
    const [during] = await play('s', 2);
    expect(during?.lists[0]?.inside_count).toBeGreaterThan((during?.lists[0]?.position_count ?? 0) / 2);
    const [after] = await play('s', 24);
    expect(after?.lists[0]?.checkin_count).toBeGreaterThan(300);
    expect(after?.lists[0]?.inside_count).toBe(0);
    expect(new Set(after?.orders.map((each) => each.slice(-1)))).toEqual(new Set(['p', 'c']));
  });
  test('is the same with the same seed, at any speed, and another with another', async () => {
    const story = await play('one', 1);
    expect(await play('one', 1)).toEqual(story);
    expect((await play('one', 1, 60)).map(({ orders }) => orders)).toEqual(story.map(({ orders }) => orders));
    expect(await play('two', 1)).not.toEqual(story);
  });
});

test('a story that runs sixty times as fast tells events sixty times as soon and short', async () => {
  const clock = createManualClock(begin);
  await using pretix = await createPretixSimulator({ clock, autoplay: { speed: 60 } });
  const response = await fetch(`${pretix.url}/api/v1/organizers/${pretix.organizer}/events/jazznight/`, { headers: { authorization: `Token ${pretix.token}` } });
  expect(await response.json()).toMatchObject({ date_from: '2024-06-01T17:00:12Z', date_to: '2024-06-01T17:04:12Z' });
});

describe('the simulated rate limit', () => {
  test('answers 429 with the seconds to wait, and lets through again after them', async () => {
    const clock = createManualClock(begin);
    await using pretix = await createPretixSimulator({ clock, requestsPerMinute: 2 });
    const get = () => fetch(`${pretix.url}/api/v1/organizers/${pretix.organizer}/`, { headers: { authorization: `Token ${pretix.token}` } });
    expect([(await get()).status, (await get()).status]).toEqual([200, 200]);
    clock.advance(10_000);
    const refused = await get();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '50']);
    clock.advance(50_001);
    expect((await get()).status).toBe(200);
  });
});
