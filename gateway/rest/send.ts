import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '#core/logging.ts';
import { excessOfBody } from '../doors/body-size.ts';
import { ProblemError, problemType } from './problem.ts';
import { type RestResponse, responseTo } from './response.ts';

/** Bytes, as the server writes a charset behind the type of a text. */
export const send = (reply: FastifyReply, response: RestResponse): FastifyReply => reply.code(response.status).headers(response.headers).send(Buffer.from(bodyOf(reply, response)));

const bodyOf = ({ request }: FastifyReply, { headers, body }: RestResponse): string => {
  const { problem = {} } = request.routeOptions.config;
  if (headers['content-type'] !== problemType || Object.keys(problem).length === 0) return body;
  return JSON.stringify({ ...problem, ...(JSON.parse(body) as object) });
};

/** Whatever went wrong before or after a route was found. */
export const sendProblem = (error: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): FastifyReply => {
  const response = responseTo(asProblem(error, request), { url: request.url, requestId: request.id }, {}, logger);
  if (request.noted) request.noted.errors = 1;
  return send(reply, response);
};

/** What the server itself refuses. */
const asProblem = (error: unknown, request: FastifyRequest): unknown => {
  const { statusCode = 500, message } = error as FastifyError;
  if (error instanceof ProblemError || statusCode >= 500) return error;
  if (statusCode === 413) return bodyTooLarge(request);
  if (statusCode === 415) return new ProblemError('UNSUPPORTED_MEDIA_TYPE', 'A body is `application/json`.', { accepted: 'application/json' });
  return new ProblemError('BAD_REQUEST', message, {}, statusCode);
};

const bodyTooLarge = (request: FastifyRequest): ProblemError => {
  const { message, ...facts } = excessOfBody(request);
  return new ProblemError('PAYLOAD_TOO_LARGE', message, facts);
};
