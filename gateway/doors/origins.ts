/**
 * Pages of other origins than the hub's own: which of them may read its answers (https://fetch.spec.whatwg.org/#http-cors-protocol)
 * and open sockets. Never with what a browser keeps of a person: the doors read no cookies, and say so by allowing none.
 */
import type { IncomingMessage } from 'node:http';
import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import type { AllowedOrigins } from '#core/config.ts';

/** What scripts may read of a response besides its body. */
const exposedHeaders = ['Allow', 'ETag', 'Idempotency-Replayed', 'Link', 'RateLimit', 'RateLimit-Policy', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id'];

/** In seconds; browsers keep it for no longer than two hours. */
const preflightSeconds = 7_200;

/**
 * To be called before other hooks are added: a browser's question whether it may ask costs nothing, and refusals can be
 * read by the page as well. Any header may be sent by who may send a credential.
 */
export const allowOrigins = async (app: FastifyInstance, allowed: AllowedOrigins): Promise<void> => {
  if (allowed.length === 0) return;
  const granted = { origin: allowed === '*' ? allowed : [...allowed], methods: ['GET', 'HEAD', 'POST'], exposedHeaders, maxAge: preflightSeconds, strictPreflight: false };
  await app.register(cors, { delegator: (request, done) => done(null, isApi(request.url) && isAllowed(request.headers.origin, allowed) ? granted : { origin: false }) });
};

/** Other paths are for no pages, or have rules of their own (`/oauth`). */
const isApi = (url: string): boolean => /^\/(graphql(\?|$)|api\/)/.test(url);

const isAllowed = (origin: string | undefined, allowed: AllowedOrigins): boolean => origin !== undefined && (allowed === '*' || allowed.includes(origin));

/**
 * Whether a socket may be opened: browsers let every page try, and say of which origin it is. Behind a proxy that names
 * another host than the page was asked of, the hub's own pages are known by `publicUrl`.
 */
export const mayConnect = ({ headers: { origin, host } }: Pick<IncomingMessage, 'headers'>, allowed: AllowedOrigins, publicUrl: string | undefined): boolean =>
  origin === undefined || isAllowed(origin, allowed) || (host !== undefined && URL.parse(origin)?.host === host.toLowerCase()) || (publicUrl !== undefined && origin === new URL(publicUrl).origin);
