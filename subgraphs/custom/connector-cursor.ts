/** Where a pull goes on: which list, which page of it, what changed lists are asked for next, which events there are. */
import { z } from 'zod';
import type { KnownEvent } from './connector-facts.ts';

/** Of a page: its number, the records before it, a cursor or an address; null for the first. */
const position = z.union([z.string().max(4_000), z.number(), z.null()]);
export type Position = z.infer<typeof position>;

/** What `since` asks for. Texts and numbers are not compared with each other. */
const mark = z.union([z.string().max(1_000), z.number()]);
export type Mark = z.infer<typeof mark>;

const place = z.strictObject({ resource: z.string(), event: z.string().nullable(), position, since: mark.nullable() });
/** A list that is being read: `since` is the greatest mark of the pages so far. */
export type Place = z.infer<typeof place>;

const cursorSchema = z.strictObject({
  /** Number of the reading of all lists that is done, or on its way where `at` is not null. */
  pass: z.number().int(),
  at: place.nullable(),
  /** By list: what it is asked for next. */
  since: z.record(z.string(), mark),
  /** The upstream's id and the last pass that told of the event, by its hub-wide id. */
  events: z.record(z.string(), z.tuple([z.string(), z.number().int()])),
});
export type Cursor = z.infer<typeof cursorSchema>;

const beginning: Cursor = { pass: 0, at: null, since: {}, events: {} };

export const readCursor = (stored: unknown): Cursor => {
  const parsed = cursorSchema.safeParse(stored);
  return parsed.success ? parsed.data : beginning;
};

export const listKey = (resource: string, event: KnownEvent | null): string => (event ? `${resource}/${event.eventId}` : resource);

/** What a list is asked for next. Lists are named by people: `constructor` is a name like any other. */
export const sinceOf = ({ since }: Cursor, key: string): Mark | null => (Object.hasOwn(since, key) ? (since[key] ?? null) : null);

/** More events than this are taken, but lists of each event are not read of the others: the cursor is stored with every page. */
export const mostEvents = 2_000;

export const withEvents = (cursor: Cursor, found: readonly KnownEvent[]): Cursor => {
  if (found.length === 0) return cursor;
  const events = { ...cursor.events };
  for (const { eventId, upstreamId } of found) if (Object.hasOwn(events, eventId) || Object.keys(events).length < mostEvents) events[eventId] = [upstreamId, cursor.pass];
  return { ...cursor, events };
};

export const eventsOf = (cursor: Cursor): KnownEvent[] =>
  Object.entries(cursor.events)
    .map(([eventId, [upstreamId]]) => ({ eventId, upstreamId }))
    .sort((a, b) => (a.eventId < b.eventId ? -1 : 1));

export const withoutEvent = (cursor: Cursor, eventId: string): Cursor => ({ ...cursor, events: Object.fromEntries(Object.entries(cursor.events).filter(([id]) => id !== eventId)) });

/** The greater of two marks; the newer word where they cannot be compared. */
export const later = (known: Mark | null, told: Mark | null): Mark | null => {
  if (known === null || told === null || typeof known !== typeof told) return told ?? known;
  return told > known ? told : known;
};

/** The list was read to its end. */
export const listRead = (cursor: Cursor, key: string, since: Mark | null): Cursor => ({ ...cursor, at: null, since: since === null ? cursor.since : { ...cursor.since, [key]: since } });

/**
 * All lists were read to their ends. Events that were not told of are forgotten, where the lists tell of all of them
 * each time; with them goes what their lists were asked for.
 */
export const passDone = (cursor: Cursor, tellsAll: boolean): Cursor => {
  const events = tellsAll ? Object.fromEntries(Object.entries(cursor.events).filter(([, [, pass]]) => pass === cursor.pass)) : cursor.events;
  const since = Object.fromEntries(Object.entries(cursor.since).filter(([key]) => !key.includes('/') || key.slice(key.indexOf('/') + 1) in events));
  return { ...cursor, at: null, events, since };
};
