/**
 * What the gate system says over HTTP, as JSON: the shapes of its API in one place.
 */
import type { Knobs } from './faults.ts';
import type { CheckInEntry, GateState, GateSystem, LogEntry } from './gate-system.ts';
import type { ScenarioClock } from './clock.ts';

/** The most check-ins in one answer. */
export const pageSize = 5_000;

/** Times on the wire are ISO 8601 in UTC, moved by as much as the gate system's clock is wrong. */
const time = (at: number, { clockOffsetMs }: Knobs): string => new Date(at + clockOffsetMs).toISOString();

export const tellCheckIn = ({ id, badgeId, gateId, direction, at, sequence }: CheckInEntry, knobs: Knobs) => ({ id, badgeId, gateId, direction, at: time(at, knobs), sequence });
export const tellGate = ({ id, name, status, throughput }: GateState) => ({ id, name, status, throughput });

export const tellPeriod = (system: GateSystem, clock: ScenarioClock) => {
  // The period was agreed on before, and not read from a clock: it is right even where the clock is not.
  const { start, end } = system.details.period;
  return { start: new Date(clock.stamp(start)).toISOString(), end: new Date(clock.stamp(end)).toISOString() };
};

const tellEvent = (system: GateSystem, clock: ScenarioClock) => {
  const { eventId, eventName, type, organizer, timezone, region, venue } = system.details;
  return { eventId, eventName, type, organizer, period: tellPeriod(system, clock), timezone, region, venue, public: system.details.public };
};

const isCheckIn = (entry: LogEntry): entry is CheckInEntry => entry.kind === 'checkIn';

/**
 * One page of check-ins after `since`. `sequence` is how far the page reaches: to the end of the log, or to the last
 * entry of a full page; whoever asks on from there misses nothing.
 */
const tellCheckIns = (system: GateSystem, since: number, knobs: Knobs) => {
  const entries = system.after(since, pageSize);
  const sequence = entries.at(-1)?.sequence ?? system.sequence;
  return { sequence, more: sequence < system.sequence, checkIns: entries.filter(isCheckIn).map((entry) => tellCheckIn(entry, knobs)) };
};

const tellState = (system: GateSystem, clock: ScenarioClock, knobs: Knobs) => ({
  log: system.logId,
  timestamp: time(clock.stamp(clock.now()), knobs),
  status: system.status,
  event: tellEvent(system, clock),
  participants: { total: system.details.registered },
  attendance: { current: system.current },
  gates: system.gates().map(tellGate),
});

/** `GET sync/initial`: the event, its gates, and the first page of everything since the log began. */
export const tellInitial = (system: GateSystem, clock: ScenarioClock, knobs: Knobs) => ({
  ...tellState(system, clock, knobs),
  ...(knobs.countOnly ? { sequence: system.sequence } : tellCheckIns(system, 0, knobs)),
});

/** `GET analytics/realtime`: how it is now and, with `since`, the check-ins after that sequence. */
export const tellRealtime = (system: GateSystem, clock: ScenarioClock, knobs: Knobs, since: number | undefined) => ({
  ...tellState(system, clock, knobs),
  ...(knobs.countOnly || since === undefined ? { sequence: system.sequence } : tellCheckIns(system, since, knobs)),
});
