/**
 * The door for pushes: `POST /ingest/{serviceId}?token=…`, verified by the product's connector: by a signature on the
 * raw bytes, or by the URL's token where the product signs nothing.
 * 200: stored. 202: taken as a hint, a pull follows. 503 INBOX_FULL: too many are on their way (push-room.ts). Anything
 * but 200 and 202: nothing was stored, push again or mend.
 *
 * What a paused service pushes is taken in as ever, since it may not tell it again; hints wait until it is resumed.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { Push } from '#core/connector.ts';
import { type ErrorFacts, EventgraphError, PushError, isPublicError } from '#core/errors.ts';
import { Service } from '#core/services.ts';
import { askAgain } from './ask-again.ts';
import { createInbox } from './inbox.ts';
import type { Ingest } from './ingest.ts';
import { createPushRoom } from './push-room.ts';

/** What an id of a service may look like; nothing else is asked of the database. */
const serviceId = /^[\w-]+$/;
const largestPush = 5 * 1024 * 1024;
/** For how long a push may be judged by a service's row as it was. Facts are stored under the row as it is, or not at all (apply.ts). */
const trustMs = 2_000;

type Taken = { readonly status: 200 | 202; readonly answer: object };

export const pushRoutes = (ingest: Ingest) => async (server: FastifyInstance): Promise<void> => {
  const inbox = createInbox(ingest);
  const room = createPushRoom();
  const services = new LRUCache<string, Service>({ max: 10_000, ttl: trustMs });
  const read = async (id: string): Promise<Service> => {
    const service = serviceId.test(id) ? await ingest.hub.database.em().findOne(Service, { id }) : null;
    if (!service || service.state === 'REMOVED') throw new EventgraphError('SERVICE_UNKNOWN', 'There is no such service to push to.');
    services.set(id, service);
    return service;
  };
  const take = async (service: Service, push: Push): Promise<Taken> => {
    const connector = ingest.connectors.get(service.product);
    if (!connector?.receive) throw new PushError('PUSH_MALFORMED', 'This product does not push.');
    const result = await connector.receive(ingest.pressingContextFor(service, AbortSignal.timeout(30_000)), push);
    if (result.kind === 'hint') {
      await ingest.syncSoon(service.id);
      await askAgain(ingest, service.id, result.againAfter);
      return { status: 202, answer: { accepted: true } };
    }
    await inbox.add({ serviceId: service.id, revision: service.revision, facts: result.facts, rejected: result.rejected });
    return { status: 200, answer: { accepted: true, facts: result.facts.length, rejected: result.rejected.length } };
  };
  /** Judged by the row as it was a moment ago, and, should that refuse it, by the row as it is: it may have been changed since. */
  const takeByNewest = async (id: string, push: Push): Promise<Taken> => {
    const known = services.get(id);
    try {
      return await take(known ?? (await read(id)), push);
    } catch (error) {
      if (!(error instanceof EventgraphError) || !(error.code === 'SERVICE_CHANGED' || (known && (error instanceof PushError || error.code.startsWith('SERVICE_'))))) throw error;
      services.delete(id);
      return take(await read(id), push);
    }
  };

  // The signature is over the bytes as they came: nothing may parse them before.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: largestPush }, (_request, body, done) => done(null, body));
  server.setErrorHandler((error, _request, reply) => answerError(ingest, error, reply));

  server.post('/ingest/:serviceId', async (request: FastifyRequest<{ Params: { serviceId: string } }>, reply) => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const push = { headers: request.headers, query: request.query as Record<string, string | undefined>, body };
    const { status, answer } = await room.hold(request.params.serviceId, body.length, () => takeByNewest(request.params.serviceId, push));
    return reply.code(status).send(answer);
  });
};

const statusOf = (error: EventgraphError): number => {
  if (error.code === 'SERVICE_UNKNOWN') return 404;
  if (error.code === 'INBOX_FULL' || error.code === 'SERVICE_CHANGED') return 503;
  if (error.code === 'PUSH_SIGNATURE_INVALID' || error.code === 'PUSH_TIMESTAMP_INVALID') return 401;
  return error.code === 'PUSH_TOO_LARGE' ? 413 : 400;
};

/** What the server itself refuses, before a connector sees it. */
const asPushError = (error: unknown): unknown => {
  const { code, statusCode = 500 } = error as { readonly code?: string; readonly statusCode?: number };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new PushError('PUSH_TOO_LARGE', `A push is at most ${largestPush} bytes.`, { maximum: largestPush });
  return statusCode < 500 ? new PushError('PUSH_MALFORMED', 'The push cannot be read: see its `Content-Type` and `Content-Length`.') : error;
};

const answerError = (ingest: Ingest, error: unknown, reply: FastifyReply): FastifyReply => {
  const known = asPushError(error);
  if (isPublicError(known)) {
    const facts: ErrorFacts = known.facts;
    if (typeof facts.retryAfterMs === 'number') reply.header('retry-after', Math.ceil(facts.retryAfterMs / 1000));
    return reply.code(statusOf(known)).send({ error: { code: known.code, message: known.message, ...facts } });
  }
  ingest.hub.logger.error({ err: error }, 'push failed');
  return reply.code(500).send({ error: { code: 'INTERNAL_SERVER_ERROR', message: 'The hub failed and stored nothing. Push again.' } });
};
