import { type ContextManager, ROOT_CONTEXT, context, trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterEach, expect, test } from 'vitest';
import { registeredTracer } from '#core/tracing.ts';
import { publicViewer } from '#core/viewer.ts';
import { createGateway } from '../index.ts';
import { createRemoteDataSource } from '../sources/remote-data-source.ts';
import { createChannel } from '../testing/channel.ts';
import { composeAll, startGateway, subgraph, viewerWith } from '../testing/kit.ts';
import { serveRaw } from '../testing/subgraph-server.ts';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const tracer = provider.getTracer('test');
const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
  exporter.reset();
});

const channel = createChannel<{ touched: { id: string } }>();
const list = subgraph('list', 'type Query { things: [Thing!]! } type Subscription { touched: Thing! } type Thing @key(fields: "id") { id: ID! }', {
  Query: { things: () => [{ id: '1' }] },
  Subscription: { touched: { subscribe: () => channel.subscribe() } },
});
const details = subgraph('details', 'type Thing @key(fields: "id") { id: ID! name: String }', { Thing: { name: () => 'a thing' } });
const request = (query: string) => ({ query, viewer: publicViewer, requestId: 'r1', signal: new AbortController().signal });
const spans = () => exporter.getFinishedSpans();
const named = (name: string) => spans().filter((span) => span.name === name);

test('one span for an operation, and within it one for each request to a subgraph', async () => {
  const { gateway } = startGateway([list, details], { tracer });
  await gateway.execute(request('query Things { things { name } }'));
  expect(spans().map(({ name, attributes }) => [name, attributes])).toEqual([
    ['query list', { 'graphql.operation.type': 'query', 'service.peer.name': 'list' }],
    ['query details', { 'graphql.operation.type': 'query', 'service.peer.name': 'details' }],
    ['query', { 'graphql.operation.type': 'query', 'graphql.operation.name': 'Things' }],
  ]);
  const [operation] = named('query');
  for (const span of spans()) if (span !== operation) expect(span.parentSpanContext?.spanId).toBe(operation?.spanContext().spanId);
});

test('an admin who asks how the answer was made is told so within the spans', async () => {
  const { gateway } = startGateway([list, details], { tracer });
  const answer = await gateway.execute({ ...request('{ things { name } }'), viewer: viewerWith('admin'), wantedTrace: 'timings' });
  expect(answer).toMatchObject({ extensions: { trace: { timings: { requests: [{ subgraph: 'list' }, { subgraph: 'details' }] } } } });
  expect(spans()).toHaveLength(3);
});

test('an operation is below the span that is active', async () => {
  const { gateway } = startGateway([list], { tracer });
  const outer = tracer.startSpan('outer');
  // Without a context manager nothing is active; this one knows a single context.
  const only = trace.setSpan(ROOT_CONTEXT, outer);
  const manager: ContextManager = { active: () => only, with: (_, run, self, ...args) => run.apply(self, args), bind: (_, target) => target, enable: () => manager, disable: () => manager };
  context.setGlobalContextManager(manager);
  try {
    await gateway.execute(request('{ things { id } }'));
  } finally {
    context.disable();
  }
  expect(named('query')[0]?.spanContext().traceId).toBe(outer.spanContext().traceId);
});

test('each executed event of a subscription is a trace of its own', async () => {
  const { gateway } = startGateway([list, details], { tracer });
  const live = () => gateway.subscribe(request('subscription { touched { name } }')) as Promise<AsyncIterableIterator<unknown>>;
  const streams = [await live(), await live()];
  const answers = streams.map((stream) => stream.next());
  await channel.waiting(2);
  channel.publish({ touched: { id: '1' } });
  await Promise.all(answers);
  await Promise.all(streams.map((stream) => stream.return?.()));
  expect(named('subscription')).toHaveLength(1);
  expect(named('subscription')[0]?.parentSpanContext).toBeUndefined();
});

test('what failed says with which code, and no words of it', async () => {
  const gateway = createGateway({
    supergraph: composeAll([list]),
    dataSources: () => ({
      execute: async () => {
        throw new Error('password=hunter2');
      },
      subscribe: async () => ({ data: null }),
    }),
    tracer,
  });
  await gateway.execute(request('{ things { id } }'));
  expect(spans().map(({ name, status, attributes }) => [name, status.code, attributes['error.type']])).toEqual([
    ['query list', 2, 'SUBREQUEST_FAILED'],
    ['query', 2, expect.any(String)],
  ]);
  expect(JSON.stringify(spans().map(({ attributes, events, status }) => [attributes, events, status]))).not.toContain('hunter2');
});

test.each([['with', true], ['without', false]] as const)('a subgraph behind its own server gets a traceparent %s a tracer', async (_, isTraced) => {
  const headers: (string | string[] | undefined)[] = [];
  const server = await serveRaw(({ headers: { traceparent } }, answer) => {
    headers.push(traceparent);
    answer.setHeader('content-type', 'application/json').end('{"data":{"things":[]}}');
  });
  const gateway = createGateway({ supergraph: composeAll([list]), dataSources: () => createRemoteDataSource({ url: server.url, signViewer: () => 'signed' }), tracer: isTraced ? tracer : undefined });
  opened.push(() => gateway.dispose(), () => server.close());
  await gateway.execute(request('{ things { id } }'));
  const own = named('query list')[0]?.spanContext();
  expect(headers).toEqual([isTraced ? `00-${own?.traceId}-${own?.spanId}-01` : undefined]);
});

test('a process without an SDK has no tracer; with one it is found', () => {
  expect(registeredTracer()).toBeUndefined();
  trace.setGlobalTracerProvider(provider);
  try {
    expect(registeredTracer()).toBeDefined();
  } finally {
    trace.disable();
  }
});
