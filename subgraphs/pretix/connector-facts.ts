/**
 * pretix's payloads as the hub's facts. Pure: the clock and the participant hash are arguments.
 *
 * How pretix itself counts (`base/models/checkin.py`, version 2026.8.0), for who compares:
 * - position_count of a list: positions that are not canceled, of orders that are paid, or pending with
 *   `valid_if_pending`, or pending at all where the list has `include_pending`; only of the list's date and products.
 *   Add-ons and products that admit nobody count like any other; test mode orders too.
 * - checkin_count: those of them with a successful entry on the list, whatever exits came later.
 * - inside_count: those of them whose last successful entry on the list is later than their last successful exit there,
 *   by `datetime` (when it was scanned), not by `created`. An exit at the very instant of the entry wins on SQLite; on
 *   PostgreSQL the order of the two is undefined.
 * So who was inside is no more counted as soon as the order is canceled, expired, refunded or no longer paid, and is
 * again when it is reactivated: the check-ins stay. Annulling a check-in makes it unsuccessful; reverting deletes it.
 */
import type { Rejected } from '#core/connector.ts';
import { explain } from '#core/explain.ts';
import { type CheckInFact, type CheckInsStandingFact, type EventFact, type Fact, type RecordFact, type RegistrationFact, fact, rejectedName } from '#core/facts.ts';
import type { CheckInListPayload, CheckInListStatus, ItemPayload, Multilingual, OrderPayload, PositionPayload, PretixEventPayload, QuotaPayload, SubeventPayload } from './upstream-payloads.ts';

export const product = 'PretixEvent';

export type Naming = {
  readonly organizer: string;
  /** Hub-wide ids that were given by hand, by `slug` or `slug/subevent`. */
  readonly eventIds: Readonly<Record<string, string>>;
  /** For events of versions that tell no time zone. */
  readonly timezone: string;
  readonly typeProperty: string;
  readonly region: string | null;
};

/** The hub-wide id of an event, or of one date of a series. */
export const hubEventId = (naming: Naming, slug: string, subevent: number | null): string =>
  naming.eventIds[subevent === null ? slug : `${slug}/${subevent}`] ?? [naming.organizer, slug, ...(subevent === null ? [] : [subevent])].join('-');

/** English where there is some, else whatever language comes first. */
export const inEnglish = (text: Multilingual | null): string | null => {
  if (text === null || typeof text === 'string') return text?.trim() || null;
  const languages = Object.keys(text);
  const preferred = [...languages.filter((language) => language === 'en'), ...languages.filter((language) => language.startsWith('en-')), ...languages];
  for (const language of preferred) {
    const value = text[language]?.trim();
    if (value) return value;
  }
  return null;
};

/** A stamp of pretix as `at` of a state. Never later than now, or a clock that ran ahead would win for ever. */
export const stateAt = (stamp: string | undefined, now: Date): Date => (stamp === undefined || Date.parse(stamp) > now.getTime() ? now : new Date(stamp));

export const eventFact = (event: PretixEventPayload, date: SubeventPayload | null, organizerName: string, naming: Naming, now: Date): EventFact => {
  const it = date ?? event;
  const place = inEnglish(it.location) ?? inEnglish(event.location);
  const type = it.meta_data[naming.typeProperty] ?? event.meta_data[naming.typeProperty];
  const located = it.geo_lat !== null && it.geo_lon !== null ? it : event;
  return {
    kind: 'event',
    product,
    eventId: hubEventId(naming, event.slug, date?.id ?? null),
    upstreamId: date ? `${event.slug}/${date.id}` : event.slug,
    at: now,
    name: (inEnglish(it.name) ?? inEnglish(event.name) ?? event.slug).slice(0, 1000),
    type: typeof type === 'string' && type.trim() ? type.trim().slice(0, 1000) : null,
    start: new Date(it.date_from),
    end: it.date_to === null ? null : new Date(it.date_to),
    timezone: event.timezone ?? naming.timezone,
    region: naming.region,
    organizer: organizerName,
    venue: place === null && located.geo_lat === null ? null : { name: place?.split('\n')[0]?.slice(0, 1000) ?? null, address: place?.slice(0, 1000) ?? null, latitude: located.geo_lat, longitude: located.geo_lon },
    public: event.live && event.is_public && (date ? date.active && date.is_public : true),
  };
};

/** Registered are the tickets that let in now: of paid orders, and of pending ones that the organizer declared valid. */
export const registrationState = (order: OrderPayload, position: PositionPayload): RegistrationFact['state'] => {
  if (position.canceled || order.status === 'c' || order.status === 'e') return 'CANCELLED';
  return order.status === 'p' || order.valid_if_pending ? 'CONFIRMED' : 'PENDING';
};

type Participants = (raw: string) => string;
export const participantOf = (hash: Participants, position: number): string => hash(`position:${position}`);

/** One order as facts: its positions, their check-ins, and the order as a record in each event it has positions of. */
export const orderFacts = (order: OrderPayload, slug: string, naming: Naming, hash: Participants, now: Date): Fact[] => {
  const at = stateAt(order.last_modified, now);
  const dates = Map.groupBy(order.positions, (position) => position.subevent);
  return [...dates].flatMap(([subevent, positions]) => {
    const eventId = hubEventId(naming, slug, subevent);
    return [...positions.flatMap((position) => positionFacts(order, position, eventId, hash, at)), orderRecord(order, positions, eventId, [...dates.keys()].map((each) => hubEventId(naming, slug, each)), hash, at)];
  });
};

const positionFacts = (order: OrderPayload, position: PositionPayload, eventId: string, hash: Participants, at: Date): Fact[] => {
  const participant = participantOf(hash, position.id);
  const registration: RegistrationFact = { kind: 'registration', eventId, upstreamId: String(position.id), at, participant, state: registrationState(order, position), ...(position.subevent === null ? {} : { movable: true as const }) };
  const checkIns = position.checkins.flatMap((each): CheckInFact[] =>
    // Without an id it could not be counted once.
    each.id === undefined
      ? []
      : [{ kind: 'checkIn', eventId, upstreamId: String(each.id), at: new Date(each.datetime), direction: each.type === 'exit' ? 'EXIT' : 'ENTRY', gateId: each.gate === null ? null : String(each.gate), area: String(each.list), participant }],
  );
  const standing: CheckInsStandingFact = { kind: 'checkInsStanding', eventId, upstreamId: String(position.id), at, participant, standing: checkIns.map(({ upstreamId }) => upstreamId) };
  return [registration, standing, ...checkIns];
};

const orderRecord = (order: OrderPayload, positions: readonly PositionPayload[], eventId: string, events: readonly string[], hash: Participants, at: Date): RecordFact => ({
  kind: 'record',
  eventId,
  type: 'pretix.order',
  upstreamId: order.code,
  at,
  data: {
    status: order.status,
    testmode: order.testmode,
    placedAt: new Date(order.datetime).toISOString(),
    total: order.total,
    requireApproval: order.require_approval,
    validIfPending: order.valid_if_pending,
    salesChannel: order.sales_channel,
    /** All events that the order has positions of now: it has left the others. */
    events,
    positions: positions.map((position) => ({
      id: position.id,
      number: position.positionid,
      product: position.item,
      variation: position.variation,
      price: position.price,
      state: registrationState(order, position),
      participant: participantOf(hash, position.id),
      /** All check-ins that stand now: one that is known and not here was reverted. */
      checkIns: position.checkins.flatMap(({ id }) => (id === undefined ? [] : [String(id)])),
    })),
  },
});

/** What holds for a whole event or series: `data.slug` says which, `eventId` may be any one of a series' dates. */
export const recordFact = (eventId: string, type: RecordFact['type'], upstreamId: string, data: RecordFact['data'], now: Date): RecordFact => ({ kind: 'record', eventId, type, upstreamId, at: now, data });

export const eventRecord = (event: PretixEventPayload, date: SubeventPayload | null, naming: Naming, now: Date): RecordFact =>
  recordFact(
    hubEventId(naming, event.slug, date?.id ?? null),
    'pretix.event',
    date ? `${event.slug}/${date.id}` : event.slug,
    { organizer: naming.organizer, slug: event.slug, subevent: date?.id ?? null, currency: event.currency, live: event.live, testmode: event.testmode },
    now,
  );

/** All that there is now: what is known and not here was deleted. */
export const offerRecord = (eventId: string, slug: string, offer: Readonly<Record<'products' | 'quotas' | 'lists', readonly { readonly id: number }[]>>, now: Date): RecordFact => {
  const ids = (rows: readonly { readonly id: number }[]) => rows.map(({ id }) => String(id));
  return recordFact(eventId, 'pretix.offer', slug, { slug, products: ids(offer.products), quotas: ids(offer.quotas), lists: ids(offer.lists) }, now);
};

export const productRecord = (eventId: string, slug: string, item: ItemPayload, now: Date): RecordFact =>
  recordFact(eventId, 'pretix.product', String(item.id), { slug, name: inEnglish(item.name), active: item.active, admission: item.admission, price: item.default_price, variations: item.variations.map((each) => ({ id: each.id, name: inEnglish(each.value), active: each.active, price: each.price })) }, now);

export const quotaRecord = (eventId: string, slug: string, quota: QuotaPayload, now: Date): RecordFact =>
  recordFact(eventId, 'pretix.quota', String(quota.id), { slug, name: quota.name, size: quota.size, subevent: quota.subevent, products: quota.items, variations: quota.variations, closed: quota.closed, available: quota.available, availableNumber: quota.available_number }, now);

export const listRecord = (eventId: string, slug: string, list: CheckInListPayload, status: CheckInListStatus, now: Date): RecordFact =>
  recordFact(
    eventId,
    'pretix.checkInList',
    String(list.id),
    { slug, name: list.name, subevent: list.subevent, allProducts: list.all_products, products: list.limit_products, includePending: list.include_pending, allowMultipleEntries: list.allow_multiple_entries, allowEntryAfterExit: list.allow_entry_after_exit, checkInCount: status.checkin_count, positionCount: status.position_count, insideCount: status.inside_count },
    now,
  );

/** Facts that the hub takes, and those it does not (a year 9999, an id it cannot hold) with the reason. */
export const accepted = (facts: readonly Fact[]): { facts: Fact[]; rejected: Rejected[] } => {
  const good: Fact[] = [];
  const rejected: Rejected[] = [];
  for (const each of facts) {
    const result = fact.safeParse(each);
    if (result.success) good.push(result.data);
    else rejected.push({ upstreamId: rejectedName(each), reason: explain(result.error), raw: null });
  }
  return { facts: good, rejected };
};
