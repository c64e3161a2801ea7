import { expect, test } from 'vitest';
import { query } from '#core/sql.ts';
import { openTestHub } from '#core/testing-hub.ts';
import { GatewayCounts } from '#gateway/observe/counts.ts';
import { startRequestRecords } from './request-records.ts';

test('a gateway that stops notes the requests since it noted last, and nothing where there were none', async () => {
  await using own = await openTestHub();
  const counts = new GatewayCounts();
  counts.durations.query.add(7);
  const first = startRequestRecords(own.hub, counts);
  counts.durations.query.add(7);
  counts.durations.mutation.add(60_000);
  counts.operations.query.add('ok');
  counts.operations.mutation.add('RATE_LIMITED');
  await first[Symbol.asyncDispose]();
  await startRequestRecords(own.hub, counts)[Symbol.asyncDispose]();
  expect(await query(own.hub.database.em(), 'select buckets::int[] as buckets, sum_ms, failed::int as failed from hub.request_minutes')).toEqual([{ buckets: [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], sum_ms: 60_007, failed: 1 }]);
});
