/**
 * The time of a run.
 *
 * Glossary
 * - wall time: what the machine's clock says.
 * - scenario time: what the clock says in the story that is played. It runs `speed` times as fast as wall time.
 * - stamp: the time that the gate system writes on what it tells. `wall` stamps stay with the machine's clock however
 *   fast the story is played, so that a hub never hears of the future; `scenario` stamps are the story's own, for the
 *   replay of something that happened.
 */

/** Milliseconds since 1970, and one timer. A test passes one that it moves by hand. */
export type WallClock = {
  now(): number;
  /** Calls back once, at or after `at`. The answer cancels it. */
  schedule(at: number, callback: () => void): () => void;
};

export type ScenarioClock = {
  readonly wall: WallClock;
  /** Scenario time at which the run began. */
  readonly begin: number;
  /** Scenario time now, in milliseconds since 1970. */
  now(): number;
  /** What is written on a thing that happens at `scenario` time. */
  stamp(scenario: number): number;
  /** Wall time at which `scenario` time is reached. */
  wallOf(scenario: number): number;
  /** What is written on a thing that happens now; within `during`, on one that happens then. */
  told(): number;
  /** Does at once what happens at `scenario` time, be it late: a story that is told again tells the same times. */
  during<T>(scenario: number, happen: () => T): T;
};

export type ScenarioClockOptions = {
  readonly wall?: WallClock;
  /** Wall time at which the run began; now, unless an earlier run is continued. */
  readonly startedAt?: number;
  /** Scenario time at which it began; the same as `startedAt` unless told. */
  readonly scenarioStart?: number;
  /** Seconds of the scenario per second of the wall. */
  readonly speed: number;
  readonly stamps: 'wall' | 'scenario';
};

/** The longest wait that setTimeout can do is 2^31 - 1 ms; longer ones are cut and waited for again. */
const longestTimer = 2_147_483_647;

export const systemClock: WallClock = {
  now: () => Date.now(),
  schedule(at, callback) {
    let timer: NodeJS.Timeout;
    const arm = () => {
      const wait = at - Date.now();
      timer = setTimeout(wait > longestTimer ? arm : callback, Math.min(longestTimer, Math.max(0, wait)));
      timer.unref();
    };
    arm();
    return () => clearTimeout(timer);
  },
};

export const createScenarioClock = (options: ScenarioClockOptions): ScenarioClock => {
  const wall = options.wall ?? systemClock;
  const startedAt = options.startedAt ?? wall.now();
  const scenarioStart = options.scenarioStart ?? startedAt;
  const wallOf = (scenario: number) => startedAt + (scenario - scenarioStart) / options.speed;
  const now = () => scenarioStart + (wall.now() - startedAt) * options.speed;
  const stamp = (scenario: number) => (options.stamps === 'wall' ? Math.round(wallOf(scenario)) : scenario);
  let then: number | null = null;
  return {
    wall,
    begin: scenarioStart,
    now,
    stamp,
    wallOf,
    told: () => stamp(then ?? now()),
    during(scenario, happen) {
      then = scenario;
      try {
        return happen();
      } finally {
        then = null;
      }
    },
  };
};

/** A clock that stands still until it is moved. Timers due on the way are called in their order, at their time. */
export const createManualClock = (start: number): WallClock & { advance(ms: number): void } => {
  let now = start;
  let timers: { readonly at: number; readonly callback: () => void }[] = [];
  return {
    now: () => now,
    schedule(at, callback) {
      const timer = { at, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
    advance(ms) {
      const until = now + ms;
      for (;;) {
        const due = timers.filter(({ at }) => at <= until).sort((left, right) => left.at - right.at)[0];
        if (!due) break;
        timers = timers.filter((each) => each !== due);
        now = Math.max(now, due.at);
        due.callback();
      }
      now = until;
    },
  };
};
