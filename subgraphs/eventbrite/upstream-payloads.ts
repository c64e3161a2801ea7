/**
 * What Eventbrite answers, as far as the hub reads it. Source: the reference of Eventbrite's API v3 (objects event,
 * attendee, ticket class, webhook; "Basic types").
 *
 * Unknown fields are dropped, so that names, mail addresses, answers and the contents of barcodes end at this border.
 * Fields that are null may be left out by Eventbrite.
 */
import { z } from 'zod';

/** Mostly digits; documented as text that is "not necessarily numeric". It becomes part of hub-wide ids and of URLs. */
export const id = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'letters, digits, dash and underscore, 64 at most');
/** ISO 8601 in UTC, to the second. */
const moment = z.string().max(64).refine((text) => !Number.isNaN(Date.parse(text)), 'an ISO 8601 date and time');
const count = z.number().int().min(0).max(10_000_000);
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value): z.output<T> | null => value ?? null);
const coordinate = optional(z.union([z.number(), z.string()])).transform((value) => (value === null || value === '' || !Number.isFinite(Number(value)) ? null : Number(value)));
const flag = z.boolean().nullish().transform((value) => value ?? false);
const named = z.object({ name: optional(z.string()) });
const zoned = z.object({ timezone: z.string(), utc: moment });

/** An amount in a currency: `major_value` is the decimal number as text. */
export const money = z.object({ currency: z.string().length(3), major_value: z.string().regex(/^-?\d{1,12}(\.\d{1,4})?$/, 'a decimal number as text') });

const venue = z.object({
  name: optional(z.string()),
  address: optional(z.object({ localized_address_display: optional(z.string()), latitude: coordinate, longitude: coordinate })),
  latitude: coordinate,
  longitude: coordinate,
});

/** draft, live, started, ended, completed or canceled. */
export const event = z.object({
  id,
  name: optional(z.object({ text: optional(z.string()) })),
  url: optional(z.string().max(2000)),
  start: zoned,
  end: zoned,
  changed: moment.optional(),
  status: z.string(),
  currency: z.string().length(3),
  online_event: flag,
  listed: flag,
  invite_only: flag,
  /** Who does not know it does not see the event. */
  password: optional(z.string()),
  capacity: optional(z.number().int()),
  is_series_parent: flag,
  venue: optional(venue),
  organizer: optional(named),
  category: optional(named),
  format: optional(named),
  ticket_availability: optional(z.object({ is_sold_out: flag, has_available_tickets: flag })),
});
export type EventPayload = z.infer<typeof event>;

/** Whether an attendee of this status comes, may come once it is paid, or does not come. */
const attendances = { attending: 'CONFIRMED', 'checked in': 'CONFIRMED', unpaid: 'PENDING', 'not attending': 'CANCELLED', deleted: 'CANCELLED', transferred: 'CANCELLED' } as const;
const isAttendance = (text: string): text is keyof typeof attendances => Object.hasOwn(attendances, text);
const attendance = z.string().transform((text, context) => {
  const known = text.trim().toLowerCase().replaceAll('_', ' ');
  if (isAttendance(known)) return attendances[known];
  context.addIssue({ code: 'custom', message: `no known status: ${text.slice(0, 40)}` });
  return z.NEVER;
});

export const barcode = z.object({ status: z.enum(['unused', 'used', 'refunded']), changed: moment });

/** One sold ticket. */
export const attendee = z.object({
  id,
  event_id: id,
  ticket_class_id: optional(id),
  created: moment,
  changed: moment,
  status: attendance,
  cancelled: flag,
  refunded: flag,
  checked_in: flag,
  barcodes: z.array(barcode).max(100).nullish().transform((value) => value ?? []),
});
export type AttendeePayload = z.infer<typeof attendee>;

export const ticketClass = z.object({
  id,
  name: optional(z.string()),
  free: flag,
  donation: flag,
  hidden: flag,
  /** Absent where it is free or the buyer names the amount. */
  cost: optional(money),
  /** Tickets that can be sold; absent where there is no limit of its own. */
  quantity_total: optional(count),
  capacity: optional(count),
  quantity_sold: optional(count),
  on_sale_status: optional(z.string()),
});
export type TicketClassPayload = z.infer<typeof ticketClass>;

export const organization = z.object({ id, name: optional(z.string()) });
export const user = z.object({ id });
export const webhook = z.object({ id, endpoint_url: z.string(), actions: z.array(z.string()) });

/** What is beside every list. Rows are parsed one by one, so that a bad one does not hide the good ones. */
export const pagination = z.object({ has_more_items: flag, continuation: optional(z.string().max(4000)), object_count: optional(count) });

/** A page of the list that is named so. */
export const page = (key: string) =>
  z.looseObject({ pagination, [key]: z.array(z.unknown()).max(1000) }).transform((answer) => ({ pagination: pagination.parse(answer.pagination), rows: z.array(z.unknown()).parse(answer[key]) }));

/**
 * A webhook's body. Unsigned, and it says of nothing but where to look: all it may cause is a pull. `api_url` is
 * never called. `test` is what the button of Eventbrite's settings sends.
 */
export const notification = z.object({
  api_url: z.string().max(2000),
  config: z.object({ action: z.string().regex(/^[a-z_.]+$/).max(100), endpoint_url: z.string().max(2000), user_id: z.string().max(64), webhook_id: z.string().max(64) }),
});

/** As much of a row that was not understood as the hub would read of a good one: nothing personal is in it. */
export const leanRow = (raw: unknown): unknown => {
  const row = z.record(z.string(), z.unknown()).safeParse(raw);
  if (!row.success) return null;
  const wanted = 'start' in row.data ? event.shape : attendee.shape;
  const kept = Object.fromEntries(Object.keys(wanted).flatMap((name) => (name in row.data ? [[name, row.data[name]]] : [])));
  return Array.isArray(kept.barcodes) ? { ...kept, barcodes: kept.barcodes.map(leanBarcode) } : kept;
};

/** What a row that was not understood is called: as the fact that it would have been. */
export const nameOf = (raw: unknown): string => {
  const row = z.looseObject({ id: z.union([z.string(), z.number()]) }).safeParse(raw);
  if (!row.success) return 'unknown';
  return `${'start' in row.data ? 'event' : 'event_id' in row.data && 'barcodes' in row.data ? 'registration' : 'row'}:${row.data.id}`.slice(0, 100);
};

const leanBarcode = (raw: unknown): unknown => {
  const row = z.object({ status: z.unknown(), changed: z.unknown() }).safeParse(raw);
  return row.success ? row.data : null;
};
