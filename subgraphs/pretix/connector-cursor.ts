/**
 * Where a pull goes on: pure decisions over the cursor that ingestion keeps.
 *
 * Glossary
 * - stream: the orders of the organizer (or of one event, where only some are wanted), by the time of their last change.
 * - pass: one reading of a stream from `from` to its end. It may be interrupted and goes on where it stood.
 * - generated: pretix's clock when it began to make a page (`X-Page-Generated`). All times here are by that clock.
 *
 * Every check-in, revert and annulment touches its order in pretix (`Checkin.save()` and `delete()` call
 * `order.touch()`), so one stream carries registrations and check-ins alike and costs one call when nothing happened.
 *
 * No change is lost:
 * - pretix stamps an order when it is saved, but others see it when its transaction commits. A pass therefore begins
 *   some seconds before the last one, and a sweep, every ten minutes, an hour before it (imports run that long).
 * - Orders that change while they are read move to the end of the list, and those behind them one place forward: who
 *   reads page after page skips as many as moved. A pass of several pages therefore reads the first one to learn how
 *   many there are, and then from the last page back to the first: what was not read yet moves only to where it still
 *   will be. What moved to the end changed after the first page was made, and is the next pass's.
 * - When pretix's clock turns out to have gone back behind the cursor, everything is read again.
 * What is read twice is dropped by its id.
 */
import { z } from 'zod';

/** Longest ordinary transaction that is waited for. */
const overlapMs = 10_000;
const sweepOverlapMs = 3_600_000;
const sweepEveryMs = 600_000;

const stamp = z.string().max(64).refine((text) => !Number.isNaN(Date.parse(text)));

const pass = z.object({
  /** Value of `modified_since` for all its requests. */
  since: stamp.nullable(),
  /** The page to read next. */
  page: z.number().int().min(1),
  /** Of its first page: where the next pass begins. Null before that was read. */
  generated: stamp.nullable(),
  sweep: z.boolean(),
});

const stream = z.object({ since: stamp.nullable(), pass: pass.nullable(), sweptAt: z.number() });
export type StreamCursor = z.infer<typeof stream>;

export const cursorSchema = z.object({
  version: z.literal(1),
  /** By event slug, or `*` for the whole organizer. */
  streams: z.record(z.string(), stream),
  events: z.record(
    z.string(),
    z.object({
      /** When products, lists and quotas were last read; milliseconds of the hub's clock. */
      readAt: z.number(),
      /** Changes of these dates (`''`: of the event itself) are in the hub, but the lists' own numbers were not read since. */
      touched: z.array(z.string()),
    }),
  ),
});
export type Cursor = z.infer<typeof cursorSchema>;
export type EventCursor = Cursor['events'][string];

export const wholeOrganizer = '*';

/** The stored cursor, or a beginning when there is none or it is not understood. */
export const readCursor = (stored: unknown): Cursor => {
  const known = cursorSchema.safeParse(stored);
  return known.success ? known.data : { version: 1, streams: {}, events: {} };
};

const freshStream: StreamCursor = { since: null, pass: null, sweptAt: 0 };
export const streamOf = (cursor: Cursor, name: string): StreamCursor => cursor.streams[name] ?? freshStream;

const freshEvent: EventCursor = { readAt: 0, touched: [] };
export const eventOf = (cursor: Cursor, slug: string): EventCursor => cursor.events[slug] ?? freshEvent;

export const withStream = (cursor: Cursor, name: string, changed: StreamCursor): Cursor => ({ ...cursor, streams: { ...cursor.streams, [name]: changed } });
export const withoutStream = (cursor: Cursor, name: string): Cursor => ({ ...cursor, streams: Object.fromEntries(Object.entries(cursor.streams).filter(([each]) => each !== name)) });
export const withEvent = (cursor: Cursor, slug: string, changed: EventCursor): Cursor => ({ ...cursor, events: { ...cursor.events, [slug]: changed } });

/** These events are known: their orders come with the stream of the whole organizer. */
export const withEvents = (cursor: Cursor, slugs: readonly string[]): Cursor => slugs.reduce((known, slug) => withEvent(known, slug, eventOf(known, slug)), cursor);

export const withTouched = (cursor: Cursor, slug: string, dates: readonly string[]): Cursor => {
  const before = eventOf(cursor, slug);
  return withEvent(cursor, slug, { ...before, touched: [...new Set([...before.touched, ...dates])] });
};

/** Forgets events that are no more. */
export const keepEvents = (cursor: Cursor, slugs: ReadonlySet<string>): Cursor => ({ ...cursor, events: Object.fromEntries(Object.entries(cursor.events).filter(([slug]) => slugs.has(slug))) });

const earlier = (time: string, ms: number): string => new Date(Date.parse(time) - ms).toISOString();

/** Goes on with an interrupted pass, or begins one. */
export const beginPass = (before: StreamCursor, hubNow: number): Begun => {
  if (before.pass) return { ...before, pass: before.pass };
  const sweep = before.since === null || hubNow - before.sweptAt >= sweepEveryMs;
  const since = before.since === null ? null : earlier(before.since, sweep ? sweepOverlapMs : overlapMs);
  return { ...before, pass: { since, page: 1, generated: null, sweep } };
};

export type PageSeen = {
  readonly generated: string | null;
  /** `last_modified` of the page's last row. */
  readonly last: string | null;
  /** Pages that there are now. */
  readonly pages: number;
};

type Begun = StreamCursor & { readonly pass: NonNullable<StreamCursor['pass']> };

/** The cursor after a page: within the pass, or past its end. */
export const afterPage = (before: Begun, seen: PageSeen, hubNow: number): StreamCursor => {
  const { pass } = before;
  if (pass.generated !== null) return pass.page > 1 ? { ...before, pass: { ...pass, page: pass.page - 1 } } : endOf(before, pass.generated, hubNow);
  const generated = seen.generated ?? seen.last ?? before.since;
  if (before.since !== null && generated !== null && Date.parse(generated) < Date.parse(before.since) - overlapMs) return freshStream;
  if (seen.pages <= 1 || generated === null) return endOf(before, generated, hubNow);
  return { ...before, pass: { ...pass, generated, page: seen.pages } };
};

const endOf = ({ pass, sweptAt }: Begun, since: string | null, hubNow: number): StreamCursor => ({ since, pass: null, sweptAt: pass.sweep ? hubNow : sweptAt });
