/**
 * The events and series dates that a pull is about.
 *
 * They change seldom, and a pull that a webhook asked for should cost one call: what was read within half a minute is
 * taken again, unless an order turns up for an event or date that is not in it.
 */
import type { Rejected } from '#core/connector.ts';
import { UpstreamError } from '#core/errors.ts';
import type { Fact } from '#core/facts.ts';
import type { UpstreamHttp } from '#core/upstream-http.ts';
import { type Naming, eventFact, eventRecord, hubEventId } from './connector-facts.ts';
import { type PretixContext, clientOf } from './connector-settings.ts';
import type { PretixClient } from './upstream.ts';
import type { OrderPayload, PretixEventPayload, SubeventPayload } from './upstream-payloads.ts';

export type CalendarEvent = { readonly payload: PretixEventPayload; readonly dates: readonly SubeventPayload[] };
export type Calendar = { readonly organizerName: string; readonly events: ReadonlyMap<string, CalendarEvent>; readonly rejected: readonly Rejected[]; /** Milliseconds of the hub's clock. */ readonly readAt: number };

const freshForMs = 30_000;
const calendars = new WeakMap<UpstreamHttp, Calendar>();

/** As read lately. */
export const recentCalendar = async (context: PretixContext): Promise<Calendar> => {
  const known = calendars.get(context.http);
  const age = context.now().getTime() - (known?.readAt ?? 0);
  return known && age >= 0 && age < freshForMs ? known : currentCalendar(context);
};

const told = new WeakSet<Calendar>();

/** Whether its facts were taken in: what was read but not stored, as the hub failed in between, is told again. */
export const isTold = (calendar: Calendar): boolean => told.has(calendar);
export const markTold = (calendar: Calendar): void => void told.add(calendar);

/** As it is now. */
export const currentCalendar = async (context: PretixContext): Promise<Calendar> => {
  const readAt = context.now().getTime();
  const calendar = { ...(await readCalendar(clientOf(context), context.service.settings.events)), readAt };
  calendars.set(context.http, calendar);
  return calendar;
};

/** All events that the token sees, or the wanted ones; of these, one that is gone is told and holds up no other. */
const readCalendar = async (client: PretixClient, wanted: readonly string[] | null): Promise<Omit<Calendar, 'readAt'>> => {
  const { name } = await client.organizer();
  const listed = await client.events();
  const found = listed.rows.filter(({ slug }) => wanted === null || wanted.includes(slug));
  const missing = (wanted ?? []).filter((slug) => !listed.rows.some((row) => row.slug === slug));
  const dates = found.some((event) => event.has_subevents) ? await readDates(client) : { rows: [], rejected: [] };
  const byEvent = Map.groupBy(dates.rows, ({ event }) => event);
  return {
    organizerName: name,
    events: new Map(found.map((payload) => [payload.slug, { payload, dates: byEvent.get(payload.slug) ?? [] }])),
    rejected: [...listed.rejected, ...dates.rejected, ...missing.map((slug) => ({ upstreamId: `event:${slug}`, reason: 'The token sees no event of this name.', raw: null }))],
  };
};

/** Series that cannot be read leave the other events to be. */
const readDates = async (client: PretixClient): ReturnType<PretixClient['subevents']> => {
  try {
    return await client.subevents();
  } catch (error) {
    if (!(error instanceof UpstreamError) || error.reason !== 'shape') throw error;
    return { rows: [], rejected: [{ upstreamId: 'subevents', reason: error.message, raw: null }] };
  }
};

/** Whether it knows the event and every date that the order has tickets for. */
export const knows = (calendar: Calendar, slug: string, { positions }: OrderPayload): boolean => {
  const event = calendar.events.get(slug);
  return event !== undefined && positions.every(({ subevent }) => subevent === null || event.dates.some(({ id }) => id === subevent));
};

/** The events themselves; of a series its dates. */
const instances = function* ({ payload, dates }: CalendarEvent) {
  if (!payload.has_subevents) yield { event: payload, date: null };
  else for (const date of dates) yield { event: payload, date };
};

export const calendarFacts = (calendar: Calendar, naming: Naming, now: Date): Fact[] =>
  [...calendar.events.values()].flatMap((event) => [...instances(event)].flatMap(({ event: payload, date }) => [eventFact(payload, date, calendar.organizerName, naming, now), eventRecord(payload, date, naming, now)]));

/** That these events are known up to now. The hub counts them itself. */
export const observations = (events: readonly CalendarEvent[], naming: Naming, now: Date): Fact[] =>
  events.flatMap((event) => [...instances(event)].map(({ event: payload, date }) => ({ kind: 'observation' as const, eventId: hubEventId(naming, payload.slug, date?.id ?? null), at: now, totalRegistered: null, currentAttendees: null })));
