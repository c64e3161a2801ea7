/**
 * What pretix answers, as far as the hub reads it. Source: pretix's REST documentation (resources events, subevents,
 * orders, checkinlists, checkins, items, quotas, webhooks) and version 2026.8.0 itself.
 *
 * Unknown fields are dropped, so that names, mail addresses and ticket secrets end at this border even where an old
 * pretix does not know the `include` parameter and sends them. Fields that newer versions added have defaults.
 */
import { z } from 'zod';

const key = z.number().int().positive();
/** ISO 8601 with a zone, as text: cursors hand it back to pretix to the microsecond. */
const moment = z.string().max(64).refine((text) => !Number.isNaN(Date.parse(text)), 'an ISO 8601 date and time');
const money = z.string().regex(/^-?\d{1,10}(\.\d{1,4})?$/, 'a decimal number as text');
const total = z.number().int().min(0).max(10_000_000);
const coordinate = z.union([z.number(), z.string().transform(Number)]).nullish().transform((value) => (typeof value === 'number' && Number.isFinite(value) ? value : null));

/** A text in several languages; a plain string from very old versions. */
export const multilingual = z.union([z.string(), z.record(z.string(), z.string().nullable())]);
export type Multilingual = z.infer<typeof multilingual>;

/** Event slugs become part of hub-wide event ids and of URLs. */
export const slug = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9.-]{0,49}$/, 'letters, digits, dots and dashes, 50 at most');

export const organizer = z.object({ name: z.string().min(1), slug });

export const event = z.object({
  slug,
  name: multilingual,
  live: z.boolean(),
  testmode: z.boolean().default(false),
  currency: z.string().length(3),
  date_from: moment,
  date_to: moment.nullish().transform((value) => value ?? null),
  is_public: z.boolean().nullish().transform((value) => value ?? false),
  location: multilingual.nullish().transform((value) => value ?? null),
  geo_lat: coordinate,
  geo_lon: coordinate,
  has_subevents: z.boolean().default(false),
  meta_data: z.record(z.string(), z.unknown()).default({}),
  timezone: z.string().optional(),
});
export type PretixEventPayload = z.infer<typeof event>;

/** One date of an event series. */
export const subevent = event
  .pick({ name: true, date_from: true, date_to: true, location: true, geo_lat: true, geo_lon: true, meta_data: true })
  .extend({ id: key, event: slug, active: z.boolean(), is_public: z.boolean().default(true), last_modified: moment.optional() });
export type SubeventPayload = z.infer<typeof subevent>;

/** A successful check-in within a position. Versions before 2024 gave it no id. */
const inlineCheckIn = z.object({
  id: key.optional(),
  list: key,
  datetime: moment,
  type: z.enum(['entry', 'exit']).default('entry'),
  gate: key.nullish().transform((value) => value ?? null),
});

export const position = z.object({
  id: key,
  positionid: z.number().int(),
  item: key,
  variation: key.nullish().transform((value) => value ?? null),
  price: money,
  addon_to: key.nullish().transform((value) => value ?? null),
  subevent: key.nullish().transform((value) => value ?? null),
  canceled: z.boolean().default(false),
  checkins: z.array(inlineCheckIn).default([]),
});
export type PositionPayload = z.infer<typeof position>;

/** n: pending, p: paid, e: expired, c: canceled. */
export const orderStatus = z.enum(['n', 'p', 'e', 'c']);

export const order = z.object({
  code: z.string().regex(/^[A-Za-z0-9-]{1,16}$/),
  /** Absent in the answers of versions that know orders of one event only. */
  event: slug.optional(),
  status: orderStatus,
  testmode: z.boolean().default(false),
  datetime: moment,
  last_modified: moment,
  total: money,
  require_approval: z.boolean().default(false),
  /** A pending order whose tickets are valid all the same. */
  valid_if_pending: z.boolean().nullish().transform((value) => value ?? false),
  sales_channel: z.string().default('web'),
  positions: z.array(position),
});
export type OrderPayload = z.infer<typeof order>;

/** Exactly the fields of `order`, as pretix's `include` parameter wants them: no personal data is even asked for. */
export const orderFields: readonly string[] = [
  ...Object.keys(order.shape).filter((name) => name !== 'positions'),
  ...Object.keys(position.shape).map((name) => `positions.${name}`),
];

/** A row of the check-in list of an event: unlike within a position, also failed and annulled ones. */
export const checkIn = z.object({
  id: key,
  successful: z.boolean(),
  error_reason: z.string().nullable(),
  position: key.nullable(),
  datetime: moment,
  created: moment.nullable(),
  list: key,
  type: z.enum(['entry', 'exit']),
  gate: key.nullable(),
});
export type CheckInPayload = z.infer<typeof checkIn>;

export const checkInList = z.object({
  id: key,
  name: z.string(),
  all_products: z.boolean(),
  limit_products: z.array(key),
  subevent: key.nullable(),
  include_pending: z.boolean(),
  allow_multiple_entries: z.boolean().default(false),
  allow_entry_after_exit: z.boolean().default(true),
  /** Cached by pretix for up to a minute, unlike those of `status/`. */
  checkin_count: total,
  position_count: total,
});
export type CheckInListPayload = z.infer<typeof checkInList>;

export const checkInListStatus = z.object({ checkin_count: total, position_count: total, inside_count: total.nullish().transform((value) => value ?? null) });
export type CheckInListStatus = z.infer<typeof checkInListStatus>;

export const item = z.object({
  id: key,
  name: multilingual,
  active: z.boolean(),
  default_price: money,
  /** Whether it lets a person in, unlike a shirt. */
  admission: z.boolean(),
  variations: z.array(z.object({ id: key, value: multilingual, active: z.boolean().default(true), price: money.nullish().transform((value) => value ?? null) })).default([]),
});
export type ItemPayload = z.infer<typeof item>;

export const quota = z.object({
  id: key,
  name: z.string(),
  /** Null: unlimited. */
  size: total.nullable(),
  items: z.array(key),
  variations: z.array(key).default([]),
  subevent: key.nullish().transform((value) => value ?? null),
  closed: z.boolean().default(false),
  available: z.boolean().nullish().transform((value) => value ?? null),
  available_number: z.number().int().nullish().transform((value) => value ?? null),
});
export type QuotaPayload = z.infer<typeof quota>;

export const webhook = z.object({ id: key, enabled: z.boolean(), target_url: z.string(), all_events: z.boolean(), limit_events: z.array(z.string()), action_types: z.array(z.string()) });

/** A page of a list. Rows are parsed one by one, so that a bad one does not hide the good ones. */
export const page = z.object({ count: total, next: z.string().nullable(), results: z.array(z.unknown()).max(1000) });

/**
 * A webhook's body. Unsigned: all it may cause is a pull. Which object changed depends on the action (`code`,
 * `subevent`, `item`, …), and nothing but the organizer and the action is in all of them.
 */
export const notification = z.object({
  notification_id: z.number().int(),
  organizer: z.string().min(1).max(200),
  event: z.string().max(200).nullish(),
  code: z.string().max(200).nullish(),
  action: z.string().regex(/^pretix\.[a-z_.]+$/).max(200),
});
