/**
 * What an event or series offers and how it counts it: products, quotas, check-in lists with their numbers, and the
 * check-ins that were taken back. pretix has no list of changes for these, so an event is read when its orders
 * changed, and every ten minutes.
 */
import type { Rejected } from '#core/connector.ts';
import type { Fact } from '#core/facts.ts';
import type { Calendar, CalendarEvent } from './connector-calendar.ts';
import { type Cursor, eventOf, withEvent } from './connector-cursor.ts';
import { type Naming, hubEventId, listRecord, offerRecord, productRecord, quotaRecord } from './connector-facts.ts';
import type { PretixClient } from './upstream.ts';
import type { CheckInListPayload } from './upstream-payloads.ts';

const readEveryMs = 600_000;
/** How many events are read again in one pull though their orders did not change. */
const readAgainAtOnce = 20;

export type OfferReading = {
  readonly client: PretixClient;
  readonly event: CalendarEvent;
  readonly naming: Naming;
  readonly cursor: Cursor;
  readonly now: Date;
};

/** Events whose orders changed, then those that were never read, then those that were not read for longest. */
export const dueEvents = (cursor: Cursor, calendar: Calendar, now: Date): CalendarEvent[] => {
  const all = [...calendar.events.values()].map((event) => ({ event, state: eventOf(cursor, event.payload.slug) }));
  const touched = all.filter(({ state }) => state.touched.length > 0);
  const untouched = all.filter(({ state }) => state.touched.length === 0);
  const unread = untouched.filter(({ state }) => state.readAt === 0);
  const stale = untouched.filter(({ state }) => state.readAt > 0 && now.getTime() - state.readAt >= readEveryMs).sort((a, b) => a.state.readAt - b.state.readAt);
  return [...touched, ...unread, ...stale.slice(0, readAgainAtOnce)].map(({ event }) => event);
};

/** Products, quotas and lists with their numbers, of one event or series. */
export const readOffer = async ({ client, event, naming, cursor, now }: OfferReading): Promise<{ facts: Fact[]; rejected: Rejected[]; cursor: Cursor }> => {
  const { slug } = event.payload;
  const anchor = anchorOf(event, naming);
  const before = eventOf(cursor, slug);
  const again = now.getTime() - before.readAt >= readEveryMs;
  const done = withEvent(cursor, slug, { readAt: again ? now.getTime() : before.readAt, touched: [] });
  if (anchor === null) return { facts: [], rejected: [], cursor: done };
  const items = again ? await client.items(slug) : { rows: [], rejected: [] };
  const quotas = await client.quotas(slug);
  const lists = await client.checkInLists(slug);
  const complete = again ? [offerRecord(anchor, slug, { products: items.rows, quotas: quotas.rows, lists: lists.rows }, now)] : [];
  const records: Fact[] = [...complete, ...items.rows.map((each) => productRecord(anchor, slug, each, now)), ...quotas.rows.map((each) => quotaRecord(anchor, slug, each, now))];
  for (const list of lists.rows) {
    if (isConcerned(list, before.touched, again, event, now)) records.push(listRecord(anchor, slug, list, await client.checkInListStatus(slug, list.id), now));
    else if (again && list.checkin_count === 0) records.push(listRecord(anchor, slug, list, { ...list, inside_count: 0 }, now));
  }
  return {
    facts: records,
    rejected: [items, quotas, lists].flatMap(({ rejected }) => rejected),
    cursor: done,
  };
};

/** A series may have a list for each of a thousand dates: only those are asked whose numbers can have changed. */
const isConcerned = (list: CheckInListPayload, touched: readonly string[], again: boolean, event: CalendarEvent, now: Date): boolean => {
  if (list.subevent === null || touched.includes(String(list.subevent))) return true;
  const date = event.dates.find(({ id }) => id === list.subevent);
  return again && date !== undefined && Math.abs(Date.parse(date.date_from) - now.getTime()) < 86_400_000;
};

/**
 * The event that stands for an event or series as a whole. A series is no event of the hub, so what its dates share is
 * told under the first of them.
 */
const anchorOf = (event: CalendarEvent, naming: Naming): string | null => {
  if (!event.payload.has_subevents) return hubEventId(naming, event.payload.slug, null);
  const first = event.dates[0];
  return first ? hubEventId(naming, event.payload.slug, first.id) : null;
};
