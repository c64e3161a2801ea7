/** Bad days: what a pretix does that is broken, overloaded or behind a proxy that is. */
import type { FastifyReply } from 'fastify';

export const badDays = ['none', 'hang', 'status-500', 'html', 'half-json', 'wrong-shape', 'endless-pages'] as const;
/** `too-many`: for a second, which its callers keep, so that the next call is not made at once. */
export type BadDay = (typeof badDays)[number] | 'too-many';

/** Answers as a broken server does. False where an honest answer may follow. */
export const misbehave = (day: BadDay, reply: FastifyReply): boolean => {
  switch (day) {
    case 'none':
      return false;
    case 'hang':
      // Stays open until the caller, or the end of the simulator, closes the socket.
      reply.hijack();
      return true;
    case 'status-500':
      void reply.code(500).type('text/html').send('<h1>Server Error (500)</h1>');
      return true;
    case 'html':
      void reply.type('text/html').send('<!doctype html><title>Maintenance</title>');
      return true;
    case 'half-json':
      void reply.type('application/json').send('{"count":1,"next":null,"resu');
      return true;
    case 'wrong-shape':
      void reply.send({ count: -1, next: 7, results: 'none' });
      return true;
    case 'too-many':
      void reply.code(429).header('retry-after', '1').send({ detail: 'Request was throttled.' });
      return true;
    case 'endless-pages':
      void reply.send({ count: 1, next: 'http://169.254.169.254/latest/', previous: null, results: [] });
      return true;
  }
};
