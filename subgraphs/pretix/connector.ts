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
import { type Cursor, afterPage, beginPass, keepEvents, readCursor, streamOf, wholeOrganizer, withStream, withTouched, withoutStream } from './connector-cursor.ts';
import { type Naming, accepted, eventFact, eventRecord, hubEventId, orderFacts } from './connector-facts.ts';
import { dueEvents, readOffer } from './connector-offers.ts';
import { type PretixClient, createPacer, createPretixClient } from './upstream.ts';
import { notification, slug } from './upstream-payloads.ts';
import type { OrderPayload } from './upstream-payloads.ts';

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
  /** Whether the hub adds a webhook to pretix, so that it learns of changes at once. The token needs the right to change the organizer's settings. */
  webhooks: z.boolean().default(true),
  /** pretix Hosted allows 360 to an organizer, and others may hold tokens too. */
  requestsPerMinute: z.number().int().min(1).max(6000).default(300),
});
export type PretixSettings = z.infer<typeof settings>;

type Context = ConnectorContext<PretixSettings>;

/** Far beyond any real pass; a stream that never ends does end here. */
const maxPages = 20_000;

export const connector: Connector<PretixSettings> = {
  product: 'pretix',
  settings,
  async checkHealth(context) {
    await clientOf(context).organizer();
  },
  fetchSample: (context) => clientOf(context).sample(),
  /** pretix signs nothing, so there is no key to exchange: only where to push to. Done once, however often it is called. */
  async exchangeKeys(context) {
    const target = context.service.endpoints.webhook;
    if (target === null || !context.service.settings.webhooks) return;
    const client = clientOf(context);
    try {
      const { rows } = await client.webhooks();
      if (!rows.some((each) => each.enabled && each.target_url === target)) await client.createWebhook(target, webhookActions);
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.facts.status !== 403) throw error;
      throw new UpstreamError('status', 'The token may not add a webhook. Allow its team to change organizer settings, or set `webhooks` to false to poll alone.', { status: 403, field: 'settings.webhooks' });
    }
  },
  async *pull(context, stored) {
    const client = clientOf(context);
    const naming = namingOf(context);
    const calendar = await readCalendar(client, context.service.settings.events);
    let cursor = keepEvents(readCursor(stored), new Set(calendar.events.keys()));
    yield batch(calendarFacts(calendar, naming, context.now()), calendar.rejected, cursor);

    const failed = new Map<string, Rejected>();
    const positions = new Map<number, string>();
    for (const name of streamsToRead(cursor, calendar, context.service.settings.events)) {
      try {
        for await (const page of readStream(context, client, calendar, naming, name, cursor, positions)) yield batch(page.facts, page.rejected, (cursor = page.cursor));
        if (context.service.settings.events === null && name !== wholeOrganizer) cursor = withoutStream(cursor, name);
      } catch (error) {
        if (name === wholeOrganizer || !isOfOneEvent(error)) throw error;
        failed.set(name, refusal(name, error));
      }
    }
    for (const event of dueEvents(cursor, calendar, context.now()).filter(({ payload }) => !failed.has(payload.slug))) {
      try {
        const read = await readOffer({ client, event, naming, cursor, positions, now: context.now() });
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

/** What can change a number: the rest of pretix's many actions would only cost calls. */
const webhookActions = [
  ...['placed', 'placed.require_approval', 'paid', 'canceled', 'reactivated', 'expired', 'modified', 'changed.*', 'refund.done', 'approved', 'denied', 'deleted'].map((action) => `pretix.event.order.${action}`),
  ...['checkin', 'checkin.reverted', 'added', 'changed', 'deleted', 'item.*', 'quota.*', 'live.activated', 'live.deactivated'].map((action) => `pretix.event.${action}`),
  ...['added', 'changed', 'deleted'].map((action) => `pretix.subevent.${action}`),
];

/**
 * One stream for each wanted event, or one for all of them; then also one, once, for each event that the token has come
 * to see since: its older orders are long behind the cursor.
 */
const streamsToRead = (cursor: Cursor, calendar: Calendar, wanted: readonly string[] | null): string[] => {
  const slugs = [...calendar.events.keys()];
  if (wanted !== null) return slugs;
  const began = streamOf(cursor, wholeOrganizer).since !== null;
  return [wholeOrganizer, ...slugs.filter((slug) => cursor.streams[slug] || (began && !cursor.events[slug]))];
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

/** Check-ins without an id could not be counted once. */
const uncountable = (order: OrderPayload): Rejected[] =>
  order.positions.flatMap(({ id, checkins }) => checkins.filter((each) => each.id === undefined).map(() => ({ upstreamId: `position:${id}`, reason: 'A check-in without an id: this pretix is older than 2024.', raw: null })));

const parseJson = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw new PushError('PUSH_MALFORMED', 'The body is not JSON.');
  }
};
