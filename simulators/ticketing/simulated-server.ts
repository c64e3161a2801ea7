/** An HTTP server whose days can be bad, and whose requests a test can hold at a chosen moment. */
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

/** `lost-answer`: what was asked for is done, and nobody hears of it. */
export const badDays = ['none', 'hang', 'lost-answer', 'too-many', 'status-500', 'html', 'half-json', 'wrong-shape'] as const;
export type BadDay = (typeof badDays)[number];

/** A request that stands still, before anything is done or before it is answered. */
export type Hold = { /** Resolves when such a request has come so far. */ readonly arrived: Promise<void>; release(): void };

/** One request that came, for tests that count calls. */
export type Seen = { readonly method: string; readonly path: string };

export type SimulatedServer = AsyncDisposable & {
  readonly url: string;
  readonly requests: readonly Seen[];
  /** From now on, requests whose `METHOD /path` matches (all, unless told) are answered like this. */
  misbehave(day: BadDay, which?: RegExp): void;
  /** Holds the next request whose `METHOD /path` matches. */
  hold(which: RegExp, when: 'before' | 'after'): Hold;
};

export type SimulatedServerOptions = {
  readonly port?: number | undefined;
  readonly routes: (app: FastifyInstance) => void;
  /** Answers itself, and false, where the request is refused. */
  readonly admit: (request: FastifyRequest, reply: FastifyReply) => boolean;
  /** The body of an error, as the product words it. */
  readonly describe: (error: unknown) => { readonly status: number; readonly body: unknown };
};

type Waiting = { readonly which: RegExp; readonly when: 'before' | 'after'; readonly arrive: () => void; readonly released: Promise<void> };

const nameOf = (request: FastifyRequest): string => `${request.method} ${request.url.split('?')[0] ?? ''}`;
const forEver = new Promise<never>(() => undefined);

export const createSimulatedServer = async (options: SimulatedServerOptions): Promise<SimulatedServer> => {
  const requests: Seen[] = [];
  const holds: Waiting[] = [];
  let bad: { day: BadDay; which: RegExp } = { day: 'none', which: /^/ };

  const waitIfHeld = async (request: FastifyRequest, when: Waiting['when']): Promise<void> => {
    const index = holds.findIndex((each) => each.when === when && each.which.test(nameOf(request)));
    const [held] = index < 0 ? [] : holds.splice(index, 1);
    held?.arrive();
    await held?.released;
  };

  const app = fastify({ forceCloseConnections: true, bodyLimit: 1024 * 1024 });
  app.addHook('onRequest', async (request, reply) => {
    requests.push({ method: request.method, path: request.url.split('?')[0] ?? '' });
    if (bad.which.test(nameOf(request)) && misbehave(bad.day, reply)) return reply;
    if (!options.admit(request, reply)) return reply;
    await waitIfHeld(request, 'before');
  });
  app.addHook('onSend', async (request, _reply, payload) => {
    if (bad.day === 'lost-answer' && bad.which.test(nameOf(request))) await forEver;
    await waitIfHeld(request, 'after');
    return payload;
  });
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = options.describe(error);
    return reply.code(status).send(body);
  });
  options.routes(app);
  const url = await app.listen({ host: '127.0.0.1', port: options.port ?? 0 });

  return {
    url,
    requests,
    misbehave(day, which = /^/) {
      bad = { day, which };
    },
    hold(which, when) {
      const arrived = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      holds.push({ which, when, arrive: arrived.resolve, released: released.promise });
      return { arrived: arrived.promise, release: released.resolve };
    },
    [Symbol.asyncDispose]: () => app.close(),
  };
};

/** Answers as a broken server does. False where an honest answer may follow. */
const misbehave = (day: BadDay, reply: FastifyReply): boolean => {
  switch (day) {
    case 'none':
    case 'lost-answer':
      return false;
    case 'hang':
      reply.hijack();
      return true;
    case 'too-many':
      void reply.code(429).header('retry-after', '1').send({ error: { code: 'too_many_requests', message: 'Come again later.' } });
      return true;
    case 'status-500':
      void reply.code(500).type('text/html').send('<h1>500</h1>');
      return true;
    case 'html':
      void reply.type('text/html').send('<!doctype html><title>Maintenance</title>');
      return true;
    case 'half-json':
      void reply.type('application/json').send('{"items":[{"id":');
      return true;
    case 'wrong-shape':
      void reply.send({ items: 'none', type: 7, result: null });
      return true;
  }
};
