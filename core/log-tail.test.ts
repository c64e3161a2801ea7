import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createMemoryBus } from './bus.ts';
import { type DomainEvent, type DomainEventType } from './domain-events.ts';
import { type Position, decodeCursor, logHead, readEvents } from './event-log.ts';
import { append, change, never, openWriter, said } from './live-test-kit.ts';
import { type LogTail, createLogTail } from './log-tail.ts';
import { silentLogger, within } from './testing.ts';
import { type TestHub, openTestHub } from './testing-hub.ts';

let own: TestHub;
beforeAll(async () => void (own = await openTestHub()));
afterAll(() => own[Symbol.asyncDispose]());

const types: readonly DomainEventType[] = ['attendance.changed', 'event.status_changed'];
const status = (eventId: string) => ({ type: 'event.status_changed' as const, eventId, occurredAt: new Date(), payload: { from: null, to: 'ONGOING' as const } });
/** Where the log ends now. */
const end = () => logHead(own.hub.database.em());

const openTail = async (ringSize?: number, pollMs?: number) => {
  const bus = createMemoryBus();
  const tail = createLogTail({ database: own.hub.database, bus, logger: silentLogger, ringSize, pollMs });
  return { bus, tail, [Symbol.asyncDispose]: () => tail[Symbol.asyncDispose]() };
};

/** What is asked of these events alone: an open transaction of another test may hold back what this file wrote before. */
const only = (...ids: string[]) => ({ types, eventIds: new Set(ids) });
/** Until a reader of the log sees these events. */
const untilSeen = (after: Position, id: string, count = 1) => vi.waitFor(async () => expect(await readEvents(own.hub.database.em(), { after, types, eventIds: [id], limit: 1000 })).toHaveLength(count), within);

/** Reads on until as many events came. */
const readOn = async (tail: LogTail, from: Position, wanted: number, filter: { types: readonly DomainEventType[]; eventIds: ReadonlySet<string> | null }, limit: number) => {
  const events: DomainEvent[] = [];
  for (let position = from; events.length < wanted; ) {
    const page = await tail.next(position, filter, limit, AbortSignal.timeout(10_000));
    expect(page.events.length).toBeGreaterThan(0);
    expect(page.events.length).toBeLessThanOrEqual(limit);
    events.push(...page.events);
    position = page.reached;
  }
  return events;
};

describe('the tail of the log', () => {
  test('gives every reader what the log holds, in its order, whether from memory or from the database', async () => {
    const batches = fc.array(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean()), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 });
    const readers = fc.array(fc.record({ ids: fc.option(fc.subarray(['a', 'b', 'c'], { minLength: 1 })), types: fc.subarray([...types], { minLength: 1 }), limit: fc.integer({ min: 1, max: 9 }), startAt: fc.nat(20) }), { minLength: 1, maxLength: 4 });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(batches, readers, fc.integer({ min: 1, max: 12 }), fc.nat(8), async (writes, wanted, ringSize, before) => {
        await using opened = await openTail(ringSize);
        const prefix = `run${(run += 1)}-`;
        const from = await end();
        const done: DomainEvent[] = [];
        const write = async (some: typeof writes) => {
          for (const batch of some) done.push(...(await append(own.hub.database, opened.bus, ...batch.map(([id, isStatus], n) => (isStatus ? status(prefix + id) : change(prefix + id, n))))));
        };
        await write(writes.slice(0, before));
        const follow = wanted.map(async (reader) => {
          const filter = { types: reader.types, eventIds: new Set((reader.ids ?? ['a', 'b', 'c']).map((id) => prefix + id)) };
          const start = done[Math.min(reader.startAt, done.length) - 1];
          const position = start ? decodeCursor(start.cursor) : from;
          const expected = () => (start ? done.slice(done.indexOf(start) + 1) : done).filter((event) => reader.types.includes(event.type) && filter.eventIds.has(event.eventId ?? '')).map(said);
          return { filter, position, expected, limit: reader.limit };
        });
        await write(writes.slice(before));
        for (const reader of await Promise.all(follow)) {
          const expected = reader.expected();
          const events = await readOn(opened.tail, reader.position, expected.length, reader.filter, reader.limit);
          expect(events.map(said)).toEqual(expected);
        }
      }),
      { numRuns: 25 },
    );
  });

  test('keeps no more than its ring: a reader far behind is served from the database, and gets all', async () => {
    await using opened = await openTail(5);
    const from = await end();
    const filter = only('far');
    const front = readOn(opened.tail, from, 200, filter, 50);
    for (let batch = 0; batch < 40; batch++) await append(own.hub.database, opened.bus, ...Array.from({ length: 5 }, (_, n) => change('far', batch * 5 + n)));
    const followed = await front;
    const behind = await readOn(opened.tail, from, 200, filter, 50);
    const all = Array.from({ length: 200 }, (_, n) => `far:${n}`);
    expect([followed.map(said), behind.map(said)]).toEqual([all, all]);
    // What stands in memory is one object for all: what a reader far behind gets was read for it alone.
    expect(behind[0]).not.toBe(followed[0]);
  });

  test('follows what every reader asks for, when readers of different kinds come at the same moment', async () => {
    for (let round = 0; round < 10; round++) {
      await using opened = await openTail(10, 60_000);
      const from = await end();
      const readers = types.map((type) => readOn(opened.tail, from, 1, { ...only(`both${round}`), types: [type] }, 10));
      await append(own.hub.database, opened.bus, change(`both${round}`, 1), status(`both${round}`));
      expect((await Promise.all(readers)).map(([event]) => event?.type)).toEqual(types);
    }
  });

  test('tells a waiting reader at once what was written while a reader of another kind came', async () => {
    for (let round = 0; round < 10; round++) {
      await using opened = await openTail(10, 60_000);
      const from = await end();
      const asked = vi.spyOn(own.hub.database, 'em');
      const first = readOn(opened.tail, from, 1, { ...only(`met${round}`), types: ['attendance.changed'] }, 10);
      await vi.waitFor(() => expect(asked.mock.calls.length).toBeGreaterThan(2), within); // it waits, and the log was read for it
      asked.mockRestore();
      await append(own.hub.database, null, change(`met${round}`, 1));
      await untilSeen(from, `met${round}`);
      const second = readOn(opened.tail, from, 1, { ...only(`met${round}`), types: ['event.status_changed'] }, 10);
      expect((await first).map(said)).toEqual([`met${round}:1`]);
      await append(own.hub.database, opened.bus, status(`met${round}`));
      await second;
    }
  });

  test('gives all readers the same objects, so that what follows from one is computed once', async () => {
    await using opened = await openTail();
    const filters = [only('same'), only('same', 'another')];
    const from = await end();
    const begun = opened.tail.next(from, only('same'), 10, never);
    await append(own.hub.database, opened.bus, change('same', 1));
    const { reached } = await begun;
    const second = Promise.all(filters.map((filter) => opened.tail.next(reached, filter, 10, never)));
    await append(own.hub.database, opened.bus, change('same', 2));
    const [one, two] = (await second).map(({ events }) => events[0]);
    expect([one?.payload, two]).toEqual([expect.objectContaining({ currentAttendees: 2 }), one]);
    expect(one).toBe(two);
  });

  test('passes no transaction that is still open, and tells its events when it commits, before the later ones', async () => {
    await using opened = await openTail();
    const from = await end();
    const [kept, dropped] = [await openWriter(own.url, 'slow', 1), await openWriter(own.url, 'gone', 1)];
    await append(own.hub.database, opened.bus, change('fast', 1));
    const got = readOn(opened.tail, from, 2, only('slow', 'fast', 'gone'), 10);
    const early = vi.fn();
    void got.then(early);
    await kept.commit();
    expect(await readEvents(own.hub.database.em(), { after: from, types, eventIds: ['slow', 'fast', 'gone'], limit: 9 })).toSatisfy((events: DomainEvent[]) => events.every(({ eventId }) => eventId === 'slow'));
    expect(early).not.toHaveBeenCalled();
    await dropped.rollback();
    expect((await got).map(said)).toEqual(['slow:1', 'fast:1']);
  });

  test('finds out by itself what no hint told of', async () => {
    await using opened = await openTail(10, 20);
    const from = await end();
    await append(own.hub.database, null, change('quiet', 1));
    expect((await readOn(opened.tail, from, 1, only('quiet'), 10)).map(said)).toEqual(['quiet:1']);
  });

  test('lets a waiting reader go at once when it is aborted or the tail is closed', async () => {
    const opened = await openTail();
    const abort = new AbortController();
    const from = await end();
    const [aborted, closed] = [abort.signal, never].map((signal) => opened.tail.next(from, only('nobody'), 10, signal));
    abort.abort();
    expect((await aborted)?.events).toEqual([]);
    await opened[Symbol.asyncDispose]();
    expect((await closed)?.events).toEqual([]);
  });

  test('lets any number of waiting readers go at once, and tells those who stay', async () => {
    await using opened = await openTail();
    const begun = opened.tail.next(await end(), only('many'), 10, never);
    await append(own.hub.database, opened.bus, change('many', 1));
    const { reached } = await begun;
    const readers = Array.from({ length: 30_000 }, () => new AbortController());
    const begin = process.cpuUsage();
    const left = readers.map(({ signal }) => opened.tail.next(reached, only('many'), 10, signal));
    const staying = opened.tail.next(reached, only('many'), 10, never);
    await new Promise(setImmediate); // they wait
    const coming = process.cpuUsage(begin).user;
    for (const each of readers) each.abort();
    expect((await Promise.all(left)).filter(({ events }) => events.length > 0)).toEqual([]);
    const leaving = process.cpuUsage(begin).user - coming;
    // It is about twice as much as coming, and 37 times where each who leaves looks at all others.
    expect(leaving / coming).toBeLessThan(10);
    await append(own.hub.database, opened.bus, change('many', 2));
    expect((await staying).events.map(said)).toEqual(['many:2']);
  });

  test('goes on after the database could not be read', async () => {
    await using opened = await openTail(10, 10);
    const from = await end();
    const got = readOn(opened.tail, from, 1, only('after'), 10);
    const em = vi.spyOn(own.hub.database, 'em');
    em.mockImplementationOnce(() => {
      throw new Error('the database is away');
    });
    await vi.waitFor(() => expect(em.mock.results.some(({ type }) => type === 'throw')).toBe(true), within);
    em.mockRestore();
    await append(own.hub.database, opened.bus, change('after', 1));
    expect((await got).map(said)).toEqual(['after:1']);
  });
});
