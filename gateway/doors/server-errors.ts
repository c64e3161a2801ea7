/** What the HTTP server itself refuses before a route answers, in the form of the surface that was asked. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '#core/logging.ts';
import { type Answer, refusal } from '../answer.ts';
import { formatThrown } from '../errors.ts';
import { sendProblem } from '../rest/send.ts';
import { mediaTypes } from './graphql-over-http.ts';
import { refused, send } from './send.ts';

/** The size is the one that was announced; what comes in chunks is cut off where it is too much. */
const bodyTooLarge = ({ headers, routeOptions: { bodyLimit } }: FastifyRequest): Answer => {
  const value = Number(headers['content-length'] ?? bodyLimit + 1);
  return refusal([{ message: `The body has ${value} bytes; the maximum is ${bodyLimit}.`, extensions: { code: 'PAYLOAD_TOO_LARGE', limit: 'body size in bytes', value, maximum: bodyLimit } }]);
};

const codes: Readonly<Record<number, string>> = { 415: 'UNSUPPORTED_MEDIA_TYPE', 404: 'NOT_FOUND' };

/** Errors of the server itself: a body too large, not JSON, of another type; and faults, whose words stay inside. */
export const answerError = (logger: Logger, error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  const status = error.statusCode ?? 500;
  if (request.url.startsWith('/api/')) return sendProblem(error, request, reply, logger);
  if (status === 413) return send(reply, mediaTypes.json, status, bodyTooLarge(request));
  if (status < 500) return send(reply, mediaTypes.json, status, refused(codes[status] ?? 'BAD_REQUEST', error.message));
  logger.error({ err: error, requestId: request.id }, 'request failed');
  return send(reply, mediaTypes.json, status, refusal(formatThrown(error, request.id)));
};
