/**
 * Facts: what an upstream says happened or is so, in the hub's own words.
 *
 * Glossary
 * - fact: one statement of one upstream about one event, with the upstream's own id.
 * - occurrence: a fact about a moment (a check-in). It is counted once, for ever, by its id.
 * - state: a fact about how something is (an event, a registration, a gate, a status, a record). The newest by `at`
 *   wins, and one that says nothing new is dropped.
 * - observation: the upstream was reached and is known up to `at`. Never dropped: it keeps the live value fresh.
 * - participant: the keyed hash of the person or ticket that is admitted. Nothing else of a person is ever stored.
 * - area: what a check-in enters or leaves (a pretix check-in list); the whole event is `''`.
 */
import { z } from 'zod';
import { sha256 } from './digest.ts';

/** Whether PostgreSQL can store every text in it: without zero bytes and halves of characters. */
const isStorable = (value: unknown): boolean => {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\u0000');
  return typeof value !== 'object' || value === null || Object.entries(value).every(([key, each]) => isStorable(key) && isStorable(each));
};
const notStorable = 'text without zero bytes and halves of characters';

const id = z.string().min(1).max(200).refine(isStorable, notStorable);
const text = z.string().min(1).max(1000).refine(isStorable, notStorable);
/** ISO 8601 with a zone; kept as a Date inside. Years outside 1970-2100 are a mistake of the upstream. */
const moment = z.date().refine((date) => date.getUTCFullYear() >= 1970 && date.getUTCFullYear() <= 2100, 'a year between 1970 and 2100');
const count = z.number().int().min(0).max(10_000_000);

/** The hub-wide event id: it is in URLs, in keys' event lists and in webhooks. */
export const eventId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'letters, digits, dot, dash and underscore, 128 at most');

export const eventStatuses = ['PRE_EVENT', 'ONGOING', 'ENDED'] as const;
export type EventStatus = (typeof eventStatuses)[number];
export const gateStatuses = ['OPEN', 'CLOSED', 'FAILED'] as const;
export type GateStatus = (typeof gateStatuses)[number];
export const directions = ['ENTRY', 'EXIT'] as const;
export type Direction = (typeof directions)[number];
export const registrationStates = ['CONFIRMED', 'PENDING', 'CANCELLED'] as const;
export type RegistrationState = (typeof registrationStates)[number];

/** An IANA zone that this runtime knows. */
export const timezone = z.string().refine((zone) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}, 'an IANA time zone such as Asia/Seoul');

export const eventFact = z.object({
  kind: z.literal('event'),
  /** `GateEvent`, `PretixEvent`, …: the GraphQL type of the event. */
  product: z.string().regex(/^[A-Z][A-Za-z]*Event$/),
  eventId,
  upstreamId: id,
  at: moment,
  name: text,
  type: text.nullable(),
  start: moment,
  end: moment.nullable(),
  timezone,
  region: text.nullable(),
  organizer: text.nullable(),
  venue: z.object({ name: text.nullable(), address: text.nullable(), latitude: z.number().min(-90).max(90).nullable(), longitude: z.number().min(-180).max(180).nullable() }).nullable(),
  /** Anyone may see an event's name, period, place and status when it is public. */
  public: z.boolean(),
});

/** The upstream's own word on the status. Without one, status follows the period. */
export const statusFact = z.object({ kind: z.literal('status'), eventId, upstreamId: id, at: moment, status: z.enum(eventStatuses) });

export const registrationFact = z.object({
  kind: z.literal('registration'),
  eventId,
  upstreamId: id,
  at: moment,
  participant: id,
  state: z.enum(registrationStates),
  /** `upstreamId` names one ticket of the whole service, which can move: told at one event, it has left any other. */
  movable: z.literal(true).optional(),
});

export const checkInFact = z.object({
  kind: z.literal('checkIn'),
  eventId,
  upstreamId: id,
  at: moment,
  direction: z.enum(directions),
  gateId: id.nullable(),
  area: z.string().max(200).refine(isStorable, notStorable),
  participant: id,
});

/** The upstream took a check-in back (annulled it): it counts no more. Once, for ever, like the check-in itself. */
export const checkInVoidedFact = z.object({ kind: z.literal('checkInVoided'), eventId, upstreamId: id, at: moment });

/**
 * Which check-ins of one ticket still count, by their upstream's ids: those that are known and not here were taken
 * back, and count again when a later one names them and the same batch tells them. `upstreamId` is the ticket's. For
 * upstreams that tell what is left and not what was undone.
 */
export const checkInsStandingFact = z.object({ kind: z.literal('checkInsStanding'), eventId, upstreamId: id, at: moment, participant: id, standing: z.array(id).max(10_000) });

export const gateFact = z.object({
  kind: z.literal('gate'),
  eventId,
  upstreamId: id,
  at: moment,
  name: text,
  status: z.enum(gateStatuses),
  /** Check-ins per minute, as the upstream measures it. */
  throughput: z.number().min(0).max(100_000),
});

/**
 * The upstream was reached and is known up to `at`. `totalRegistered` and `currentAttendees` are its own totals, and
 * are served as they are; null where the hub counts the upstream's registrations or check-ins itself.
 */
export const observationFact = z.object({ kind: z.literal('observation'), eventId, at: moment, totalRegistered: count.nullable(), currentAttendees: count.nullable() });

/** What only this product knows (a pretix order, a quota). Only the product's own subgraph reads it; it parses `data`. */
export const recordFact = z.object({
  kind: z.literal('record'),
  /** Null for what belongs to the service and to no event of its own (an artist, a venue). */
  eventId: eventId.nullable(),
  /** What it is, in the product's words: `pretix.order`. */
  type: z.string().regex(/^[a-z]+\.[a-zA-Z]+$/),
  upstreamId: id,
  at: moment,
  /** Null when it was deleted upstream. */
  data: z.record(z.string(), z.unknown()).nullable().refine(isStorable, notStorable),
});

export const fact = z.discriminatedUnion('kind', [eventFact, statusFact, registrationFact, checkInFact, checkInVoidedFact, checkInsStandingFact, gateFact, observationFact, recordFact]);

export type EventFact = z.infer<typeof eventFact>;
export type StatusFact = z.infer<typeof statusFact>;
export type RegistrationFact = z.infer<typeof registrationFact>;
export type CheckInFact = z.infer<typeof checkInFact>;
export type CheckInVoidedFact = z.infer<typeof checkInVoidedFact>;
export type CheckInsStandingFact = z.infer<typeof checkInsStandingFact>;
export type GateFact = z.infer<typeof gateFact>;
export type ObservationFact = z.infer<typeof observationFact>;
export type RecordFact = z.infer<typeof recordFact>;
export type Fact = z.infer<typeof fact>;

/** The facts of one kind, in their order. */
export const factsOf = <K extends Fact['kind']>(facts: readonly Fact[], kind: K): Extract<Fact, { kind: K }>[] =>
  facts.filter((each): each is Extract<Fact, { kind: K }> => each.kind === kind);

/** As much of a fact as names it. */
export type FactName = { readonly kind: Exclude<Fact['kind'], 'observation' | 'record'>; readonly eventId: string; readonly upstreamId: string } | Pick<RecordFact, 'kind' | 'type' | 'eventId' | 'upstreamId'>;

/** Identity of a fact within its service: the same key is the same thing said again. */
export const factKey = (fact: FactName): string =>
  fact.kind === 'record' ? `${fact.type}:${fact.eventId ?? ''}:${fact.upstreamId}` : `${fact.kind}:${fact.eventId}:${fact.upstreamId}`;

/** What a fact is called where it is rejected: `<kind>:<upstreamId>`, for a record its type instead of the kind, for an observation the event's id. */
export const rejectedName = (fact: Fact): string => `${fact.kind === 'record' ? fact.type : fact.kind}:${fact.kind === 'observation' ? fact.eventId : fact.upstreamId}`.slice(0, 200);

/** What a state says, apart from when: two states with the same digest say the same. */
export const factDigest = (fact: Exclude<Fact, ObservationFact>): string => {
  const { at: _at, ...rest } = fact;
  return sha256(JSON.stringify(rest)).slice(0, 16);
};
