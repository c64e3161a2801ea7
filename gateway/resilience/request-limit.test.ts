import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { fastify } from 'fastify';
import { afterEach, expect, test } from 'vitest';
import { createLogger } from '#core/logging.ts';
import { publicViewer } from '#core/viewer.ts';
import { createHttpServer } from '../doors/http.ts';
import { startGateway, subgraph } from '../testing/kit.ts';
import { countNoLonger, limitRequests } from './request-limit.ts';

const opened: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

/** A gateway with room for two requests, whose `wait` is answered when it is told. */
const setUp = async () => {
  const waiting: (() => void)[] = [];
  const { gateway } = startGateway([subgraph('slow', 'type Query { wait(as: Int): String now: String }', { Query: { now: () => 'now', wait: () => new Promise<string>((resolve) => waiting.push(() => resolve('done'))) } })]);
  const { app } = await createHttpServer({ gateway, identify: async () => publicViewer, logger: createLogger('silent'), maxRequests: 2, drainMs: 50 });
  opened.push(app);
  const origin = await app.listen({ port: 0, host: '127.0.0.1' });
  const ask = (field: string, signal?: AbortSignal) => fetch(`${origin}/graphql?query={${field}}`, signal ? { signal } : {});
  const asked = (count: number) => expect.poll(() => waiting.length).toBe(count);
  return { origin, ask, asked, waiting };
};

test('over the limit the answer is 503 with a code and `Retry-After`, and there is room again when one was answered', async () => {
  const { ask, asked, waiting } = await setUp();
  const held = [ask('wait(as:1)'), ask('wait(as:2)')];
  await asked(2);
  const refused = await ask('now');
  expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toMatchObject([503, '1', { errors: [{ extensions: { code: 'OVERLOADED' } }] }]);
  waiting[0]?.();
  await (await Promise.race(held)).text();
  await expect.poll(async () => (await ask('now')).status).toBe(200);
  waiting[1]?.();
  for (const each of held) expect((await each).status).toBe(200);
});

test('a client that goes away makes room', async () => {
  const { ask, asked, waiting } = await setUp();
  const clients = [new AbortController(), new AbortController()];
  const held = clients.map(({ signal }, index) => ask(`wait(as:${index})`, signal).catch(() => 'gone'));
  await asked(2);
  expect((await ask('now')).status).toBe(503);
  for (const client of clients) client.abort();
  expect(await Promise.all(held)).toEqual(['gone', 'gone']);
  await expect.poll(async () => (await ask('now')).status).toBe(200);
  for (const end of waiting) end();
});

test('health is answered all the same', async () => {
  const { origin, ask, asked, waiting } = await setUp();
  const held = [ask('wait(as:1)'), ask('wait(as:2)')];
  await asked(2);
  expect((await fetch(`${origin}/health/live`)).status).toBe(200);
  expect((await fetch(`${origin}/health/ready`)).status).toBe(200);
  for (const end of waiting) end();
  await Promise.all(held);
});

test('the refusal does not wait for the body', async () => {
  const { origin, ask, asked, waiting } = await setUp();
  const held = [ask('wait(as:1)'), ask('wait(as:2)')];
  await asked(2);
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  socket.write('POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 900000\r\n\r\n{"query":');
  expect(String((await once(socket, 'data'))[0])).toContain('503 Service Unavailable');
  socket.destroy();
  for (const end of waiting) end();
  await Promise.all(held);
});

test('a response that has become a stream makes room, once', async () => {
  const app = fastify();
  limitRequests(app, 1);
  const streams: ServerResponse[] = [];
  app.get('/stream', (_, reply) => {
    const { raw } = reply.hijack();
    raw.writeHead(200).flushHeaders();
    countNoLonger(raw);
    streams.push(raw);
  });
  app.get('/held', (_, reply) => void reply.hijack().raw.flushHeaders());
  opened.push(app);
  const origin = await app.listen({ port: 0, host: '127.0.0.1' });
  for (let count = 0; count < 3; count++) expect((await fetch(`${origin}/stream`)).status).toBe(200);
  for (const stream of streams) stream.end();
  const held = new AbortController();
  await fetch(`${origin}/held`, { signal: held.signal });
  expect((await fetch(`${origin}/held`)).status).toBe(503);
  held.abort();
});
