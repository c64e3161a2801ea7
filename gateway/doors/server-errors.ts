/** What the HTTP server itself refuses before a route answers, in the form of the surface that was asked. */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '#core/logging.ts';
import { type Answer, refusal } from '../answer.ts';
import { formatThrown } from '../errors.ts';
import { sendProblem } from '../rest/send.ts';
import { excessOfBody } from './body-size.ts';
import { mediaTypes } from './graphql-over-http.ts';
import { refused, send } from './send.ts';

const bodyTooLarge = (request: FastifyRequest): Answer => {
  const { message, ...facts } = excessOfBody(request);
  return refusal([{ message, extensions: { code: 'PAYLOAD_TOO_LARGE', ...facts } }]);
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
