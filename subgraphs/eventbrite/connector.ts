/**
 * Pulls one Eventbrite organization: its events, its attendees with their check-ins, and what each event sells.
 *
 * Calls for a pull in which nothing changed: one, for the stream of attendees; every five minutes one more for each 50
 * current events, every six hours one for each 50 of all, and every hour one for the ticket classes of each event that
 * is on, to come, or over since yesterday. All attendees of an event are read once when it is first seen and once after
 * it is over. Live news and all else have calls of their own (connector-cursor.ts, 'shares').
 */
import type { Connector, ConnectorContext, PushResult, Rejected } from '#core/connector.ts';
import { PushError, UpstreamError } from '#core/errors.ts';
import { isOneOf, pushToken } from '#core/secrets.ts';
import type { UpstreamHttp } from '#core/upstream-http.ts';
import { isOfOneEvent, readPageOfEvent, readStream } from './connector-attendees.ts';
import { type Read, readCalendar } from './connector-calendar.ts';
import { type Cursor, dueReadings, dueTickets, isReadWhole, mayCall, observedEvents, readCursor, refill, withCalls, withEvent } from './connector-cursor.ts';
import { hubEventId, observations, ticketClassesRecord } from './connector-facts.ts';
import { type EventbriteContext, type EventbriteSettings, budget, clientOf, settings } from './connector-settings.ts';
import { translateAgain } from './connector-again.ts';
import { notification } from './upstream-payloads.ts';

/** When each service last answered well: what pulls it is well needs no call of its own to know so. */
const answeredAt = new WeakMap<UpstreamHttp, number>();
const trustMs = 240_000;

export const connector: Connector<EventbriteSettings> = {
  product: 'eventbrite',
  settings,
  budget,
  async checkHealth(context) {
    const now = context.now().getTime();
    if (now - (answeredAt.get(context.http) ?? -Infinity) < trustMs) return;
    const { rows } = await clientOf(context).organizations();
    if (!rows.some(({ id }) => id === context.service.settings.organizationId)) throw new UpstreamError('status', 'The token is of nobody who is a member of this organization.', { status: 403, field: 'settings.organizationId' });
    answeredAt.set(context.http, now);
  },
  fetchSample: (context) => clientOf(context).sample(),
  /** Eventbrite signs nothing, so there is no key to exchange: only where to push to. Done once, however often it is called. */
  async exchangeKeys(context) {
    const target = context.service.endpoints.webhook;
    if (target === null || !context.service.settings.webhooks) return;
    const client = clientOf(context);
    try {
      const { rows } = await client.webhooks();
      const known = rows.filter((each) => each.endpoint_url === target);
      if (known.some(({ actions }) => webhookActions.every((action) => actions.includes(action)))) return;
      await client.createWebhook(target, webhookActions);
      for (const { id } of known) await client.deleteWebhook(id);
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.facts.status !== 403) throw error;
      throw new UpstreamError('status', 'The token may not add a webhook. Let its owner manage the organization, or set `webhooks` to false to poll alone.', { status: 403, field: 'settings.webhooks' });
    }
  },
  async withdrawKeys(context) {
    const target = context.service.endpoints.webhook;
    if (target === null) return;
    const client = clientOf(context);
    const { rows } = await client.webhooks();
    for (const { id, endpoint_url } of rows) if (endpoint_url === target) await client.deleteWebhook(id);
  },
  async *pull(context, stored) {
    const failed = new Map<string, Rejected>();
    const before = refill(readCursor(stored), context.service.settings.callsPerHour, context.now().getTime());
    let cursor = before;
    for (const read of [readCalendar, readStream]) for await (const page of read(context, cursor)) yield { ...page, cursor: (cursor = page.cursor) };
    for await (const page of readWholeEvents(context, cursor, failed)) yield { ...page, cursor: (cursor = page.cursor) };
    for await (const page of readTickets(context, cursor, failed)) yield { ...page, cursor: (cursor = page.cursor) };
    // Where the stream was left for later, nothing is known up to now.
    const isCurrent = cursor.stream !== before.stream;
    const known = observedEvents(cursor, context.now().getTime()).filter((id) => isCurrent && !failed.has(id));
    yield { facts: observations(known, context.service.settings, context.now()), rejected: [...failed.values()], cursor, complete: isReadWhole(cursor, failed) };
    answeredAt.set(context.http, context.now().getTime());
  },
  translateAgain,
  /** Eventbrite signs nothing: who knows the URL that it was given is Eventbrite. */
  receive: (context, push) => Promise.resolve().then(() => receive(context, push.query.token, push.body)),
};

/** What can change a number. */
const webhookActions = ['attendee.updated', 'barcode.checked_in', 'barcode.un_checked_in', 'event.created', 'event.published', 'event.unpublished', 'event.updated', 'order.placed', 'order.refunded', 'order.updated', 'ticket_class.created', 'ticket_class.deleted', 'ticket_class.updated', 'venue.updated'];

const receive = ({ service }: ConnectorContext<EventbriteSettings>, token: string | undefined, body: Buffer): PushResult => {
  if (!isOneOf(String(token), service.pushSecrets, pushToken)) throw new PushError('PUSH_SIGNATURE_INVALID', 'The URL does not carry the token of this service.');
  const read = notification.safeParse(parseJson(body));
  if (!read.success) throw new PushError('PUSH_MALFORMED', 'The body is not an Eventbrite notification.', { fields: read.error.issues.map(({ path }) => path.join('.')) });
  return { kind: 'hint', againAfter };
};

/** Seconds: Eventbrite's reads lag behind its webhooks, mostly under 15 seconds and up to 5 minutes. */
const againAfter = [5, 20, 60, 300];

/** All attendees of events that were not read yet, or not since they were over, as far as the allowance goes. */
const readWholeEvents = async function* (context: EventbriteContext, from: Cursor, failed: Map<string, Rejected>): AsyncGenerator<Read> {
  let cursor = from;
  for (const event of dueReadings(cursor, context.now().getTime())) {
    try {
      for (let ended = false; !ended; ) {
        if (!mayCall(cursor, 'rest')) return;
        const read = await readPageOfEvent(context, cursor, event);
        yield { ...read, cursor: (cursor = read.cursor) };
        ({ ended } = read);
      }
    } catch (error) {
      if (!isOfOneEvent(error)) throw error;
      cursor = { ...withCalls(cursor, 'rest', 1), reading: null };
      failed.set(event, refusal(context, event, error));
    }
  }
};

const readTickets = async function* (context: EventbriteContext, from: Cursor, failed: Map<string, Rejected>): AsyncGenerator<Read> {
  const client = clientOf(context);
  let cursor = from;
  for (const event of dueTickets(cursor, context.now().getTime())) {
    if (!mayCall(cursor, 'rest')) return;
    if (failed.has(event)) continue;
    const begun = context.now();
    cursor = withCalls(cursor, 'rest', 1);
    try {
      const { rows, rejected } = await client.ticketClasses(event);
      cursor = withEvent(cursor, event, { ticketsAt: begun.getTime(), touched: false });
      yield { facts: [ticketClassesRecord(event, rows, context.service.settings, begun)], rejected, cursor };
    } catch (error) {
      if (!isOfOneEvent(error)) throw error;
      failed.set(event, refusal(context, event, error));
    }
  }
};

/** Until the event is known up to now again. */
const refusal = ({ service }: EventbriteContext, event: string, error: UpstreamError): Rejected => ({ upstreamId: `observation:${hubEventId(service.settings, event)}`, reason: `${error.code}: ${error.message}`, raw: null });

const parseJson = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw new PushError('PUSH_MALFORMED', 'The body is not JSON.');
  }
};
