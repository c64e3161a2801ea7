/**
 * The gateway's HTTP door: `/graphql` for GET and POST, in one piece or as a stream (`stream-door.ts`), health, and the
 * WebSocket door on the same path. Further routes (pushes, static files) are registered on the instance by whoever
 * starts it.
 */
import { randomUUID } from 'node:crypto';
import type { Tracer } from '@opentelemetry/api';
import helmet from '@fastify/helmet';
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';

import { defaultDrainMs, drainWithin } from '#core/drain.ts';
import { UnauthenticatedError } from '#core/errors.ts';
import type { DoorLimits } from '#core/config-limits.ts';
import type { Logger } from '#core/logging.ts';
import { traceRequests } from '#core/tracing.ts';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { type Answer, refusal } from '../answer.ts';
import { type Admission, createAdmission } from './admission.ts';
import { connectionSignal } from './connection-signal.ts';
import { type Identify, credentialIn } from './credentials.ts';
import { RequestRefused, formatThrown } from '../errors.ts';
import { cachingHeaders, isKnown } from './http-caching.ts';
import { multipartDefer, sendMultipart } from './multipart.ts';
import { type MediaType, type Parameters, mediaTypes, negotiate, negotiateStream, parametersOfBody, parametersOfQuery, statusOf, takesParts } from './graphql-over-http.ts';
import type { Gateway } from '../index.ts';
import { clientOf } from '../observe/client-counts.ts';
import { sendProblem } from '../rest/send.ts';
import { traceHeader } from '../observe/requested-trace.ts';
import { limitRequests } from '../resilience/request-limit.ts';
import { type LiveConnections, createLiveConnections } from './live-connections.ts';
import { type StreamDoor, type Who, createStreamDoor } from './stream-door.ts';
import { addressOf, trustsOf } from './client-address.ts';
import { answerBatch } from './batch.ts';
import { createOpenLimit } from './open-limit.ts';
import { answerClientError, isHandshake, refuseExpectations } from './no-request.ts';
import { createWebSocketDoor } from './websocket.ts';

export type HttpServerOptions = {
  readonly gateway: Gateway;
  readonly identify: Identify;
  /** Takes every document and counts nothing unless given. */
  readonly admission?: Admission | undefined;
  readonly logger: Logger;
  /** What must be so before a balancer sends requests here. Each throws when it is not. */
  readonly readiness?: Readonly<Record<string, () => Promise<void>>>;
  /** Bounds of the doors; each absent one has its usual value, but sockets of one address and subscriptions are not bounded then. */
  readonly limits?: Partial<DoorLimits> | undefined;
  /** Requests under way at once; more are answered 503. */
  readonly maxRequests?: number | undefined;
  /** Milliseconds that sockets and requests have to end after `close()`. */
  readonly drainMs?: number;
  /** Milliseconds between checks that the credentials of open sockets and streams still hold. */
  readonly recheckMs?: number;
  /** Milliseconds between signs of life on a stream that says nothing. */
  readonly heartbeatMs?: number;
  /** Makes a span of every request; absent for none. */
  readonly tracer?: Tracer | undefined;
};

export type HttpServer = {
  readonly app: FastifyInstance;
  /** Ends what viewers to whom the predicate answers true hold open; sockets with close code 4403. */
  readonly endViewers: LiveConnections['endViewers'];
  /** How many sockets and streams are open. */
  connections(): number;
};

/**
 * What one log line tells of a GraphQL request; never a credential, a variable or the text. `key` and `client` are the
 * credential's; `app` is what the client calls itself.
 */
type Noted = { operation?: string | undefined; client?: string; key?: string | null; app?: string | undefined; errors?: number };
declare module 'fastify' {
  interface FastifyRequest {
    noted: Noted | null;
  }
}

export const createHttpServer = async (options: HttpServerOptions): Promise<HttpServer> => {
  const { limits = {} } = options;
  const trusts = trustsOf(limits.trustProxy);
  const app = fastify({ logger: false, genReqId: requestIdOf, bodyLimit: limits.bodyLimit ?? defaultBodyLimit, trustProxy: trusts, forceCloseConnections: 'idle', ...timesOf(limits), clientErrorHandler: answerClientError, routerOptions: { querystringParser: parseQueryString, maxParamLength: 500 }, frameworkErrors: (error, request, reply) => void answerError(options.logger, error, request, reply) });
  app.decorateRequest('noted', null);
  if (options.tracer) traceRequests(app, options.tracer);
  limitRequests(app, options.maxRequests);
  await app.register(helmet, { global: false, contentSecurityPolicy: { directives: { upgradeInsecureRequests: null, workerSrc: ["'self'", 'blob:'] } } });
  // Answers of GraphQL are no pages: a header for each protection of pages would cost more than the rest of the door.
  app.addHook('onRequest', (request, reply, done) => {
    if (!isGraphql(request)) reply.helmet();
    done();
  });
  app.addHook('onSend', async (request, reply) => void reply.header('x-request-id', request.id));
  app.addHook('onResponse', (request, reply, done) => {
    if (isGraphql(request)) options.gateway.counts.responses.add(String(reply.statusCode));
    log(options.logger, request, reply);
    done();
  });
  app.setErrorHandler((error: FastifyError, request, reply) => answerError(options.logger, error, request, reply));
  app.setNotFoundHandler((_, reply) => send(reply, mediaTypes.json, 404, refused('PATH_UNKNOWN', 'There is nothing at this path, or nothing for this method.')));
  refuseExpectations(app.server);

  const connections = createLiveConnections(options);
  const { admission = createAdmission(options) } = options;
  const open = createOpenLimit(limits.maxSubscriptions ?? Infinity);
  const socketLimits = { maxPayload: limits.bodyLimit, maxOperations: limits.maxSocketOperations, maxSockets: limits.maxSockets, initMs: limits.socketInitMs, idleMs: limits.socketIdleMs };
  app.server.on('upgrade', createWebSocketDoor({ ...options, ...socketLimits, admission, connections, open, addressOf: (request) => addressOf(request, trusts) }).upgrade);
  drainWithin(app, options.drainMs);
  app.addHook('preClose', () => connections.close(options.drainMs ?? defaultDrainMs));
  addHealth(app, options.readiness ?? {});
  await app.register((scope) => addGraphql(scope, { ...options, admission }, createStreamDoor({ ...options, connections, open })));
  return { app, endViewers: connections.endViewers, connections: () => connections.size };
};

/** In bytes. */
const defaultBodyLimit = 1_000_000;

/** What a request has to arrive, and how long nothing may move on a connection: a client that does not take its answer would hold it in memory. */
const timesOf = ({ requestMs = 60_000, stalledMs = 180_000 }: Partial<DoorLimits>) => ({
  requestTimeout: requestMs,
  connectionTimeout: stalledMs,
  http: { headersTimeout: requestMs, requestTimeout: requestMs, connectionsCheckingInterval: Math.min(10_000, requestMs), shouldUpgradeCallback: isHandshake },
});

const requestIdOf = (request: { headers: Readonly<Record<string, unknown>> }): string => {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w-]{8,64}$/.test(given) ? given : randomUUID();
};

const parseQueryString = (text: string): Record<string, unknown> => {
  if (text === '') return {};
  const parameters = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const values = parameters.get(name);
    if (values) values.push(value);
    else parameters.set(name, [value]);
  }
  return Object.fromEntries([...parameters].map(([name, values]) => [name, values.length > 1 ? values : values[0]]));
};

const addHealth = (app: FastifyInstance, readiness: NonNullable<HttpServerOptions['readiness']>): void => {
  app.get('/health/live', async () => ({ status: 'ok' }));
  app.get('/health/ready', async (_, reply) => {
    const checks = await Promise.all(Object.entries(readiness).map(async ([name, check]) => [name, await check().then(() => 'ok', () => 'failed')] as const));
    const isReady = checks.every(([, state]) => state === 'ok');
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ok' : 'unavailable', checks: Object.fromEntries(checks) });
  });
};

const addGraphql = async (app: FastifyInstance, { gateway, identify, admission, logger, limits }: HttpServerOptions & { readonly admission: Admission }, streams: StreamDoor): Promise<void> => {
  // JSON alone: the content types a browser sends from another site without asking first (forms, text) are refused.
  app.removeContentTypeParser('text/plain');
  const handle = async (request: FastifyRequest, reply: FastifyReply, read: () => Parameters): Promise<FastifyReply> => {
    const { accept } = request.headers;
    const type = negotiate(accept);
    if (!type) return send(reply, mediaTypes.json, 406, refused('NOT_ACCEPTABLE', `The answer is ${mediaTypes.response} or ${mediaTypes.json}.`));
    let who: Who = { viewer: publicViewer, credential: null };
    try {
      const parameters = read();
      const credential = credentialIn(request.headers);
      who = { viewer: await identify(credential), credential };
      noteRequest(request, parameters, who.viewer);
      const { asked, operation: { kind, name }, headers, settle } = await admission.admit(parameters, { viewer: who.viewer, address: request.ip });
      if (request.noted && name) request.noted.operation = name;
      const stream = negotiateStream(accept, kind);
      if (request.method === 'GET' && kind !== 'query' && (kind === 'mutation' || !stream)) {
        settle(refusal([]));
        return send(reply.header('allow', 'POST'), type, 405, refused('METHOD_NOT_ALLOWED', 'GET answers queries only, and subscriptions as a stream.'));
      }
      const toAnswer = { ...asked, viewer: who.viewer, requestId: request.id, signal: connectionSignal(request), inParts: stream === 'sse' || takesParts(accept), deadline: kind === 'query' ? Date.now() + queryTimeMs : undefined, wantedTrace: request.headers[traceHeader] };
      const refusedStream = stream && streams.refuses(reply, credential);
      if (refusedStream) settle(refusedStream);
      if (refusedStream) return send(reply, type, statusOf(refusedStream, mediaTypes.response), refusedStream, request);
      const answer = await (stream && kind === 'subscription' ? gateway.stream(toAnswer) : gateway.answer(toAnswer));
      reply.headers(headers);
      if (Symbol.asyncIterator in answer) return streams.send(reply, stream ?? 'sse', answer, who);
      settle(answer);
      if (stream === 'sse') return streams.send(reply, stream, answer.rest ? answer.parts : answer, who);
      if (answer.rest) return sendParts(reply, answer, logger);
      if (request.method === 'GET') return sendCacheable(reply, type, answer, headers, request, who.viewer);
      return sendAnswer(reply, type, answer, headers, request);
    } catch (error) {
      const answer = refusal(formatThrown(error, request.id, (cause, requestId) => logger.error({ err: cause, requestId }, 'request failed')));
      if (error instanceof RequestRefused) reply.headers(error.headers);
      if (error instanceof RequestRefused && negotiateStream(accept, 'query') === 'sse') return streams.send(reply, 'sse', answer, who);
      return send(reply, type, error instanceof RequestRefused || error instanceof UnauthenticatedError ? statusOf(answer, type) : 500, answer, request);
    }
  };
  const handleBatch = async (request: FastifyRequest, reply: FastifyReply, bodies: readonly unknown[]): Promise<FastifyReply> => {
    const type = negotiate(request.headers.accept) ?? mediaTypes.json;
    const report = (cause: unknown, requestId: string) => logger.error({ err: cause, requestId }, 'request failed');
    try {
      const viewer = await identify(credentialIn(request.headers));
      request.noted = { client: clientOf(viewer), key: viewer.keyId };
      const { answer, answers: [first], headers } = await answerBatch(bodies, { viewer, address: request.ip, requestId: request.id, signal: connectionSignal(request), deadline: Date.now() + queryTimeMs }, { gateway, admission, report, maximum: limits?.maxBatch ?? 1 });
      return send(reply.headers(headers), type, first && !answer.hasData ? statusOf(first, type) : 200, answer, request);
    } catch (error) {
      const answer = refusal(formatThrown(error, request.id, report));
      return send(reply, type, error instanceof RequestRefused || error instanceof UnauthenticatedError ? statusOf(answer, type) : 500, answer, request);
    }
  };
  app.post('/graphql', (request, reply) => Array.isArray(request.body) ? handleBatch(request, reply, request.body) : handle(request, reply, () => parametersOfBody(request.body)));
  app.get('/graphql', { exposeHeadRoute: false }, (request, reply) => handle(request, reply, () => parametersOfQuery(request.query as Record<string, unknown>)));
  app.route({ method: ['PUT', 'PATCH', 'DELETE', 'HEAD'], url: '/graphql', handler: (_, reply) => send(reply.header('allow', 'GET, POST'), mediaTypes.json, 405, refused('METHOD_NOT_ALLOWED', 'GraphQL is asked with GET or POST.')) });
};

/** For all stages of a query together; a mutation that was given up would happen all the same. */
const queryTimeMs = 60_000;

const refused = (code: string, message: string): Answer => refusal([{ message, extensions: { code } }]);

const send = (reply: FastifyReply, type: MediaType, status: number, answer: Answer, request?: FastifyRequest): FastifyReply => {
  reply.header('x-content-type-options', 'nosniff');
  // A refusal is of its moment: a document that is not known now may be in a second.
  reply.header('cache-control', 'no-store');
  if (request?.noted) request.noted.errors = answer.errors.length;
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  return reply.code(status).header('content-type', `${type}; charset=utf-8`).send(answer.bytes);
};

/** The hot path: written past the framework, whose hooks for what is sent have nothing to add here. */
const sendAnswer = (reply: FastifyReply, type: MediaType, answer: Answer, headers: Readonly<Record<string, string>>, request: FastifyRequest): FastifyReply => {
  if (request.noted) request.noted.errors = answer.errors.length;
  const { bytes } = answer;
  reply.hijack();
  const all = ['content-type', `${type}; charset=utf-8`, 'content-length', String(bytes.length), 'x-content-type-options', 'nosniff', 'x-request-id', request.id];
  for (const name in headers) all.push(name, headers[name] ?? '');
  reply.raw.writeHead(statusOf(answer, type), all);
  reply.raw.end(bytes);
  return reply;
};

/** By GET: with what caches are told, and as 304 to a client that has the answer. */
const sendCacheable = (reply: FastifyReply, type: MediaType, answer: Answer, headers: Readonly<Record<string, string>>, request: FastifyRequest, viewer: Viewer): FastifyReply => {
  const caching = cachingHeaders(answer, viewer, type);
  if (!isKnown(request.headers['if-none-match'], caching)) return sendAnswer(reply, type, answer, { ...headers, ...caching }, request);
  return reply.code(304).headers({ ...headers, ...caching }).send();
};

/** What goes wrong once the response has begun can only be cut off and noted. */
const sendParts = (reply: FastifyReply, answer: Answer, logger: Logger): FastifyReply => {
  sendMultipart(reply, multipartDefer, answer.parts).catch((error: unknown) => logger.error({ err: error, requestId: reply.request.id }, 'an answer in parts was broken off'));
  return reply;
};

const isGraphql = ({ url }: FastifyRequest): boolean => url === '/graphql' || url.startsWith('/graphql?');

const noteRequest = (request: FastifyRequest, parameters: Parameters, viewer: Viewer): void => {
  const app = request.headers['apollographql-client-name'] ?? request.headers['x-client-name'];
  request.noted = { operation: parameters.operationName?.slice(0, 100), client: clientOf(viewer), key: viewer.keyId, app: typeof app === 'string' ? app.slice(0, 100) : undefined };
};

const log = (logger: Logger, request: FastifyRequest, reply: FastifyReply): void => {
  if (reply.statusCode < 500 && !logger.isLevelEnabled('info')) return;
  const path = request.url.split('?')[0] ?? '';
  // Pushes, health checks and files come by the hundred; what clients ask is what an operator looks for.
  const level = path.startsWith('/graphql') || path.startsWith('/api/') || reply.statusCode >= 500 ? 'info' : 'debug';
  logger[level]({ requestId: request.id, method: request.method, path, status: reply.statusCode, ms: Math.round(reply.elapsedTime), ...request.noted }, 'request');
};

/** The size is the one that was announced; what comes in chunks is cut off where it is too much. */
const bodyTooLarge = ({ headers, routeOptions: { bodyLimit } }: FastifyRequest): Answer => {
  const value = Number(headers['content-length'] ?? bodyLimit + 1);
  return refusal([{ message: `The body has ${value} bytes; the maximum is ${bodyLimit}.`, extensions: { code: 'PAYLOAD_TOO_LARGE', limit: 'body size in bytes', value, maximum: bodyLimit } }]);
};

const codes: Readonly<Record<number, string>> = { 415: 'UNSUPPORTED_MEDIA_TYPE', 404: 'NOT_FOUND' };

/** Errors of the server itself: a body too large, not JSON, of another type; and faults, whose words stay inside. */
const answerError = (logger: Logger, error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  const status = error.statusCode ?? 500;
  if (request.url.startsWith('/api/')) return sendProblem(error, request, reply, logger);
  if (status === 413) return send(reply, mediaTypes.json, status, bodyTooLarge(request));
  if (status < 500) return send(reply, mediaTypes.json, status, refused(codes[status] ?? 'BAD_REQUEST', error.message));
  logger.error({ err: error, requestId: request.id }, 'request failed');
  return send(reply, mediaTypes.json, status, refusal(formatThrown(error, request.id)));
};
