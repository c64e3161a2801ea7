import { afterAll, beforeAll, expect, test } from 'vitest';
import { query } from '#core/sql.ts';
import { type TestHub, openTestHub } from '#core/testing-hub.ts';
import { thinHistory } from './store.ts';

let opened: TestHub;
beforeAll(async () => {
  opened = await openTestHub();
});
afterAll(() => opened[Symbol.asyncDispose]());

test('the history keeps seconds of the last day, minutes of the last 35 days and hours before, each with its last value', async () => {
  const em = opened.hub.database.em();
  const now = new Date('2026-06-15T12:00:00Z');
  const insert = (from: string, seconds: number) =>
    query(em, `insert into attendance.points (event_id, at, total_registered, current_attendees) select 'e', $1::timestamptz + make_interval(secs => n), 500, n from generate_series(0, $2::int) n`, [from, seconds]);
  await insert('2026-06-15T09:00:00Z', 119);
  await insert('2026-06-14T09:00:00Z', 119);
  await insert('2026-05-10T09:00:00Z', 119);
  await thinHistory(em, now);
  const days = await query<{ day: string; points: number; last: number }>(em, `select to_char(at, 'MM-DD') as day, count(*)::int as points, max(current_attendees) as last from attendance.points group by 1 order by 1`);
  expect(days).toEqual([
    { day: '05-10', points: 1, last: 119 },
    { day: '06-14', points: 2, last: 119 },
    { day: '06-15', points: 120, last: 119 },
  ]);
  // A month later the minutes of June are hours.
  await thinHistory(em, new Date('2026-07-20T12:00:00Z'));
  expect(await query<{ points: number }>(em, `select count(*)::int as points from attendance.points where at between '2026-06-14' and '2026-06-15'`)).toEqual([{ points: 1 }]);
});
