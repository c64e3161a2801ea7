/** Attendees: the stream of those that changed, and the readings of whole events. */
import type { Rejected } from '#core/connector.ts';
import { UpstreamError } from '#core/errors.ts';
import type { Fact } from '#core/facts.ts';
import { type Read, factsOfEvents, isForgotten, isWanted, maxPages, withEvents } from './connector-calendar.ts';
import { type Cursor, afterPage, beginPass, mayCall, restartPass, takeNew, withCalls, withEvent, withTouched } from './connector-cursor.ts';
import { attendeeFacts } from './connector-facts.ts';
import { type EventbriteContext, clientOf } from './connector-settings.ts';
import type { Page } from './upstream.ts';
import { type AttendeePayload, leanRow } from './upstream-payloads.ts';

/**
 * Everything that changed since the last pass, page by page. Nothing where the calls for it are used up: many hints then
 * share a later pass. A pass that was begun is read to its end.
 */
export const readStream = async function* (context: EventbriteContext, from: Cursor): AsyncGenerator<Read> {
  if (from.stream.pass === null && !mayCall(from, 'stream')) return;
  const client = clientOf(context);
  let cursor = from;
  for (let pages = 1; pages <= maxPages; pages++) {
    let begun = beginPass(cursor.stream, context.now().getTime());
    const read = (): Promise<Page<AttendeePayload>> => client.attendees({ event: null, since: new Date(begun.pass.since), continuation: begun.pass.continuation });
    const page = await read().catch((error: unknown) => {
      if (!isForgotten(error, begun.pass.continuation)) throw error;
      begun = restartPass(begun);
      return read();
    });
    const told = await tell(context, withCalls({ ...cursor, stream: begun }, 'stream', 1), page);
    const stream = afterPage({ ...told.cursor.stream, pass: begun.pass }, { generated: clockOf(page, context), continuation: page.continuation }, context.now().getTime());
    cursor = { ...told.cursor, stream };
    yield { ...told, cursor };
    if (stream.pass === null) return;
  }
  throw new UpstreamError('shape', `Eventbrite's list of attendees does not end after ${maxPages} pages.`);
};

/** Eventbrite's clock, unless it is ahead of the hub's: what changes meanwhile would never be asked for. */
const clockOf = ({ generated }: Page<AttendeePayload>, { now }: EventbriteContext): number => Math.min(generated?.getTime() ?? Infinity, now().getTime());

/** All attendees of one event, one page a call; goes on where an interrupted reading stood. */
export const readPageOfEvent = async (context: EventbriteContext, from: Cursor, event: string): Promise<Read & { readonly ended: boolean }> => {
  const begun = from.reading?.event === event ? from.reading : { event, begunAt: context.now().getTime(), continuation: null };
  const client = clientOf(context);
  const read = (continuation: string | null) => client.attendees({ event, since: null, continuation });
  const page = await read(begun.continuation).catch((error: unknown) => {
    if (!isForgotten(error, begun.continuation)) throw error;
    return read(null);
  });
  const told = await tell(context, withCalls(from, 'rest', 1), page);
  const ended = page.continuation === null;
  const cursor = ended ? { ...withEvent(told.cursor, event, { readAt: begun.begunAt }), reading: null } : { ...told.cursor, reading: { ...begun, continuation: page.continuation } };
  return { ...told, cursor, ended };
};

const tell = async (context: EventbriteContext, from: Cursor, page: Page<AttendeePayload>): Promise<Read> => {
  const wanted = page.rows.filter((row) => isWanted(context, row.event_id));
  const met = await meetStrangers(context, from, wanted);
  const { rows, stream } = takeNew(met.cursor.stream, wanted.filter((row) => met.cursor.events[row.event_id]));
  const cursor = withTouched({ ...met.cursor, stream }, rows.map((row) => row.event_id));
  return { facts: [...met.facts, ...rows.flatMap((row) => attendeeFacts(row, context.service.settings, context.hashParticipant, context.now()))], rejected: [...page.rejected, ...met.rejected], cursor };
};

/** Events that attendees turn up for before a list told of them: they are told before their attendees. */
const meetStrangers = async (context: EventbriteContext, from: Cursor, rows: readonly AttendeePayload[]): Promise<Read> => {
  const client = clientOf(context);
  const facts: Fact[] = [];
  const rejected: Rejected[] = [];
  let cursor = from;
  for (const id of new Set(rows.map((row) => row.event_id))) {
    if (cursor.events[id]) continue;
    try {
      const event = await client.event(id);
      facts.push(...factsOfEvents(context, [event]));
      cursor = withEvents(cursor, context, [event]);
    } catch (error) {
      if (!isOfOneEvent(error)) throw error;
      rejected.push(...rows.filter((row) => row.event_id === id).map((row) => ({ upstreamId: `registration:${row.id}`, reason: `Its event ${id} cannot be read: ${error.code}`, raw: leanRow(row) })));
    }
  }
  return { facts, rejected, cursor };
};

/** An event that is gone, forbidden or answers nonsense says nothing about the others; a dead server does. */
export const isOfOneEvent = (error: unknown): error is UpstreamError =>
  error instanceof UpstreamError && (error.reason === 'shape' || error.reason === 'not_json' || (error.reason === 'status' && Number(error.facts.status) !== 401));
