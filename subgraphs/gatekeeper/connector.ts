/**
 * The gate system's data as facts.
 *
 * First everything (`sync/initial`), then what is new after the last sequence (`analytics/realtime?since=`). A log
 * under another name, or a sequence that went back, is a gate system that was restored or started anew: everything is
 * read again, and what is known already is dropped by its id. Where the gate system tells who passed, the hub counts;
 * where it only tells how many are inside, its own count is served and a push is only a hint to ask.
 */
import { z } from 'zod';
import type { Batch, Connector, ConnectorContext, Push, PushResult, Rejected } from '#core/connector.ts';
import { sha256Hex } from '#core/digest.ts';
import { PushError, UpstreamError } from '#core/errors.ts';
import { explain } from '#core/explain.ts';
import type { EventFact, Fact, GateFact, StatusFact } from '#core/facts.ts';
import { implausibleMoment, notAfter } from '#core/plausible-time.ts';
import { hmacHex, isOneOf } from '#core/secrets.ts';
import type { Period } from './domain.ts';
import { type EventDetails, type GatekeeperSettings, type PushBody, type Statement, checkInItem, connectUpstream, eventDetails, eventStatus, gateItem, parse, pushBody, settingsSchema, total } from './upstream.ts';

type Context = ConnectorContext<GatekeeperSettings>;
type Translated = { readonly facts: Fact[]; readonly rejected: Rejected[] };

/** Where the next pull goes on. The period is kept because a later answer need not repeat it. */
const cursorSchema = z.object({ log: z.string().nullable(), sequence: z.number().int().min(0).nullable(), start: z.iso.datetime(), end: z.iso.datetime() });
type Cursor = z.infer<typeof cursorSchema>;

/** The most facts in one batch: a page of check-ins in one transaction. */
const batchSize = 5_000;
/** A push older or newer than this, in seconds, may be one that somebody recorded. */
const pushWindowSeconds = 300;

export const connector: Connector<GatekeeperSettings> = {
  product: 'gatekeeper',
  settings: settingsSchema,
  async checkHealth(context) {
    const health = z.object({ status: z.literal('healthy') }).safeParse(await connectUpstream(context).health());
    if (!health.success) throw new UpstreamError('shape', 'The health check does not answer {"status": "healthy"}.', { field: 'status' });
  },
  fetchSample: (context) => connectUpstream(context).rawRealtime(),
  async exchangeKeys(context) {
    const { endpoints, pushSecret } = context.service;
    if (endpoints.webhook !== null) await connectUpstream(context).exchangeKeys(endpoints.webhook, pushSecret);
  },
  async *pull(context, stored) {
    const known = cursorSchema.safeParse(stored);
    const upstream = connectUpstream(context);
    const goOn = known.success && known.data.sequence !== null ? await upstream.realtime(known.data.sequence) : undefined;
    if (goOn && known.success && followsOn(goOn, known.data)) yield* pullFrom(context, goOn, known.data);
    else {
      const first = await upstream.initial();
      const { start, end } = ownEvent(first, context).period;
      yield* pullFrom(context, first, { log: first.log ?? null, sequence: first.sequence == null ? null : 0, start: start.toISOString(), end: end.toISOString() });
    }
  },
  receive: async (context, push) => receive(context, push),
  translateAgain: async (context, records) => translateAgain(context, records),
};

/** Check-ins are told once, so they are tried again; the rest is told by every pull as it is then. Their time is judged by ingestion, which knows the event's period. */
const translateAgain = (context: Context, records: readonly Rejected[]): Translated => {
  const checkIns = records.filter(({ upstreamId }) => upstreamId.startsWith('checkIn:'));
  const others = records.filter((each) => !checkIns.includes(each));
  return merge(translateCheckIns(checkIns.map(({ raw }) => raw), null, context), { facts: [], rejected: others });
};

const followsOn = (statement: Statement, known: Cursor): boolean => (statement.log ?? null) === known.log && statement.sequence != null && known.sequence !== null && statement.sequence >= known.sequence;

/** The event of an answer; throws where it is missing, not as documented or another one. */
const ownEvent = (statement: Statement, { service }: Context): EventDetails => {
  const event = parse(eventDetails, statement.event, 'sync/initial (event)');
  if (event.eventId !== service.settings.eventId) throw new UpstreamError('shape', `The service runs the event ${JSON.stringify(event.eventId)}, not ${JSON.stringify(service.settings.eventId)}.`, { field: 'event.eventId' });
  if (zoneOf(event, service.settings) === null) throw new UpstreamError('shape', noZone, { field: 'event.timezone' });
  return event;
};

const zoneOf = (event: EventDetails, settings: GatekeeperSettings): string | null => event.timezone ?? settings.timezone ?? null;
const noZone = 'The service tells no time zone of its event, and none was given at registration.';

/** Batches from `page` to the end of the log. Only the last says that the event is known up to now. */
async function* pullFrom(context: Context, first: Statement, cursor: Cursor): AsyncGenerator<Batch> {
  let page = first;
  let reached = cursor;
  for (;;) {
    const period = { start: new Date(reached.start), end: new Date(reached.end) };
    const about = translateEvent(page, context);
    const periodNow = about.event ? { start: about.event.start, end: about.event.end ?? period.end } : period;
    const translated = translateCheckIns(page.checkIns ?? [], periodNow, context);
    const next: Cursor = { ...reached, sequence: page.sequence ?? null, start: periodNow.start.toISOString(), end: periodNow.end.toISOString() };
    const last = !page.more;
    // The event goes first and the observation last: whoever reads between two batches sees nothing that is not so.
    const { facts, rejected } = merge(about.translated, translated, ...(last ? [translateState(page, periodNow, context)] : []));
    for (let from = 0; from + batchSize < facts.length; from += batchSize) yield { facts: facts.slice(from, from + batchSize), rejected: [], cursor: reached };
    yield { facts: facts.slice(Math.max(0, Math.ceil(facts.length / batchSize) - 1) * batchSize), rejected, cursor: next };
    if (last) return;
    if (next.sequence === null || next.sequence <= (reached.sequence ?? -1)) throw new UpstreamError('shape', 'The upstream says that there is more, but its sequence does not advance.', { field: 'sequence' });
    reached = next;
    page = await connectUpstream(context).realtime(next.sequence);
    if (!followsOn(page, next)) throw new UpstreamError('shape', 'The upstream started anew while it was read.', { field: 'sequence' });
  }
}

const merge = (...parts: readonly Translated[]): Translated => ({ facts: parts.flatMap(({ facts }) => facts), rejected: parts.flatMap(({ rejected }) => rejected) });

const reject = (what: string, id: unknown, reason: string, raw: unknown): Translated => {
  const name = typeof id === 'string' && id !== '' ? id.slice(0, 150) : sha256Hex(JSON.stringify(raw) ?? '').slice(0, 16);
  return { facts: [], rejected: [{ upstreamId: `${what}:${name}`, reason, raw }] };
};
const idOf = (raw: unknown): unknown => (typeof raw === 'object' && raw !== null && 'id' in raw ? raw.id : undefined);

const translateEvent = (statement: Statement, context: Context): { event: EventFact | undefined; translated: Translated } => {
  const { eventId } = context.service.settings;
  const parsed = statement.event == null ? undefined : eventDetails.safeParse(statement.event);
  if (!parsed) return { event: undefined, translated: merge() };
  if (!parsed.success) return { event: undefined, translated: reject('event', eventId, explain(parsed.error), statement.event) };
  const { type, organizer, period, region, venue, eventName, public: isPublic } = parsed.data;
  if (parsed.data.eventId !== eventId) return { event: undefined, translated: reject('event', eventId, `it is about the event ${parsed.data.eventId}`, statement.event) };
  const timezone = zoneOf(parsed.data, context.service.settings);
  if (timezone === null) return { event: undefined, translated: reject('event', eventId, noZone, statement.event) };
  const event: EventFact = {
    kind: 'event', product: 'GateEvent', eventId, upstreamId: eventId, at: context.now(), name: eventName, type: type ?? null, ...period, timezone, region: region ?? null, organizer: organizer?.organization ?? null,
    venue: venue ? { name: venue.name ?? null, address: venue.address ?? null, latitude: venue.latitude ?? null, longitude: venue.longitude ?? null } : null, public: isPublic,
  };
  return { event, translated: { facts: [event], rejected: [] } };
};

/** Gates, status and totals as of the moment that the statement was made. */
const translateState = (statement: Statement, period: Period, context: Context): Translated => {
  const { eventId } = context.service.settings;
  const now = context.now();
  const at = statement.timestamp ?? now;
  const totals = translateTotals(statement, context);
  return merge(translateGates(statement.gates, at, period, context), statement.status == null ? merge() : translateStatus(statement.status, at, period, context), totals ?? { facts: [], rejected: [] }, ...(totals ? [] : [reject('observation', eventId, 'a total is negative, not whole or above ten million', { participants: statement.participants, attendance: statement.attendance })]));
};

/** Undefined where a total cannot be true: then the last known values are served on, and grow stale. */
const translateTotals = ({ participants, attendance, checkIns }: Statement, { service, now }: Context): Translated | undefined => {
  const [registered, current] = [total.safeParse(participants.total), total.safeParse(attendance.current)];
  if (!registered.success || !current.success) return undefined;
  return { facts: [{ kind: 'observation', eventId: service.settings.eventId, at: now(), totalRegistered: registered.data, currentAttendees: checkIns == null ? current.data : null }], rejected: [] };
};

const translateStatus = (raw: unknown, at: Date, period: Period, { service, now }: Context): Translated => {
  const { eventId } = service.settings;
  const status = eventStatus.safeParse(raw);
  const wrong = status.success ? implausibleMoment(at, period, now()) : explain(status.error);
  if (!status.success || wrong !== null) return reject('status', eventId, wrong ?? '', raw);
  const words = { 'pre-event': 'PRE_EVENT', ongoing: 'ONGOING', ended: 'ENDED' } as const;
  const fact: StatusFact = { kind: 'status', eventId, upstreamId: eventId, at: notAfter(at, now()), status: words[status.data] };
  return { facts: [fact], rejected: [] };
};

const translateGates = (items: readonly unknown[], at: Date, period: Period, { service, now }: Context): Translated =>
  merge(
    ...items.map((raw): Translated => {
      const gate = gateItem.safeParse(raw);
      const wrong = gate.success ? implausibleMoment(at, period, now()) : explain(gate.error);
      if (!gate.success || wrong !== null) return reject('gate', idOf(raw), wrong ?? '', raw);
      const words = { open: 'OPEN', closed: 'CLOSED', failed: 'FAILED' } as const;
      const { id, name, status, throughput } = gate.data;
      const fact: GateFact = { kind: 'gate', eventId: service.settings.eventId, upstreamId: id, at: notAfter(at, now()), name: name ?? id, status: words[status], throughput };
      return { facts: [fact], rejected: [] };
    }),
  );

const translateCheckIns = (items: readonly unknown[], period: Period | null, { service, now, hashParticipant }: Context): Translated => {
  const translated: Translated = { facts: [], rejected: [] };
  const moment = now();
  for (const raw of items) {
    const item = checkInItem.safeParse(raw);
    const wrong = item.success ? implausibleMoment(item.data.at, period, moment) : explain(item.error);
    if (!item.success || wrong !== null) translated.rejected.push(...reject('checkIn', idOf(raw), wrong ?? '', raw).rejected);
    else {
      const { id, badgeId, gateId, direction, at } = item.data;
      translated.facts.push({ kind: 'checkIn', eventId: service.settings.eventId, upstreamId: id, at, direction: direction === 'exit' ? 'EXIT' : 'ENTRY', gateId: gateId ?? null, area: '', participant: hashParticipant(badgeId) });
    }
  }
  return translated;
};

const receive = (context: Context, push: Push): PushResult => {
  verifyPush(push, context.service.pushSecrets, context.now());
  const body = parsePush(push.body);
  const { eventId } = context.service.settings;
  if (body.eventId !== eventId) throw new PushError('PUSH_MALFORMED', `The push is about the event ${JSON.stringify(body.eventId)}, not ${JSON.stringify(eventId)}.`, { field: 'eventId' });
  const { checkIns, gates, status } = body.data;
  const at = body.data.at ?? body.timestamp ?? context.now();
  const carries = (body.event === 'attendance_checkin' && checkIns) || (body.event === 'gate_status' && gates) || (body.event === 'event_status_change' && status != null);
  // Without the period no time in it can be judged, and without items there is nothing to count: ask instead.
  if (!body.eventPeriod || !carries) return { kind: 'hint' };
  return { kind: 'facts', ...merge(translateCheckIns(checkIns ?? [], body.eventPeriod, context), translateGates(gates ?? [], at, body.eventPeriod, context), status == null ? merge() : translateStatus(status, at, body.eventPeriod, context)) };
};

/** HMAC-SHA256 of `<timestamp>.<raw body>` under an exchanged secret, compared in constant time; then the time. */
const verifyPush = ({ headers, body }: Push, secrets: readonly string[], now: Date): void => {
  const [timestamp, signature] = [headers['x-webhook-timestamp'], headers['x-webhook-signature']];
  const given = /^sha256=([0-9a-f]{64})$/.exec(typeof signature === 'string' ? signature : '')?.[1];
  if (given === undefined || !isOneOf(given, secrets, (secret) => hmacHex(secret, `${String(timestamp)}.`, body))) throw new PushError('PUSH_SIGNATURE_INVALID', 'X-Webhook-Signature is not the signature of this body under the exchanged secret.', { header: 'x-webhook-signature' });
  if (!/^\d{1,12}$/.test(String(timestamp)) || Math.abs(now.getTime() / 1000 - Number(timestamp)) > pushWindowSeconds) throw new PushError('PUSH_TIMESTAMP_INVALID', `X-Webhook-Timestamp is not within ${pushWindowSeconds} seconds of the hub's clock.`, { header: 'x-webhook-timestamp' });
};

const parsePush = (body: Buffer): PushBody => {
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch {
    throw new PushError('PUSH_MALFORMED', 'The push is not JSON.');
  }
  const parsed = pushBody.safeParse(json);
  if (!parsed.success) throw new PushError('PUSH_MALFORMED', `The push is not as documented: ${explain(parsed.error)}.`, { field: parsed.error.issues[0]?.path.join('.') ?? '' });
  return parsed.data;
};
