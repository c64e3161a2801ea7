/**
 * A scripted evening at the venue desk: passes are sold and taken back, people come as people come (the arrival curve
 * fitted on real check-ins) and leave. The same day and speed give the same evening.
 */
import { drawArrival } from '#simulators/gatekeeper/arrivals.ts';
import type { ScenarioClock } from '#simulators/gatekeeper/clock.ts';
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
export const playEvening = (world: World, clock: ScenarioClock, day: number, scanned: () => void): Story =>
  playStory(clock, () => programme.flatMap((each) => happen(world, clock, day === 1 ? each : { ...each, name: `${each.name}-${day}` }, scanned)));

/** Announces it and sells its passes; answers what becomes of them. */
const happen = (world: World, clock: ScenarioClock, { name: ref, label, hall, passes }: (typeof programme)[number], scanned: () => void): Step[] => {
  const at = (minutes: number): number => Math.floor(clock.stamp(clock.begin + minutes * minute) / 1000);
  world.addHappening({ ref, label, hall, from: at(0), till: at(6 * 60) });
  const random = createRandom(`evening/${ref}`);
  return Array.from({ length: passes }, (_, index) => stepsOf(world, ref, index, random, clock.begin, scanned)).flat();
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
