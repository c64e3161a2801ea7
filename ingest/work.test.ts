/** What the worker does by itself: schedules, pulls, health and handlers. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EventgraphError, UpstreamError } from '#core/errors.ts';
import { Service } from '#core/services.ts';
import { query } from '#core/sql.ts';
import { within } from '#core/testing.ts';
import { applyBatch } from './apply.ts';
import { createHandleTask, handleTask } from './handlers.ts';
import { healthAfter, recordContact } from './health.ts';
import { pullService } from './pull.ts';
import { startScheduler } from './scheduler.ts';
import { type TestIngest, checkIn, event, openTestIngest, registration, totalsOf } from './test-kit.ts';
import { checkHealth, startIngestWorker } from './worker.ts';

const handled: string[] = [];
let handlerFails = 0;
let own: TestIngest;
beforeEach(async () => {
  handled.length = 0;
  handlerFails = 0;
  own = await openTestIngest({
    on: {
      async 'checkin.recorded'(em, { payload }) {
        await query(em, 'insert into hub.event_ids (event_id, service_id) values ($1, $2)', [`handled-${payload.checkInId}`, 'svc_test']);
        if (handlerFails-- > 0) throw new Error('not this time');
        handled.push(payload.checkInId);
      },
    },
  });
  await own.addService();
});
afterEach(() => own[Symbol.asyncDispose]());

const never = new AbortController().signal;
const service = () => own.hub.database.em().findOneOrFail(Service, { id: 'svc_test' });
const sql = <Row>(text: string, values: unknown[] = []) => query<Row>(own.hub.database.em(), text, values);
const down = (reason: 'timeout' | 'status' = 'status') => new UpstreamError(reason, 'The upstream is not well.', { status: 500 });
const batch = (facts: Parameters<typeof applyBatch>[1]['facts'], cursor: unknown) => ({ facts, rejected: [], cursor });

describe('a pull', () => {
  test('stores each batch with its cursor, and after a failure the next one goes on from there', async () => {
    const asked: unknown[] = [];
    let breaks = true;
    own.upstream.pull = async function* (_context, cursor) {
      asked.push(cursor);
      if (cursor === null) yield batch([event(), registration('r1', 1)], 1);
      if (breaks) throw down();
      yield batch([registration('r2', 1)], 2);
    };
    await pullService(own.ingest, 'svc_test', never);
    expect([await totalsOf(own), (await service()).cursor]).toEqual([{ registered: 1, current: 0 }, 1]);
    expect(await service()).toMatchObject({ health: 'DEGRADED', failures: 1, syncFinishedAt: own.clock.now, syncFacts: 2, syncError: { code: 'UPSTREAM_STATUS' }, lastError: { code: 'UPSTREAM_STATUS', source: 'pull', message: 'The upstream is not well.' } });
    breaks = false;
    await pullService(own.ingest, 'svc_test', never);
    expect(asked).toEqual([null, 1]);
    expect(await totalsOf(own)).toEqual({ registered: 2, current: 0 });
    expect(await service()).toMatchObject({ health: 'HEALTHY', failures: 0, lastError: null, cursor: 2, syncFacts: 1, syncError: null, lastContactAt: own.clock.now });
  });

  test('is noted with how long it took, failed or not', async () => {
    own.upstream.pull = () => {
      throw down();
    };
    await pullService(own.ingest, 'svc_test', never);
    own.upstream.pull = async function* () {};
    await pullService(own.ingest, 'svc_test', never);
    expect(await query(own.hub.database.em(), 'select sum(runs)::int as runs, sum(failed)::int as failed, sum(sum_ms) > 0 as timed from hub.sync_minutes where service_id = $1', ['svc_test'])).toEqual([{ runs: 2, failed: 1, timed: true }]);
  });

  test('that is told to come again later is scheduled for then, neither earlier nor later', async () => {
    await sql(`update hub.services set next_sync_at = now() + interval '1 hour'`);
    own.upstream.pull = async function* () {
      yield batch([event()], 1);
      throw new UpstreamError('rate_limited', 'Slow down.', { retryAfterMs: 90_000 });
    };
    await pullService(own.ingest, 'svc_test', never);
    const [row] = await sql<{ wait: number }>('select extract(epoch from next_sync_at - now())::float8 as wait from hub.services');
    expect(row?.wait).toBeGreaterThan(60);
    expect(row?.wait).toBeLessThanOrEqual(90);
  });

  test('that the hub itself stops says nothing about the service', async () => {
    const abort = new AbortController();
    own.upstream.pull = async function* () {
      yield batch([event()], 1);
      abort.abort();
      throw down();
    };
    await pullService(own.ingest, 'svc_test', abort.signal);
    expect(await service()).toMatchObject({ health: 'HEALTHY', failures: 0, lastError: null, cursor: 1 });
  });

  test('that reaches its own limit is no failure: it goes on at once from where it stands', async () => {
    await sql(`update hub.services set next_sync_at = now() + interval '1 hour'`);
    own.upstream.pull = async function* ({ signal }) {
      yield batch([event()], 1);
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      throw new UpstreamError('timeout', 'The upstream did not answer in time.');
    };
    await pullService(own.ingest, 'svc_test', never, 200);
    expect(await service()).toMatchObject({ health: 'HEALTHY', failures: 0, lastError: null, cursor: 1 });
    expect(await sql('select next_sync_at <= now() as due from hub.services')).toEqual([{ due: true }]);
  });

  test('of a fault of the hub tells the operator no more than that', async () => {
    own.upstream.pull = async function* () {
      yield batch([], null);
      throw new Error('password=hunter2');
    };
    await pullService(own.ingest, 'svc_test', never);
    expect((await service()).lastError).toMatchObject({ code: 'INTERNAL_SERVER_ERROR', message: expect.not.stringContaining('hunter2') });
  });

  test('of a service whose product is gone, or that is paused or not there, harms nothing', async () => {
    const pull = vi.spyOn(own.upstream, 'pull');
    await sql(`update hub.services set product = 'gone'`);
    await pullService(own.ingest, 'svc_test', never);
    expect((await service()).lastError).toMatchObject({ code: 'SERVICE_MISCONFIGURED' });
    await sql(`update hub.services set product = 'fake', state = 'PAUSED'`);
    await pullService(own.ingest, 'svc_test', never);
    await pullService(own.ingest, 'svc_unknown', never);
    expect(pull).not.toHaveBeenCalled();
  });
});

describe('the health of a service', () => {
  test('is degraded by a failure, down after three in a row, and healthy when all is well again', async () => {
    expect([0, 1, 2, 3, 100].map(healthAfter)).toEqual(['HEALTHY', 'DEGRADED', 'DEGRADED', 'DOWN', 'DOWN']);
    const seen: string[] = [];
    for (const error of [down(), down(), down('timeout'), null]) {
      await recordContact(own.ingest, 'svc_test', { source: 'health', error });
      seen.push((await service()).health);
    }
    expect(seen).toEqual(['DEGRADED', 'DEGRADED', 'DOWN', 'HEALTHY']);
    const told = await sql<{ payload: object }>(`select payload from hub.domain_events where type = 'service.health_changed' order by id`);
    expect(told.map(({ payload }) => payload)).toEqual([
      { from: 'HEALTHY', to: 'DEGRADED', error: { code: 'UPSTREAM_STATUS', message: 'The upstream is not well.' } },
      { from: 'DEGRADED', to: 'DOWN', error: { code: 'UPSTREAM_TIMEOUT', message: 'The upstream is not well.' } },
      { from: 'DOWN', to: 'HEALTHY', error: null },
    ]);
  });

  test('suffers from a check that takes too long, as a timeout of the upstream', async () => {
    own.upstream.checkHealth = ({ signal }) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
    await checkHealth(own.ingest, 'svc_test', never, 20);
    expect(await service()).toMatchObject({ health: 'DEGRADED', lastError: { code: 'UPSTREAM_TIMEOUT', source: 'health' } });
  });

  test('is told as changed exactly when it changed, whatever the contacts were; a good check makes up for no failed pull', async () => {
    const contacts = fc.array(fc.record({ source: fc.constantFrom('pull' as const, 'health' as const), well: fc.boolean() }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(contacts, async (list) => {
        await sql(`update hub.services set health = 'HEALTHY', failures = 0, last_error = null`);
        await sql(`delete from hub.domain_events`);
        const healths = ['HEALTHY'];
        let [failures, lastSource] = [0, null as string | null];
        for (const { source, well } of list) {
          await recordContact(own.ingest, 'svc_test', { source, error: well ? null : down() });
          if (!well) [failures, lastSource] = [failures + 1, source];
          else if (source === 'pull' || lastSource !== 'pull') [failures, lastSource] = [0, null];
          healths.push(healthAfter(failures));
        }
        expect((await service()).health).toBe(healths.at(-1));
        expect(await own.count('hub.domain_events')).toBe(healths.filter((health, nth) => nth > 0 && health !== healths[nth - 1]).length);
      }),
      { numRuns: 20 },
    );
  });
});

describe('the schedule', () => {
  const jobs = () => sql<{ key: string; revision: number }>(`select key, revision from graphile_worker._private_jobs where key like 'pull:%'`);

  test('gives each due service to one of many workers, and lets those be that are not due', async () => {
    for (let n = 0; n < 250; n++) await own.addService(`svc_${n}`);
    await sql(`update hub.services set next_sync_at = now() + interval '1 hour' where id = 'svc_test'`);
    await sql(`update hub.services set state = 'PAUSED' where id = 'svc_0'`);
    const [before] = await sql<{ at: Date }>('select now() as at');
    const schedulers = Array.from({ length: 8 }, () => startScheduler(own.ingest, { tickMs: 5 }));
    await vi.waitFor(async () => expect(await jobs()).toHaveLength(249), within);
    await Promise.all(schedulers.map((scheduler) => scheduler[Symbol.asyncDispose]()));
    // Who were taken twice would have been written again.
    expect((await jobs()).filter(({ revision }) => revision > 0)).toEqual([]);
    expect((await sql<{ n: number }>('select count(*)::int as n from hub.services where next_sync_at <= $1', [before?.at]))[0]?.n).toBe(1);
  });

  test('goes on after the database could not be asked', async () => {
    const em = vi.spyOn(own.hub.database, 'em').mockImplementationOnce(() => {
      throw new EventgraphError('DATABASE_UNREACHABLE', 'away');
    });
    const scheduler = startScheduler(own.ingest, { tickMs: 5 });
    await vi.waitFor(async () => expect(await jobs()).toHaveLength(1), within);
    expect(em.mock.results[0]?.type).toBe('throw');
    await scheduler[Symbol.asyncDispose]();
  });

  test('begins and ends events whose time has come, and tells of it once', async () => {
    own.clock.now = new Date('2024-06-01T00:00:00Z');
    await applyBatch(own.ingest, { serviceId: 'svc_test', facts: [event({ start: new Date('2024-06-01T09:00:00Z'), end: new Date('2024-06-01T10:00:00Z') })], rejected: [] });
    const changes = async () => (await sql<{ payload: { to: string } }>(`select payload from hub.domain_events where type = 'event.status_changed' order by id`)).map(({ payload }) => payload.to);
    const schedulers = Array.from({ length: 3 }, () => startScheduler(own.ingest, { tickMs: 5 }));
    own.clock.now = new Date('2024-06-01T09:00:00Z');
    await vi.waitFor(async () => expect(await changes()).toEqual(['ONGOING']), within);
    own.clock.now = new Date('2024-06-01T10:00:00Z');
    await vi.waitFor(async () => expect(await changes()).toEqual(['ONGOING', 'ENDED']), within);
    await Promise.all(schedulers.map((scheduler) => scheduler[Symbol.asyncDispose]()));
    expect(await changes()).toEqual(['ONGOING', 'ENDED']);
  });
});

describe('a handler', () => {
  const payloads = () => sql<{ payload: unknown }>(`select j.payload from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id where t.identifier = $1`, [handleTask]);
  const recordSome = (size: number) => applyBatch(own.ingest, { serviceId: 'svc_test', facts: [event(), ...Array.from({ length: size }, (_, n) => checkIn(`c${n}`, 1))], rejected: [] });

  test('acts once on each event, though its job runs twice, also at once', async () => {
    await recordSome(250);
    const jobs = await payloads();
    expect(jobs).toHaveLength(3);
    const run = createHandleTask(own.hub, own.ingest.subgraphs);
    await Promise.all([...jobs, ...jobs].map(({ payload }) => run(payload)));
    await Promise.all(jobs.map(({ payload }) => run(payload)));
    expect(handled.toSorted()).toEqual(Array.from({ length: 250 }, (_, n) => `c${n}`).toSorted());
  });

  test('that fails leaves nothing of that event, keeps what it did before, and acts when it is tried again', async () => {
    await recordSome(2);
    const [job] = await payloads();
    const run = createHandleTask(own.hub, own.ingest.subgraphs);
    handlerFails = 1;
    await expect(run(job?.payload)).rejects.toThrow('not this time');
    expect([handled, await own.count('hub.handled_events')]).toEqual([[], 0]);
    await run(job?.payload);
    expect(handled).toEqual(['c0', 'c1']);
  });

  test('of a product that is gone is an error that names it, and a payload that is none is refused', async () => {
    const run = createHandleTask(own.hub, []);
    await expect(run({ subgraph: 'gone', events: [] })).rejects.toThrow('gone');
    await expect(run({ events: 'all' })).rejects.toThrow();
  });
});

test('the worker pulls what is due, checks health and runs handlers by itself', async () => {
  const checks = vi.spyOn(own.upstream, 'checkHealth');
  own.upstream.pull = async function* () {
    yield batch([event(), checkIn('c1', 1)], 1);
  };
  const worker = await startIngestWorker({ ingest: own.ingest, hub: own.hub, tickMs: 20 });
  await vi.waitFor(() => expect(handled).toEqual(['c1']), within);
  await vi.waitFor(() => expect(checks).toHaveBeenCalled(), within);
  await worker[Symbol.asyncDispose]();
});
