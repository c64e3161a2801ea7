/** A hub that starts again starts its demo's simulators again, in the middle of their stories. */
import { expect, test } from 'vitest';
import { createWorld as createDesk } from '#simulators/custom/world.ts';
import { playEvening } from '#simulators/custom/evening.ts';
import { createEventbriteSimulator } from '#simulators/eventbrite/index.ts';
import { createPretixSimulator } from '#simulators/pretix/index.ts';
import { playEvening as playConcerts } from '#simulators/ticketing/evening.ts';
import { createWorld as createPlatform, kinds } from '#simulators/ticketing/platform-world.ts';
import { type WallClock, createManualClock, createScenarioClock } from './clock.ts';

const begin = Date.UTC(2024, 5, 1, 17);
const speed = 60;
const minute = 60_000;

type Told = (wall: WallClock) => Promise<unknown>;
const stories: Record<string, Told> = {
  async pretix(clock) {
    await using pretix = await createPretixSimulator({ seed: 's', clock, autoplay: { speed, startedAt: begin } });
    await advance(clock);
    return [...pretix.world.events.values()].flatMap(({ orders, checkIns }) => [...orders.map(({ code, status, last_modified }) => [code, status, last_modified]), ...checkIns]);
  },
  async Eventbrite(clock) {
    await using eventbrite = await createEventbriteSimulator({ seed: 's', clock, day: { speed, startedAt: begin } });
    await advance(clock);
    return eventbrite.world.truth();
  },
  async 'the venue desk'(wall) {
    const clock = createScenarioClock({ wall, speed, startedAt: begin, stamps: 'wall' });
    const world = createDesk(clock.told);
    playEvening(world, clock, 1, () => undefined);
    await advance(wall);
    return [world.happenings, world.passes, world.scans];
  },
  async 'the ticketing platform'(wall) {
    const clock = createScenarioClock({ wall, speed, startedAt: begin, stamps: 'wall' });
    const world = createPlatform(clock.told, () => undefined);
    playConcerts(world, clock, 1);
    await advance(wall);
    return kinds.map((kind) => [...world.of(kind).values()]);
  },
};

/** To the moment at which both are compared: one has come there step by step, the other begins there. */
const advance = async (clock: WallClock): Promise<void> => {
  const { advance: move } = clock as ReturnType<typeof createManualClock>;
  move(Math.max(0, begin + 2 * minute - clock.now()));
};

test.each(Object.entries(stories))('the story of %s that goes on after a new start is the same, its ids and times too, before anybody asks', async (_name, tell) => {
  const told = await tell(createManualClock(begin));
  expect(JSON.stringify(told).length).toBeGreaterThan(10_000);
  expect(await tell(createManualClock(begin + 2 * minute))).toEqual(told);
});
