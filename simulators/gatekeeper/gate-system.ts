/**
 * What the gate system knows of one event: a log of everything that happened, numbered from 1 without a gap, and the
 * state that the log adds up to. Cheap to change: each change is one append.
 */
import { sha256Hex } from '#core/digest.ts';
import type { ScenarioClock } from './clock.ts';
import type { Change, EventDetails, EventStatus, GateStatus } from './plan.ts';

/** A change as the gate system recorded it; `at` is its stamp. */
export type LogEntry = Change & { readonly sequence: number };
export type CheckInEntry = Extract<LogEntry, { kind: 'checkIn' }>;

export type GateState = { readonly id: string; readonly name: string; readonly status: GateStatus; /** Check-ins of the last minute. */ readonly throughput: number };

export type GateSystem = {
  readonly details: EventDetails;
  /** Names this log: another run, or a restart that forgot, has another name. */
  readonly logId: string;
  readonly sequence: number;
  readonly status: EventStatus;
  readonly current: number;
  /** Appends a change of scenario time `change.at`. */
  apply(change: Change): void;
  gates(): GateState[];
  /** Entries after `sequence`, `limit` at most. */
  after(sequence: number, limit: number): readonly LogEntry[];
};

export const createGateSystem = (details: EventDetails, clock: ScenarioClock, run: string): GateSystem => {
  const log: LogEntry[] = [];
  const inside = new Set<string>();
  const gates = new Map(details.gates.map(({ id, name }) => [id, { id, name, status: 'closed' as GateStatus, recent: [] as number[] }]));
  let status: EventStatus = 'pre-event';

  const record = (change: Change): void => {
    if (change.kind === 'status') status = change.status;
    else if (change.kind === 'checkIn') {
      if (change.direction === 'entry') inside.add(change.badgeId);
      else inside.delete(change.badgeId);
      gates.get(change.gateId)?.recent.push(change.at);
    } else {
      const gate = gates.get(change.gateId);
      if (gate) gate.status = change.status;
    }
  };
  /** Forgets passages older than a minute; `recent` is ascending. */
  const throughputOf = (recent: number[]): number => {
    const since = clock.stamp(clock.now()) - 60_000;
    const first = recent.findIndex((at) => at > since);
    recent.splice(0, first === -1 ? recent.length : first);
    return recent.length;
  };

  return {
    details,
    logId: sha256Hex(`${run}/${details.eventId}`).slice(0, 12),
    get sequence() {
      return log.length;
    },
    get status() {
      return status;
    },
    get current() {
      return inside.size;
    },
    apply(change) {
      const stamped = { ...change, at: clock.stamp(change.at) };
      record(stamped);
      log.push({ ...stamped, sequence: log.length + 1 });
    },
    gates: () => [...gates.values()].map(({ recent, ...gate }) => ({ ...gate, throughput: throughputOf(recent) })),
    after: (sequence, limit) => log.slice(Math.max(0, sequence), Math.max(0, sequence) + limit),
  };
};
