/**
 * A scripted day: tickets are sold, people come as people come (the arrival curve fitted on real check-ins), some are
 * checked in by mistake, some are refunded. The same seed, plan and speed give the same day.
 */
import { drawArrival } from '#simulators/gatekeeper/arrivals.ts';
import type { ScenarioClock } from '#simulators/gatekeeper/clock.ts';
import { type Random, createRandom } from '#simulators/gatekeeper/random.ts';
import { type Step, type Story, playStory } from '#simulators/gatekeeper/story.ts';
import type { EventPlan } from './plans.ts';
import type { World } from './world.ts';

const minute = 60_000;
/** Shares of tickets: who comes, who is checked in by mistake first, who gives the ticket back. */
const coming = 0.82;
const mistaken = 0.04;
const refunded = 0.03;

/** `events`: as they are in the story; the world tells them when the wall's clock has them. */
export const playDay = (world: World, events: readonly EventPlan[], clock: ScenarioClock, seed: string): Story =>
  playStory(clock, () => events.flatMap((event) => dayOf(world, event, createRandom(`${seed}/${event.id}`), clock.begin)));

/** What is sold before the day begins is there at once; a quarter more until the event is half over. */
const dayOf = (world: World, event: EventPlan, random: Random, begin: number): Step[] => {
  const before = event.soldBefore ?? 0;
  const early = Array.from({ length: before }, () => sell(world, event, random, begin));
  const until = begin + (event.end.getTime() - begin) * 0.6;
  const late = Array.from({ length: Math.round(before / 4) }, (): Step => {
    const at = begin + (until - begin) * random.next();
    return { at, play: () => sell(world, event, random, at) };
  });
  return [...early.flat(), ...late];
};

/** Sells one ticket; answers what becomes of it. */
const sell = (world: World, event: EventPlan, random: Random, now: number): Step[] => {
  const [attendee] = world.register(event.id, { ticketClass: random.below(event.ticketClasses.length) });
  if (!attendee) return [];
  const { id } = attendee;
  const at = (time: number, play: () => unknown): Step => ({ at: time, play: () => (play(), []) });
  if (random.next() < refunded) return [at(now + 30 * minute * random.next(), () => world.refund(id))];
  if (random.next() > coming) return [];
  const entered = Math.max(now + minute, event.start.getTime() + drawArrival(random) * minute);
  const early = now + (entered - now) * random.next();
  const mistake = random.next() < mistaken ? [at(early, () => world.checkIn(id)), at(early + minute / 2, () => world.undoCheckIn(id))] : [];
  return [...mistake, at(entered + minute, () => world.checkIn(id))];
};
