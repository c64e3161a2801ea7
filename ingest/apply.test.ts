import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Fact } from '#core/facts.ts';
import { query } from '#core/sql.ts';
import { within } from '#core/testing.ts';
import { applyBatch } from './apply.ts';
import { type TestIngest, checkIn, event, modelTotals, observation, openTestIngest, registration, standingOf, status, totalsOf, voided } from './test-kit.ts';

let own: TestIngest;
beforeAll(async () => {
  own = await openTestIngest();
  await own.addService('svc_a');
  await own.addService('svc_b');
});
afterAll(() => own[Symbol.asyncDispose]());

const apply = (facts: readonly Fact[], serviceId = 'svc_a', more = {}) => applyBatch(own.ingest, { serviceId, facts, rejected: [], ...more });
const about = (eventId: string, facts: readonly Fact[]): Fact[] => facts.map((fact) => (fact.kind === 'event' ? { ...fact, eventId, upstreamId: eventId } : { ...fact, eventId }));
const logged = async (eventId: string, type: string) => (await query<{ n: number }>(own.hub.database.em(), 'select count(*)::int as n from hub.domain_events where event_id = $1 and type = $2', [eventId, type]))[0]?.n;
const rejectedOf = (serviceId: string) => query<{ upstream_id: string; reason: string; raw: string }>(own.hub.database.em(), 'select upstream_id, reason, raw from hub.rejected_facts where service_id = $1 order by upstream_id', [serviceId]);

const participants = fc.constantFrom('ann', 'bob', 'cid');
const areas = fc.constantFrom('', 'hall');
/** Everything an upstream may say of an event, each state at a moment of its own. */
const stories = fc
  .tuple(
    fc.array(fc.record({ id: fc.constantFrom('r1', 'r2', 'r3'), participant: participants, state: fc.constantFrom('CONFIRMED' as const, 'PENDING' as const, 'CANCELLED' as const) }), { maxLength: 8 }),
    fc.array(fc.record({ direction: fc.constantFrom('ENTRY' as const, 'EXIT' as const), participant: participants, area: areas, at: fc.nat(20), gone: fc.integer({ min: 0, max: 4 }).map((n) => n === 0) }), { maxLength: 12 }),
  )
  .map(([registrations, checkIns]) => [
    ...registrations.map(({ id, participant, state }, n) => registration(id, n + 1, state, participant)),
    ...checkIns.map(({ direction, participant, area, at }, n) => checkIn(`c${n}`, at, direction, participant, area)),
    ...checkIns.flatMap(({ gone, at }, n) => (gone ? [voided(`c${n}`, at)] : [])),
  ]);
/** The story as it arrives: shuffled, said again, cut into batches. */
const arrivals = stories.chain((story) =>
  fc.tuple(fc.constant(story), fc.shuffledSubarray(story, { minLength: story.length, maxLength: story.length }), fc.subarray(story), fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 6 })),
);
const cut = (facts: readonly Fact[], sizes: readonly number[]): Fact[][] => {
  const batches: Fact[][] = [];
  for (let start = 0, nth = 0; start < facts.length; nth++) {
    const size = sizes[nth % sizes.length] ?? 1;
    batches.push(facts.slice(start, start + size));
    start += size;
  }
  return batches;
};

describe('a fact counts once', () => {
  let run = 0;
  test('in whatever order, however often and in whatever batches it arrives', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async ([story, shuffled, again, sizes]) => {
        const id = `order${(run += 1)}`;
        await apply([event({ eventId: id, upstreamId: id }), observation(0, null, null, id)]);
        for (const batch of cut([...shuffled, ...again], sizes)) await apply(about(id, batch));
        expect(await totalsOf(own, id)).toEqual(modelTotals(story));
      }),
      { numRuns: 60 },
    );
  });

  test('while a push and a pull say the same at the same time', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async ([story, shuffled, , sizes]) => {
        const id = `race${(run += 1)}`;
        await apply([event({ eventId: id, upstreamId: id }), observation(0, null, null, id)]);
        const ways = [cut(about(id, story), sizes), cut(about(id, shuffled), sizes.toReversed()), [about(id, story)]];
        await Promise.all(ways.map(async (batches) => {
          for (const batch of batches) await apply(batch);
        }));
        expect(await totalsOf(own, id)).toEqual(modelTotals(story));
        // Without voided ones, each check-in was recorded exactly once.
        const counted = new Set(story.flatMap((fact) => (fact.kind === 'checkIn' ? [fact.upstreamId] : [])));
        if (!story.some(({ kind }) => kind === 'checkInVoided')) expect(await logged(id, 'checkin.recorded')).toBe(counted.size);
      }),
      { numRuns: 30 },
    );
  });

  // A connector passes over what is older than what it saw; of one moment it tells whatever it read last.
  const readings = fc.array(fc.record({ later: fc.boolean(), standing: fc.subarray(['x', 'y', 'z']) }), { minLength: 1, maxLength: 12 });
  test('and stands while the last reading of its ticket says so, also when the one before did not', async () => {
    await fc.assert(
      fc.asyncProperty(readings, async (read) => {
        const id = `standing${(run += 1)}`;
        await apply([event({ eventId: id, upstreamId: id }), observation(0, null, null, id)]);
        let at = 1;
        for (const { later, standing } of read) {
          at += later ? 1 : 0;
          const facts = about(id, [standingOf('ann', at, standing), ...standing.map((each) => checkIn(each, 1, 'ENTRY', 'ann'))]);
          await apply(facts);
          expect((await apply(facts)).facts).toBe(0);
          const rows = await query<{ id: string }>(own.hub.database.em(), 'select upstream_id as id from attendance.check_ins where event_id = $1 order by 1', [id]);
          expect([rows.map((row) => row.id), (await totalsOf(own, id))?.current]).toEqual([standing, standing.length > 0 ? 1 : 0]);
        }
      }),
      { numRuns: 20 },
    );
  });

  test('and one that was counted is told as nothing new', async () => {
    const facts = about('once', [event(), checkIn('c1', 1), registration('r1', 1)]);
    expect((await apply(facts)).facts).toBe(3);
    const again = await apply(facts);
    expect([again.facts, again.events]).toEqual([0, []]);
  });
});

describe('a state', () => {
  test('that is older than what is known does not win', async () => {
    await apply(about('older', [event({ name: 'new', at: new Date('2024-02-02') })]));
    await apply(about('older', [event({ name: 'old', at: new Date('2024-01-01') })]));
    expect(await query(own.hub.database.em(), `select name from events.events where id = 'older'`)).toEqual([{ name: 'new' }]);
  });

  test('of two in one batch is the newer', async () => {
    await apply(about('two', [event(), registration('r', 2, 'CANCELLED'), registration('r', 1)]));
    expect(await totalsOf(own, 'two')).toEqual({ registered: 0, current: 0 });
  });

  test('that says the same again, later, changes nothing but the time it is known to', async () => {
    await apply(about('same', [event(), registration('r', 1)]));
    const again = await apply(about('same', [registration('r', 5)]));
    expect([again.facts, again.events]).toEqual([0, []]);
    await apply(about('same', [registration('r', 3, 'CANCELLED')]));
    expect(await totalsOf(own, 'same')).toEqual({ registered: 1, current: 0 });
  });
});

test('an event that says the same again and again is not written again within the hour, and a change of it is', async () => {
  const known = () => query<{ at: Date }>(own.hub.database.em(), `select at from hub.known_facts where service_id = 'svc_a' and key = 'event:again:again'`).then(([row]) => new Date(row?.at ?? 0).toISOString().slice(11, 16));
  const tell = (time: string, name = 'An event') => apply(about('again', [event({ at: new Date(`2024-06-01T${time}:00Z`), name })]));
  const after: (number | string)[] = [];
  for (const [time, name] of [['09:00'], ['09:01'], ['10:00'], ['10:01'], ['10:02', 'Another name'], ['10:01']] as const) after.push((await tell(time, name)).facts, await known());
  expect(after).toEqual([1, '09:00', 0, '09:00', 0, '09:00', 0, '10:01', 1, '10:02', 0, '10:02']);
});

describe('what an upstream says of another\'s event', () => {
  test('is refused and kept aside, while its own is taken', async () => {
    await apply(about('mine', [event(), registration('r', 1)]));
    const { facts, rejected } = await apply([...about('mine', [event({ name: 'stolen' }), checkIn('c', 1)]), ...about('theirs', [event(), registration('r', 1)])], 'svc_b');
    expect([facts, rejected.map(({ reason }) => reason.split(':')[0])]).toEqual([2, ['EVENT_NOT_OWNED', 'EVENT_NOT_OWNED']]);
    expect([await totalsOf(own, 'mine'), await totalsOf(own, 'theirs')]).toEqual([{ registered: 1, current: 0 }, { registered: 1, current: 0 }]);
  });

  test('is refused also when two name a new event at the same moment: one has it', async () => {
    for (let round = 0; round < 5; round++) {
      const id = `both${round}`;
      const tries = await Promise.all(['svc_a', 'svc_b'].map((service) => apply(about(id, [event(), registration('r', 1)]), service)));
      expect(tries.map(({ facts }) => facts).toSorted()).toEqual([0, 2]);
    }
  });

  test('and of events that nobody told of is refused', async () => {
    expect((await apply(about('unheard', [checkIn('c', 1)]))).rejected.map(({ upstreamId }) => upstreamId)).toEqual(['checkIn:c']);
    expect(await totalsOf(own, 'unheard')).toBeUndefined();
  });
});

describe('absurd values', () => {
  const absurd: readonly (readonly [string, Fact])[] = [
    ['a negative total', observation(1, -5)],
    ['a total beyond people', observation(1, 1e9)],
    ['a fraction of a person', observation(1, 1.5)],
    ['a year of its own', { ...registration('r', 1), at: new Date(Date.UTC(9999, 0)) }],
    ['no moment at all', { ...registration('r', 1), at: new Date(Number.NaN) }],
    ['an id as long as a book', { ...checkIn('c', 1), upstreamId: 'x'.repeat(10_000) }],
    ['an id with a zero byte', { ...checkIn('c', 1), upstreamId: 'a\u0000b' }],
    ['a name with a zero byte', event({ name: 'a\u0000b' })],
    ['a name with half a character', event({ name: 'a\ud800b' })],
    ['a zone nobody knows', event({ timezone: 'Mars/Olympus' })],
    ['a record with a zero byte within', { kind: 'record', eventId: 'e1', type: 'fake.thing', upstreamId: 't', at: new Date(0), data: { deep: [{ text: '\u0000' }] } }],
  ];
  test.each(absurd)('such as %s are refused and kept, encrypted, and what came with them counts', async (name, fact) => {
    const id = `absurd-${absurd.findIndex(([each]) => each === name)}`;
    await apply([event({ eventId: id, upstreamId: id })]);
    const { facts, rejected } = await apply(about(id, [fact, registration('good', 1)]));
    expect(facts).toBe(1);
    expect(rejected).toEqual([expect.objectContaining({ reason: expect.stringMatching(/^FACT_INVALID/) })]);
    const kept = await rejectedOf('svc_a');
    const raw = kept.map((each) => own.hub.secrets.decrypt(each.raw)).find((text) => text.includes(id));
    expect(raw).toContain(`"eventId":"${id}"`);
    expect(kept.every((each) => !each.raw.includes(id))).toBe(true);
  });

  test('of connectors are kept the same, once for each record, with the newest reason', async () => {
    for (const reason of ['first', 'second \u0000']) await apply([], 'svc_b', { rejected: [{ upstreamId: 'odd\u0000', reason, raw: { name: 'Ann' } }] });
    const kept = (await rejectedOf('svc_b')).filter(({ upstream_id }) => upstream_id.startsWith('odd'));
    expect(kept).toEqual([expect.objectContaining({ reason: expect.stringMatching(/^second/) })]);
    expect(own.hub.secrets.decrypt(kept[0]?.raw ?? '')).toBe('{"name":"Ann"}');
  });

  test('of one id for two things of a batch harm nobody', async () => {
    const { facts } = await apply([event({ eventId: 'twin', upstreamId: 'one', name: 'One' }), event({ eventId: 'twin', upstreamId: 'two', name: 'Two', at: new Date('2024-12-01') }), registration('r', 1, 'CONFIRMED', 'p', 'twin')]);
    expect(facts).toBe(3);
    expect(await query(own.hub.database.em(), `select name from events.events where id = 'twin'`)).toEqual([{ name: 'Two' }]);
  });
});

describe('state and domain events', () => {
  test('commit together: a subgraph that fails leaves nothing', async () => {
    await using broken = await openTestIngest({ more: [{ name: 'broken', applyFacts: () => Promise.reject(new Error('a fault')) }] });
    await broken.addService();
    const published = vi.spyOn(broken.hub.bus, 'publish');
    await expect(applyBatch(broken.ingest, { serviceId: 'svc_test', facts: [event(), status('ONGOING', 1), checkIn('c', 1)], rejected: [{ upstreamId: 'x', reason: 'r', raw: 1 }], cursor: { at: 2 } })).rejects.toThrow('a fault');
    for (const table of ['hub.known_facts', 'hub.event_ids', 'hub.domain_events', 'hub.rejected_facts', 'events.events', 'attendance.live', 'attendance.check_ins', 'graphile_worker._private_jobs']) expect(await broken.count(table), table).toBe(0);
    expect(await query(broken.hub.database.em(), 'select cursor from hub.services')).toEqual([{ cursor: null }]);
    expect(published).not.toHaveBeenCalled();
  });

  test('are announced after the commit, and the cursor stands with its batch', async () => {
    const heard: string[] = [];
    const stop = own.hub.bus.subscribe('events.appended', ({ cursor }) => void heard.push(cursor));
    const { events } = await apply(about('told', [event(), checkIn('c', 1)]), 'svc_a', { cursor: { page: 7 } });
    await vi.waitFor(() => expect(heard).toContain(events.at(-1)?.cursor), within);
    expect(await query(own.hub.database.em(), `select cursor from hub.services where id = 'svc_a'`)).toEqual([{ cursor: { page: 7 } }]);
    await apply(about('told', [checkIn('d', 1)]));
    expect(await query(own.hub.database.em(), `select cursor from hub.services where id = 'svc_a'`)).toEqual([{ cursor: { page: 7 } }]);
    stop();
  });

  test('of ten thousand events in one sync are taken in, in a number of statements that does not follow their number', async () => {
    const batch = (from: number, size: number) => Array.from({ length: size }, (_, n) => [event({ eventId: `big-${from + n}`, upstreamId: `big-${from + n}` }), registration('r', 1, 'CONFIRMED', 'p', `big-${from + n}`)]).flat();
    const cost = async (facts: Fact[]) => {
      const before = own.statements();
      expect((await apply(facts)).facts).toBe(facts.length);
      return own.statements() - before;
    };
    const small = await cost(batch(0, 10));
    expect(await cost(batch(10, 10_000))).toBe(small);
  });
});
