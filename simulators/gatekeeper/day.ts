/**
 * Makes up the day of one event: gates open before it, people come as people come, some step out and back in, a gate
 * or two fail for a while, and at the end everybody leaves. The same details and seed give the same day.
 */
import { drawArrival } from './arrivals.ts';
import type { Change, Direction, EventDetails, EventPlan } from './plan.ts';
import { type Random, createRandom } from './random.ts';

export type DayOptions = {
  readonly seed: string;
  /** Share of the registered who come, 0 to 1. */
  readonly turnout: number;
  /** How often each gate fails, on average, over the whole event. */
  readonly gateFailures?: number;
};

const minute = 60_000;
/** Gates open this long before the start and close this long after the end. */
const doors = { before: 45 * minute, after: 40 * minute };
/** Shares of those who come. */
const steppingOut = 0.12;
const leavingEarly = 0.06;

export const planDay = (details: EventDetails, options: DayOptions): EventPlan => {
  const random = createRandom(`${options.seed}/${details.eventId}`);
  const { start, end } = details.period;
  const failures = planFailures(details, options.gateFailures ?? 0.5, random);
  const gatesAt = (at: number) => {
    const working = details.gates.filter(({ id }) => !failures.some((failure) => failure.gateId === id && failure.from <= at && at < failure.until));
    return working.length > 0 ? working : details.gates;
  };
  const passages: { at: number; badgeId: string; direction: Direction }[] = [];
  const people = Math.round(details.registered * options.turnout);
  for (let person = 1; person <= people; person += 1) {
    const badgeId = `${details.eventId}-badge-${person}`;
    passages.push(...planPerson(start, end, random).map((passage) => ({ ...passage, badgeId })));
  }
  passages.sort((left, right) => left.at - right.at);
  const changes: Change[] = [
    { kind: 'status', at: start, status: 'ongoing' },
    { kind: 'status', at: end, status: 'ended' },
    ...details.gates.flatMap(({ id }): Change[] => [
      { kind: 'gate', at: start - doors.before, gateId: id, status: 'open' },
      { kind: 'gate', at: end + doors.after, gateId: id, status: 'closed' },
    ]),
    ...failures.flatMap(({ gateId, from, until }): Change[] => [
      { kind: 'gate', at: from, gateId, status: 'failed' },
      { kind: 'gate', at: until, gateId, status: 'open' },
    ]),
    ...passages.map(({ at, badgeId, direction }, index): Change => {
      const gates = gatesAt(at);
      return { kind: 'checkIn', at, id: `${details.eventId}-scan-${start.toString(36)}-${index + 1}`, badgeId, direction, gateId: gates[random.below(gates.length)]?.id ?? '' };
    }),
  ];
  return { ...details, changes: changes.sort((left, right) => left.at - right.at) };
};

/** Entries and exits of one person, alternating, in order; the last is an exit. */
const planPerson = (start: number, end: number, random: Random): { at: number; direction: Direction }[] => {
  const at = (time: number) => Math.round(time / 1000) * 1000;
  const entered = at(Math.min(start + drawArrival(random) * minute, end - minute));
  const early = random.next() < leavingEarly;
  // Rooms empty within a quarter of an hour after the end; a few are on their way before it.
  const left = at(Math.max(entered + minute, early ? entered + (end - entered) * random.next() : end + (6 + 5 * random.normal()) * minute));
  const passages: { at: number; direction: Direction }[] = [{ at: entered, direction: 'entry' }];
  if (random.next() < steppingOut && left - entered > 20 * minute) {
    const out = at(entered + (left - entered) * (0.2 + 0.5 * random.next()));
    // A second apart at least: whoever leaves and comes within one is taken to have left.
    passages.push({ at: out, direction: 'exit' }, { at: at(out + 1000 + (left - out) * 0.4 * random.next()), direction: 'entry' });
  }
  passages.push({ at: Math.min(left, end + doors.after - minute), direction: 'exit' });
  return passages;
};

/** Failures of gates, three to ten minutes each, from the opening of the doors to the end; at most one gate fails at a time. */
const planFailures = (details: EventDetails, perGate: number, random: Random): { gateId: string; from: number; until: number }[] => {
  if (details.gates.length < 2) return [];
  const first = details.period.start - doors.before + minute;
  const count = Math.round(perGate * details.gates.length);
  const slot = (details.period.end - first) / Math.max(1, count);
  return Array.from({ length: count }, (_, index) => {
    const from = first + slot * index + Math.floor((slot * random.next()) / 2);
    const until = from + Math.min(slot / 2 - 1, (3 + 7 * random.next()) * minute);
    return { gateId: details.gates[random.below(details.gates.length)]?.id ?? '', from: Math.round(from), until: Math.round(until) };
  });
};
