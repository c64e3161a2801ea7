/** Pulls of upstreams that hang, lead in a circle, tell too much or limit their calls. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Batch } from '#core/connector.ts';
import { UpstreamError } from '#core/errors.ts';
import { Service } from '#core/services.ts';
import { query } from '#core/sql.ts';
import { pullService } from './pull.ts';
import { type TestIngest, checkIn, event, openTestIngest, registration, totalsOf } from './test-kit.ts';

let own: TestIngest;
beforeEach(async () => {
  own = await openTestIngest();
  await own.addService();
});
afterEach(() => own[Symbol.asyncDispose]());

const never = new AbortController().signal;
const service = () => own.hub.database.em().findOneOrFail(Service, { id: 'svc_test' });
const pull = (limitMs?: number) => pullService(own.ingest, 'svc_test', never, limitMs);

describe('a pull', () => {
  test('of a connector that neither ends nor listens is left when its time is over', async () => {
    own.upstream.pull = async function* () {
      yield { facts: [event()], rejected: [], cursor: 1 };
      await new Promise(() => undefined);
    };
    await pull(50);
    expect(await service()).toMatchObject({ cursor: 1, health: 'HEALTHY' });
  });

  test('that is told the same without an end is a fault of the upstream, and waits for its turn', async () => {
    await query(own.hub.database.em(), `update hub.services set next_sync_at = now() + interval '1 hour'`);
    own.upstream.pull = async function* ({ signal }) {
      for (let page = 0; !signal.aborted; page++) yield { facts: [], rejected: [], cursor: page };
    };
    await pull(100);
    expect(await service()).toMatchObject({ lastError: { code: 'UPSTREAM_SHAPE' }, failures: 1 });
    expect(await query(own.hub.database.em(), 'select next_sync_at <= now() as due from hub.services')).toEqual([{ due: false }]);
  });

  test('of a batch that is too large stores it in parts, and the cursor with the last of them', async () => {
    const facts = [event(), ...Array.from({ length: 12_000 }, (_, n) => registration(`r${n}`, 1))];
    own.upstream.pull = async function* () {
      yield { facts, rejected: Array.from({ length: 6_000 }, (_, n) => ({ upstreamId: `checkIn:${n}`, reason: 'bad', raw: null })), cursor: 1 };
    };
    await pull();
    expect([await totalsOf(own), await own.count('hub.rejected_facts'), (await service()).cursor]).toEqual([{ registered: 12_000, current: 0 }, 6_000, 1]);
  });

  test('that the budget stops goes on from its cursor when there are calls again, and is not blamed on the service', async () => {
    const server = createServer((_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    own.upstream.budget = { calls: 3, seconds: 600 };
    own.upstream.pull = async function* ({ http, signal }, cursor) {
      for (let page = Number(cursor ?? 0) + 1; ; page++) {
        await http.request({ url, signal });
        yield { facts: [event(), registration(`r${page}`, 1)], rejected: [], cursor: page };
      }
    };
    await pull();
    expect(await service()).toMatchObject({ cursor: 3, health: 'HEALTHY', failures: 0, lastError: null });
    const [row] = await query<{ wait: number }>(own.hub.database.em(), 'select extract(epoch from next_sync_at - now())::float8 as wait from hub.services');
    expect(row?.wait).toBeGreaterThan(500);
    own.upstream.pull = async function* () {};
    await pull();
    expect((await service()).budget).toMatchObject({ limit: 3, used: 3, resetsAt: expect.any(String) as string });
    server.close();
  });

  test('of an upstream that asks to be left alone, however often, makes it degraded and never down', async () => {
    own.upstream.pull = () => {
      throw new UpstreamError('rate_limited', 'Slow down.', { retryAfterMs: 60_000 });
    };
    for (let nth = 0; nth < 5; nth++) await pull();
    expect(await service()).toMatchObject({ health: 'DEGRADED', lastError: { code: 'UPSTREAM_RATE_LIMITED' } });
  });

  test('for any sequence of failures, counts each fact once, and the cursor is never past what is stored', async () => {
    const step = fc.record({ facts: fc.array(fc.nat(40), { maxLength: 6 }), fails: fc.boolean() });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (pages) => {
        const eventId = `run-${(run += 1)}`;
        await query(own.hub.database.em(), `update hub.services set cursor = null`);
        const broken = pages.map(({ fails }) => fails);
        const batchOf = (at: number): Batch => ({ facts: [event({ eventId, upstreamId: eventId }), ...(pages[at]?.facts ?? []).map((n) => checkIn(`${eventId}-${n}`, 1, 'ENTRY', `p${n}`, '', eventId))], rejected: [], cursor: at + 1 });
        own.upstream.pull = async function* (_context, cursor) {
          for (let at = Number(cursor ?? 0); at < pages.length; at++) {
            if (broken[at]) {
              broken[at] = false;
              throw new UpstreamError('status', 'no', { status: 500 });
            }
            yield batchOf(at);
          }
        };
        for (let nth = 0; nth <= pages.length; nth++) {
          await pull();
          const stored = Number((await service()).cursor ?? 0);
          const expected = new Set(pages.slice(0, stored).flatMap(({ facts }) => facts)).size;
          expect((await totalsOf(own, eventId))?.current ?? 0).toBe(expected);
        }
        expect((await service()).cursor).toBe(pages.length);
      }),
      { numRuns: 15 },
    );
  });
});
