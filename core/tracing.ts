/**
 * Spans of OpenTelemetry, from HTTP to SQL, where an SDK is registered; without one nothing of this costs anything. Names
 * and attributes are those of the semantic conventions (HTTP, database client).
 */
import { type Attributes, type Context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, type Tracer, context, isSpanContextValid, propagation, trace } from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Pool, PoolClient } from 'pg';
import { toldPath } from './told-path.ts';

/** Of the SDK that this process was started with; undefined where there is none. To be asked once. */
export const registeredTracer = (): Tracer | undefined => {
  const tracer = trace.getTracer('eventgraph');
  // Without an SDK a span has no id. This one never ends, so nobody is told of it.
  return isSpanContextValid(tracer.startSpan('eventgraph', {}, ROOT_CONTEXT).spanContext()) ? tracer : undefined;
};

/** A span for each request, below the caller's `traceparent`; what handlers do is below the span. */
export const traceRequests = (app: FastifyInstance, tracer: Tracer): void => {
  const running = new WeakMap<FastifyRequest, { readonly span: Span; readonly within: Context }>();
  app.addHook('onRequest', (request, _reply, done) => {
    const route = request.routeOptions.url;
    const parent = propagation.extract(ROOT_CONTEXT, request.headers);
    const span = tracer.startSpan(route ? `${request.method} ${route}` : request.method, { kind: SpanKind.SERVER, attributes: attributesOf(request, route) }, parent);
    running.set(request, { span, within: trace.setSpan(parent, span) });
    done();
  });
  // Behind the reading of the body, whose events know nothing of the request.
  app.addHook('preHandler', (request, _reply, done) => {
    const found = running.get(request);
    if (found) context.with(found.within, done);
    else done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const span = running.get(request)?.span;
    span?.setAttribute('http.response.status_code', reply.statusCode);
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', String(reply.statusCode));
    span?.end();
    done();
  });
};

/** The query string may hold variables, which are nobody's business. */
const attributesOf = (request: FastifyRequest, route: string | undefined): Attributes => ({
  'http.request.method': request.method,
  'url.path': toldPath(request),
  'url.scheme': request.protocol,
  ...(route ? { 'http.route': route } : {}),
});

/** A span for each statement that runs below another span; values of parameters are not told. */
export const traceStatements = (pool: Pool, tracer: Tracer): void => {
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    const traced = (...args: unknown[]): unknown => {
      if (!trace.getSpan(context.active())) return query(...args);
      const text = textOf(args[0]);
      const span = tracer.startSpan(verbOf(text), { kind: SpanKind.CLIENT, attributes: { 'db.system.name': 'postgresql', 'db.query.text': text, 'db.operation.name': verbOf(text) } });
      return ended(span, query(...args));
    };
    client.query = traced as PoolClient['query'];
  });
};

const textOf = (statement: unknown): string => (typeof statement === 'string' ? statement : String((statement as { text?: unknown } | null)?.text ?? ''));
const verbOf = (text: string): string => /^\s*(\w+)/.exec(text)?.[1]?.toUpperCase() ?? 'QUERY';

/** With callbacks and cursors there is nothing to wait for: such a span tells the statement and no duration. */
const ended = (span: Span, result: unknown): unknown => {
  if (!(result instanceof Promise)) {
    span.end();
    return result;
  }
  return result.then(
    (rows: unknown) => {
      span.end();
      return rows;
    },
    (error: unknown) => {
      span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', String((error as { code?: unknown }).code ?? 'Error')).end();
      throw error;
    },
  );
};
