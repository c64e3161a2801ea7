import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { fastify } from 'fastify';
import { describe, expect, test } from 'vitest';
import { drainWithin } from './drain.ts';

const serve = async (drainMs: number) => {
  const app = fastify({ forceCloseConnections: 'idle' });
  drainWithin(app, drainMs);
  app.post('/', async () => 'ok');
  await app.listen({ host: '127.0.0.1', port: 0 });
  return app;
};
const say = async (app: Awaited<ReturnType<typeof serve>>, text: string) => {
  const accepted = once(app.server, 'connection');
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
  await accepted;
  if (text) {
    socket.write(text);
    // What was written on a connection accepted before is read before the answer of a later one.
    await fetch(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}/`, { method: 'POST', headers: { connection: 'close' } });
  }
  return socket;
};

describe('a server closes although a connection', () => {
  test.each([
    ['says nothing', ''],
    ['has said half a head', 'POST / HTTP/1.1\r\nhost: x\r\n'],
    ['has said half a body', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"a"'],
  ])('%s', async (_what, text) => {
    const app = await serve(50);
    const socket = await say(app, text);
    const cut = once(socket, 'close');
    await app.close();
    expect((await cut)[0], 'an error of the client').toBe(false);
  }, 30_000);
});

test('what ends by itself is not cut off', async () => {
  const app = await serve(60_000);
  const answer = fetch(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}/`, { method: 'POST' });
  expect(await (await answer).text()).toBe('ok');
  await app.close();
});
