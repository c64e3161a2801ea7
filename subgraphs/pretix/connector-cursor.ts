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
 * - Orders move to the end of the stream while it is read. Each request therefore starts at the last change seen
 *   instead of at a page number, which would skip as many rows as moved. Only where more rows than one page have the
 *   very same stamp (pretix resets check-ins with one UPDATE) are they paged through.
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
  /** Value of `modified_since` for the next request. */
  since: stamp.nullable(),
  page: z.number().int().min(1),
  /** Of the pass's first page: where the next pass begins. */
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

export const withTouched = (cursor: Cursor, slug: string, dates: readonly string[]): Cursor => {
  const before = eventOf(cursor, slug);
  return withEvent(cursor, slug, { ...before, touched: [...new Set([...before.touched, ...dates])] });
};

/** Forgets events that are no more. */
export const keepEvents = (cursor: Cursor, slugs: ReadonlySet<string>): Cursor => ({ ...cursor, events: Object.fromEntries(Object.entries(cursor.events).filter(([slug]) => slugs.has(slug))) });

const earlier = (time: string, ms: number): string => new Date(Date.parse(time) - ms).toISOString();

/** Goes on with an interrupted pass, or begins one. */
export const beginPass = (before: StreamCursor, hubNow: number): StreamCursor & { pass: NonNullable<StreamCursor['pass']> } => {
  if (before.pass) return { ...before, pass: before.pass };
  const sweep = before.since === null || hubNow - before.sweptAt >= sweepEveryMs;
  const since = before.since === null ? null : earlier(before.since, sweep ? sweepOverlapMs : overlapMs);
  return { ...before, pass: { since, page: 1, generated: null, sweep } };
};

export type PageSeen = {
  readonly generated: string | null;
  /** `last_modified` of the page's last row. */
  readonly last: string | null;
  readonly more: boolean;
};

/** The cursor after a page: within the pass, or past its end. */
export const afterPage = (before: StreamCursor & { pass: NonNullable<StreamCursor['pass']> }, page: PageSeen, hubNow: number): StreamCursor => {
  const { pass } = before;
  const generated = pass.generated ?? page.generated ?? page.last ?? before.since;
  if (before.since !== null && pass.generated === null && generated !== null && Date.parse(generated) < Date.parse(before.since) - overlapMs) return freshStream;
  if (!page.more) return { since: generated, pass: null, sweptAt: pass.sweep ? hubNow : before.sweptAt };
  const ahead = page.last !== null && (pass.since === null || Date.parse(page.last) > Date.parse(pass.since));
  return { ...before, pass: { ...pass, generated, ...(ahead ? { since: page.last, page: 1 } : { page: pass.page + 1 }) } };
};
