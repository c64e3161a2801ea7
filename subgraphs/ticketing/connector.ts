/**
 * Pulls one ticketing platform: its resources by the time of their change, page by page, and takes its pushes and those
 * of YooKassa. A pull in which nothing changed costs one call for each of the six kinds of resource.
 */
import { z } from 'zod';
import type { Batch, Connector, Push, PushResult, Rejected } from '#core/connector.ts';
import { PushError, UpstreamError } from '#core/errors.ts';
import { explain } from '#core/explain.ts';
import { type Fact, factsOf } from '#core/facts.ts';
import { hmacHex, isOneOf, pushToken } from '#core/secrets.ts';
import { checkInFacts, factsOfResource, paymentFact } from './connector-facts.ts';
import { type TicketingContext, type TicketingSettings, paymentsOf, platformOf, secretSettings, settings } from './connector-settings.ts';
import * as payloads from './upstream-payloads.ts';
import { notification } from './upstream-payments.ts';

/** In this order, so that an event comes before what is said of it. */
const kinds = ['venues', 'artists', 'events', 'tickets', 'bookings', 'check-ins'] as const;

/** Where each list goes on: after `cursor` within a pass, or with what changed since then. `events`: those to be known up to now, by their end. */
const cursorSchema = z.object({
  lists: z.partialRecord(z.enum(kinds), z.object({ since: z.string().nullable(), cursor: z.string().nullable(), seen: z.string().nullable() })).default({}),
  events: z.record(z.string(), z.number()).default({}),
});
type Cursor = z.infer<typeof cursorSchema>;
type ListCursor = NonNullable<Cursor['lists'][(typeof kinds)[number]]>;

/** The platform promises that a change is listed five seconds after its time at the latest. */
const overlapMs = 10_000;
const day = 86_400_000;
/** Pushes are signed with the time that they are sent. */
const pushWindowSeconds = 300;

export const connector: Connector<TicketingSettings> = {
  product: 'ticketing',
  settings,
  secretSettings,
  async checkHealth(context) {
    const answer = z.object({ status: z.string() }).safeParse(await platformOf(context).health(context.service.endpoints.healthCheck));
    if (answer.data?.status !== 'healthy') throw new UpstreamError('shape', 'The platform does not say that it is healthy.', { status: answer.data?.status ?? '' });
  },
  fetchSample: (context) => platformOf(context).sample(),
  async exchangeKeys(context) {
    const { endpoints, pushSecret } = context.service;
    if (endpoints.webhook !== null) await platformOf(context).addWebhook(endpoints.webhook, pushSecret);
  },
  async withdrawKeys(context) {
    const { webhook } = context.service.endpoints;
    if (webhook !== null) await platformOf(context).removeWebhook(webhook);
  },
  async *pull(context, stored) {
    const client = platformOf(context);
    let cursor: Cursor = cursorSchema.safeParse(stored).data ?? { lists: {}, events: {} };
    for (const kind of kinds) {
      let list: ListCursor = cursor.lists[kind] ?? { since: null, cursor: null, seen: null };
      do {
        const page = await client.list(kind, { ...(list.since === null ? {} : { changedSince: list.since }), ...(list.cursor === null ? {} : { cursor: list.cursor }) });
        const facts = page.rows.flatMap((row) => factsOfResource(kind, row, context));
        list = afterPage(list, page.rows.at(-1)?.updatedAt ?? null, page.nextCursor);
        cursor = { lists: { ...cursor.lists, [kind]: list }, events: withEvents(cursor.events, facts, context.now()) };
        if (facts.length > 0 || page.rejected.length > 0 || list.cursor !== null) yield batch(facts, page.rejected, cursor);
      } while (list.cursor !== null);
    }
    const observations = Object.keys(cursor.events).map((eventId): Fact => ({ kind: 'observation', eventId, at: context.now(), totalRegistered: null, currentAttendees: null }));
    yield batch(observations, [], cursor);
  },
  async translateAgain(context, records) {
    const facts: Fact[] = [];
    const rejected: Rejected[] = [];
    for (const each of records) {
      const kind = kinds.find((name) => each.upstreamId.startsWith(`${name}:`));
      const read = kind && payloads.resources[kind].safeParse(each.raw);
      if (kind && read?.success) facts.push(...factsOfResource(kind, read.data as never, context));
      else rejected.push(read?.error ? { ...each, reason: explain(read.error) } : each);
    }
    return { facts, rejected };
  },
  receive: async (context, push) => (push.headers['x-webhook-signature'] === undefined ? receiveNotification(context, push) : receiveDelivery(context, push)),
};

const batch = (facts: readonly Fact[], rejected: readonly Rejected[], cursor: Cursor): Batch => ({ facts, rejected, cursor });

/** A pass ends with its last page; the next one begins a little before the newest change that it saw. */
const afterPage = ({ since, seen }: ListCursor, last: string | null, nextCursor: string | null): ListCursor => {
  const newest = last ?? seen;
  if (nextCursor !== null) return { since, cursor: nextCursor, seen: newest };
  return { since: newest === null ? since : new Date(Date.parse(newest) - overlapMs).toISOString(), cursor: null, seen: newest };
};

const withEvents = (known: Cursor['events'], facts: readonly Fact[], now: Date): Cursor['events'] => {
  const told = factsOf(facts, 'event').map(({ eventId, start, end }) => [eventId, (end ?? new Date(start.getTime() + day)).getTime()] as const);
  return Object.fromEntries([...Object.entries(known), ...told].filter(([, end]) => end > now.getTime() - day));
};

/** The platform's own push: check-ins are taken as they are, anything else is asked for. */
const receiveDelivery = (context: TicketingContext, push: Push): PushResult => {
  verify(push, context.service.pushSecrets, context.now());
  const { type, data } = read(payloads.delivery, push.body);
  if (type !== 'checkin.recorded') return { kind: 'hint' };
  const checkIn = payloads.checkIn.safeParse(data);
  return checkIn.success ? { kind: 'facts', facts: checkInFacts(checkIn.data, context), rejected: [] } : { kind: 'hint' };
};

/**
 * YooKassa signs nothing: the URL that its shop was given carries a token, and of the notification nothing is believed.
 * The payment is looked up, and what YooKassa then says of it is taken.
 */
const receiveNotification = async (context: TicketingContext, push: Push): Promise<PushResult> => {
  if (!isOneOf(String(push.query.token), context.service.pushSecrets, pushToken)) throw new PushError('PUSH_SIGNATURE_INVALID', 'The push is not signed, and its URL does not carry the token of this service.');
  const { event, object } = read(notification, push.body);
  const client = paymentsOf(context);
  const paymentId = event.startsWith('refund.') ? object.payment_id : object.id;
  if (client === null || paymentId === undefined) throw new PushError('PUSH_MALFORMED', 'The notification is about no payment of this service.', { field: 'object.id' });
  // Refunds are asked for by the booking's own job: the hub began them and knows their ids.
  if (event.startsWith('refund.')) return { kind: 'facts', facts: [], rejected: [] };
  const payment = await client.payment(paymentId);
  const fact = payment && paymentFact(payment, context.now());
  return { kind: 'facts', facts: fact ? [fact] : [], rejected: [] };
};

/** HMAC-SHA256 of `<timestamp>.<raw body>` under an exchanged secret, compared in constant time; then the time. */
const verify = ({ headers, body }: Push, secrets: readonly string[], now: Date): void => {
  const [timestamp, signature] = [headers['x-webhook-timestamp'], headers['x-webhook-signature']];
  const given = /^sha256=([0-9a-f]{64})$/.exec(typeof signature === 'string' ? signature : '')?.[1];
  if (given === undefined || !isOneOf(given, secrets, (secret) => hmacHex(secret, `${String(timestamp)}.`, body))) throw new PushError('PUSH_SIGNATURE_INVALID', 'X-Webhook-Signature is not the signature of this body under the exchanged secret.', { header: 'x-webhook-signature' });
  if (!/^\d{1,12}$/.test(String(timestamp)) || Math.abs(now.getTime() / 1000 - Number(timestamp)) > pushWindowSeconds) throw new PushError('PUSH_TIMESTAMP_INVALID', `X-Webhook-Timestamp is not within ${pushWindowSeconds} seconds of the hub's clock.`, { header: 'x-webhook-timestamp' });
};

const read = <T>(schema: z.ZodType<T>, body: Buffer): T => {
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch {
    throw new PushError('PUSH_MALFORMED', 'The push is not JSON.');
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new PushError('PUSH_MALFORMED', `The push is not as documented: ${explain(parsed.error)}.`, { field: parsed.error.issues[0]?.path.join('.') ?? '' });
  return parsed.data;
};
