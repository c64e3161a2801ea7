import { afterAll, beforeAll, expect, test } from 'vitest';
import { maintainPlatformRecords, recordRequests, recordSync } from './platform-records.ts';
import { query } from './sql.ts';
import { type TestHub, openTestHub } from './testing-hub.ts';

let test_: TestHub;
beforeAll(async () => void (test_ = await openTestHub()));
afterAll(() => test_[Symbol.asyncDispose]());
const em = () => test_.hub.database.em();
/** Syncs are noted of services that are there. */
const service = () => query(em(), `insert into hub.services (id, product, name, api_url, health_url, credentials, push_secret, settings, sync_interval, retries, state, health, next_sync_at, next_health_at, created_at) values ('svc', 'p', 'n', '', '', '', '', '{}', 60, 0, 'ACTIVE', 'HEALTHY', now(), now(), now()) on conflict do nothing`);
const minute = (second: number) => new Date(Date.UTC(2026, 4, 1, 12, 0, second));

test('requests of one minute are added up, whoever noted them and however many at once', async () => {
  const noted = { bounds: [1, 2.5], sumMs: 1.5, failed: 1 };
  await Promise.all(Array.from({ length: 20 }, (_, each) => recordRequests(em(), { ...noted, at: minute(each), buckets: [1, 0, 2] })));
  await recordRequests(em(), { ...noted, at: minute(60), buckets: [5, 5, 5] });
  expect(await query(em(), 'select buckets::int[] as buckets, sum_ms, failed::int as failed from hub.request_minutes order by minute')).toEqual([
    { buckets: [20, 0, 40], sum_ms: 30, failed: 20 },
    { buckets: [5, 5, 5], sum_ms: 1.5, failed: 1 },
  ]);
});

test('syncs of one service in one minute are added up, and none of a service that is gone', async () => {
  await service();
  await recordSync(em(), { at: minute(3), serviceId: 'svc_gone', ms: 10, isFailed: false });
  for (const isFailed of [true, false, false]) await recordSync(em(), { at: minute(3), serviceId: 'svc', ms: 10, isFailed });
  expect(await query(em(), 'select service_id, runs, failed, sum_ms from hub.sync_minutes')).toEqual([{ service_id: 'svc', runs: 3, failed: 1, sum_ms: 30 }]);
});

test('minutes are kept for so many days, the size of every day for ever', async () => {
  await service();
  const later = new Date(Date.UTC(2026, 5, 10));
  await maintainPlatformRecords(em(), 35, minute(0));
  await recordSync(em(), { at: later, serviceId: 'svc', ms: 10, isFailed: false });
  await maintainPlatformRecords(em(), 35, later);
  expect(await query(em(), 'select runs from hub.sync_minutes')).toEqual([{ runs: 1 }]);
  expect(await query(em(), 'select * from hub.request_minutes')).toEqual([]);
  expect(await query(em(), 'select day::text, bytes > 1000000 as measured from hub.storage_days order by day')).toEqual([{ day: '2026-05-01', measured: true }, { day: '2026-06-10', measured: true }]);
});
