/**
 * The facts that a mapping may tell, in a friendly form: JSON, with times as ISO 8601 and whatever can be known left
 * out. Here they are completed, their participants hashed, and held to core/facts.ts; of those that fail, the reason
 * names the field.
 */
import { z } from 'zod';
import { directions, eventStatuses, fact as factSchema, gateStatuses, registrationStates, type EventFact, type Fact } from '#core/facts.ts';
import type { CustomContext, CustomSettings } from './connector-settings.ts';

/** The event that a resource is read for. */
export type KnownEvent = { readonly eventId: string; readonly upstreamId: string };

const text = z.union([z.string(), z.number()]).transform(String);
const optional = text.nullish();
const moment = z.iso.datetime({ offset: true, error: 'a time in ISO 8601 with a zone, such as 2024-06-01T09:00:00Z' }).transform((value) => new Date(value));
const number = z.coerce.number().nullish();
const oneOf = <const T extends readonly [string, ...string[]]>(values: T) => z.enum(values);

/** Of an event unless `eventId` names another: the one that the resource is read for, or the registration's. */
const ofEvent = { eventId: optional, at: moment.nullish() };
const one = { ...ofEvent, upstreamId: text };

const told = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('event'), ...ofEvent, upstreamId: optional, name: optional, type: optional, start: moment.nullish(), end: moment.nullish(), timezone: optional, region: optional, organizer: optional, public: z.boolean().nullish(),
    venue: z.strictObject({ name: optional, address: optional, latitude: number, longitude: number }).nullish(),
  }),
  z.strictObject({ kind: z.literal('status'), ...ofEvent, status: oneOf(eventStatuses) }),
  z.strictObject({ kind: z.literal('registration'), ...one, participant: optional, state: oneOf(registrationStates).nullish(), movable: z.boolean().nullish() }),
  z.strictObject({ kind: z.literal('checkIn'), ...one, at: moment, participant: text, direction: oneOf(directions).nullish(), gateId: optional, area: optional }),
  z.strictObject({ kind: z.literal('checkInVoided'), ...one }),
  z.strictObject({ kind: z.literal('checkInsStanding'), ...one, participant: text, standing: z.array(text).max(10_000) }),
  z.strictObject({ kind: z.literal('gate'), ...one, name: optional, status: oneOf(gateStatuses), throughput: number }),
  z.strictObject({ kind: z.literal('observation'), ...ofEvent, totalRegistered: number, currentAttendees: number }),
  /** What only this service knows of its event: the part of `CustomEvent.attributes` that this resource gives. Null takes it back. */
  z.strictObject({ kind: z.literal('record'), ...ofEvent, attributes: z.record(z.string(), z.unknown()).nullable() }),
]);
type Told = z.infer<typeof told>;

const mostFacts = 1_000;
/** Characters of JSON that a resource may tell of one event. */
export const largestAttributes = 16_384;

/** What a mapping was run for. */
export type Source = { readonly context: CustomContext; readonly resource: string; readonly event: KnownEvent | null; /** When the service was asked for it, or pushed it: what tells no time of its own was so then. */ readonly readAt: Date };

export type Completed = { readonly facts: Fact[]; /** Those that failed, by the name of the fact where it has one, else by its place. */ readonly failed: { readonly name: string; readonly reason: string }[] };

/** The facts of one record, from the JSON that its mapping came to. */
export const completeFacts = (json: string, source: Source): Completed => {
  const value = JSON.parse(json) as unknown;
  const list = Array.isArray(value) ? value : value === null ? [] : [value];
  const completed: Completed = { facts: [], failed: [] };
  if (list.length > mostFacts) completed.failed.push({ name: `#${mostFacts}`, reason: `MAPPING: a record tells ${list.length} facts; at most ${mostFacts} are taken` });
  for (const [index, each] of list.slice(0, mostFacts).entries()) {
    const result = completeFact(each, source);
    if (typeof result === 'string') completed.failed.push({ name: nameOf(each, source) ?? `#${index}`, reason: result });
    else completed.facts.push(result);
  }
  return completed;
};

/** As ingestion names the fact (`checkIn:<id>`), so that one that is told well later is found; undefined where it names nothing. */
const nameOf = (raw: unknown, { resource, event, context }: Source): string | undefined => {
  const named = z.object({ kind: z.string().max(40), upstreamId: text.nullish(), eventId: text.nullish() }).safeParse(raw);
  if (!named.success) return undefined;
  const { kind, upstreamId, eventId = event?.eventId ?? context.service.settings.eventId } = named.data;
  const id = kind === 'record' ? resource : kind === 'status' || kind === 'observation' ? eventId : (upstreamId ?? (kind === 'event' ? eventId : undefined));
  return id == null ? undefined : `${kind === 'record' ? 'custom.attributes' : kind}:${id}`.slice(0, 200);
};

/** The fact, or why it is none. */
const completeFact = (raw: unknown, source: Source): Fact | string => {
  const parsed = told.safeParse(raw);
  if (!parsed.success) return `FACT_INVALID: ${whatIsWrong(parsed.error, raw)}`;
  const eventId = parsed.data.eventId ?? source.event?.eventId ?? source.context.service.settings.eventId;
  if (eventId === undefined) return 'FACT_INVALID: eventId: no event is named, and the resource is not read for one';
  const fact = factSchema.safeParse(complete(parsed.data, eventId, source));
  return fact.success ? fact.data : `FACT_INVALID: ${whatIsWrong(fact.error, raw)}`;
};

const complete = (given: Told, eventId: string, { context, resource, event, readAt }: Source): unknown => {
  const { service, hashParticipant } = context;
  const at = given.at ?? readAt;
  switch (given.kind) {
    case 'event':
      return completeEvent(given, { eventId, upstreamId: given.upstreamId ?? event?.upstreamId ?? eventId, at }, service.settings);
    case 'status':
      return { ...given, eventId, upstreamId: eventId, at };
    case 'registration': {
      const { movable, ...rest } = given;
      return { ...rest, eventId, at, participant: hashParticipant(given.participant ?? given.upstreamId), state: given.state ?? 'CONFIRMED', ...(movable ? { movable } : {}) };
    }
    case 'checkIn':
      return { ...given, eventId, direction: given.direction ?? 'ENTRY', gateId: given.gateId ?? null, area: given.area ?? '', participant: hashParticipant(given.participant) };
    case 'checkInVoided':
      return { ...given, eventId, at };
    case 'checkInsStanding':
      return { ...given, eventId, at, participant: hashParticipant(given.participant) };
    case 'gate':
      return { ...given, eventId, at, name: given.name ?? given.upstreamId, throughput: given.throughput ?? 0 };
    case 'observation':
      return { ...given, eventId, at, totalRegistered: given.totalRegistered ?? null, currentAttendees: given.currentAttendees ?? null };
    case 'record':
      return { kind: 'record', type: 'custom.attributes', eventId, upstreamId: resource, at, data: boundedAttributes(given.attributes) };
  }
};

type Identity = Pick<EventFact, 'eventId' | 'upstreamId' | 'at'>;

const completeEvent = (given: Extract<Told, { kind: 'event' }>, identity: Identity, settings: CustomSettings): unknown => {
  const { venue } = given;
  const start = given.start ?? (settings.start ? new Date(settings.start) : undefined);
  const end = given.end ?? (settings.end && !given.start ? new Date(settings.end) : null);
  return {
    kind: 'event', product: 'CustomEvent', ...identity, name: given.name ?? settings.eventName, type: given.type ?? null, start, end, timezone: given.timezone ?? settings.timezone, region: given.region ?? settings.region ?? null, organizer: given.organizer ?? settings.organizer ?? null,
    venue: venue ? { name: venue.name ?? null, address: venue.address ?? null, latitude: venue.latitude ?? null, longitude: venue.longitude ?? null } : null, public: given.public ?? false,
  };
};

/** What is too large is no record any more, which the check of the fact then tells. */
const boundedAttributes = (attributes: Readonly<Record<string, unknown>> | null): unknown => {
  if (attributes === null) return null;
  const { length } = JSON.stringify(attributes);
  return length > largestAttributes ? `${length} characters` : attributes;
};

/** The first thing that is wrong, by the fact's kind and field, without the value. */
const whatIsWrong = (error: z.ZodError, raw: unknown): string => {
  const [issue] = error.issues;
  const kind = typeof raw === 'object' && raw !== null && 'kind' in raw && typeof raw.kind === 'string' ? `${raw.kind.slice(0, 40)}.` : '';
  const field = issue?.path.join('.') ?? '';
  if (field === 'data') return `record.attributes: at most ${largestAttributes} characters of JSON, of text that can be stored`;
  return `${kind}${field || 'fact'}: ${issue?.message ?? 'unknown'}`;
};
