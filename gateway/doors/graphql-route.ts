/** `/graphql` over HTTP: one operation in one piece or as a stream (`stream-door.ts`), or a batch (`batch.ts`). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { UnauthenticatedError } from '#core/errors.ts';
import type { Logger } from '#core/logging.ts';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { refusal } from '../answer.ts';
import { RequestRefused, type ReportError, formatThrown } from '../errors.ts';
import type { Gateway } from '../index.ts';
import { traceHeader } from '../observe/requested-trace.ts';
import type { Admission, Asker } from './admission.ts';
import { answerBatch } from './batch.ts';
import { connectionSignal } from './connection-signal.ts';
import { type Identify, credentialIn } from './credentials.ts';
import { type Parameters, mediaTypes, negotiate, negotiateStream, parametersOfBody, parametersOfQuery, statusOf, takesParts } from './graphql-over-http.ts';
import { noteRequest } from './request-log.ts';
import { refused, send, sendAnswer, sendCacheable, sendParts } from './send.ts';
import type { StreamDoor, Who } from './stream-door.ts';

export type GraphqlRouteOptions = {
  readonly gateway: Gateway;
  readonly identify: Identify;
  readonly admission: Admission;
  readonly streams: StreamDoor;
  readonly logger: Logger;
  /** Operations in one request; 1 unless given. */
  readonly maxBatch?: number | undefined;
};

/** For a scope of its own: it takes content types away. */
export const addGraphql = async (app: FastifyInstance, { gateway, identify, admission, streams, logger, maxBatch = 1 }: GraphqlRouteOptions): Promise<void> => {
  const report: ReportError = (cause, requestId) => logger.error({ err: cause, requestId }, 'request failed');
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
      noteRequest(request, who.viewer, parameters.operationName?.slice(0, 100));
      const { asked, operation: { kind, name }, cost, headers, settle } = await admission.admit(parameters, new Requester(request, who.viewer));
      if (request.noted && name) request.noted.operation = name;
      const stream = negotiateStream(accept, kind);
      if (request.method === 'GET' && kind !== 'query' && (kind === 'mutation' || !stream)) {
        settle(refusal([]));
        return send(reply.header('allow', 'POST'), type, 405, refused('METHOD_NOT_ALLOWED', 'GET answers queries only, and subscriptions as a stream.'));
      }
      const toAnswer = { ...asked, viewer: who.viewer, requestId: request.id, signal: connectionSignal(request), inParts: stream === 'sse' || takesParts(accept), deadline: kind === 'query' ? Date.now() + queryTimeMs : undefined, wantedTrace: request.headers[traceHeader] };
      const refusedStream = stream && streams.refuses(reply, credential);
      if (refusedStream) {
        settle(refusedStream);
        return send(reply, type, statusOf(refusedStream, mediaTypes.response), refusedStream, request);
      }
      const answer = await (stream && kind === 'subscription' ? gateway.stream(toAnswer) : gateway.answer(toAnswer));
      reply.headers(headers);
      if (Symbol.asyncIterator in answer) return streams.send(reply, stream ?? 'sse', answer, who);
      settle(answer);
      if (request.noted) request.noted.cost = answer.cost ?? cost;
      if (stream === 'sse') return streams.send(reply, stream, answer.rest ? answer.parts : answer, who);
      if (answer.rest) return sendParts(reply, answer, logger);
      if (request.method === 'GET') return sendCacheable(reply, type, answer, request, who.viewer);
      return sendAnswer(reply, type, answer, request);
    } catch (error) {
      const answer = refusal(formatThrown(error, request.id, report));
      if (error instanceof RequestRefused) reply.headers(error.headers);
      if (error instanceof RequestRefused && negotiateStream(accept, 'query') === 'sse') return streams.send(reply, 'sse', answer, who);
      return send(reply, type, isRefusal(error) ? statusOf(answer, type) : 500, answer, request);
    }
  };
  const handleBatch = async (request: FastifyRequest, reply: FastifyReply, bodies: readonly unknown[]): Promise<FastifyReply> => {
    const type = negotiate(request.headers.accept) ?? mediaTypes.json;
    try {
      const viewer = await identify(credentialIn(request.headers));
      noteRequest(request, viewer);
      const { answer, answers: [first], headers } = await answerBatch(bodies, { viewer, address: request.ip, requestId: request.id, signal: connectionSignal(request), deadline: Date.now() + queryTimeMs }, { gateway, admission, report, maximum: maxBatch });
      return send(reply.headers(headers), type, first && !answer.hasData ? statusOf(first, type) : 200, answer, request);
    } catch (error) {
      const answer = refusal(formatThrown(error, request.id, report));
      return send(reply, type, isRefusal(error) ? statusOf(answer, type) : 500, answer, request);
    }
  };
  app.post('/graphql', (request, reply) => Array.isArray(request.body) ? handleBatch(request, reply, request.body) : handle(request, reply, () => parametersOfBody(request.body)));
  app.get('/graphql', { exposeHeadRoute: false }, (request, reply) => handle(request, reply, () => parametersOfQuery(request.query as Record<string, unknown>)));
  app.route({ method: ['PUT', 'PATCH', 'DELETE', 'HEAD'], url: '/graphql', handler: (_, reply) => send(reply.header('allow', 'GET, POST'), mediaTypes.json, 405, refused('METHOD_NOT_ALLOWED', 'GraphQL is asked with GET or POST.')) });
};

/** Its address is worked out when somebody looks at it: most have a budget by their key. */
class Requester implements Asker {
  readonly viewer: Viewer;
  readonly #request: FastifyRequest;

  constructor(request: FastifyRequest, viewer: Viewer) {
    this.viewer = viewer;
    this.#request = request;
  }

  get address(): string {
    // Of a client that has gone, whose address nobody looked at before, Node does not know it any more.
    return (this.#request.ip as string | undefined) ?? '';
  }
}

/** For all stages of a query together; a mutation that was given up would happen all the same. */
const queryTimeMs = 60_000;

/** Whether the client is at fault, and not the hub. */
const isRefusal = (error: unknown): boolean => error instanceof RequestRefused || error instanceof UnauthenticatedError;
