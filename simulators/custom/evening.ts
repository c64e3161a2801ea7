/**
 * A scripted evening at the venue desk: passes are sold and taken back, people come as people come (the arrival curve
 * fitted on real check-ins) and leave. The same day and speed give the same evening.
 */
import { drawArrival } from '#simulators/gatekeeper/arrivals.ts';
import { type WallClock, createScenarioClock } from '#simulators/gatekeeper/clock.ts';
import { type Random, createRandom } from '#simulators/gatekeeper/random.ts';
import { type Step, type Story, playStory } from '#simulators/gatekeeper/story.ts';
import type { World } from './world.ts';

export type EveningOptions = {
  /** Minutes of the story in a minute of the wall. */
  readonly speed: number;
  /** When it began, in milliseconds since 1970; now, unless an earlier run is continued. */
  readonly startedAt?: number;
  /** Which evening it is, from 1: each has happenings of its own. */
  readonly day?: number;
  readonly wall?: WallClock;
};

const minute = 60_000;
/** Shares of passes: whose holder comes, which are taken back. */
const coming = 0.85;
const takenBack = 0.03;

const programme = [
  { name: 'poetry', label: 'Poetry in the Old Hall', hall: 'Old hall', passes: 140 },
  { name: 'chess', label: 'Chess Open', hall: 'Gallery', passes: 90 },
];

/** `scanned` is called after each scan. */
export const playEvening = (world: World, { day = 1, ...clockOptions }: EveningOptions, scanned: () => void): Story => {
  const clock = createScenarioClock({ ...clockOptions, stamps: 'wall' });
  const steps = programme.flatMap(({ name, label, hall, passes }) => {
    const ref = day === 1 ? name : `${name}-${day}`;
    const from = Math.floor(clock.begin / 1000);
    world.addHappening({ ref, label, hall, from, till: from + 6 * 3600 });
    const random = createRandom(`evening/${ref}`);
    return Array.from({ length: passes }, (_, index) => stepsOf(world, ref, index, random, clock.begin, scanned)).flat();
  });
  return playStory(clock, steps);
};

/** Sells a pass; answers what becomes of it. */
const stepsOf = (world: World, ref: string, index: number, random: Random, begin: number, scanned: () => void): Step[] => {
  const pass = world.sell(ref, `holder ${index + 1} of ${ref}`);
  const [comes, arrival, stay, fate] = [random.next() < coming, drawArrival(random), 60 + 180 * random.next(), random.next()];
  if (fate < takenBack) return [{ at: begin + 10 * minute * random.next(), play: () => world.takeBack(pass) }];
  if (!comes) return [];
  const at = (time: number, dir: 'in' | 'out'): Step => ({ at: time, play: () => (world.scan(pass, dir), scanned()) });
  const entered = begin + (25 + arrival) * minute;
  return [at(entered, 'in'), at(entered + stay * minute, 'out')];
};
