/**
 * Pulls one pretix organizer: its events and dates, its orders with their check-ins, and what each event sells.
 *
 * Calls for a pull in which nothing changed: one for the organizer, one for each 50 events, one for each 50 dates of
 * series, one for the orders. An event whose orders changed costs its lists and quotas besides,
 * and one status for each list concerned; every ten minutes one event after the other is read like that anyway, since
 * pretix has no list of changes for products, quotas and lists.
 */
import type { Batch, Connector, Rejected } from '#core/connector.ts';
import { PushError, UpstreamError } from '#core/errors.ts';
import type { Fact } from '#core/facts.ts';
import { isOneOf, pushToken } from '#core/secrets.ts';
import { calendarFacts, isTold, markTold, observations, recentCalendar } from './connector-calendar.ts';
import { type Cursor, eventOf, keepEvents, readCursor, streamOf, wholeOrganizer, withEvents, withoutStream } from './connector-cursor.ts';
import { accepted } from './connector-facts.ts';
import { dueEvents, readOffer } from './connector-offers.ts';
import { type Pulling, readStream, streamsToRead } from './connector-orders.ts';
import { type PretixSettings, clientOf, roomOf, settings } from './connector-settings.ts';
import { translateAgain } from './connector-again.ts';
import { notification } from './upstream-payloads.ts';

/** The first part of a minute's calls is for anything, the last for orders alone: they are what must be live. */
const shareForOffers = 0.5;
/** So many events' offers are read in a pull all the same, or they would never be. */
const leastOffers = 2;

export const connector: Connector<PretixSettings> = {
  product: 'pretix',
  settings,
  budget: ({ requestsPerMinute }) => ({ calls: requestsPerMinute, seconds: 60 }),
  translateAgain: async (context, records) => translateAgain(context, records),
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
  async withdrawKeys(context) {
    const client = clientOf(context);
    const { rows } = await client.webhooks();
    for (const { id, enabled, target_url } of rows) if (enabled && target_url === context.service.endpoints.webhook) await client.deleteWebhook(id);
  },
  async *pull(context, stored) {
    const { settings: wanted } = context.service;
    const pulling: Pulling = { context, naming: wanted, calendar: await recentCalendar(context), readAgain: false };
    let cursor = keepEvents(readCursor(stored), new Set(pulling.calendar.events.keys()));
    const { calendar } = pulling;
    if (stored !== null && isTold(calendar)) yield batch([], [], cursor);
    else yield batch(calendarFacts(calendar, pulling.naming, context.now()), calendar.rejected, cursor);
    // Whoever asks for the next batch has stored this one, or has it in hand.
    markTold(calendar);

    const failed = new Map<string, Rejected>();
    for (const name of streamsToRead(cursor, pulling.calendar, wanted.events)) {
      const isFirst = streamOf(cursor, name).since === null;
      try {
        for await (const page of readStream(pulling, name, cursor)) yield batch(page.facts, page.rejected, (cursor = page.cursor));
        // From here on the whole organizer's stream tells of these events too.
        if (isFirst) cursor = withEvents(cursor, name === wholeOrganizer ? [...pulling.calendar.events.keys()] : [name]);
        if (wanted.events === null && name !== wholeOrganizer) cursor = withoutStream(cursor, name);
      } catch (error) {
        if (name === wholeOrganizer || !isOfOneEvent(error)) throw error;
        failed.set(name, refusal(name, error));
      }
    }
    const due = dueEvents(cursor, pulling.calendar, context.now()).filter(({ payload }) => !failed.has(payload.slug));
    for (const [place, event] of due.entries()) {
      // The rest is due with the next pull.
      if (place >= leastOffers && (await roomOf(context)) < wanted.requestsPerMinute * shareForOffers) break;
      try {
        const read = await readOffer({ client: clientOf(context), event, naming: pulling.naming, cursor, now: context.now() });
        yield batch(read.facts, read.rejected, (cursor = read.cursor));
      } catch (error) {
        if (!isOfOneEvent(error)) throw error;
        failed.set(event.payload.slug, refusal(event.payload.slug, error));
      }
    }
    const known = [...pulling.calendar.events.values()].filter(({ payload }) => !failed.has(payload.slug));
    const complete = known.every(({ payload }) => eventOf(cursor, payload.slug).readAt > 0);
    yield { ...batch(observations(known, pulling.naming, context.now()), [...failed.values()], cursor), complete };
  },
  /** pretix signs nothing: who knows the URL that it was given is pretix. */
  async receive(context, push) {
    if (!isOneOf(String(push.query.token), context.service.pushSecrets, pushToken)) throw new PushError('PUSH_SIGNATURE_INVALID', 'The URL does not carry the token of this service.');
    const read = notification.safeParse(parseJson(push.body));
    if (!read.success) throw new PushError('PUSH_MALFORMED', 'The body is not a pretix notification.', { fields: read.error.issues.map(({ path }) => path.join('.')) });
    if (read.data.organizer !== context.service.settings.organizer) throw new PushError('PUSH_MALFORMED', 'The notification is about another organizer.', { fields: ['organizer'] });
    return { kind: 'hint' };
  },
};

/** What can change a number: the rest of pretix's many actions would only cost calls. */
const webhookActions = [
  ...['placed', 'placed.require_approval', 'paid', 'canceled', 'reactivated', 'expired', 'modified', 'changed.*', 'refund.done', 'approved', 'denied', 'deleted'].map((action) => `pretix.event.order.${action}`),
  ...['checkin', 'checkin.reverted', 'added', 'changed', 'deleted', 'item.*', 'quota.*', 'live.activated', 'live.deactivated'].map((action) => `pretix.event.${action}`),
  ...['added', 'changed', 'deleted'].map((action) => `pretix.subevent.${action}`),
];

const batch = (facts: readonly Fact[], rejected: readonly Rejected[], cursor: Cursor): Batch => {
  const checked = accepted(facts);
  return { facts: checked.facts, rejected: [...rejected, ...checked.rejected], cursor };
};

/** An event that is gone, forbidden or answers nonsense says nothing about the others; a dead server does. */
const isOfOneEvent = (error: unknown): error is UpstreamError =>
  error instanceof UpstreamError && (error.reason === 'shape' || error.reason === 'not_json' || (error.reason === 'status' && Number(error.facts.status) !== 401));

const refusal = (name: string, error: UpstreamError): Rejected => ({ upstreamId: `pretix.offer:${name}`, reason: `${error.code}: ${error.message}`, raw: null });

const parseJson = (body: Buffer): unknown => {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw new PushError('PUSH_MALFORMED', 'The body is not JSON.');
  }
};
