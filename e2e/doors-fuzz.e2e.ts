/** Whatever comes in at the HTTP doors, no answer is a fault of ours, and each refusal has a code. */
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { bombs, document, nastyJson, nastyText, nearly, operations } from './fuzzed-documents.ts';
import { type FuzzedHub, checkAnswer, runs, sendBytes, startFuzzedHub } from './fuzzed-hub.ts';

let hub: FuzzedHub;
let admin: { authorization: string };
beforeAll(async () => {
  hub = await startFuzzedHub();
  admin = { authorization: `Bearer ${hub.adminKey}` };
});
afterAll(() => hub[Symbol.asyncDispose]());
afterEach(() => hub.isWell());

const json = { 'content-type': 'application/json' };
const post = (body: unknown, headers: Readonly<Record<string, string>> = admin) => hub.send({ method: 'POST', path: '/graphql', headers: { ...json, ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) });
const codeOf = (text: string): string => (JSON.parse(text) as { errors: { extensions: { code: string } }[] }).errors[0]?.extensions.code ?? '';

describe('GraphQL', () => {
  test('documents of any kind', async () => {
    await fc.assert(fc.asyncProperty(document, async (query) => checkAnswer(await post({ query }))), runs(300));
  });

  test.each(operations)('variables of any kind: $query', async ({ query, valid }) => {
    expect((JSON.parse((await post({ query, variables: valid })).text) as { errors?: unknown }).errors).toBeUndefined();
    await fc.assert(fc.asyncProperty(nearly(valid), async (values) => checkAnswer(await post({ query, variables: values }))), runs(25));
  });

  test.each(bombs)('small texts that ask for much are refused by a limit: %s', async (_, query, code) => {
    const answer = await post({ query });
    checkAnswer(answer);
    expect(codeOf(answer.text)).toMatch(new RegExp(`^${code}`));
  });

  test('variables nested without end', async () => {
    const deep = '['.repeat(50_000) + ']'.repeat(50_000);
    for (const { query } of operations) {
      checkAnswer(await post(`{"query":${JSON.stringify(query)},"variables":{"input":${deep}}}`));
      checkAnswer(await post(`{"query":${JSON.stringify(query)},"variables":{"input":{"dataSchema":${deep},"manifest":${deep}},"id":${deep},"first":${deep},"filter":${deep}}}`));
      checkAnswer(await post(`{"query":${JSON.stringify(query)},"extensions":{"a":${deep}}}`));
    }
  });

  test('bodies of any kind', async () => {
    const parameter = fc.oneof(nastyJson, fc.constantFrom('{ __typename }', 'A'));
    const body = fc.oneof(nastyJson, fc.record({ query: parameter, operationName: parameter, variables: parameter, extensions: fc.oneof(nastyJson, fc.record({ persistedQuery: fc.oneof(nastyJson, fc.record({ version: fc.constant(1), sha256Hash: nastyText })) })), documentId: parameter }, { requiredKeys: [] }));
    await fc.assert(fc.asyncProperty(body, async (sent) => checkAnswer(await post(sent))), runs(150));
    await fc.assert(fc.asyncProperty(fc.oneof(fc.json(), nastyText), fc.nat(20), async (text, cut) => checkAnswer(await post(text.slice(cut)))), runs(50));
  });

  test('query strings of any kind', async () => {
    const parameters = fc.array(fc.tuple(fc.oneof(fc.constantFrom('query', 'variables', 'extensions', 'operationName', 'documentId'), nastyText), fc.oneof(nastyText, nastyJson.map((value) => JSON.stringify(value) ?? ''), fc.constantFrom('{ events { totalCount } }', '{"a":1}'))), { maxLength: 5 });
    const encoded = parameters.map((list) => list.map(([name, value]) => `${escape(name)}=${escape(value)}`).join('&'));
    const anything = fc.oneof(encoded, fc.string({ unit: fc.constantFrom('%', '&', '=', '+', '[', ']', 'query', '2', 'f', '%00', '%ff', '%ed%a0%80', '{', '}') }));
    await fc.assert(fc.asyncProperty(anything, async (text) => checkAnswer(await hub.send({ path: `/graphql?${text}`, headers: admin }))), runs(150));
  });
});

/** As a browser does, half characters too. */
const escape = (text: string): string => encodeURIComponent(text.toWellFormed());

test('headers of any kind', async () => {
  const value = fc.oneof(fc.string({ maxLength: 200 }), fc.constantFrom('', ',', ';', '"', 'q=', '*/*;q=abc', 'multipart/mixed;deferSpec', 'text/event-stream;q=1e999', 'Bearer', 'Bearer  ', 'Bearer IPK_', 'Bearer a.b.c', '0', '-1', '1e9', 'plan,timings', 'W/"x", *', 'gzip;q=0', 'application/json; charset=utf-99'), fc.string({ unit: fc.integer({ min: 0x80, max: 0xff }).map((code) => String.fromCharCode(code)), maxLength: 20 }));
  const name = fc.constantFrom('accept', 'authorization', 'x-api-key', 'content-type', 'content-encoding', 'if-none-match', 'x-request-id', 'x-forwarded-for', 'forwarded', 'traceparent', 'tracestate', 'baggage', 'x-eventgraph-trace', 'apollographql-client-name', 'x-client-name', 'idempotency-key', 'cookie', 'origin', 'range', 'host', 'te', 'x-http-method-override', 'last-event-id', 'accept-encoding');
  const headers = fc.array(fc.tuple(name, value), { maxLength: 5 }).map((pairs) => Object.fromEntries(pairs));
  const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'HEAD', 'TRACE', 'PROPFIND');
  const path = fc.constantFrom('/graphql?query={__typename}', '/api/v1/events', '/api/public/events', '/api/platform/api-keys/create', '/ingest/svc_none', '/nothing/there');
  await fc.assert(
    fc.asyncProperty(headers, method, path, async (given, how, where) => {
      const isWriting = how !== 'GET' && how !== 'HEAD' && how !== 'TRACE';
      checkAnswer(await hub.send({ method: how, path: where, headers: { ...json, ...given }, ...(isWriting ? { body: '{"query":"{ __typename }"}' } : {}) }));
    }),
    runs(300),
  );
});

test('bytes that are no HTTP, or half of it: refused with a code, and the connection closed', async () => {
  const head = 'POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';
  const whole = Buffer.from(`${head}Content-Length: 26\r\n\r\n{"query":"{ __typename }"}`);
  const known = ['GET / HTTP/9.9\r\n\r\n', 'G\u0000T / HTTP/1.1\r\n\r\n', `${head}Content-Length: -1\r\n\r\n`, `${head}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, `${head}X: ${'y'.repeat(40_000)}\r\n\r\n`, `GET /${'a'.repeat(40_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 'GET / HTTP/1.1\r\n\r\n', `${head}Expect: the-best\r\nContent-Length: 0\r\n\r\n`, 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'];
  for (const bytes of known) checkRaw(await sendBytes(hub.port, Buffer.from(bytes, 'latin1')), bytes);
  const change = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }));
  const damaged = fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => changes.reduce((bytes, [at, byte]) => (bytes.set([byte], at), bytes), Buffer.from(whole)));
  await fc.assert(fc.asyncProperty(fc.oneof(damaged, fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes))), async (bytes) => checkRaw(await sendBytes(hub.port, bytes), bytes.toString('latin1'))), runs(100));
});

/** What was refused before there was a request is JSON with a code too; a request that was never whole may be answered nothing. */
const checkRaw = (answer: string, sent: string): void => {
  if (answer === '') return;
  // Node's own for a request without a host, which it does not let anybody else answer.
  if (answer.startsWith('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nDate:')) return;
  const [head = '', body = ''] = answer.split(/\r\n\r\n(.*)/s);
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]);
  expect(status, sent).toBeLessThan(500);
  const type = /^content-type: *(.+)$/im.exec(head)?.[1] ?? '';
  if (status >= 400) checkAnswer({ status, headers: { 'content-type': type }, text: body });
  if (status >= 400) expect(body, sent).not.toBe('');
};
