/** Turns requests away at the door while too many are under way: before their bodies are read, so that memory stays bounded. */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';

/** Enough for every socket of a busy process; far below what fills its memory. */
export const defaultMaxRequests = 10_000;

const overloaded = JSON.stringify({ errors: [{ message: 'Too many requests are under way. Come again in a second.', extensions: { code: 'OVERLOADED', retryAfter: 1 } }] });

const leave: unique symbol = Symbol('leave');
type Counted = ServerResponse & { [leave]?: () => void };

/** Health is asked all the more then. To be called before other hooks are added, which then cost nothing. */
export const limitRequests = (app: FastifyInstance, maxRequests: number = defaultMaxRequests): void => {
  let underWay = 0;
  app.addHook('onRequest', (request, reply, done) => {
    if (request.url.startsWith('/health/')) return done();
    if (underWay >= maxRequests) return void reply.code(503).header('retry-after', '1').header('content-type', 'application/json; charset=utf-8').send(overloaded);
    const raw: Counted = reply.raw;
    let isCounted = true;
    underWay++;
    raw[leave] = () => {
      if (isCounted) underWay--;
      isCounted = false;
    };
    raw.once('close', raw[leave]);
    done();
  });
};

/** For a response that stays open as a stream: it would take the place of thousands of requests. */
export const countNoLonger = (response: ServerResponse): void => (response as Counted)[leave]?.();
