/** A ticket that its upstream moves from one event to another, as between two dates of a series. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CheckInsStandingFact, Fact } from '#core/facts.ts';
import { query } from '#core/sql.ts';
import { applyBatch } from './apply.ts';
import { type TestIngest, checkIn, event, openTestIngest, registration as registrationFact, totalsOf } from './test-kit.ts';

let own: TestIngest;
beforeAll(async () => {
  own = await openTestIngest();
  await own.addService('svc_a');
  await own.addService('svc_b');
});
afterAll(() => own[Symbol.asyncDispose]());

const apply = (facts: readonly Fact[], serviceId = 'svc_a') => applyBatch(own.ingest, { serviceId, facts, rejected: [] });
const at = (minute: number) => new Date(Date.UTC(2024, 5, 1, 9, minute));
const registration = (...args: Parameters<typeof registrationFact>): Fact => ({ ...registrationFact(...args), movable: true });
const date = (eventId: string) => event({ eventId, upstreamId: eventId });
/** What pretix's connector tells of a ticket: where it is, and its check-ins. */
const ticket = (eventId: string, minute: number, id = 't', scans: readonly string[] = ['c']): Fact[] => {
  const standing: CheckInsStandingFact = { kind: 'checkInsStanding', eventId, upstreamId: id, at: at(minute), participant: `p-${id}`, standing: [...scans] };
  return [registration(id, minute, 'CONFIRMED', `p-${id}`, eventId), standing, ...scans.map((scan) => checkIn(scan, 1, 'ENTRY', `p-${id}`, '', eventId))];
};
const totals = async (...ids: string[]) => Promise.all(ids.map((id) => totalsOf(own, id)));
const checkInsOf = (id: string) => query<{ id: string }>(own.hub.database.em(), 'select upstream_id as id from attendance.check_ins where event_id = $1 order by 1', [id]).then((rows) => rows.map((row) => row.id));
const there = { registered: 1, current: 1 };
const gone = { registered: 0, current: 0 };

describe('a ticket that moves to another event', () => {
  test('counts there and no more where it was, with its check-ins, and both events are told of', async () => {
    await apply([date('a1'), date('a2'), ...ticket('a1', 2)]);
    expect(await totals('a1', 'a2')).toEqual([there, undefined]);
    const { events } = await apply(ticket('a2', 3));
    expect(await totals('a1', 'a2')).toEqual([gone, there]);
    expect([await checkInsOf('a1'), await checkInsOf('a2')]).toEqual([[], ['c']]);
    const told = events.flatMap(({ type, eventId, payload }) => (type === 'attendance.changed' ? [[eventId, payload]] : []));
    expect(told).toEqual([['a1', expect.objectContaining({ totalRegistered: 0, currentAttendees: 0 })], ['a2', expect.objectContaining({ totalRegistered: 1, currentAttendees: 1 })]]);
  });

  test('and back counts as it did before', async () => {
    await apply([date('b1'), date('b2'), ...ticket('b1', 2, 'u', ['d'])]);
    await apply(ticket('b2', 3, 'u', ['d', 'e']));
    await apply(ticket('b1', 4, 'u', ['d', 'e']));
    expect(await totals('b1', 'b2')).toEqual([there, gone]);
    expect([await checkInsOf('b1'), await checkInsOf('b2')]).toEqual([['d', 'e'], []]);
    // What was told before it moved arrives late: it does not move again.
    await apply([registration('u', 3, 'CONFIRMED', 'p-u', 'b2'), registration('u', 2, 'CONFIRMED', 'p-u', 'b1')]);
    expect(await totals('b1', 'b2')).toEqual([there, gone]);
  });

  test('and is told at both in one batch is at the one told last', async () => {
    await apply([date('c1'), date('c2'), registration('v', 5, 'CONFIRMED', 'p-v', 'c2'), registration('v', 4, 'CONFIRMED', 'p-v', 'c1')]);
    expect((await totals('c1', 'c2')).map((each) => each?.registered)).toEqual([0, 1]);
    await apply([registration('v', 6, 'CONFIRMED', 'p-v', 'c1')]);
    expect((await totals('c1', 'c2')).map((each) => each?.registered)).toEqual([1, 0]);
  });

  test('leaves others where they are: another ticket of the same person, and another service’s of the same number', async () => {
    await apply([date('d1'), date('d2'), registration('w', 2, 'CONFIRMED', 'ann', 'd1'), registration('x', 2, 'CONFIRMED', 'ann', 'd1'), checkIn('f', 2, 'ENTRY', 'ann', '', 'd1')]);
    await apply([date('d3'), registration('w', 2, 'CONFIRMED', 'ann', 'd3')], 'svc_b');
    await apply([registration('w', 3, 'CONFIRMED', 'ann', 'd2')]);
    expect(await totals('d1', 'd2', 'd3')).toEqual([there, { registered: 1, current: 0 }, { registered: 1, current: 0 }]);
  });

  test('is one that the upstream calls movable: others of one number at two events are two', async () => {
    await apply([date('f1'), date('f2'), registrationFact('y', 2, 'CONFIRMED', 'p-y', 'f1'), registrationFact('y', 3, 'CONFIRMED', 'p-y', 'f2')]);
    expect((await totals('f1', 'f2')).map((each) => each?.registered)).toEqual([1, 1]);
  });
});
