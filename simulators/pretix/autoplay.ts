/**
 * Plays a seeded story: tickets are sold, people come as people come (the arrival curve fitted on real check-ins), some
 * leave and come back, some cancel. The same seed, plan and speed give the same story.
 */
import { drawArrival } from '#simulators/gatekeeper/arrivals.ts';
import type { ScenarioClock } from '#simulators/gatekeeper/clock.ts';
import { type Random, createRandom } from '#simulators/gatekeeper/random.ts';
import { type Step, type Story, playStory } from '#simulators/gatekeeper/story.ts';
import { scan } from './scans.ts';
import { type Order, type Position, type SimulatedEvent, type World, operate, placeOrder } from './world.ts';

export type AutoplayOptions = { readonly seed: string; readonly clock: ScenarioClock };

const minute = 60_000;
/** Shares of tickets: who comes, who steps out meanwhile; of orders: which are canceled, which are paid late. */
const coming = 0.82;
const steppingOut = 0.15;
const canceling = 0.03;
const payingLate = 0.1;

export const autoplay = (world: World, { seed, clock }: AutoplayOptions): Story =>
  playStory(clock, () => [...world.events.values()].flatMap((event) => storyOf(world, event, createRandom(`${seed}/${event.plan.slug}`), clock.begin)));

/** What is sold before the story begins is there at once; as much again in the hours before and during the event. */
const storyOf = (world: World, event: SimulatedEvent, random: Random, begin: number): Step[] => {
  const before = event.plan.soldBefore ?? 0;
  const early = Array.from({ length: before }, (): readonly Step[] => sell(world, event, random, begin));
  const until = event.plan.end.getTime();
  const late = Array.from({ length: Math.round(before / 4) }, (): Step => ({ at: begin + (until - begin) * random.next() * 0.6, play: () => sell(world, event, random, begin) }));
  return [...early.flat(), ...late];
};

/** Sells one order; answers what its people do afterwards. */
const sell = (world: World, event: SimulatedEvent, random: Random, begin: number): Step[] => {
  const dates = event.subevents;
  const date = dates.length > 0 ? dates[random.below(dates.length)] : undefined;
  const tickets = event.items.filter(({ admission }) => admission);
  const quota = event.quotas.find(({ subevent }) => subevent === (date?.id ?? null));
  const taken = event.orders.flatMap(({ positions }) => positions).filter(({ subevent }) => subevent === (date?.id ?? null)).length;
  const item = tickets[random.below(tickets.length)];
  const people = 1 + random.below(3);
  if (!item || !quota || taken + people > quota.size) return [];
  const late = random.next() < payingLate;
  const order = placeOrder(world, event, { status: late ? 'n' : 'p', email: `${random.below(1e6)}@example.org`, testmode: false, validIfPending: false, positions: Array.from({ length: people }, () => ({ item, subevent: date?.id ?? null, attendeeName: `Guest ${random.below(1e6)}` })) });
  const period = { start: (date?.start ?? event.plan.start).getTime(), end: (date?.end ?? event.plan.end).getTime() };
  const soonest = Math.max(begin, event.orders.length > (event.plan.soldBefore ?? 0) ? period.start : begin);
  const afterwards: Step[] = late ? [{ at: soonest + 5 * minute * random.next(), play: () => void operate(world, order, 'mark_paid') }] : [];
  if (random.next() < canceling) afterwards.push({ at: soonest + 30 * minute * random.next(), play: () => void operate(world, order, 'mark_canceled') });
  return [...afterwards, ...order.positions.flatMap((position) => visit(world, event, order, position, period, soonest, random))];
};

/** Entry and exits of one ticket on the event's first list. */
const visit = (world: World, event: SimulatedEvent, order: Order, position: Position, period: { start: number; end: number }, soonest: number, random: Random): Step[] => {
  const [list] = event.lists;
  if (!list || random.next() > coming) return [];
  const at = (time: number, type: 'entry' | 'exit'): Step => ({ at: time, play: () => void scan(world, { secret: position.secret, list, type, force: false, ignoreUnpaid: false, nonce: `${order.code}-${position.positionid}-${time}`, datetime: null }) });
  const entered = Math.max(soonest + minute, period.start + drawArrival(random) * minute);
  const left = Math.max(entered + minute, period.end + (5 + 5 * random.normal()) * minute);
  const out = entered + (left - entered) * (0.2 + 0.4 * random.next());
  const back = out + Math.min(20 * minute, (left - out) * random.next());
  return [at(entered, 'entry'), ...(random.next() < steppingOut ? [at(out, 'exit'), at(back, 'entry')] : []), at(left, 'exit')];
};
