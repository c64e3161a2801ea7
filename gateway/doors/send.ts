/** Answers of `/graphql` in one piece or in parts, as responses. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '#core/logging.ts';
import type { Viewer } from '#core/viewer.ts';
import { type Answer, refusal } from '../answer.ts';
import { type MediaType, statusOf } from './graphql-over-http.ts';
import { cachingHeaders, isKnown } from './http-caching.ts';
import { multipartDefer, sendMultipart } from './multipart.ts';

export const refused = (code: string, message: string): Answer => refusal([{ message, extensions: { code } }]);

export const send = (reply: FastifyReply, type: MediaType, status: number, answer: Answer, request?: FastifyRequest): FastifyReply => {
  reply.header('x-content-type-options', 'nosniff');
  // A refusal is of its moment: a document that is not known now may be in a second.
  reply.header('cache-control', 'no-store');
  if (request?.noted) request.noted.errors = answer.errors.length;
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  return reply.code(status).header('content-type', `${type}; charset=utf-8`).send(answer.bytes);
};

/** The hot path: written past the framework, whose hooks for what is sent have nothing to add here. */
export const sendAnswer = (reply: FastifyReply, type: MediaType, answer: Answer, request: FastifyRequest): FastifyReply => {
  if (request.noted) request.noted.errors = answer.errors.length;
  const { bytes } = answer;
  const headers = reply.hijack().getHeaders();
  const all = ['content-type', `${type}; charset=utf-8`, 'content-length', String(bytes.length), 'x-content-type-options', 'nosniff', 'x-request-id', request.id];
  for (const name in headers) all.push(name, String(headers[name]));
  reply.raw.writeHead(statusOf(answer, type), all);
  // As text, head and body are one write. Latin-1 has a character for each byte, whatever the bytes mean.
  if (bytes.length <= writtenWithHead) reply.raw.end(bytes.toString('latin1'), 'latin1');
  else reply.raw.end(bytes);
  return reply;
};

/** In bytes. From twice as many on, the copy costs more than a second piece does. */
const writtenWithHead = 1024;

/** By GET: with what caches are told, and as 304 to a client that has the answer. */
export const sendCacheable = (reply: FastifyReply, type: MediaType, answer: Answer, request: FastifyRequest, viewer: Viewer): FastifyReply => {
  const caching = cachingHeaders(answer, viewer, type);
  if (!isKnown(request.headers['if-none-match'], caching)) return sendAnswer(reply.headers(caching), type, answer, request);
  return reply.code(304).headers(caching).send();
};

/** What goes wrong once the response has begun can only be cut off and noted. */
export const sendParts = (reply: FastifyReply, answer: Answer, logger: Logger): FastifyReply => {
  sendMultipart(reply, multipartDefer, answer.parts).catch((error: unknown) => logger.error({ err: error, requestId: reply.request.id }, 'an answer in parts was broken off'));
  return reply;
};
