/** An upstream that answers well, fails, limits its rate, hangs or talks nonsense, in any order. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { createMemoryCallLedger } from './call-ledger.ts';
import { createMemoryCircuitStore } from './upstream-circuit.ts';
import { type UpstreamHttp, type UpstreamHttpOptions, createUpstreamHttp, pressing } from './upstream-http.ts';

type Answer = 'ok' | '500' | '503 later' | '429' | '429 later' | 'hang' | 'garbage' | 'redirect';

const openUpstream = async (next: () => Answer) => {
  const calls = { all: 0 };
  const server = createServer((_request, response) => {
    calls.all += 1;
    const answer = next();
    if (answer === 'ok') response.writeHead(200).end('{}');
    else if (answer === '500') response.writeHead(500).end('{}');
    else if (answer === '503 later') response.writeHead(503, { 'retry-after': '60' }).end();
    else if (answer === '429') response.writeHead(429).end();
    else if (answer === '429 later') response.writeHead(429, { 'retry-after': '0.01' }).end();
    else if (answer === 'garbage') response.writeHead(200).end('<html>');
    else if (answer === 'redirect') response.writeHead(302, { location: '/' }).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const https: UpstreamHttp[] = [];
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    calls,
    open(options: Partial<UpstreamHttpOptions>) {
      const http = createUpstreamHttp({ allowPrivateAddresses: true, timeoutMs: 20_000, retries: 1, backoff: { initialDelay: 1, maxDelay: 1 }, ...options });
      https.push(http);
      return http;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(https.map((http) => http.close()));
      server.closeAllConnections();
      server.close();
    },
  };
};

describe('whatever an upstream answers', () => {
  test('the calls of all processes stay within the budget', async () => {
    const answers = fc.array(fc.constantFrom<Answer>('ok', 'ok', '500', '429 later', 'hang', 'garbage', 'redirect'), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(answers, fc.integer({ min: 1, max: 9 }), async (list, calls) => {
        let nth = 0;
        await using upstream = await openUpstream(() => list[nth++ % list.length] ?? 'ok');
        const shared = { timeoutMs: 25, ledger: createMemoryCallLedger(), circuit: createMemoryCircuitStore(), budget: () => ({ calls, seconds: 3600 }), breaker: { failures: 100, halfOpenAfterMs: 60_000 } };
        const processes = [upstream.open(shared), upstream.open(shared)];
        const ends = await Promise.allSettled(Array.from({ length: 14 }, (_, at) => processes[at % 2]?.request({ url: upstream.url })));
        expect(upstream.calls.all).toBeLessThanOrEqual(calls);
        expect(ends.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(calls);
      }),
      { numRuns: 25 },
    );
  });

  test('no more than one call of all processes tries it while the circuit is half open', async () => {
    const answers = fc.array(fc.constantFrom<Answer>('500', 'hang', 'garbage', 'ok'), { minLength: 1, maxLength: 6 });
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      await fc.assert(
        fc.asyncProperty(answers, async (probes) => {
          let nth = -1;
          await using upstream = await openUpstream(() => (nth < 0 ? '500' : (probes[nth] ?? 'ok')));
          const shared = { timeoutMs: 25, ledger: createMemoryCallLedger(), circuit: createMemoryCircuitStore(), circuitSeen: () => 'OPEN' as const, retries: 0, breaker: { failures: 2, halfOpenAfterMs: 1_000 } };
          const processes = [upstream.open(shared), upstream.open(shared)];
          const all = () => Promise.allSettled(processes.flatMap((http) => [http.request({ url: upstream.url }), http.request({ url: upstream.url })]));
          for (let at = 0; at < 2; at++) await processes[0]?.request({ url: upstream.url }).catch(() => undefined);
          for (nth = 0; nth < probes.length; nth++) {
            vi.advanceTimersByTime(1_000);
            const ends = await all();
            if (ends.some(({ status }) => status === 'fulfilled')) break;
            const sent = ends.filter((end) => end.status === 'rejected' && (end.reason as { code: string }).code !== 'UPSTREAM_CIRCUIT_OPEN');
            expect(sent).toHaveLength(1);
          }
        }),
        { numRuns: 15 },
      );
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('an upstream that asks to be left alone', () => {
  test.each(['429', '503 later'] as const)('by a %s to one process is not called by the others, pressing or not', async (answer) => {
    await using upstream = await openUpstream(() => answer);
    const shared = { ledger: createMemoryCallLedger() };
    const [one, other] = [upstream.open(shared), upstream.open(shared)];
    await expect(one.request({ url: upstream.url })).rejects.toMatchObject({ facts: { status: Number(answer.slice(0, 3)) }, retryAfterMs: 60_000 });
    for (const http of [one, other, pressing(other)]) await expect(http.request({ url: upstream.url })).rejects.toMatchObject({ code: 'UPSTREAM_RATE_LIMITED' });
    expect(upstream.calls.all).toBe(1);
  });
});

test('a budget that is spent says when to come again; pressing calls go all the same and are counted', async () => {
  await using upstream = await openUpstream(() => 'ok');
  const http = upstream.open({ budget: () => ({ calls: 2, seconds: 3600 }) });
  for (let nth = 0; nth < 2; nth++) await http.request({ url: upstream.url });
  await expect(http.request({ url: upstream.url })).rejects.toMatchObject({ code: 'UPSTREAM_BUDGET_SPENT', retryAfterMs: expect.any(Number) as number });
  await pressing(http).request({ url: upstream.url });
  expect(await http.budget()).toMatchObject({ limit: 2, used: 3 });
});

test('an answer that would grow when it is unpacked is not unpacked, and how far its clock is off is told', async () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000, ' '));
  const skews: number[] = [];
  const server = createServer((request, response) => response.writeHead(200, { 'content-encoding': 'gzip', date: new Date(Date.now() - 3_600_000).toUTCString(), 'x-asked': String(request.headers['accept-encoding']) }).end(bomb)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const http = createUpstreamHttp({ allowPrivateAddresses: true, retries: 0, maxBytes: 1_000_000, onClockSkew: (ms) => skews.push(ms) });
  await expect(http.request({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` })).rejects.toMatchObject({ code: 'UPSTREAM_NOT_JSON' });
  expect(Math.round((skews[0] ?? 0) / 60_000)).toBe(-60);
  await http.close();
  server.close();
});
