/**
 * An Eventbrite that lives in memory, over real HTTP: for the demo and for tests. The suite in contract.ts runs over it
 * and, with a token, over Eventbrite itself.
 */
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { type WallClock, createScenarioClock, systemClock } from '#simulators/gatekeeper/clock.ts';
import { createRandom } from '#simulators/gatekeeper/random.ts';
import { type BadDay, misbehave } from './bad-days.ts';
import { playDay } from './day.ts';
import { type OrganizationPlan, demoPlan } from './plans.ts';
import type { LagOptions } from './replicas.ts';
import { Refused, addRoutes } from './routes.ts';
import { type Webhooks, createWebhooks } from './webhooks.ts';
import { type World, createWorld } from './world.ts';

export type EventbriteSimulatorOptions = {
  /** 0: any free port. */
  readonly port?: number;
  readonly plan?: (now: Date) => OrganizationPlan;
  readonly clock?: WallClock;
  /** By how much reads lag behind writes; not at all unless told. May be changed at any time. */
  readonly lag?: LagOptions;
  /** Calls an hour and token; null: no limit. */
  readonly callsPerHour?: number | null;
  /** Rows of a page. */
  readonly pageSize?: number;
  /** Waits before a webhook is tried again, in milliseconds. */
  readonly webhookRetryMs?: readonly number[];
  /** Decides lags and the story. */
  readonly seed?: string;
  /** People register, come and go by themselves: so many minutes of the story in a minute of the wall. */
  readonly day?: { readonly speed: number; readonly startedAt?: number };
};

export type EventbriteSimulator = AsyncDisposable & {
  readonly url: string;
  readonly token: string;
  readonly organizationId: string;
  readonly world: World;
  readonly webhooks: Webhooks;
  readonly lag: LagOptions;
  /** From now on, paths that match (all, unless told) answer like this. */
  misbehave(day: BadDay, path?: RegExp): void;
  /** From now on, pages have so many rows. */
  setPageSize(rows: number): void;
  /** Tokens of pages given so far are not known any more. */
  forgetPages(): void;
  /** What was answered so far: method, path and query. */
  readonly requests: readonly string[];
};

export const createEventbriteSimulator = async (options: EventbriteSimulatorOptions = {}): Promise<EventbriteSimulator> => {
  const clock = options.clock ?? systemClock;
  const plan = (options.plan ?? demoPlan)(new Date(options.day?.startedAt ?? clock.now()));
  const seed = options.seed ?? plan.id;
  const lag: LagOptions = options.lag ?? { longestMs: 0 };
  let url = '';
  const webhooks = createWebhooks({ api: () => url, userId: plan.userId, retryAfterMs: options.webhookRetryMs ?? [5_000, 30_000] });
  const story = createScenarioClock({ wall: clock, speed: options.day?.speed ?? 1, stamps: 'wall', startedAt: options.day?.startedAt });
  const told = options.day ? plan.events.map((each) => ({ ...each, start: new Date(story.stamp(each.start.getTime())), end: new Date(story.stamp(each.end.getTime())) })) : plan.events;
  const world = story.during(story.begin, () => createWorld({ plan: { ...plan, events: told }, now: story.told, random: createRandom(seed), lag, happened: webhooks.tell }));
  const limit = createLimit(options.callsPerHour === undefined ? 2_000 : options.callsPerHour, clock);
  const requests: string[] = [];
  let bad: { day: BadDay; path: RegExp } = { day: 'none', path: /^/ };
  let pageSize = options.pageSize ?? 50;
  let epoch = 0;

  const app = Fastify({ forceCloseConnections: true, bodyLimit: 1024 * 1024 });
  app.addHook('onRequest', (request, reply, next) => {
    requests.push(`${request.method} ${request.url}`);
    void reply.header('date', new Date(clock.now()).toUTCString());
    if (bad.path.test(request.url) && misbehave(bad.day, reply)) return;
    admit(request, plan, limit);
    next();
  });
  app.setNotFoundHandler((_request, reply) => refuse(reply, new Refused(404, 'NOT_FOUND', 'The path you requested does not exist.')));
  app.setErrorHandler((error, _request, reply) => refuse(reply, error instanceof Refused ? error : new Refused(400, 'INVALID_BODY', 'A request body that was not in JSON format was passed.')));
  addRoutes(app, { world, webhooks, now: clock.now, pageSize: () => pageSize, epoch: () => epoch });
  url = await app.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  const day = options.day ? playDay(world, plan.events, story, seed) : null;

  return {
    url,
    token: plan.token,
    organizationId: plan.id,
    world,
    webhooks,
    lag,
    requests,
    misbehave(next, path = /^/) {
      bad = { day: next, path };
    },
    setPageSize(rows) {
      pageSize = rows;
    },
    forgetPages() {
      epoch += 1;
    },
    async [Symbol.asyncDispose]() {
      day?.stop();
      await webhooks.close();
      await app.close();
    },
  };
};

const refuse = (reply: FastifyReply, { status, code, message }: Refused) => reply.code(status).send({ status_code: status, error: code, error_description: message });

/** Throws unless it is the owner's token, and there were not too many calls. */
const admit = ({ headers }: FastifyRequest, plan: OrganizationPlan, limit: () => boolean): void => {
  if (!headers.authorization) throw new Refused(401, 'NO_AUTH', 'Authentication not provided.');
  if (headers.authorization !== `Bearer ${plan.token}`) throw new Refused(401, 'INVALID_AUTH', 'The OAuth token you provided was invalid.');
  if (!limit()) throw new Refused(429, 'HIT_RATE_LIMIT', 'Hourly rate limit has been reached for this token.');
};

/** Counts a call; false where it is one too many in an hour. */
const createLimit = (perHour: number | null, clock: WallClock): (() => boolean) => {
  const calls: number[] = [];
  return () => {
    if (perHour === null) return true;
    while ((calls[0] ?? Infinity) <= clock.now() - 3_600_000) calls.shift();
    if (calls.length >= perHour) return false;
    calls.push(clock.now());
    return true;
  };
};
