import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { publicViewer } from '#core/viewer.ts';
import { type HttpServer, createHttpServer } from './http.ts';
import { type TestGateway, startGateway, subgraph } from '../testing/kit.ts';

const things = subgraph('things', 'type Query { hello: String }', { Query: { hello: () => 'world' } });
let started: TestGateway;
let server: HttpServer;
let port: number;
beforeAll(async () => {
  started = startGateway([things]);
  server = await createHttpServer({ gateway: started.gateway, logger: pino({ level: 'silent' }), identify: async () => publicViewer, limits: { requestMs: 1_000, stalledMs: 20_000 } });
  port = Number(new URL(await server.app.listen({ port: 0, host: '127.0.0.1' })).port);
});
afterAll(async () => {
  await server.app.close();
  await started.gateway.dispose();
});

const open = async (bytes: string): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(bytes);
  return socket;
};

/** All that comes back, once the server has closed the connection; this side does not. */
const answerTo = async (bytes: string): Promise<{ status: number; body: string }> => {
  const socket = await open(bytes);
  let text = '';
  socket.on('data', (part: Buffer) => (text += part.toString('utf8')));
  await once(socket, 'close');
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), body: text.split('\r\n\r\n')[1] ?? '' };
};
const codeOf = ({ body }: { body: string }): unknown => (JSON.parse(body) as { errors: { extensions: { code: string } }[] }).errors[0]?.extensions.code;

const post = 'POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';
const question = '{"query":"{ hello }"}';
const whole = `${post}Content-Length: ${question.length}\r\n`;

test.each([
  ['bytes that are not HTTP', '\u0016\u0003\u0001\u0002', 400, 'BAD_REQUEST'],
  ['a length that is none', `${post}Content-Length: x\r\n\r\n`, 400, 'BAD_REQUEST'],
  ['a head without end', `${post}X: ${'x'.repeat(100_000)}`, 431, 'HEADERS_TOO_LARGE'],
  ['an expectation that nobody knows', `${whole}Expect: more\r\n\r\n${question}`, 417, 'EXPECTATION_FAILED'],
  ['a handshake at another path', 'GET /elsewhere HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n', 404, 'PATH_UNKNOWN'],
  ['a handshake without a key', 'GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n', 400, 'BAD_REQUEST'],
  ['a request that does not say which host it is for', `${whole.replace('Host: a\r\n', '')}Connection: close\r\n\r\n${question}`, 400, 'BAD_REQUEST'],
  ['a path that is not there', 'GET /elsewhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 404, 'PATH_UNKNOWN'],
])('%s: refused with a code', async (_, bytes, status, code) => {
  const answer = await answerTo(bytes);
  expect([answer.status, codeOf(answer)]).toEqual([status, code]);
});

test('one of HTTP/1.0 says no host, and is answered', async () => {
  const { status, body } = await answerTo(`${whole.replace('HTTP/1.1', 'HTTP/1.0').replace('Host: a\r\n', '')}\r\n${question}`);
  expect([status, body]).toEqual([200, '{"data":{"hello":"world"}}']);
});

test('who offers HTTP/2 with its request is answered in HTTP/1.1', async () => {
  const { status, body } = await answerTo(`${whole}Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n${question}`);
  expect([status, body]).toEqual([200, '{"data":{"hello":"world"}}']);
});

test.each([
  ['a head', 'POST /graphql HTTP/1.1\r\nHost'],
  ['a body', `${whole}\r\n{"query"`],
])('%s that does not arrive in time: 408, and the connection is closed', async (_, bytes) => {
  const answer = await answerTo(bytes);
  expect([answer.status, codeOf(answer)]).toEqual([408, 'REQUEST_TIMEOUT']);
});

test('while others write without end, a client is answered', async () => {
  const slow = await Promise.all(Array.from({ length: 50 }, () => open(`${whole}\r\n{`)));
  const { body } = await answerTo(`${whole}Connection: close\r\n\r\n${question}`);
  expect(body).toBe('{"data":{"hello":"world"}}');
  for (const socket of slow) socket.destroy();
});
