/**
 * Where a pull goes on: pure decisions over the cursor that ingestion keeps.
 *
 * Glossary
 * - stream: the attendees of the whole organization by the time of their last change.
 * - pass: one reading of the stream from `since` to its end. It may be interrupted and goes on where it stood.
 * - sweep: a pass that begins long before the last one.
 * - reading: all attendees of one event, once when it is first seen and once after it is over.
 * - generated: Eventbrite's clock when it began to answer. Times of the stream are by that clock.
 *
 * No change is lost, though reads lag behind writes (Eventbrite: mostly under 15 seconds, up to 5 minutes):
 * - A pass begins half a minute before the last one, and a sweep, every five minutes, ten minutes before the last sweep.
 * - A read may be older than one before it, from another replica. What was seen of an attendee is remembered as long
 *   as an older state could come again (`seen`), and the older one is passed over.
 * - What changes while a pass goes on is the next one's.
 * What is read twice is dropped by its id.
 */
import { z } from 'zod';

const minute = 60_000;
const hour = 60 * minute;
const overlapMs = minute / 2;
export const sweepOverlapMs = 10 * minute;
const sweepEveryMs = 5 * minute;

/** Milliseconds since 1970. */
const instant = z.number();
const continuation = z.string().max(4000);

const pass = z.object({ since: instant, continuation: continuation.nullable(), /** Of its first page; null before that was read. */ generated: instant.nullable(), sweep: z.boolean() });

const stream = z.object({
  /** Null before the first pass: what was before is told by the readings. */
  since: instant.nullable(),
  pass: pass.nullable(),
  /** Where the last sweep began, by Eventbrite's clock: what was visible then and is older than a lag is in the hub. */
  swept: instant,
  /** When it ended, by the hub's. */
  sweptAt: instant,
  /** By attendee: the newest change that was seen. */
  seen: z.record(z.string(), instant),
});
export type Stream = z.infer<typeof stream>;

const knownEvent = z.object({
  end: instant,
  /** When the last reading of all its attendees began; 0 before there was one. */
  readAt: instant,
  /** When its ticket classes were read. */
  ticketsAt: instant,
  /** Its attendees changed since its ticket classes were read. */
  touched: z.boolean(),
});
export type KnownEvent = z.infer<typeof knownEvent>;

export const cursorSchema = z.object({
  version: z.literal(1),
  calendar: z.object({ /** When the list of all events was read to its end. */ readAt: instant, /** When that of current ones was. */ currentAt: instant, /** Within the list of all events. */ continuation: continuation.nullable() }),
  stream,
  reading: z.object({ event: z.string(), begunAt: instant, continuation: continuation.nullable() }).nullable(),
  events: z.record(z.string(), knownEvent),
  /** Calls that may be made now: of the stream, and of all else. Neither takes what the other needs. */
  allowance: z.object({ stream: z.number(), rest: z.number(), at: instant }),
});
export type Cursor = z.infer<typeof cursorSchema>;

const beginning: Cursor = {
  version: 1,
  calendar: { readAt: 0, currentAt: 0, continuation: null },
  stream: { since: null, pass: null, swept: 0, sweptAt: 0, seen: {} },
  reading: null,
  events: {},
  allowance: { stream: 0, rest: 0, at: 0 },
};

/** The stored cursor, or a beginning when there is none or it is not understood. */
export const readCursor = (stored: unknown): Cursor => {
  const known = cursorSchema.safeParse(stored);
  return known.success ? known.data : beginning;
};

type Begun = Stream & { readonly pass: NonNullable<Stream['pass']> };

/** Goes on with an interrupted pass, or begins one. `now`: the hub's clock. */
export const beginPass = (before: Stream, now: number): Begun => {
  if (before.pass) return { ...before, pass: before.pass };
  const sweep = now - before.sweptAt >= sweepEveryMs;
  return { ...before, pass: { since: sweep ? before.swept - sweepOverlapMs : (before.since ?? now) - overlapMs, continuation: null, generated: null, sweep } };
};

/** The stream after a page: within the pass, or past its end. */
export const afterPage = (before: Begun, page: { readonly generated: number; readonly continuation: string | null }, now: number): Stream => {
  const generated = before.pass.generated ?? page.generated;
  if (page.continuation !== null) return { ...before, pass: { ...before.pass, generated, continuation: page.continuation } };
  const [swept, sweptAt] = before.pass.sweep ? [generated, now] : [before.swept, before.sweptAt];
  const seen = Object.fromEntries(Object.entries(before.seen).filter(([, changed]) => changed >= swept - sweepOverlapMs));
  return { since: generated, pass: null, swept, sweptAt, seen };
};

/** Eventbrite forgot where the page was: the pass is read from its beginning. */
export const restartPass = (before: Begun): Begun => ({ ...before, pass: { ...before.pass, continuation: null } });

type Changing = { readonly id: string; readonly changed: string };

/** Passes over rows that are older than what was seen, and remembers the new ones as long as older ones could come. */
export const takeNew = <T extends Changing>(before: Stream, rows: readonly T[]): { readonly rows: readonly T[]; readonly stream: Stream } => {
  const seen = { ...before.seen };
  const from = before.swept - sweepOverlapMs;
  const taken = rows.filter(({ id, changed }) => {
    const at = Date.parse(changed);
    if (at < (seen[id] ?? 0)) return false;
    if (at >= from) seen[id] = at;
    return true;
  });
  return { rows: taken, stream: { ...before, seen } };
};

/** Adds or changes what is known of an event. */
export const withEvent = (cursor: Cursor, id: string, change: Partial<KnownEvent>): Cursor => {
  const before = cursor.events[id] ?? { end: 0, readAt: 0, ticketsAt: 0, touched: false };
  return { ...cursor, events: { ...cursor.events, [id]: { ...before, ...change } } };
};

export const withTouched = (cursor: Cursor, ids: Iterable<string>): Cursor => {
  const events = { ...cursor.events };
  for (const id of new Set(ids)) {
    const known = events[id];
    if (known) events[id] = { ...known, touched: true };
  }
  return { ...cursor, events };
};

/** Changes after the end are few, and the stream tells of them; the reading after the end is for certainty. */
const settledMs = hour;

const needsReading = ({ end, readAt }: KnownEvent, now: number): boolean => readAt === 0 || (end + settledMs <= now && readAt < end + settledMs);

/** Events whose attendees are to be read: the one begun, those that are on or to come, then what is over, newest first. */
export const dueReadings = (cursor: Cursor, now: number): string[] => {
  const due = Object.entries(cursor.events).filter(([id, event]) => cursor.reading?.event === id || needsReading(event, now));
  const rank = (id: string, { end }: KnownEvent): number => (cursor.reading?.event === id ? 0 : end > now ? 1 : 2);
  return due.sort(([a, x], [b, y]) => rank(a, x) - rank(b, y) || (x.end > now ? x.end - y.end : y.end - x.end) || a.localeCompare(b)).map(([id]) => id);
};

const isWatched = ({ end }: KnownEvent, now: number): boolean => end > now - 24 * hour;

const needsTickets = (event: KnownEvent, now: number): boolean => {
  const age = now - event.ticketsAt;
  return event.ticketsAt === 0 || (event.touched && age >= minute) || (isWatched(event, now) && age >= hour);
};

/** Events whose ticket classes are to be read, those read longest ago first. */
export const dueTickets = (cursor: Cursor, now: number): string[] =>
  Object.entries(cursor.events)
    .filter(([, event]) => event.readAt > 0 && needsTickets(event, now))
    .sort(([, a], [, b]) => a.ticketsAt - b.ticketsAt || b.end - a.end)
    .map(([id]) => id);

/** Whether all of these events were read whole since the beginning. */
export const isReadWhole = (cursor: Cursor, except: { has(event: string): boolean }): boolean => Object.entries(cursor.events).every(([id, { readAt, ticketsAt }]) => except.has(id) || (readAt > 0 && ticketsAt > 0));

/** Events that are told as known up to now: what is over for a month changes no more. */
export const observedEvents = (cursor: Cursor, now: number): string[] => Object.entries(cursor.events).filter(([, { end, readAt }]) => readAt > 0 && end > now - 30 * 24 * hour).map(([id]) => id);

/**
 * Shares of an hour's calls: what may be made at once, and what comes back in an hour. Together with what may be made at
 * once, the stream (live news) has half of them and readings and ticket classes nearly half; a tenth is left for health checks and webhooks.
 */
const shares = { stream: { atOnce: 0.03, anHour: 0.42 }, rest: { atOnce: 0.2, anHour: 0.25 } } as const;
type Share = keyof typeof shares;

export const refill = (cursor: Cursor, callsPerHour: number, now: number): Cursor => {
  const { at } = cursor.allowance;
  const grown = (share: Share): number => {
    const most = callsPerHour * shares[share].atOnce;
    return at === 0 ? most : Math.min(most, cursor.allowance[share] + (Math.max(0, now - at) / hour) * callsPerHour * shares[share].anHour);
  };
  return { ...cursor, allowance: { stream: grown('stream'), rest: grown('rest'), at: now } };
};

export const mayCall = ({ allowance }: Cursor, share: Share): boolean => allowance[share] >= 1;
export const withCalls = (cursor: Cursor, share: Share, calls: number): Cursor => ({ ...cursor, allowance: { ...cursor.allowance, [share]: cursor.allowance[share] - calls } });

const calendarEveryMs = 6 * hour;
const currentEveryMs = 5 * minute;

/** Which list of events is to be read now: all of them, the current ones, or none. */
export const calendarDue = ({ calendar }: Cursor, now: number): 'all' | 'current' | null => {
  if (calendar.continuation !== null || now - calendar.readAt >= calendarEveryMs) return 'all';
  return now - Math.max(calendar.readAt, calendar.currentAt) >= currentEveryMs ? 'current' : null;
};
