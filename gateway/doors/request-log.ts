/** One line in the log for each request, with what the doors note of it while they answer. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '#core/logging.ts';
import { toldPath } from '#core/told-path.ts';
import type { Viewer } from '#core/viewer.ts';
import { clientOf } from '../observe/client-counts.ts';

/**
 * What one log line tells of a GraphQL request; never a credential, a variable or the text. `key` and `client` are the
 * credential's; `app` is what the client calls itself; `cost` is in the units of budgets.
 */
type Noted = { operation?: string | undefined; client?: string; key?: string | null; app?: string | undefined; cost?: number | undefined; errors?: number };
declare module 'fastify' {
  interface FastifyRequest {
    noted: Noted | null;
  }
}

/** Replaces what was noted of the request; `operation` is its name, as far as it is known. */
export const noteRequest = (request: FastifyRequest, viewer: Viewer, operation?: string): void => {
  const app = request.headers['apollographql-client-name'] ?? request.headers['x-client-name'];
  request.noted = { operation, client: clientOf(viewer), key: viewer.keyId, app: typeof app === 'string' ? app.slice(0, 100) : undefined };
};

export const logRequest = (logger: Logger, request: FastifyRequest, reply: FastifyReply): void => {
  if (reply.statusCode < 500 && !logger.isLevelEnabled('info')) return;
  const path = toldPath(request);
  // Pushes, health checks and files come by the hundred; what clients ask is what an operator looks for.
  const level = path.startsWith('/graphql') || path.startsWith('/api/') || reply.statusCode >= 500 ? 'info' : 'debug';
  logger[level]({ requestId: request.id, method: request.method, path, status: reply.statusCode, ms: Math.round(reply.elapsedTime), ...request.noted }, 'request');
};
