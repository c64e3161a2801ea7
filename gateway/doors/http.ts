/**
 * The gateway's HTTP server: `/graphql` (`graphql-route.ts`), health, and the WebSocket door on the same path.
 * Further routes (REST, pushes, static files) are registered on the instance by whoever starts it.
 */
import { randomUUID } from 'node:crypto';
import helmet from '@fastify/helmet';
import type { Tracer } from '@opentelemetry/api';
import { type FastifyError, type FastifyInstance, type FastifyRequest, fastify } from 'fastify';
import type { DoorLimits } from '#core/config-limits.ts';
import type { AllowedOrigins } from '#core/config.ts';
import { defaultDrainMs, drainWithin } from '#core/drain.ts';
import type { Logger } from '#core/logging.ts';
import { traceRequests } from '#core/tracing.ts';
import type { Gateway } from '../index.ts';
import { limitRequests } from '../resilience/request-limit.ts';
import { type Admission, createAdmission } from './admission.ts';
import { addressOf, trustsOf } from './client-address.ts';
import type { Identify } from './credentials.ts';
import { mediaTypes } from './graphql-over-http.ts';
import { addGraphql } from './graphql-route.ts';
import { type LiveConnections, createLiveConnections } from './live-connections.ts';
import { answerClientError, hostProblem, isHandshake, refuseExpectations } from './no-request.ts';
import { createOpenLimit } from './open-limit.ts';
import { allowOrigins, mayConnect } from './origins.ts';
import { logRequest } from './request-log.ts';
import { refused, send } from './send.ts';
import { answerError } from './server-errors.ts';
import { createStreamDoor } from './stream-door.ts';
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
  /** Other origins whose pages may use the doors; none unless given. */
  readonly origins?: AllowedOrigins | undefined;
  /** Where clients reach the hub. */
  readonly publicUrl?: string | undefined;
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

export const createHttpServer = async (options: HttpServerOptions): Promise<HttpServer> => {
  const { limits = {}, origins = [], publicUrl } = options;
  const trusts = trustsOf(limits.trustProxy);
  const app = fastify({ logger: false, genReqId: requestIdOf, bodyLimit: limits.bodyLimit ?? defaultBodyLimit, trustProxy: trusts, forceCloseConnections: 'idle', ...timesOf(limits), clientErrorHandler: answerClientError, routerOptions: { querystringParser: parseQueryString, maxParamLength: 500 }, frameworkErrors: (error, request, reply) => void answerError(options.logger, error, request, reply) });
  app.decorateRequest('noted', null);
  if (options.tracer) traceRequests(app, options.tracer);
  await allowOrigins(app, origins);
  limitRequests(app, options.maxRequests);
  await app.register(helmet, { global: false, contentSecurityPolicy: { directives: { upgradeInsecureRequests: null, workerSrc: ["'self'", 'blob:'] } } });
  // Answers of GraphQL are no pages: a header for each protection of pages would cost more than the rest of the door.
  app.addHook('onRequest', (request, reply, done) => {
    if (!isGraphql(request)) reply.helmet();
    done(hostProblem(request.raw));
  });
  app.addHook('onSend', async (request, reply) => void reply.header('x-request-id', request.id));
  app.addHook('onResponse', (request, reply, done) => {
    if (isGraphql(request)) options.gateway.counts.responses.add(String(reply.statusCode));
    logRequest(options.logger, request, reply);
    done();
  });
  app.setErrorHandler((error: FastifyError, request, reply) => answerError(options.logger, error, request, reply));
  app.setNotFoundHandler((_, reply) => send(reply, mediaTypes.json, 404, refused('PATH_UNKNOWN', 'There is nothing at this path, or nothing for this method.')));
  refuseExpectations(app.server);

  const connections = createLiveConnections(options);
  const { admission = createAdmission(options) } = options;
  const open = createOpenLimit(limits.maxSubscriptions ?? Infinity);
  const socketLimits = { maxPayload: limits.bodyLimit, maxOperations: limits.maxSocketOperations, maxSockets: limits.maxSockets, initMs: limits.socketInitMs, idleMs: limits.socketIdleMs };
  app.server.on('upgrade', createWebSocketDoor({ ...options, ...socketLimits, admission, connections, open, addressOf: (request) => addressOf(request, trusts), mayConnect: (request) => mayConnect(request, origins, publicUrl) }).upgrade);
  drainWithin(app, options.drainMs);
  app.addHook('preClose', () => connections.close(options.drainMs ?? defaultDrainMs));
  addHealth(app, options.readiness ?? {});
  const streams = createStreamDoor({ ...options, connections, open });
  await app.register((scope) => addGraphql(scope, { ...options, admission, streams, maxBatch: limits.maxBatch }));
  return { app, endViewers: connections.endViewers, connections: () => connections.size };
};

/** In bytes. */
const defaultBodyLimit = 1_000_000;

/** What a request has to arrive, and how long nothing may move on a connection: a client that does not take its answer would hold it in memory. */
const timesOf = ({ requestMs = 60_000, stalledMs = 180_000 }: Partial<DoorLimits>) => ({
  requestTimeout: requestMs,
  connectionTimeout: stalledMs,
  http: { requireHostHeader: false, headersTimeout: requestMs, requestTimeout: requestMs, connectionsCheckingInterval: Math.min(10_000, requestMs), shouldUpgradeCallback: isHandshake },
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

const isGraphql = ({ url }: FastifyRequest): boolean => url === '/graphql' || url.startsWith('/graphql?');
