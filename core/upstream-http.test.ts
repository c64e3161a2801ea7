import { EventEmitter, once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { type UpstreamHttpOptions, createUpstreamHttp } from './upstream-http.ts';

/** Less than an idle connection is kept for. */
const soon = { timeout: 9_000 };

type Answer = (request: IncomingMessage, response: ServerResponse, nth: number) => void;

/** A real upstream whose answers a test decides; it counts what reaches it. */
const openUpstream = async (answer: Answer, options: Partial<UpstreamHttpOptions> = {}) => {
  const seen: { method: string; url: string; headers: IncomingMessage['headers'] }[] = [];
  const sockets = new Set<Socket>();
  const ended = new EventEmitter();
  const server = createServer((request, response) => {
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    answer(request, response, seen.length);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => (sockets.delete(socket), ended.emit('socket')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const http = createUpstreamHttp({ allowPrivateAddresses: true, timeoutMs: 10_000, retries: 2, backoff: { initialDelay: 1, maxDelay: 2 }, ...options });
  return {
    origin, seen, sockets, http,
    get: (path = '/', more = {}) => http.request({ url: `${origin}${path}`, ...more }),
    async [Symbol.asyncDispose]() {
      await http.close();
      server.closeAllConnections();
      server.close();
    },
  };
};

const json = (response: ServerResponse, value: unknown, status = 200, headers = {}) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
const failing = (reason: string, facts = {}) => expect.objectContaining({ code: `UPSTREAM_${reason.toUpperCase()}`, reason, ...facts });

describe('an upstream that answers as it should', () => {
  test('is answered with its JSON, status and headers; a body goes out as JSON', async () => {
    await using upstream = await openUpstream((request, response) => request.on('data', (chunk: Buffer) => json(response, { got: JSON.parse(chunk.toString()) as unknown }, 201, { 'X-Kind': 'a' })).on('end', () => undefined).resume());
    expect(await upstream.http.request({ method: 'POST', url: `${upstream.origin}/a?b=c`, headers: { authorization: 'Token t' }, body: { x: 1 } })).toMatchObject({ status: 201, headers: { 'x-kind': 'a' }, json: { got: { x: 1 } } });
    expect(upstream.seen[0]).toMatchObject({ method: 'POST', url: '/a?b=c', headers: { authorization: 'Token t', 'content-type': 'application/json', accept: 'application/json' } });
  });

  test('may answer nothing', async () => {
    await using upstream = await openUpstream((_request, response) => response.writeHead(204).end());
    expect(await upstream.get()).toMatchObject({ status: 204, json: null });
  });
});

describe('an upstream that hangs', () => {
  test('is left when its time is over', async () => {
    await using upstream = await openUpstream(() => undefined, { timeoutMs: 50, retries: 0 });
    await expect(upstream.get()).rejects.toEqual(failing('timeout'));
    await vi.waitFor(() => expect(upstream.sockets.size).toBe(0), soon);
  });

  test('is left when it drips bytes for ever', async () => {
    await using upstream = await openUpstream((_request, response) => {
      response.writeHead(200);
      const dripping = setInterval(() => response.write(' '), 5);
      response.once('close', () => clearInterval(dripping));
    }, { timeoutMs: 60, retries: 0 });
    await expect(upstream.get()).rejects.toEqual(failing('timeout'));
    await vi.waitFor(() => expect(upstream.sockets.size).toBe(0), soon);
  });

  test('is left by a caller whose own time is over, as a timeout and without further tries', async () => {
    await using upstream = await openUpstream(() => undefined, { backoff: { initialDelay: 1, maxDelay: 1 } });
    await expect(upstream.get('/', { signal: AbortSignal.timeout(50) })).rejects.toEqual(failing('timeout'));
    expect(upstream.seen).toHaveLength(1);
  });

  test('is left by a caller that gives up, which says nothing about the upstream', async () => {
    const abort = new AbortController();
    await using upstream = await openUpstream(() => abort.abort(), { breaker: { failures: 1, halfOpenAfterMs: 60_000 } });
    await expect(upstream.get('/', { signal: abort.signal })).rejects.toThrow();
    expect(upstream.seen).toHaveLength(1);
    expect(upstream.http.circuit()).toBe('CLOSED');
  });
});

describe('an upstream that lies', () => {
  test('with a body without end is cut at the bound', async () => {
    let sent = 0;
    await using upstream = await openUpstream((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(1024 ** 3) });
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024, ' '))) sent += 64 * 1024;
      };
      response.on('drain', more);
      more();
    }, { maxBytes: 1_000_000, retries: 0 });
    await expect(upstream.get()).rejects.toEqual(failing('too_large'));
    await vi.waitFor(() => expect(upstream.sockets.size).toBe(0), soon);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  test.each([
    ['HTML', '<!doctype html><html></html>'],
    ['half of its JSON', '{"a": [1, 2'],
    ['bytes', '\u0000\u0001\u0002'],
  ])('with %s is an error of its own', async (_what, body) => {
    await using upstream = await openUpstream((_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(body), { retries: 0 });
    await expect(upstream.get()).rejects.toEqual(failing('not_json'));
  });

  test('about the length of its body is unreachable', async () => {
    await using upstream = await openUpstream((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"half":', () => response.destroy());
    }, { retries: 0 });
    await expect(upstream.get()).rejects.toEqual(failing('unreachable'));
  });

  test('with a redirect leads nowhere', async () => {
    let visited = false;
    await using inner = await openUpstream((_request, response) => ((visited = true), json(response, { secret: true })));
    await using upstream = await openUpstream((_request, response) => response.writeHead(302, { location: `${inner.origin}/` }).end());
    await expect(upstream.get()).rejects.toEqual(failing('status', { facts: expect.objectContaining({ status: 302 }) }));
    expect(visited).toBe(false);
  });
});

describe('an upstream that fails', () => {
  test('is asked again for a GET, a bounded number of times', async () => {
    await using upstream = await openUpstream((_request, response, nth) => (nth < 3 ? json(response, {}, 500) : json(response, { at: 'last' })));
    expect((await upstream.get()).json).toEqual({ at: 'last' });
    await using worse = await openUpstream((_request, response) => json(response, {}, 503), { retries: 3 });
    await expect(worse.get()).rejects.toEqual(failing('status'));
    expect(worse.seen).toHaveLength(4);
  });

  test.each(['POST', 'PATCH', 'PUT', 'DELETE'] as const)('is not asked again for a %s, which may have been done', async (method) => {
    await using upstream = await openUpstream((request, response) => request.resume().on('end', () => json(response, {}, 500)));
    await expect(upstream.http.request({ method, url: upstream.origin, body: {} })).rejects.toEqual(failing('status'));
    expect(upstream.seen).toHaveLength(1);
  });

  test('is not asked again when the mistake is ours', async () => {
    await using upstream = await openUpstream((_request, response) => json(response, {}, 404));
    await expect(upstream.get()).rejects.toEqual(failing('status', { facts: expect.objectContaining({ status: 404 }) }));
    expect(upstream.seen).toHaveLength(1);
  });

  test('and is gone is unreachable', async () => {
    const upstream = await openUpstream(() => undefined);
    await upstream[Symbol.asyncDispose]();
    const http = createUpstreamHttp({ allowPrivateAddresses: true, retries: 0 });
    await expect(http.request({ url: upstream.origin })).rejects.toEqual(failing('unreachable'));
    await http.close();
  });
});

describe('an upstream that limits its rate', () => {
  test('with a short wait is waited for, once', async () => {
    await using upstream = await openUpstream((_request, response, nth) => (nth === 1 ? json(response, {}, 429, { 'retry-after': '0.02' }) : json(response, { ok: true })));
    expect((await upstream.get()).json).toEqual({ ok: true });
    await using stubborn = await openUpstream((_request, response) => json(response, {}, 429, { 'retry-after': '0' }));
    await expect(stubborn.get()).rejects.toEqual(failing('rate_limited', { retryAfterMs: 0 }));
    expect(stubborn.seen).toHaveLength(2);
  });

  test.each([
    ['in seconds', '30', 30_000, 30_000],
    ['as a date', new Date(Date.now() + 60_000).toUTCString(), 50_000, 61_000],
    ['in words that nobody knows', 'soon', 60_000, 60_000],
    ['not at all', undefined, 60_000, 60_000],
  ])('with a long wait, told %s, is left to the schedule', async (_how, header, least, most) => {
    await using upstream = await openUpstream((_request, response) => json(response, {}, 429, header === undefined ? {} : { 'retry-after': header }));
    const error = await upstream.get().then(() => null, (reason: unknown) => reason as { retryAfterMs: number });
    expect(error).toEqual(failing('rate_limited'));
    expect(error?.retryAfterMs).toBeGreaterThanOrEqual(least);
    expect(error?.retryAfterMs).toBeLessThanOrEqual(most);
    expect(upstream.seen).toHaveLength(1);
    expect(upstream.http.circuit()).toBe('CLOSED');
  });
});

test('the circuit opens after failures in a row, refuses without a call, tries one after its time, and closes when that goes well', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    let well = false;
    await using upstream = await openUpstream((_request, response) => json(response, {}, well ? 200 : 500), { retries: 0, breaker: { failures: 3, halfOpenAfterMs: 15_000 } });
    for (let nth = 0; nth < 3; nth++) await expect(upstream.get()).rejects.toEqual(failing('status'));
    expect(upstream.http.circuit()).toBe('OPEN');
    await expect(upstream.get()).rejects.toEqual(failing('circuit_open', { retryAfterMs: 15_000 }));
    expect(upstream.seen).toHaveLength(3);
    vi.advanceTimersByTime(15_000);
    await expect(upstream.get()).rejects.toEqual(failing('status'));
    expect([upstream.http.circuit(), upstream.seen.length]).toEqual(['OPEN', 4]);
    vi.advanceTimersByTime(15_000);
    well = true;
    await upstream.get();
    expect([upstream.http.circuit(), upstream.seen.length]).toEqual(['CLOSED', 5]);
  } finally {
    vi.useRealTimers();
  }
});

test('private addresses, by number or by name, are not called unless the hub is configured so', async () => {
  await using upstream = await openUpstream((_request, response) => json(response, {}));
  const http = createUpstreamHttp({ allowPrivateAddresses: false });
  const { port } = new URL(upstream.origin);
  for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '0x7f.1']) await expect(http.request({ url: `http://${host}:${port}/` }), host).rejects.toEqual(failing('forbidden_address'));
  await http.close();
  expect(upstream.seen).toEqual([]);
});

test('closing leaves nothing open', async () => {
  const upstream = await openUpstream((_request, response) => json(response, {}));
  await Promise.all(Array.from({ length: 5 }, () => upstream.get()));
  expect(upstream.sockets.size).toBeGreaterThan(0);
  await upstream.http.close();
  await vi.waitFor(() => expect(upstream.sockets.size).toBe(0), soon);
  await upstream[Symbol.asyncDispose]();
});
