/** Bad days: what an Eventbrite does that is broken, overloaded or behind a proxy that is. */
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
      void reply.code(500).send({ status_code: 500, error: 'INTERNAL_ERROR', error_description: 'Unhandled error occurred in Eventbrite.' });
      return true;
    case 'html':
      void reply.type('text/html').send('<!doctype html><title>Maintenance</title>');
      return true;
    case 'half-json':
      void reply.type('application/json').send('{"pagination":{"object_count":1,"has_more');
      return true;
    case 'wrong-shape':
      void reply.send({ pagination: 7, attendees: 'none', events: 'none', ticket_classes: 'none' });
      return true;
    case 'too-many':
      void reply.code(429).header('retry-after', '1').send({ status_code: 429, error: 'HIT_RATE_LIMIT', error_description: 'Rate limit has been reached for this token.' });
      return true;
    case 'endless-pages':
      void reply.send({ pagination: { has_more_items: true, continuation: 'again' }, attendees: [], events: [], ticket_classes: [], organizations: [], webhooks: [] });
      return true;
  }
};
