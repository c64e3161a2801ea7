/** The OAuth server's place in the hub's HTTP server: `/oauth/…`, and its description where clients look for it (RFC 8414). */
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Hub } from '#core/subgraph.ts';
import { interactionRoutes } from './interactions.ts';
import { createProvider, sessionCookie } from './provider.ts';

const wellKnown = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'];

export const oauthRoutes = (hub: Hub): FastifyPluginAsync => async (app) => {
  const oauth = createProvider(hub);
  const handle = oauth.provider.callback();
  const { protocol, host } = new URL(hub.publicUrl);

  const pass = (request: FastifyRequest, reply: FastifyReply) => {
    const { raw } = request;
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value);
    // Addresses in answers are those of the hub's own setting, whatever a request says it was sent to.
    Object.assign(raw.headers, { 'x-forwarded-proto': protocol.slice(0, -1), 'x-forwarded-host': host });
    if (raw.headers.cookie !== undefined) raw.headers.cookie = withoutSession(raw.headers.cookie);
    reply.hijack();
    void handle(raw, reply.raw);
  };

  await app.register(async (scope) => {
    // The library reads bodies itself, within bounds of its own.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    for (const url of [...wellKnown, '/oauth/*']) scope.route({ method: ['GET', 'POST', 'OPTIONS'], url, handler: pass, exposeHeadRoute: false });
  });
  await app.register(async (scope) => interactionRoutes(scope, hub, oauth));
};

/** The library keeps who logged in; here nobody is: every authorization begins with a key, be it another one. */
const withoutSession = (cookies: string): string => cookies.split(/; */).filter((cookie) => !cookie.startsWith(`${sessionCookie}=`) && !cookie.startsWith(`${sessionCookie}.sig=`)).join('; ');
