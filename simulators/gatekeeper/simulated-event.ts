/**
 * One event in the gate system: its plan is played, and a test or a bad day may interfere.
 */
import { randomUUID } from 'node:crypto';
import { type Backups, createBackups } from './backups.ts';
import type { ScenarioClock } from './clock.ts';
import { type Knobs, knobs as knobsSchema } from './faults.ts';
import { type GateSystem, createGateSystem } from './gate-system.ts';
import type { Change, Direction, EventPlan, EventStatus, GateStatus } from './plan.ts';
import { type Pusher, type PusherOptions, createPusher } from './pusher.ts';

export type SimulatedEvent = {
  readonly eventId: string;
  readonly system: GateSystem;
  readonly pusher: Pusher;
  readonly backups: Backups;
  readonly knobs: Knobs;
  setKnobs(change: Partial<Knobs>): void;
  /** Scenario time of the next change of the plan; undefined at its end. */
  nextAt(): number | undefined;
  /** Applies what the plan has up to `scenario` time. */
  playUntil(scenario: number): void;
  /** A badge passes a gate now. Answers the check-in's id. */
  pass(passage: { badgeId: string; direction?: Direction; gateId?: string; id?: string }): string;
  /** As many people, each with a badge of their own, enter at once. */
  passMany(count: number): void;
  setGate(gateId: string, status: GateStatus): void;
  setStatus(status: EventStatus): void;
  /** As after a restart without its data: an empty log under a new name. */
  forget(): void;
};

export type SimulatedEventOptions = { readonly plan: EventPlan; readonly clock: ScenarioClock; readonly run: string; readonly retry?: PusherOptions['retry'] };

export const createSimulatedEvent = ({ plan, clock, run, retry }: SimulatedEventOptions): SimulatedEvent => {
  const { changes, ...details } = plan;
  let system = createGateSystem(details, clock, run);
  let knobs = knobsSchema.parse({});
  let played = 0;
  let badges = 0;
  const pusher = createPusher({ system: () => system, knobs: () => knobs, clock, retry });
  const happen = (now: readonly Change[]): void => {
    for (const change of now) system.apply(change);
    pusher.wake();
  };
  const enter = (badgeId: string, direction: Direction = 'entry', gateId = details.gates[0]?.id ?? '', id: string = randomUUID()): Change => ({ kind: 'checkIn', at: clock.now(), id, badgeId, gateId, direction });

  return {
    eventId: details.eventId,
    get system() {
      return system;
    },
    pusher,
    backups: createBackups(),
    get knobs() {
      return knobs;
    },
    setKnobs(change) {
      knobs = { ...knobs, ...change };
      pusher.wake();
    },
    nextAt: () => changes[played]?.at,
    playUntil(scenario) {
      const first = played;
      while ((changes[played]?.at ?? Infinity) <= scenario) played += 1;
      if (played > first) happen(changes.slice(first, played));
    },
    pass({ badgeId, direction, gateId, id }) {
      const passage = enter(badgeId, direction, gateId, id);
      happen([passage]);
      return passage.kind === 'checkIn' ? passage.id : '';
    },
    passMany(count) {
      happen(Array.from({ length: count }, () => enter(`crowd-${(badges += 1)}`)));
    },
    setGate: (gateId, status) => happen([{ kind: 'gate', at: clock.now(), gateId, status }]),
    setStatus: (status) => happen([{ kind: 'status', at: clock.now(), status }]),
    forget() {
      system = createGateSystem(details, clock, randomUUID());
      pusher.restart();
    },
  };
};
