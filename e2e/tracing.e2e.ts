/** One trace from the HTTP request to the SQL statements it led to, sent to a collector over OTLP. */
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '#core/config.ts';
import { cloneDatabase, silentLogger } from '#core/testing.ts';
import { type HubProcess, startHub } from '../hub/hub.ts';
import { startTracing } from '../hub/tracing.ts';
import { makeDataDir } from './hub-process.ts';

type Attribute = { readonly key: string; readonly value: { readonly stringValue?: string; readonly intValue?: number } };
type Span = { readonly traceId: string; readonly spanId: string; readonly parentSpanId?: string; readonly name: string; readonly attributes: readonly Attribute[] };

const stack = new AsyncDisposableStack();
const received: Span[] = [];
let hub: HubProcess;
let stopTracing: () => Promise<void>;

beforeAll(async () => {
  const collector = createServer(async (request, response) => {
    const body = await text(request);
    type Sent = { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
    received.push(...(JSON.parse(body) as Sent).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)));
    response.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  stack.defer(() => void collector.close());
  const { port } = collector.address() as { port: number };
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${port}`;
  const tracing = startTracing(process.env, 'all');
  stopTracing = async () => tracing?.[Symbol.asyncDispose]();
  const database = stack.use(await cloneDatabase());
  const folder = stack.use(await makeDataDir());
  const config = readConfig({ PORT: '0', DATABASE_URL: database.url, EVENTGRAPH_DATA_DIR: folder.path, EVENTGRAPH_DEMO: 'false' });
  hub = stack.use(await startHub({ config, role: { kind: 'all' }, logger: silentLogger, explorer: null }));
});
afterAll(() => stack.disposeAsync());

test('an operation, its requests to subgraphs and their SQL statements are one trace, below the caller\'s span', async () => {
  const [traceId, parentSpanId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
  const response = await fetch(`${hub.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${hub.adminKey ?? ''}`, traceparent: `00-${traceId}-${parentSpanId}-01` },
    body: JSON.stringify({ query: 'query Keys($first: Int) { apiKeys(first: $first) { edges { node { id clientName } } } }', variables: { first: 7 } }),
  });
  expect(await response.json()).toMatchObject({ data: { apiKeys: { edges: [{}] } } });
  await stopTracing();
  const spans = received.filter((span) => span.traceId === traceId);
  const named = (name: string) => spans.find((span) => span.name === name);
  const [http, operation, request] = [named('POST /graphql'), named('query'), named('query access')];
  expect(http).toMatchObject({ parentSpanId });
  expect(operation).toMatchObject({ parentSpanId: http?.spanId });
  expect(request).toMatchObject({ parentSpanId: operation?.spanId });
  const statements = spans.filter(({ parentSpanId: parent, attributes }) => parent === request?.spanId && attributes.some(({ key, value }) => key === 'db.system.name' && value.stringValue === 'postgresql'));
  expect(statements.map(({ name }) => name)).toContain('SELECT');
  expect(http?.attributes).toEqual(expect.arrayContaining([{ key: 'http.response.status_code', value: { intValue: 200 } }, { key: 'http.route', value: { stringValue: '/graphql' } }]));
});

test('no span tells a credential, or the value of a parameter', () => {
  const told = JSON.stringify(received);
  expect(told).not.toContain(hub.adminKey);
  expect(told).not.toContain('IPK_');
});
