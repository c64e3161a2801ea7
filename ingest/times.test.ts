/** Which times are believed, and how long an event is listened to. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Fact } from '#core/facts.ts';
import { query } from '#core/sql.ts';
import { applyBatch } from './apply.ts';
import { forgetSettled } from './retention.ts';
import { type TestIngest, checkIn, event, openTestIngest, registration, totalsOf } from './test-kit.ts';

let own: TestIngest;
beforeEach(async () => {
  own = await openTestIngest();
  await own.addService();
});
afterEach(() => own[Symbol.asyncDispose]());

const day = 86_400_000;
const sql = <Row>(text: string) => query<Row>(own.hub.database.em(), text);
const quarantined = async () => (await sql<{ id: string }>('select upstream_id as id from hub.rejected_facts order by 1')).map(({ id }) => id);
const apply = (facts: readonly Fact[]) => applyBatch(own.ingest, { serviceId: 'svc_test', facts, rejected: [] });

describe('the time of a check-in', () => {
  const start = new Date('2024-06-01T09:00:00Z');
  const at = (ms: number, id: string): Fact => ({ ...(checkIn(id, 0) as Extract<Fact, { kind: 'checkIn' }>), at: new Date(start.getTime() + ms) });

  test('is taken exactly when it is within 30 days of its event and at most a day ahead of the hub’s clock', async () => {
    await apply([event()]);
    const [first, last] = [start.getTime() - 30 * day, start.getTime() + 600 * 60_000 + 30 * day];
    let nth = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -400, max: 400 }), fc.integer({ min: -3, max: 400 }), async (days, clock) => {
        own.clock.now = new Date(start.getTime() + clock * day);
        const fact = at(days * day, `c${(nth += 1)}`);
        const { facts } = await apply([fact]);
        const ms = fact.at?.getTime() ?? 0;
        expect(facts).toBe(ms >= first && ms <= last && ms <= own.clock.now.getTime() + day ? 1 : 0);
      }),
      { numRuns: 40 },
    );
  });

  test('that was counted stays counted though the event moves away, and is not complained of when it is told again', async () => {
    await apply([event(), at(0, 'c1')]);
    await apply([event({ at: new Date(), start: new Date('2025-06-01T09:00:00Z'), end: new Date('2025-06-01T19:00:00Z') })]);
    await apply([at(0, 'c1')]);
    expect([await quarantined(), await totalsOf(own)]).toEqual([[], expect.objectContaining({ current: 1 })]);
  });

  test('of a state is never later than now: what is told later wins', async () => {
    await apply([event(), { ...registration('r1', 0), at: new Date(own.clock.now.getTime() + 365 * day) } as Fact]);
    own.clock.now = new Date(own.clock.now.getTime() + 1000);
    await apply([{ ...registration('r1', 0, 'CANCELLED'), at: own.clock.now } as Fact]);
    expect(await totalsOf(own)).toMatchObject({ registered: 0 });
  });
});

describe('an event that is over for 90 days', () => {
  test('is settled: what was said of it is forgotten, and what is told again counts no second time', async () => {
    await apply([event(), registration('r1', 1), checkIn('c1', 2)]);
    own.clock.now = new Date('2024-08-29T00:00:00Z');
    await forgetSettled(own.ingest);
    expect(await own.count('hub.known_facts')).toBe(3);
    own.clock.now = new Date('2024-08-31T00:00:00Z');
    await forgetSettled(own.ingest);
    expect(await own.count('hub.known_facts')).toBe(1);
    await apply([event(), registration('r1', 1), checkIn('c1', 2), checkIn('late', 3)]);
    expect([await totalsOf(own), await quarantined()]).toEqual([{ registered: 1, current: 1 }, []]);
  });

  test('and then is told to go on, is listened to from then on, and counts its check-ins once all the same', async () => {
    await apply([event(), checkIn('c1', 2)]);
    own.clock.now = new Date('2025-01-01T00:00:00Z');
    await forgetSettled(own.ingest);
    await apply([event({ at: own.clock.now, end: new Date('2025-02-01T00:00:00Z') }), checkIn('c1', 2)]);
    own.clock.now = new Date('2025-01-02T00:00:00Z');
    await apply([{ ...checkIn('c2', 0), at: own.clock.now } as Fact]);
    expect(await totalsOf(own)).toMatchObject({ current: 2 });
    expect(await sql(`select count(*)::int as n from hub.domain_events where type = 'checkin.recorded'`)).toEqual([{ n: 2 }]);
  });
});
