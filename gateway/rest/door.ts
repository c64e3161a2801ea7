/**
 * The REST door, everything below `/api`: which route a request is for, who asks, and the body as JSON. What a request
 * means is `serve.ts`.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { connectionSignal } from '../doors/connection-signal.ts';
import { type Identify, credentialIn } from '../doors/credentials.ts';
import { noteRequest } from '../doors/request-log.ts';
import { checkAudience } from './access.ts';
import type { CurrentRoutes } from './current-routes.ts';
import type { RestAudience } from './directive.ts';
import { ProblemError } from './problem.ts';
import { rememberLast } from './remember-last.ts';
import type { Route } from './route.ts';
import { send, sendProblem } from './send.ts';
import { type Serve, type ServeOptions, createServe } from './serve.ts';

export type RestDoorOptions = ServeOptions & {
  readonly routes: CurrentRoutes;
  readonly identify: Identify;
};

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Members that every mistake at this path has besides its own. */
    problem?: Readonly<Record<string, unknown>>;
  }
  interface FastifyRequest {
    restViewer: Viewer | null;
  }
}

/** A plugin to be registered with the prefix `/api`. */
export const restDoor = (options: RestDoorOptions) => async (app: FastifyInstance): Promise<void> => {
  const { logger } = options;
  const routes = options.routes();
  app.decorateRequest('restViewer', null);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => readJson(String(text), done));
  const answerUnknown = (request: FastifyRequest, reply: FastifyReply) => sendProblem(notFound(routes, request), request, reply.headers(allowOf(routes, request)), logger);
  app.setNotFoundHandler(answerUnknown);
  // The server looks at bodies also of methods that nothing takes.
  app.setErrorHandler((error, request, reply) => (request.is404 ? answerUnknown(request, reply) : sendProblem(error, request, reply, logger)));
  // Where pages of other origins are let in, the server has a route for this method at every path.
  app.options('/*', (_, reply) => reply.callNotFound());
  const serving = rememberLast((current: readonly Route[]) => new Map(current.map((route) => [route.name, createServe(route, options)])));
  // What cannot be served ends the start, and not each request.
  serving(routes);
  for (const route of routes) {
    const serve: Serve = (request) => (serving(options.routes()).get(route.name) ?? createServe(route, options))(request);
    for (const { path, wants } of route.paths) addRoute(app, route, path, wants, serve, options.identify);
  }
};

const addRoute = (app: FastifyInstance, route: Route, path: string, wants: RestAudience, serve: Serve, identify: Identify): void => {
  app.route({
    method: route.method,
    url: path.replace(/^\/api/, '').replaceAll(/\{(\w+)\}/g, ':$1'),
    config: { problem: route.problem },
    // Before the body is read: who may not ask sends nothing.
    async onRequest(request) {
      const viewer = await identify(credentialIn(request.headers));
      noteRequest(request, viewer, route.name);
      checkAudience(wants, route, viewer);
      request.restViewer = viewer;
    },
    async handler(request, reply) {
      const { params, query, body } = request;
      const sent = { path: params as Record<string, unknown>, query: query as Record<string, unknown>, body };
      const viewer = request.restViewer ?? publicViewer;
      return send(reply, await serve({ sent, url: request.url, viewer, address: request.ip, requestId: request.id, signal: connectionSignal(request), idempotencyKey: request.headers['idempotency-key'], ifNoneMatch: request.headers['if-none-match'] }));
    },
  });
};

const readJson = (text: string, done: (error: Error | null, body?: unknown) => void): void => {
  let body: unknown;
  try {
    body = text === '' ? undefined : JSON.parse(text);
  } catch {
    return done(new ProblemError('BODY_NOT_JSON', 'The body is not JSON.', { field: 'body' }));
  }
  done(null, body);
};

/** Methods of the routes at a path. */
const methodsAt = (routes: readonly Route[], url: string): readonly string[] => {
  const path = url.split('?')[0] ?? '';
  const methods = routes.filter(({ paths }) => paths.some((each) => patternOf(each.path).test(path))).map(({ method }) => method);
  return methods.includes('GET') ? [...methods, 'HEAD'] : methods;
};

const patternOf = (path: string): RegExp => new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`);

const allowOf = (routes: readonly Route[], { url }: FastifyRequest): Record<string, string> => {
  const methods = methodsAt(routes, url);
  return methods.length > 0 ? { allow: methods.join(', ') } : {};
};

const notFound = (routes: readonly Route[], { url, method }: FastifyRequest): ProblemError => {
  const methods = methodsAt(routes, url);
  if (methods.length === 0) return new ProblemError('PATH_UNKNOWN', 'There is nothing at this path. /api/openapi.json says what there is.');
  return new ProblemError('METHOD_NOT_ALLOWED', `This path takes ${methods.join(' and ')}, not ${method}.`, { allowed: methods });
};
