/** Turns requests away at the door while too many are under way: before their bodies are read, so that memory stays bounded. */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError, problemOf, problemType } from '../rest/problem.ts';

/** Enough for every socket of a busy process; far below what fills its memory. */
const defaultMaxRequests = 10_000;

const words = 'Too many requests are under way. Come again in a second.';
const overloaded = JSON.stringify({ errors: [{ message: words, extensions: { code: 'OVERLOADED', retryAfter: 1 } }] });

const refuse = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  const { url, id } = request;
  reply.code(503).header('retry-after', '1');
  if (!url.startsWith('/api/')) return reply.header('content-type', 'application/json; charset=utf-8').send(overloaded);
  return reply.header('content-type', problemType).send(JSON.stringify(problemOf(new ProblemError('OVERLOADED', words, { retryAfter: 1 }), url.split('?')[0] ?? '', id)));
};

const leave: unique symbol = Symbol('leave');
type Counted = ServerResponse & { [leave]?: () => void };

/** Health is asked all the more then. To be called before other hooks are added, which then cost nothing. */
export const limitRequests = (app: FastifyInstance, maxRequests: number = defaultMaxRequests): void => {
  let underWay = 0;
  app.addHook('onRequest', (request, reply, done) => {
    if (request.url.startsWith('/health/')) return done();
    if (underWay >= maxRequests) return void refuse(request, reply);
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
