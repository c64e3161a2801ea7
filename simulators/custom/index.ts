/**
 * A venue desk: an HTTP service like none that the hub knows, for what is taken in by a declared mapping. It pages and
 * lets in as it is told, so that every way is tried against one.
 */
import Fastify from 'fastify';
import { request } from 'undici';
import { type BadDay, misbehave } from '#simulators/pretix/bad-days.ts';
import { type WallClock, createScenarioClock, systemClock } from '#simulators/gatekeeper/clock.ts';
import { type Authentication, createDesk } from './authentication.ts';
import { type EveningOptions, playEvening } from './evening.ts';
import { listRoutes } from './lists.ts';
import { type Push, type Signing, signPush } from './webhooks.ts';
import { type World, bodyOf, createWorld } from './world.ts';

export type CustomSimulatorOptions = {
  /** 0: any free port. */
  readonly port?: number;
  readonly clock?: Pick<WallClock, 'now'>;
  readonly authentication?: Authentication;
  readonly signing?: Signing;
  /** People buy, come and leave by themselves, and each scan is pushed. */
  readonly evening?: EveningOptions;
};

export type CustomSimulator = AsyncDisposable & {
  readonly url: string;
  readonly world: World;
  /** Where it was told to push to, with the secret it was given. */
  readonly hooks: readonly { readonly url: string; readonly secret: string | null }[];
  /** Signs a body as it pushes it. */
  sign(body: string, secret: string): Push;
  /** Pushes the last scan to every hook; answers their statuses. */
  pushLastScan(): Promise<number[]>;
  /** From now on, paths that match (all, unless told) answer like this. */
  misbehave(day: BadDay, path?: RegExp): void;
  /** Of the requests that follow, those with these numbers (from 0) are answered 503. */
  failRequests(numbers: readonly number[]): void;
  /** Addresses that were asked for so far. */
  readonly requests: string[];
  readonly tokens: readonly string[];
  forgetTokens(): void;
};

export const createCustomSimulator = async (options: CustomSimulatorOptions = {}): Promise<CustomSimulator> => {
  const { now } = options.clock ?? systemClock;
  const story = options.evening ? createScenarioClock({ ...options.evening, stamps: 'wall' }) : null;
  const world = createWorld(story?.told ?? now);
  const signing = options.signing ?? { kind: 'none' };
  const requests: string[] = [];
  const hooks: { url: string; secret: string | null }[] = [];
  let bad: { day: BadDay; path: RegExp } = { day: 'none', path: /^/ };
  let failing: { at: number; numbers: ReadonlySet<number> } = { at: 0, numbers: new Set() };

  const app = Fastify({ forceCloseConnections: true, bodyLimit: 1024 * 1024 });
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  const desk = createDesk(app, options.authentication ?? { kind: 'none' }, now);
  app.addHook('preHandler', async (asked, reply) => {
    requests.push(asked.url);
    if (bad.path.test(asked.url) && misbehave(bad.day, reply)) return reply;
    if (failing.numbers.has(failing.at++)) return reply.code(503).send({ problem: 'busy' });
    if (asked.url !== '/token' && !(await desk.admits(asked))) return reply.code(401).send({ problem: 'who are you?' });
  });
  app.get('/v0/health', () => ({ up: true }));
  app.post('/v0/hooks', (asked) => {
    const { target, key } = asked.body as { target: string; key?: string };
    hooks.push({ url: target, secret: key ?? null });
    return { ok: true };
  });
  app.delete('/v0/hooks', (asked, reply) => {
    const { target } = asked.body as { target: string };
    hooks.splice(0, hooks.length, ...hooks.filter(({ url }) => url !== target));
    return reply.code(204).send();
  });
  listRoutes(app, world);
  const url = await app.listen({ host: '127.0.0.1', port: options.port ?? 0 });

  const pushLastScan = (): Promise<number[]> => {
    const body = JSON.stringify(bodyOf('scans', world.scans.slice(-1), null));
    return Promise.all(
      hooks.map(async (hook) => {
        const response = await request(hook.url, { method: 'POST', ...signPush(signing, hook.secret ?? '', body, now()) });
        await response.body.dump();
        return response.statusCode;
      }),
    );
  };
  // A push that nobody takes is no loss: the list of scans has it.
  const evening = story ? playEvening(world, story, options.evening?.day ?? 1, () => void pushLastScan().catch(() => undefined)) : null;

  return {
    url: `${url}/v0`,
    world,
    hooks,
    requests,
    tokens: desk.tokens,
    forgetTokens: desk.forgetTokens,
    sign: (body, secret) => signPush(signing, secret, body, now()),
    pushLastScan,
    misbehave(day, path = /^/) {
      bad = { day, path };
    },
    failRequests(numbers) {
      failing = { at: 0, numbers: new Set(numbers) };
    },
    async [Symbol.asyncDispose]() {
      evening?.stop();
      await app.close();
    },
  };
};
