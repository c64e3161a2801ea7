/** How streams over HTTP end, how many there may be, and what becomes of those whose client does not read. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { accepted, ask, channel, keys, live, multipart, readNothing, server, sse, started, tick, useStreamingServer, whileIdentifying } from '../testing/streaming-server.ts';
import { viewerWith } from '../testing/kit.ts';

useStreamingServer();

describe('streams end', () => {
  const texts = async (headers: Record<string, string>) => {
    const responses = await Promise.all(['text/event-stream', multipart].map((accept) => ask(accept, live, headers)));
    return Promise.all(responses.map((response) => response.text()));
  };

  test("with their key, when it is revoked, and nobody else's does", async () => {
    const [ofOne, two] = [texts({ 'x-api-key': 'IPK_one' }), sse({ 'x-api-key': 'IPK_two' }).iterate({ query: live })];
    const first = two.next();
    await channel.waiting(3);
    server.endViewers(({ keyId }) => keyId === 'one');
    const [events, parts] = await ofOne;
    expect(events).toMatch(/event: next\ndata: \{"errors":\[.*"UNAUTHENTICATED".*\n\nevent: complete\ndata: \n\n$/);
    expect(parts).toMatch(/\{"payload":null,"errors":\[.*"UNAUTHENTICATED".*\r\n-----\r\n$/);
    await channel.opened(1);
    channel.publish(tick('2'));
    expect((await first).value).toEqual({ data: { ticked: { at: '2' } } });
  });

  test('with their key, when nobody said that it was revoked', async () => {
    const ended = texts({ 'x-api-key': 'IPK_one' });
    await channel.waiting(2);
    keys.delete('IPK_one');
    for (const text of await ended) expect(text).toContain('UNAUTHENTICATED');
    await channel.opened(0);
  });

  test('with their key, when it expires', async () => {
    keys.set('IPK_short', { ...viewerWith('read_events'), keyId: 'short', expiresAt: new Date(Date.now() + 150) });
    for (const text of await texts({ 'x-api-key': 'IPK_short' })) expect(text).toContain('UNAUTHENTICATED');
  });

  test('with the server: interrupted, not complete', async () => {
    const ended = texts({});
    await channel.waiting(2);
    await server.app.close();
    const [events, parts] = await ended;
    expect(events).not.toContain('complete');
    expect(parts).toContain('SERVER_GOING_AWAY');
    await channel.opened(0);
  });

  test('with their key, also where the client reads nothing', async () => {
    const socket = readNothing('subscription { ticked { padding } }', 'x-api-key: IPK_one\r\n');
    const cut = new Promise((resolve) => server.app.server.once('connection', (accepted: Socket) => accepted.once('close', resolve)));
    const other = sse().iterate({ query: live });
    const first = other.next();
    await channel.waiting(2);
    channel.publish(tick('1', 'x'.repeat(20_000_000)));
    // The same event is on its way to the one who reads nothing.
    expect((await first).value).toEqual({ data: { ticked: { at: '1' } } });
    server.endViewers(({ keyId }) => keyId === 'one');
    await cut;
    socket.destroy();
    await other.return?.();
  });

  test('with the server, also for a client that reads nothing', async () => {
    const socket = readNothing('subscription { ticked { padding } }');
    await channel.waiting(1);
    channel.publish(tick('1', 'x'.repeat(20_000_000)));
    const closed = once(socket, 'close');
    await server.app.close();
    socket.resume();
    await closed;
    await channel.opened(0);
    expect(started.gateway.liveGroups()).toBe(0);
  });
});

test('one credential may not open streams without end', async () => {
  const client = sse({ 'x-api-key': 'IPK_one' });
  const streams = Array.from({ length: 3 }, () => client.iterate({ query: live }));
  const waiting = streams.map((each) => each.next());
  await channel.waiting(3);
  await expect(client.iterate({ query: live }).next()).rejects.toMatchObject({ response: { status: 429 } });
  const other = sse({ 'x-api-key': 'IPK_two' }).iterate({ query: live });
  const first = other.next();
  await channel.waiting(4);
  await Promise.all(streams.map((each) => each.return?.()));
  await Promise.all(waiting);
  await channel.opened(1);
  await other.return?.();
  await first;
});

test('nor many at once', async () => {
  const abort = new AbortController();
  const responses = await Promise.all(Array.from({ length: 8 }, () => ask('text/event-stream', live, { 'x-api-key': 'IPK_one' }, abort.signal)));
  expect(responses.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 429, 429, 429, 429, 429]);
  abort.abort();
  await channel.opened(0);
});

test('who goes away before it is known who asks counts no longer', async () => {
  for (let each = 0; each < 3; each++) {
    const known = Promise.withResolvers<void>();
    const asked = new Promise<void>((resolve) => whileIdentifying(() => (resolve(), known.promise)));
    const abort = new AbortController();
    const response = ask('text/event-stream', live, { 'x-api-key': 'IPK_one' }, abort.signal);
    await asked;
    const closed = new Promise((resolve) => accepted?.once('close', resolve));
    abort.abort();
    await Promise.all([closed, expect(response).rejects.toThrow()]);
    known.resolve();
  }
  whileIdentifying(null);
  const client = sse({ 'x-api-key': 'IPK_one' }).iterate({ query: live });
  const first = client.next();
  await channel.waiting(1);
  await client.return?.();
  await first;
});

test('a slow reader gets the newest value and holds nobody back', async () => {
  const socket = readNothing('subscription { ticked { at padding } }');
  const fast = sse().iterate({ query: live });
  let next = fast.next();
  await channel.waiting(2);
  const total = 120;
  for (let at = 1; at <= total; at++) {
    channel.publish(tick(String(at), 'x'.repeat(300_000)));
    expect((await next).value).toEqual({ data: { ticked: { at: String(at) } } });
    next = fast.next();
    await channel.readerWaits();
  }
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk)).resume();
  const numbers = () => [...text.matchAll(/"at":"(\d+)"/g)].map(([, at]) => Number(at));
  await expect.poll(() => numbers().at(-1)).toBe(total);
  expect(numbers().length).toBeLessThan(total);
  expect(numbers()).toEqual(numbers().toSorted((a, b) => a - b));
  await fast.return?.();
  await next;
});
