/**
 * Pulls one pretix organizer: its events and dates, its orders with their check-ins, and what each event sells.
 *
 * Calls for a pull in which nothing changed: one for the organizer, one for each 50 events, one for each 50 dates of
 * series, one for the orders. An event whose orders changed costs its lists, quotas and annulled check-ins besides,
 * and one status for each list concerned; every ten minutes one event after the other is read like that anyway, since
 * pretix has no list of changes for products, quotas and lists.
 */
import { z } from 'zod';
import type { Batch, Connector, ConnectorContext, Rejected } from '#core/connector.ts';
import { PushError, UpstreamError } from '#core/errors.ts';
import { type Fact, eventId, timezone } from '#core/facts.ts';
import type { UpstreamHttp } from '#core/upstream-http.ts';
import { type Calendar, type CalendarEvent, readCalendar } from './connector-calendar.ts';
import { type Cursor, afterPage, beginPass, eventOf, keepEvents, readCursor, streamOf, wholeOrganizer, withEvent, withStream, withTouched } from './connector-cursor.ts';
import { type Naming, accepted, eventFact, eventRecord, hubEventId, listRecord, orderFacts, productRecord, quotaRecord, voidedFacts } from './connector-facts.ts';
import { type PretixClient, createPacer, createPretixClient } from './upstream.ts';
import { notification, slug } from './upstream-payloads.ts';
import type { CheckInListPayload, CheckInPayload, OrderPayload } from './upstream-payloads.ts';

export const settings = z.object({
  /** Slug of the organizer. */
  organizer: slug,
  /** Slugs of the events that are wanted; null or absent: all that the token sees. */
  events: z.array(slug).min(1).max(1000).nullish().transform((value) => value ?? null),
  /** For pretix versions that do not tell an event's time zone. */
  timezone: timezone.default('UTC'),
  region: z.string().min(1).max(100).nullish().transform((value) => value ?? null),
  /** Which of the organizer's event properties (`meta_data`) says what type an event is. */
  typeProperty: z.string().default('type'),
  /** Hub-wide ids given by hand, by `slug` or `slug/date`. */
  eventIds: z.record(z.string(), eventId).default({}),
  /** pretix Hosted allows 360 to an organizer, and others may hold tokens too. */
  requestsPerMinute: z.number().int().min(1).max(6000).default(300),
});
export type PretixSettings = z.infer<typeof settings>;

type Context = ConnectorContext<PretixSettings>;

const readEveryMs = 600_000;
/** How many events are read again in one pull though their orders did not change. */
const readAgainAtOnce = 20;
/** Far beyond any real pass; a stream that never ends does end here. */
const maxPages = 20_000;

export const connector: Connector<PretixSettings> = {
  product: 'pretix',
  settings,
  async checkHealth(context) {
    await clientOf(context).organizer();
  },
  fetchSample: (context) => clientOf(context).sample(),
  async *pull(context, stored) {
    const client = clientOf(context);
    const naming = namingOf(context);
    const calendar = await readCalendar(client, context.service.settings.events);
    let cursor = keepEvents(readCursor(stored), new Set(calendar.events.keys()));
    yield batch(calendarFacts(calendar, naming, context.now()), calendar.rejected, cursor);

    const failed = new Map<string, Rejected>();
    const positions = new Map<number, string>();
    for (const name of context.service.settings.events ?? [wholeOrganizer]) {
      if (name !== wholeOrganizer && !calendar.events.has(name)) continue;
      try {
        for await (const page of readStream(context, client, calendar, naming, name, cursor, positions)) yield batch(page.facts, page.rejected, (cursor = page.cursor));
      } catch (error) {
        if (name === wholeOrganizer || !isOfOneEvent(error)) throw error;
        failed.set(name, refusal(name, error));
      }
    }
    for (const event of dueEvents(cursor, calendar, context.now()).filter(({ payload }) => !failed.has(payload.slug))) {
      try {
        const read = await readOffer(context, client, event, naming, cursor, positions);
        yield batch(read.facts, read.rejected, (cursor = read.cursor));
      } catch (error) {
        if (!isOfOneEvent(error)) throw error;
        failed.set(event.payload.slug, refusal(event.payload.slug, error));
      }
    }
    const known = [...calendar.events.values()].filter(({ payload }) => !failed.has(payload.slug));
    yield batch(observations(known, naming, context.now()), [...failed.values()], cursor);
  },
  async receive(context, push) {
    const read = notification.safeParse(parseJson(push.body));
    if (!read.success) throw new PushError('PUSH_MALFORMED', 'The body is not a pretix notification.', { fields: read.error.issues.map(({ path }) => path.join('.')) });
    if (read.data.organizer !== context.service.settings.organizer) throw new PushError('PUSH_MALFORMED', 'The notification is about another organizer.', { fields: ['organizer'] });
    return { kind: 'hint' };
  },
};

/** One pace for one service, over all its pulls: `UpstreamHttp` lives as long as the service does. */
const pacers = new WeakMap<UpstreamHttp, ReturnType<typeof createPacer>>();

const clientOf = (context: Context): PretixClient => {
  const { service, http, signal } = context;
  if (service.credentials.type !== 'api_key') throw new UpstreamError('status', 'pretix needs credentials of type api_key: the API token of a team.', { status: 401 });
  const pace = pacers.get(http) ?? createPacer(service.settings.requestsPerMinute);
  pacers.set(http, pace);
  return createPretixClient({ http, signal, pace, api: service.endpoints.api, token: service.credentials.apiKey, organizer: service.settings.organizer });
};

const namingOf = ({ service: { settings } }: Context): Naming => settings;

const batch = (facts: readonly Fact[], rejected: readonly Rejected[], cursor: Cursor): Batch => {
  const checked = accepted(facts);
  return { facts: checked.facts, rejected: [...rejected, ...checked.rejected], cursor };
};

/** An event that is gone, forbidden or answers nonsense says nothing about the others; a dead server does. */
const isOfOneEvent = (error: unknown): error is UpstreamError =>
  error instanceof UpstreamError && (error.reason === 'shape' || error.reason === 'not_json' || (error.reason === 'status' && Number(error.facts.status) !== 401));

const refusal = (name: string, error: UpstreamError): Rejected => ({ upstreamId: name, reason: `${error.code}: ${error.message}`, raw: null });

/** The events themselves; of a series its dates. */
const instances = function* ({ payload, dates }: CalendarEvent) {
  if (!payload.has_subevents) yield { event: payload, date: null };
  else for (const date of dates) yield { event: payload, date };
};

const calendarFacts = (calendar: Calendar, naming: Naming, now: Date): Fact[] =>
  [...calendar.events.values()].flatMap((event) => [...instances(event)].flatMap(({ event, date }) => [eventFact(event, date, calendar.organizerName, naming, now), eventRecord(event, date, naming, now)]));

const observations = (events: readonly CalendarEvent[], naming: Naming, now: Date): Fact[] =>
  events.flatMap((event) => [...instances(event)].map(({ event, date }) => ({ kind: 'observation' as const, eventId: hubEventId(naming, event.slug, date?.id ?? null), at: now, totalRegistered: null, currentAttendees: null })));

type Read = { facts: Fact[]; rejected: readonly Rejected[]; cursor: Cursor };

/** A stream from where it stands to its end, page by page. Remembers in `positions` which event each position is of. */
const readStream = async function* (context: Context, client: PretixClient, calendar: Calendar, naming: Naming, name: string, from: Cursor, positions: Map<number, string>): AsyncGenerator<Read> {
  let cursor = from;
  for (let pages = 1; pages <= maxPages; pages++) {
    const begun = beginPass(streamOf(cursor, name), context.now().getTime());
    const page = await client.orders({ event: name === wholeOrganizer ? null : name, since: begun.pass.since, page: begun.pass.page });
    const facts: Fact[] = [];
    const rejected = [...page.rejected];
    for (const order of page.rows) {
      const of = calendar.events.get(order.event ?? name);
      if (!of) continue;
      for (const { id, subevent } of order.positions) positions.set(id, hubEventId(naming, of.payload.slug, subevent));
      facts.push(...orderFacts(order, of.payload.slug, naming, context.hashParticipant, context.now()));
      rejected.push(...uncountable(order));
      cursor = withTouched(cursor, of.payload.slug, datesOf(order));
    }
    const after = afterPage(begun, { generated: page.generated, last: page.rows.at(-1)?.last_modified ?? null, more: page.more }, context.now().getTime());
    cursor = withStream(cursor, name, after);
    yield { facts, rejected, cursor };
    if (after.pass === null && after.since !== null) return;
    // Nothing known of pretix's clock and nothing read: an empty organizer.
    if (after.pass === null && page.rows.length === 0 && begun.since === null) return;
  }
  throw new UpstreamError('shape', `pretix's list of orders does not end after ${maxPages} pages.`);
};

const datesOf = (order: OrderPayload): string[] => order.positions.map(({ subevent }) => (subevent === null ? '' : String(subevent)));

/** Events whose orders changed, then those that were never read, then those that were not read for longest. */
const dueEvents = (cursor: Cursor, calendar: Calendar, now: Date): CalendarEvent[] => {
  const all = [...calendar.events.values()].map((event) => ({ event, state: eventOf(cursor, event.payload.slug) }));
  const touched = all.filter(({ state }) => state.touched.length > 0);
  const untouched = all.filter(({ state }) => state.touched.length === 0);
  const unread = untouched.filter(({ state }) => state.readAt === 0);
  const stale = untouched.filter(({ state }) => state.readAt > 0 && now.getTime() - state.readAt >= readEveryMs).sort((a, b) => a.state.readAt - b.state.readAt);
  return [...touched, ...unread, ...stale.slice(0, readAgainAtOnce)].map(({ event }) => event);
};

/** Products, quotas, lists with their numbers, and what was annulled, of one event or series. */
const readOffer = async (context: Context, client: PretixClient, event: CalendarEvent, naming: Naming, cursor: Cursor, positions: ReadonlyMap<number, string>): Promise<Read> => {
  const { slug } = event.payload;
  const series = hubEventId(naming, slug, null);
  const before = eventOf(cursor, slug);
  const now = context.now();
  const again = now.getTime() - before.readAt >= readEveryMs;
  const items = again ? await client.items(slug) : { rows: [], rejected: [] };
  const quotas = await client.quotas(slug);
  const lists = await client.checkInLists(slug);
  const annulled = before.touched.length > 0 ? await client.checkIns(slug, { errorReason: 'annulled' }) : { rows: [], rejected: [] };
  const records: Fact[] = [...items.rows.map((each) => productRecord(series, each, now)), ...quotas.rows.map((each) => quotaRecord(series, each, now))];
  for (const list of lists.rows.filter((each) => isConcerned(each, before.touched, again, event, now))) records.push(listRecord(series, list, await client.checkInListStatus(slug, list.id), now));
  return {
    facts: [...records, ...voidedFacts(annulled.rows, (row) => eventsOf(row, lists.rows, before.touched, event, naming, positions), now)],
    rejected: [items, quotas, lists, annulled].flatMap(({ rejected }) => rejected),
    cursor: withEvent(cursor, slug, { readAt: again ? now.getTime() : before.readAt, touched: [] }),
  };
};

/**
 * The event of a check-in. After an interrupted pull the position may not be known; in a series, on a list for all
 * dates, it is then of one of the dates that were touched, and taking it back in the others does nothing.
 */
const eventsOf = (row: CheckInPayload, lists: readonly CheckInListPayload[], touched: readonly string[], { payload }: CalendarEvent, naming: Naming, positions: ReadonlyMap<number, string>): readonly string[] => {
  if (row.position === null) return [];
  const known = positions.get(row.position);
  if (known !== undefined) return [known];
  if (!payload.has_subevents) return [hubEventId(naming, payload.slug, null)];
  const date = lists.find(({ id }) => id === row.list)?.subevent;
  return (date ? [date] : touched.filter(Boolean).map(Number)).map((each) => hubEventId(naming, payload.slug, each));
};

/** Check-ins without an id could not be counted once. */
const uncountable = (order: OrderPayload): Rejected[] =>
  order.positions.flatMap(({ id, checkins }) => checkins.filter((each) => each.id === undefined).map(() => ({ upstreamId: `position:${id}`, reason: 'A check-in without an id: this pretix is older than 2024.', raw: null })));

/** A series may have a list for each of a thousand dates: only those are asked whose numbers can have changed. */
const isConcerned = (list: CheckInListPayload, touched: readonly string[], again: boolean, event: CalendarEvent, now: Date): boolean => {
  if (list.subevent === null || touched.includes(String(list.subevent))) return true;
  const date = event.dates.find(({ id }) => id === list.subevent);
  return again && date !== undefined && Math.abs(Date.parse(date.date_from) - now.getTime()) < 86_400_000;
};

const parseJson = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw new PushError('PUSH_MALFORMED', 'The body is not JSON.');
  }
};
