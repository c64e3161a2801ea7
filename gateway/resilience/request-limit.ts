/** Turns requests away at the door while too many are under way: before their bodies are read, so that memory stays bounded. */
import type { FastifyInstance } from 'fastify';

/** Enough for every socket of a busy process; far below what fills its memory. */
export const defaultMaxRequests = 10_000;

const overloaded = JSON.stringify({ errors: [{ message: 'Too many requests are under way. Come again in a second.', extensions: { code: 'OVERLOADED', retryAfter: 1 } }] });

/** Health is asked all the more then. To be called before other hooks are added, which then cost nothing. */
export const limitRequests = (app: FastifyInstance, maxRequests: number = defaultMaxRequests): void => {
  let underWay = 0;
  app.addHook('onRequest', (request, reply, done) => {
    if (request.url.startsWith('/health/')) return done();
    if (underWay >= maxRequests) return void reply.code(503).header('retry-after', '1').header('content-type', 'application/json; charset=utf-8').send(overloaded);
    underWay++;
    reply.raw.once('close', () => void underWay--);
    done();
  });
};
