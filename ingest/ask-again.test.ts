import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { query } from '#core/sql.ts';
import { askAgain } from './ask-again.ts';
import { pullService } from './pull.ts';
import { type TestIngest, openTestIngest } from './test-kit.ts';

let own: TestIngest;
beforeAll(async () => {
  own = await openTestIngest();
  await own.addService();
});
afterAll(() => own[Symbol.asyncDispose]());

/** Jobs that wait, with the seconds from the beginning of the test's transaction clock. */
const waiting = () => query<{ key: string; queue: string; after: number }>(own.hub.database.em(), `select j.key, q.queue_name as queue, extract(epoch from j.run_at - now())::float8 as after from graphile_worker._private_jobs j join graphile_worker._private_job_queues q on q.id = j.job_queue_id where j.key like 'pull:%' order by j.run_at`);

describe('a hint of an upstream whose reads lag', () => {
  test('is followed by a pull after each of the times, one at a time with all pulls of the service', async () => {
    await askAgain(own.ingest, 'svc_test', [600, 1200]);
    const jobs = await waiting();
    expect(jobs.map(({ queue }) => queue)).toEqual(['service:svc_test', 'service:svc_test']);
    // However slow this test is, it is not ten minutes.
    expect(jobs.map(({ after }) => Math.ceil(after / 600))).toEqual([1, 2]);
  });
  test('however many hint, has one pull waiting for each of the times, counted from the last hint', async () => {
    const [first] = await waiting();
    for (let hints = 0; hints < 5; hints++) await askAgain(own.ingest, 'svc_test', [1800, 2400]);
    const jobs = await waiting();
    expect(jobs.map(({ key }) => key)).toEqual(['pull:svc_test:again:0', 'pull:svc_test:again:1']);
    expect(jobs[0]?.after).toBeGreaterThan((first?.after ?? Infinity) + 600);
  });
  test('of others is followed by nothing', async () => {
    await own.addService('svc_other');
    await askAgain(own.ingest, 'svc_other');
    expect((await waiting()).filter(({ key }) => key.includes('svc_other'))).toEqual([]);
  });
  test('of a service that is gone meanwhile harms nobody', async () => {
    await askAgain(own.ingest, 'svc_gone', [1]);
    await expect(pullService(own.ingest, 'svc_gone', new AbortController().signal)).resolves.toBeUndefined();
  });
});
