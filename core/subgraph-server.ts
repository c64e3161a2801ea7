/**
 * A subgraph behind its own HTTP and WebSocket server: Apollo Server for queries and mutations, graphql-ws for
 * subscriptions, both on /graphql. It answers the hub alone: every request carries a signed viewer, and may say how long
 * its answer is waited for.
 */
import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import type { Tracer } from '@opentelemetry/api';
import { fastifyApolloDrainPlugin, fastifyApolloHandler } from '@as-integrations/fastify';
import { type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { CloseCode } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { timeLeftIn } from './deadline.ts';
import { defaultDrainMs, drainWithin } from './drain.ts';
import { UnauthenticatedError, isPublicError } from './errors.ts';
import type { Logger } from './logging.ts';
import { type Paces, pacing } from './paced-subscriptions.ts';
import type { Secrets } from './secrets.ts';
import type { BuiltSubgraph, SubgraphContext } from './subgraph.ts';
import { traceRequests } from './tracing.ts';
import { type Viewer, viewerHeader } from './viewer.ts';

export type SubgraphServerOptions = {
  readonly subgraph: BuiltSubgraph;
  readonly secrets: Secrets;
  readonly logger: Logger;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly ready: () => Promise<void>;
  /** Milliseconds that sockets and requests have to end when the server is disposed of. */
  readonly drainMs?: number;
  /** Makes a span of every request; absent for none. */
  readonly tracer?: Tracer | undefined;
};

export type SubgraphServer = AsyncDisposable & { readonly url: string };

export const serveSubgraph = async (options: SubgraphServerOptions): Promise<SubgraphServer> => {
  const { subgraph, secrets, logger } = options;
  const app = fastify({ logger: false, bodyLimit: 10 * 1024 * 1024, forceCloseConnections: 'idle' });
  drainWithin(app, options.drainMs);
  if (options.tracer) traceRequests(app, options.tracer);
  const apollo = new ApolloServer<SubgraphContext>({
    schema: subgraph.schema,
    introspection: false,
    csrfPrevention: false, // no browser gets here: requests without a signed viewer are refused
    includeStacktraceInErrorResponses: false,
    plugins: [fastifyApolloDrainPlugin(app), ApolloServerPluginInlineTraceDisabled()],
    formatError: (formatted, error) => formatError(formatted, error, logger),
  });
  await apollo.start();
  const signals = new WeakMap<FastifyRequest, AbortSignal>();
  const answer = fastifyApolloHandler(apollo, {
    context: async (request: FastifyRequest) => subgraph.contextFor(await viewerIn(secrets, request.headers), String(request.headers['x-request-id'] ?? request.id), signals.get(request) ?? new AbortController().signal),
  });
  app.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    handler(request, reply) {
      const { signal, late } = patienceOf(request, reply);
      signals.set(request, signal);
      return Promise.race([answer.call(app, request, reply), late]);
    },
  });
  app.get('/health/live', async () => ({ status: 'ok' }));
  app.get('/health/ready', async (_request, reply) => options.ready().then(() => ({ status: 'ok' }), () => reply.code(503).send({ status: 'unavailable' })));
  const sockets = serveSockets(app.server, options);
  const url = await app.listen({ host: options.host, port: options.port });
  return {
    url: `${url}/graphql`,
    async [Symbol.asyncDispose]() {
      await sockets.dispose();
      await apollo.stop();
      await app.close();
    },
  };
};

/** The signal is aborted when the answer is not waited for any more; `late` is what is answered when its time is up. */
const patienceOf = (request: FastifyRequest, reply: FastifyReply): { readonly signal: AbortSignal; readonly late: Promise<string> } => {
  const abort = new AbortController();
  const timeLeft = timeLeftIn(request.headers);
  const late = new Promise<string>((resolve) => {
    const end = () => {
      abort.abort();
      resolve(tooLate(reply, timeLeft));
    };
    const timer = timeLeft === undefined ? undefined : setTimeout(end, timeLeft);
    reply.raw.once('close', () => {
      clearTimeout(timer);
      if (!reply.raw.writableFinished) abort.abort();
    });
  });
  return { signal: abort.signal, late };
};

const tooLate = (reply: FastifyReply, timeLeft: number | undefined): string => {
  void reply.code(504).header('content-type', 'application/graphql-response+json; charset=utf-8');
  return JSON.stringify({ errors: [{ message: `The answer was not there within ${timeLeft} ms.`, extensions: { code: 'DEADLINE_EXCEEDED', timeLeft } }] });
};

const viewerIn = (secrets: Secrets, fields: Readonly<Record<string, unknown>> | undefined): Promise<Viewer> => {
  const token = fields?.[viewerHeader];
  if (typeof token !== 'string') return Promise.reject(new GraphQLError('This subgraph answers the hub alone.', { extensions: { code: 'UNAUTHENTICATED', http: { status: 401 } } }));
  return secrets.verifyViewer(token).catch((error: unknown) => {
    throw error instanceof UnauthenticatedError ? new GraphQLError(error.message, { extensions: { code: error.code, http: { status: 401 } } }) : error;
  });
};

const serveSockets = (server: import('node:http').Server, { subgraph, secrets, logger, drainMs = defaultDrainMs }: SubgraphServerOptions): { dispose(): Promise<void> } => {
  const format = (error: GraphQLError | GraphQLFormattedError) => formatError(error instanceof GraphQLError ? error.toJSON() : error, error, logger);
  const sockets = new WebSocketServer({ server, path: '/graphql', maxPayload: 1024 * 1024 });
  const served = useServer<Record<string, unknown>, { viewer?: Viewer; running?: Map<string, AbortController>; paces?: Paces }>(
    {
      schema: subgraph.schema,
      async onConnect(context) {
        try {
          context.extra.viewer = await viewerIn(secrets, context.connectionParams);
          return true;
        } catch {
          context.extra.socket.close(CloseCode.Forbidden, 'Forbidden');
          return false;
        }
      },
      subscribe: pacing.subscribe,
      onPong: pacing.onPong,
      context: (context, id, payload) => {
        const { viewer, running = (context.extra.running = new Map<string, AbortController>()) } = context.extra;
        if (!viewer) throw new UnauthenticatedError();
        const abort = new AbortController();
        running.set(id, abort);
        const made = subgraph.contextFor(viewer, id, abort.signal);
        pacing.begin(context, id, payload, made);
        return made;
      },
      // Before the iterator is told: one that waits for something hears of its end by the signal alone.
      onOperation({ extra: { running } }, id, _payload, _args, result) {
        if (!(Symbol.asyncIterator in result)) return;
        const events = result as AsyncIterator<unknown>;
        const end = events.return?.bind(events);
        events.return = async (value) => {
          running?.get(id)?.abort();
          return end ? end(value) : { value: undefined, done: true };
        };
      },
      onComplete(context, id) {
        const { running } = context.extra;
        pacing.onComplete(context, id);
        running?.get(id)?.abort();
        running?.delete(id);
      },
      onClose: ({ extra: { running } }) => running?.forEach((abort) => abort.abort()),
      onNext: (_context, _id, _payload, _args, { errors, ...result }) => (errors ? { ...result, errors: errors.map(format) } : undefined),
      onError: (_context, _id, _payload, errors) => errors.map(format),
    },
    sockets,
  );
  return {
    async dispose() {
      const timer = setTimeout(() => sockets.clients.forEach((client) => client.terminate()), drainMs);
      await served.dispose();
      clearTimeout(timer);
    },
  };
};

/** The hub's own errors keep their code and facts; GraphQL's keep theirs; anything else is a fault and stays inside. */
const formatError = (formatted: GraphQLFormattedError, error: unknown, logger: Logger): GraphQLFormattedError => {
  const original = error instanceof GraphQLError ? error.originalError : error;
  if (isPublicError(original)) return { ...formatted, message: original.message, extensions: { ...original.facts, code: original.code } };
  if (original === undefined || original === null || original instanceof GraphQLError) return formatted;
  logger.error({ err: original }, 'resolver failed');
  return { ...formatted, message: 'Internal server error', extensions: { code: 'INTERNAL_SERVER_ERROR' } };
};
