/**
 * Spans of OpenTelemetry, where an SDK is registered: one for each operation, one for each request to a subgraph, and
 * `traceparent` for the subgraph to go on with. Names and attributes are those of the semantic conventions; what a client
 * names its operation is an attribute, and not the name of a span, as clients may think of any number of them.
 */
import { type Context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, type Tracer, context, isSpanContextValid, trace } from '@opentelemetry/api';
import type { GraphQLFormattedError } from 'graphql';
import type { Operation } from '../operations.ts';
import type { Trace } from '../trace.ts';
import { codeOf } from './counts.ts';

export type OperationSpan = Trace & { end(errors: readonly GraphQLFormattedError[]): void };

/** `parent` is what is active in the process, such as a span of an HTTP instrumentation; an event of a subscription has none. */
export const beginSpan = (tracer: Tracer, { kind, name }: Operation, parent: Context = context.active()): OperationSpan => {
  const attributes = { 'graphql.operation.type': kind, ...(name === undefined ? {} : { 'graphql.operation.name': name }) };
  const span = tracer.startSpan(kind, { kind: SpanKind.SERVER, attributes }, parent);
  const within = trace.setSpan(parent, span);
  return {
    async request({ subgraph }, request, send) {
      const { operation } = request;
      const own = tracer.startSpan(`${operation.kind} ${subgraph}`, { kind: SpanKind.CLIENT, attributes: { 'graphql.operation.type': operation.kind, 'service.peer.name': subgraph } }, within);
      try {
        return await context.with(trace.setSpan(within, own), () => send({ ...request, traceparent: traceparentOf(own) }));
      } catch (error) {
        fail(own, codeOf(error));
        throw error;
      } finally {
        own.end();
      }
    },
    fetched: () => undefined,
    extensions: () => null,
    end([error]) {
      if (error) fail(span, String(error.extensions?.['code'] ?? 'INTERNAL_SERVER_ERROR'));
      span.end();
    },
  };
};

/** For what begins by itself. */
export const beginRootSpan = (tracer: Tracer, operation: Operation): OperationSpan => beginSpan(tracer, operation, ROOT_CONTEXT);

const fail = (span: Span, code: string): void => {
  span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR });
};

/** https://www.w3.org/TR/trace-context/#traceparent-header */
const traceparentOf = (span: Span): string | undefined => {
  const own = span.spanContext();
  return isSpanContextValid(own) ? `00-${own.traceId}-${own.spanId}-${own.traceFlags.toString(16).padStart(2, '0')}` : undefined;
};

/** Requests run within the spans; the answer tells what the inner one has to tell. */
export const withinSpan = (span: OperationSpan, inner: Trace): Trace => ({
  request: (batch, request, send) => span.request(batch, request, (traced) => inner.request(batch, traced, send)),
  fetched: inner.fetched,
  extensions: inner.extensions,
});
