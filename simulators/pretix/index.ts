/**
 * A pretix that lives in memory, over real HTTP: for the demo and for tests that must not wait for the real one. The
 * suite in contract.ts runs over both, so that it cannot drift from what pretix does.
 */
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { type WallClock, createScenarioClock, systemClock } from '#simulators/gatekeeper/clock.ts';
import { createRandom } from '#simulators/gatekeeper/random.ts';
import { autoplay } from './autoplay.ts';
import { type BadDay, misbehave } from './bad-days.ts';
import { type OrganizerPlan, demoPlan } from './plans.ts';
import { Refused, readRoutes } from './routes-read.ts';
import { writeRoutes } from './routes-write.ts';
import { type Webhooks, createWebhooks } from './webhooks.ts';
import { type World, createWorld } from './world.ts';

export type PretixSimulatorOptions = {
  /** 0: any free port. */
  readonly port?: number;
  readonly plan?: (now: Date) => OrganizerPlan;
  readonly clock?: WallClock;
  /** Requests a minute and organizer, as pretix Hosted allows them; null: no limit, as in an installation of one's own. */
  readonly requestsPerMinute?: number | null;
  /** Waits before a webhook is tried again, in milliseconds. pretix: 5 s, 30 s, 1 min, then longer for three days. */
  readonly webhookRetryMs?: readonly number[];
  /** Decides codes, secrets and the story. */
  readonly seed?: string;
  /**
   * People buy and come by themselves: so many minutes of the story in a minute of the wall. `startedAt`: wall time at
   * which the story began, in milliseconds since 1970, where it is told again after a restart.
   */
  readonly autoplay?: { readonly speed: number; readonly startedAt?: number };
};

export type PretixSimulator = AsyncDisposable & {
  readonly url: string;
  readonly token: string;
  readonly organizer: string;
  readonly world: World;
  readonly webhooks: Webhooks;
  /** From now on, paths that match (all, unless told) answer like this. */
  misbehave(day: BadDay, path?: RegExp): void;
  /** Paths that were answered so far, without the query. */
  readonly requests: readonly string[];
};

export const createPretixSimulator = async (options: PretixSimulatorOptions = {}): Promise<PretixSimulator> => {
  const clock = options.clock ?? systemClock;
  const plan = (options.plan ?? demoPlan)(new Date(options.autoplay?.startedAt ?? clock.now()));
  const webhooks = createWebhooks(plan.slug, options.webhookRetryMs ?? [5_000, 30_000, 60_000]);
  const story = createScenarioClock({ wall: clock, speed: options.autoplay?.speed ?? 1, stamps: 'wall', startedAt: options.autoplay?.startedAt });
  const world = story.during(story.begin, () => createWorld({ plan, now: story.told, random: createRandom(options.seed ?? plan.slug), happened: webhooks.tell, ...(options.autoplay ? { tellTime: story.stamp } : {}) }));
  const limit = createLimit(options.requestsPerMinute === undefined ? 360 : options.requestsPerMinute, clock);
  const requests: string[] = [];
  let bad: { day: BadDay; path: RegExp } = { day: 'none', path: /^/ };

  const app = Fastify({ forceCloseConnections: true, bodyLimit: 1024 * 1024 });
  app.addHook('onRequest', (request, reply, next) => {
    requests.push(request.url.split('?')[0] ?? '');
    if (bad.path.test(request.url) && misbehave(bad.day, reply)) return;
    if (admit(request, reply, plan, limit)) next();
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ detail: 'Not found.' }));
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof Refused) return reply.code(error.status).send(error.body);
    return reply.code(400).send({ detail: `JSON parse error - ${error instanceof Error ? error.message : ''}` });
  });
  app.get('/api/v1/version', () => ({ pretix: '2026.8.0', pretix_numeric: 20260080005000 }));
  readRoutes(app, world, webhooks);
  writeRoutes(app, world, webhooks);
  const url = await app.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  const play = options.autoplay ? autoplay(world, { clock: story, seed: options.seed ?? plan.slug }) : null;

  return {
    url,
    token: plan.token,
    organizer: plan.slug,
    world,
    webhooks,
    requests,
    misbehave(day, path = /^/) {
      bad = { day, path };
    },
    async [Symbol.asyncDispose]() {
      play?.stop();
      await webhooks.close();
      await app.close();
    },
  };
};

/** Whose token it is, and whether there were too many requests. Answers itself where not. */
const admit = (request: FastifyRequest, reply: FastifyReply, plan: OrganizerPlan, limit: () => number): boolean => {
  const { authorization } = request.headers;
  const refuse = (status: number, detail: string): false => {
    void reply.code(status).send({ detail });
    return false;
  };
  const path = request.url.split('?')[0] ?? '';
  const [, asked] = /^\/api\/v1\/organizers\/([^/]+)\//.exec(path) ?? [];
  if (!authorization) return asked ? (void reply.header('www-authenticate', 'Token'), refuse(401, 'Authentication credentials were not provided.')) : refuse(403, 'Authentication credentials were not provided.');
  if (authorization !== `Token ${plan.token}`) return (void reply.header('www-authenticate', 'Token'), refuse(401, 'Invalid token.'));
  const wait = limit();
  if (wait > 0) return (void reply.header('retry-after', String(wait)), refuse(429, 'Request was throttled.'));
  if (asked !== undefined && asked !== plan.slug) return refuse(403, 'You do not have permission to perform this action.');
  return true;
};

/** Counts a request; answers how many seconds the caller has to wait, or 0. */
const createLimit = (perMinute: number | null, clock: WallClock): (() => number) => {
  const sent: number[] = [];
  return () => {
    if (perMinute === null) return 0;
    const now = clock.now();
    while (sent.length > 0 && (sent[0] ?? 0) <= now - 60_000) sent.shift();
    if (sent.length >= perMinute) return Math.max(1, Math.ceil(((sent[0] ?? now) + 60_000 - now) / 1000));
    sent.push(now);
    return 0;
  };
};
