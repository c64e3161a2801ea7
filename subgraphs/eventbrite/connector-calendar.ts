/** The lists of events: all of them now and then, page by page, and the current ones in between. */
import type { Rejected } from '#core/connector.ts';
import { UpstreamError } from '#core/errors.ts';
import type { Fact } from '#core/facts.ts';
import { type Cursor, calendarDue, withEvent } from './connector-cursor.ts';
import { eventFacts } from './connector-facts.ts';
import { type EventbriteContext, clientOf } from './connector-settings.ts';
import type { EventbriteClient, Page } from './upstream.ts';
import type { EventPayload } from './upstream-payloads.ts';

/** What one call brought, and where the next goes on. */
export type Read = { readonly facts: readonly Fact[]; readonly rejected: readonly Rejected[]; readonly cursor: Cursor };

/** Far beyond any real list; one that never ends does end here. */
export const maxPages = 20_000;

/** A place in a list that Eventbrite forgot: the list is read from its beginning. */
export const isForgotten = (error: unknown, continuation: string | null): boolean => continuation !== null && error instanceof UpstreamError && (error.facts.status === 400 || error.facts.status === 404);

export const readCalendar = async function* (context: EventbriteContext, from: Cursor): AsyncGenerator<Read> {
  const due = calendarDue(from, context.now().getTime());
  if (due === null) return;
  const client = clientOf(context);
  let cursor = from;
  let continuation = due === 'all' ? from.calendar.continuation : null;
  for (let pages = 1; pages <= maxPages; pages++) {
    const page = await readPage(client, due === 'current', continuation);
    ({ continuation } = page);
    cursor = beginStream(afterCalendarPage(withEvents(cursor, context, page.rows), due, continuation, context.now().getTime()), page.generated ?? context.now());
    yield { facts: factsOfEvents(context, page.rows), rejected: page.rejected, cursor };
    if (continuation === null) return;
  }
  throw new UpstreamError('shape', `Eventbrite's list of events does not end after ${maxPages} pages.`);
};

const readPage = async (client: EventbriteClient, current: boolean, continuation: string | null): Promise<Page<EventPayload>> => {
  try {
    return await client.events({ current, continuation });
  } catch (error) {
    if (!isForgotten(error, continuation)) throw error;
    return client.events({ current, continuation: null });
  }
};

const afterCalendarPage = (cursor: Cursor, due: 'all' | 'current', continuation: string | null, now: number): Cursor => {
  if (due === 'current') return continuation === null ? { ...cursor, calendar: { ...cursor.calendar, currentAt: now } } : cursor;
  return { ...cursor, calendar: { ...cursor.calendar, continuation, ...(continuation === null ? { readAt: now } : {}) } };
};

/** The stream begins before any reading does: what changes from here on is told by the one or the other. */
const beginStream = (cursor: Cursor, generated: Date): Cursor => (cursor.stream.since === null ? { ...cursor, stream: { ...cursor.stream, since: generated.getTime(), swept: generated.getTime() } } : cursor);

export const isWanted = ({ service }: EventbriteContext, id: string): boolean => service.settings.events?.includes(id) ?? true;

/** A series is none of its dates, each of which is an event. */
const wantedOf = (context: EventbriteContext, events: readonly EventPayload[]): EventPayload[] => events.filter((event) => !event.is_series_parent && isWanted(context, event.id));

export const withEvents = (cursor: Cursor, context: EventbriteContext, events: readonly EventPayload[]): Cursor =>
  wantedOf(context, events).reduce((known, event) => withEvent(known, event.id, { end: Date.parse(event.end.utc) }), cursor);

export const factsOfEvents = (context: EventbriteContext, events: readonly EventPayload[]): Fact[] => wantedOf(context, events).flatMap((event) => eventFacts(event, context.service.settings, context.now()));
