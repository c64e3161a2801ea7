/**
 * A gate system (EMS) over real HTTP: several events, each under its own base path, people arriving and leaving.
 */
import fastify from 'fastify';
import { type ScenarioClock, type ScenarioClockOptions, createScenarioClock } from './clock.ts';
import { planDemo } from './demo-events.ts';
import type { EventPlan } from './plan.ts';
import type { PusherOptions } from './pusher.ts';
import { addRoutes } from './routes.ts';
import { type SimulatedEvent, createSimulatedEvent } from './simulated-event.ts';

export type GatekeeperSimulatorOptions = {
  /** What happens; the demo's events when absent. */
  readonly plans?: readonly EventPlan[];
  /** The same seed makes the same run. */
  readonly seed?: string;
  /** Every endpoint but `health` wants it, as `Authorization: Bearer` or `x-api-key`. */
  readonly apiKey?: string;
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port?: number;
  /**
   * Speed 1, stamps of the machine's clock and a run that begins now, unless told. A run that goes on after a restart
   * is given the `startedAt` of the first start: it is where it would be by now, with the same ids and sequences.
   */
  readonly clock?: Partial<ScenarioClockOptions>;
  readonly retry?: PusherOptions['retry'];
};

export type GatekeeperSimulator = AsyncDisposable & {
  readonly url: string;
  readonly apiKey: string;
  readonly events: readonly SimulatedEvent[];
  /** Throws for an event that is not in the plans. */
  event(eventId: string): SimulatedEvent;
  /** The base path of an event: `endpoints.api` of its service. */
  endpoint(eventId: string): string;
};

/** Changes that lie closer together than this, in milliseconds, happen together: a second of them is 20 pushes at most. */
const tick = 50;

export const createGatekeeperSimulator = async (options: GatekeeperSimulatorOptions = {}): Promise<GatekeeperSimulator> => {
  const { seed = 'eventgraph', apiKey = 'gatekeeper-demo-key', host = '127.0.0.1', port = 0 } = options;
  const clock = createScenarioClock({ speed: 1, stamps: 'wall', ...options.clock });
  const plans = options.plans ?? planDemo(clock.begin, seed);
  const run = `${seed}/${clock.begin}`;
  const events = new Map(plans.map((plan) => [plan.eventId, createSimulatedEvent({ plan, clock, run, retry: options.retry })]));
  const app = fastify({ forceCloseConnections: true });
  addRoutes(app, { events, clock, apiKey });
  const stop = play([...events.values()], clock);
  const url = await app.listen({ host, port });

  return {
    url,
    apiKey,
    events: [...events.values()],
    event(eventId) {
      const event = events.get(eventId);
      if (!event) throw new RangeError(`The gate system has no event ${eventId}.`);
      return event;
    },
    endpoint: (eventId) => `${url}/${eventId}`,
    async [Symbol.asyncDispose]() {
      stop();
      await Promise.all([...events.values()].map(({ pusher }) => pusher.close()));
      await app.close();
    },
  };
};

/** Plays all events with one timer. What lies before now has happened already. Answers how to stop. */
const play = (events: readonly SimulatedEvent[], clock: ScenarioClock): (() => void) => {
  let cancel = (): void => undefined;
  const go = (): void => {
    const now = clock.now();
    for (const event of events) event.playUntil(now);
    const next = Math.min(...events.map((event) => event.nextAt() ?? Infinity));
    if (next < Infinity) cancel = clock.wall.schedule(Math.max(clock.wallOf(next), clock.wall.now() + tick), go);
  };
  go();
  return () => cancel();
};
