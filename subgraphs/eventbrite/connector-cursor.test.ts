import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Cursor, type Stream, afterPage, beginPass, calendarDue, cursorSchema, dueReadings, dueTickets, mayCall, observedEvents, readCursor, refill, restartPass, takeNew, withCalls, withEvent, withTouched } from './connector-cursor.ts';

const minute = 60_000;
const hour = 60 * minute;
const begin = Date.UTC(2024, 5, 1, 9);
const stored = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** Attendees of whom each change reaches two replicas after lags of their own, listed as Eventbrite lists them. */
const createList = () => {
  const versions = new Map<string, { changed: number; arrives: readonly number[] }[]>();
  return {
    versions,
    change: (id: string, at: number, lags: readonly number[]) => versions.set(id, [...(versions.get(id) ?? []), { changed: at, arrives: lags.map((lag) => at + lag) }]),
    page(replica: number, now: number, since: number, after: string | null, size: number) {
      const known = [...versions].flatMap(([id, list]) => {
        const seen = list.findLast(({ arrives }) => (arrives[replica] ?? 0) <= now);
        return seen && seen.changed >= since ? [{ id, changed: new Date(seen.changed).toISOString() }] : [];
      });
      const rest = known.sort((a, b) => a.id.localeCompare(b.id)).filter(({ id }) => after === null || id > after);
      return { rows: rest.slice(0, size), continuation: rest.length > size ? (rest[size - 1]?.id ?? null) : null };
    },
  };
};

const lag = fc.oneof({ weight: 3, arbitrary: fc.nat(15_000) }, { weight: 1, arbitrary: fc.nat(5 * minute) });
const change = fc.record({ kind: fc.constant('change' as const), id: fc.constantFrom('a', 'b', 'c', 'd', 'e'), lags: fc.tuple(lag, lag) });
const page = fc.record({ kind: fc.constant('page' as const), replica: fc.nat(1) });
const time = fc.record({ kind: fc.constant('time' as const), ms: fc.oneof(fc.nat(20_000), fc.nat(7 * minute)) });

describe('the stream', () => {
  test('comes to the newest state of everybody, and never goes back, however reads lag and passes are interrupted', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(change, page, page, time), { maxLength: 120 }), fc.integer({ min: 1, max: 3 }), (steps, size) => {
        const list = createList();
        const taken = new Map<string, number>();
        let now = begin;
        let stream: Stream = { since: now, pass: null, swept: now, sweptAt: 0, seen: {} };
        const readPage = (replica: number): void => {
          const begun = beginPass(stored(stream), now);
          const { rows, continuation } = list.page(replica, now, begun.pass.since, begun.pass.continuation, size);
          const told = takeNew(begun, rows);
          for (const { id, changed } of told.rows) {
            expect(Date.parse(changed)).toBeGreaterThanOrEqual(taken.get(id) ?? 0);
            taken.set(id, Date.parse(changed));
          }
          stream = afterPage({ ...told.stream, pass: begun.pass }, { generated: now, continuation }, now);
        };
        const readPass = (): void => {
          do readPage(now % 2);
          while (stream.pass);
        };
        for (const step of steps) {
          now += 1;
          if (step.kind === 'change') list.change(step.id, now, step.lags);
          else if (step.kind === 'page') readPage(step.replica);
          else now += step.ms;
        }
        for (let times = 0; times < 3; times++) {
          now += 6 * minute;
          readPass();
        }
        for (const [id, versions] of list.versions) expect(taken.get(id)).toBe(versions.at(-1)?.changed);
        // What cannot come older any more is remembered no more.
        for (let times = 0; times < 2; times++) {
          now += 20 * minute;
          readPass();
        }
        expect(stream.seen).toEqual({});
      }),
      { numRuns: 2_000 },
    );
  });
  test('begins half a minute before the last pass, and every five ten minutes before the last that did', () => {
    const stream: Stream = { since: begin, pass: null, swept: begin - hour, sweptAt: begin, seen: {} };
    expect(beginPass(stream, begin + 5 * minute - 1).pass).toMatchObject({ since: begin - minute / 2, sweep: false });
    expect(beginPass(stream, begin + 5 * minute).pass).toMatchObject({ since: begin - hour - 10 * minute, sweep: true });
  });
  test('goes on where a pass stood, and from its beginning when the place was forgotten', () => {
    const first = beginPass({ since: begin, pass: null, swept: begin, sweptAt: begin, seen: {} }, begin);
    const interrupted = afterPage(first, { generated: begin + 1, continuation: 'x' }, begin);
    const again = beginPass(stored(interrupted), begin + hour);
    expect(again.pass).toEqual({ since: begin - minute / 2, continuation: 'x', generated: begin + 1, sweep: false });
    expect(restartPass(again).pass).toEqual({ ...again.pass, continuation: null });
    // Where the next pass begins is told by the first page, not by the last.
    expect(afterPage(again, { generated: begin + 2 * hour, continuation: null }, begin)).toMatchObject({ since: begin + 1, pass: null });
  });
});

const withEvents = (events: Record<string, Partial<Cursor['events'][string]>>): Cursor => Object.entries(events).reduce((cursor, [id, event]) => withEvent(cursor, id, event), readCursor(null));

describe('readings of whole events', () => {
  test('come first for what was begun, then for what is on or soonest, then for what was over last', () => {
    const cursor = withEvents({ old: { end: begin - 90 * hour }, older: { end: begin - 900 * hour }, far: { end: begin + 90 * hour }, on: { end: begin + hour }, begun: { end: begin - 999 * hour }, known: { end: begin + hour, readAt: begin - hour } });
    expect(dueReadings({ ...cursor, reading: { event: 'begun', begunAt: begin, continuation: 'x' } }, begin)).toEqual(['begun', 'on', 'far', 'old', 'older']);
  });
  test('come once more an hour after the end, and then no more', () => {
    const due = (readAt: number, now: number) => dueReadings(withEvents({ e: { end: begin, readAt } }), now);
    expect(due(begin - hour, begin + hour - 1)).toEqual([]);
    expect(due(begin - hour, begin + hour)).toEqual(['e']);
    expect(due(begin + hour, begin + 99 * hour)).toEqual([]);
  });
});

test('ticket classes are read at first, a minute after sales, and each hour until a day after the end', () => {
  const due = (event: Partial<Cursor['events'][string]>) => dueTickets(withEvents({ e: { end: begin + hour, readAt: 1, ...event } }), begin).length === 1;
  expect(due({ ticketsAt: 0, end: begin - 99 * hour })).toBe(true);
  expect(due({ readAt: 0 })).toBe(false);
  expect([due({ ticketsAt: begin - minute + 1, touched: true }), due({ ticketsAt: begin - minute, touched: true })]).toEqual([false, true]);
  expect([due({ ticketsAt: begin - hour + 1 }), due({ ticketsAt: begin - hour })]).toEqual([false, true]);
  expect([due({ ticketsAt: begin - hour, end: begin - 24 * hour }), due({ ticketsAt: begin - hour, end: begin - 24 * hour, touched: true })]).toEqual([false, true]);
});

test('events are known up to now once they were read, until a month after their end', () => {
  expect(observedEvents(withEvents({ unread: { end: begin }, read: { end: begin, readAt: 1 }, past: { end: begin - 31 * 24 * hour, readAt: 1 } }), begin)).toEqual(['read']);
  expect(withTouched(withEvents({ a: {} }), ['a', 'stranger']).events).toMatchObject({ a: { touched: true } });
});

test('the list of all events is read every six hours and to its end, that of current ones every five minutes between', () => {
  const at = (calendar: Partial<Cursor['calendar']>) => calendarDue({ ...readCursor(null), calendar: { readAt: begin, currentAt: 0, continuation: null, ...calendar } }, begin + 10 * minute);
  expect([at({ readAt: 0 }), at({ continuation: 'x' }), at({ readAt: begin - 6 * hour + 10 * minute }), at({}), at({ currentAt: begin + 6 * minute })]).toEqual(['all', 'all', 'all', 'current', null]);
});

describe('calls', () => {
  test('of the stream and of all else never take more than the budget of any hour', () => {
    const burst = fc.record({ wait: fc.nat(20 * minute), stream: fc.nat(200), rest: fc.nat(800) });
    fc.assert(
      fc.property(fc.array(burst, { maxLength: 30 }), fc.integer({ min: 60, max: 2_000 }), (bursts, callsPerHour) => {
        let cursor = readCursor(null);
        let now = begin;
        const made: number[] = [];
        for (const { wait, ...asked } of bursts) {
          now += wait;
          cursor = refill(stored(cursor), callsPerHour, now);
          for (const share of ['stream', 'rest'] as const)
            for (let calls = 0; calls < asked[share] && mayCall(cursor, share); calls++) {
              cursor = withCalls(cursor, share, 1);
              made.push(now);
            }
        }
        // Of any hour that begins with a call: the calls from it to the first that is an hour later.
        let [until, most] = [0, 0];
        for (const [from, at] of made.entries()) {
          while (until < made.length && (made[until] ?? 0) < at + hour) until += 1;
          most = Math.max(most, until - from);
        }
        expect(most).toBeLessThanOrEqual(callsPerHour * 0.9 + 2);
      }),
    );
  });
  test('that one of them used up are still there for the other', () => {
    const cursor = refill(readCursor(null), 2_000, begin);
    expect(mayCall(withCalls(cursor, 'rest', 400), 'rest')).toBe(false);
    expect(mayCall(withCalls(cursor, 'rest', 400), 'stream')).toBe(true);
  });
});

describe('a stored cursor', () => {
  test('that is not understood is a beginning', () => {
    for (const strange of [null, undefined, 7, 'x', {}, { version: 2 }, { version: 1, stream: { since: 'never' } }]) expect(readCursor(strange)).toEqual(readCursor(null));
  });
  test('comes back as it was', () => {
    const cursor = refill(withEvents({ e: { end: begin, touched: true } }), 2_000, begin);
    expect(readCursor(stored(cursor))).toEqual(cursor);
    expect(cursorSchema.parse(cursor)).toEqual(cursor);
  });
});
