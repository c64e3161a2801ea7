/** The simulated state as pretix's JSON. Field names and their order of nesting are those of pretix 2026.8.0. */
import { type CheckIn, type Item, type List, type Order, type Position, type Quota, type SimulatedEvent, type Subevent, type World, countList, standing } from './world.ts';

/** When the story says it is, as pretix would write it: to the second. */
const told = (world: World, date: Date): string => new Date(world.tellTime(date.getTime())).toISOString().replace(/\.\d{3}/, '');

export const tellEvent = (world: World, event: SimulatedEvent) => ({
  name: event.plan.name, slug: event.plan.slug, live: true, testmode: false, currency: 'EUR', date_from: told(world, event.plan.start), date_to: told(world, event.plan.end), date_admission: null, is_public: true, presale_start: null, presale_end: null,
  location: event.plan.location, geo_lat: event.plan.latitude ?? null, geo_lon: event.plan.longitude ?? null, has_subevents: event.plan.dates !== undefined, meta_data: event.plan.type ? { type: event.plan.type } : {},
  seating_plan: null, plugins: ['pretix.plugins.manualpayment'], timezone: event.plan.timezone,
});

export const tellSubevent = (world: World, event: SimulatedEvent, subevent: Subevent) => ({
  id: subevent.id, name: subevent.name, date_from: told(world, subevent.start), date_to: told(world, subevent.end), active: true, date_admission: null, presale_start: null, presale_end: null,
  location: null, geo_lat: null, geo_lon: null, event: event.plan.slug, is_public: true, seating_plan: null, meta_data: {}, last_modified: subevent.last_modified,
});

export const tellItem = (item: Item) => ({ id: item.id, name: item.name, active: true, default_price: item.price, admission: item.admission, has_variations: false, variations: [], addons: [], bundles: [] });

export const tellQuota = (event: SimulatedEvent, quota: Quota, withAvailability: boolean) => {
  const taken = event.orders.filter(({ status }) => status === 'p' || status === 'n').flatMap(({ positions }) => positions.filter((each) => !each.canceled && (quota.subevent === null || each.subevent === quota.subevent))).length;
  const left = Math.max(0, quota.size - taken);
  return { id: quota.id, name: quota.name, size: quota.size, items: event.items.map(({ id }) => id), variations: [], subevent: quota.subevent, closed: false, close_when_sold_out: false, release_after_exit: false, ...(withAvailability ? { available: left > 0, available_number: left } : {}) };
};

export const tellList = (list: List) => {
  const { checkin_count, position_count } = countList(list);
  return { id: list.id, name: list.name, all_products: list.items === null, limit_products: (list.items ?? []).map(({ id }) => id), subevent: list.subevent, checkin_count, position_count, include_pending: list.includePending, allow_multiple_entries: list.allowMultipleEntries, allow_entry_after_exit: list.allowEntryAfterExit, rules: {}, exit_all_at: null, addon_match: false };
};

export const tellStatus = (list: List) => {
  const { positions, entered, ...counts } = countList(list);
  const of = (these: readonly Position[], item: Item) => these.filter((each) => each.item === item).length;
  const date = list.event.subevents.find(({ id }) => id === list.subevent);
  return {
    event: { name: (date ?? list.event.plan).name.en ?? '' }, ...counts,
    items: (list.items ?? list.event.items).map((item) => ({ id: item.id, name: item.name.en, admission: item.admission, checkin_count: of(entered, item), position_count: of(positions, item), variations: [] })),
  };
};

export const tellCheckIn = ({ nonce: _nonce, ...shown }: CheckIn) => ({ ...shown, auto_checked_in: false, gate: null, device: null, device_id: null });

const tellInlineCheckIn = ({ id, datetime, list, type }: CheckIn) => ({ id, datetime, list, auto_checked_in: false, gate: null, device: null, device_id: null, type });

export const tellPosition = (position: Position) => ({
  id: position.id, order: position.order.code, positionid: position.positionid, item: position.item.id, variation: null, price: position.price,
  attendee_name: position.attendeeName, attendee_name_parts: position.attendeeName === null ? {} : { _legacy: position.attendeeName }, attendee_email: null, voucher: null, tax_rate: '0.00', tax_value: '0.00', secret: position.secret, addon_to: null, subevent: position.subevent,
  checkins: standing(position.order.event, position).sort((a, b) => (a.datetime < b.datetime ? 1 : -1)).map(tellInlineCheckIn),
  downloads: [], answers: [], tax_rule: null, seat: null, canceled: position.canceled, valid_from: null, valid_until: null, blocked: null,
});

export const tellOrder = (order: Order, withCanceled: boolean) => {
  const positions = order.positions.filter(({ canceled }) => withCanceled || !canceled);
  const cents = order.positions.filter(({ canceled }) => !canceled).reduce((sum, { price }) => sum + Math.round(Number(price) * 100), 0);
  return {
    code: order.code, event: order.event.plan.slug, status: order.status, testmode: order.testmode, secret: order.secret, email: order.email, phone: null, locale: 'en', datetime: order.datetime, expires: order.datetime, payment_date: null, payment_provider: order.status === 'p' ? 'manual' : null,
    fees: [], total: (cents / 100).toFixed(2), comment: '', invoice_address: null, positions: positions.map(tellPosition), downloads: [], checkin_attention: false, last_modified: order.last_modified, payments: [], refunds: [], require_approval: false, sales_channel: 'web', customer: null, valid_if_pending: order.validIfPending,
  };
};

/**
 * pretix's `include` parameter: only these fields, `positions.id` for those of nested rows. Without any, everything.
 */
export const including = (row: Readonly<Record<string, unknown>>, fields: readonly string[]): Readonly<Record<string, unknown>> => {
  if (fields.length === 0) return row;
  return Object.fromEntries(
    Object.entries(row).flatMap(([name, value]) => {
      if (fields.includes(name)) return [[name, value]];
      const nested = fields.filter((field) => field.startsWith(`${name}.`)).map((field) => field.slice(name.length + 1));
      if (nested.length === 0 || !Array.isArray(value)) return [];
      return [[name, value.map((each: Record<string, unknown>) => Object.fromEntries(Object.entries(each).filter(([inner]) => nested.includes(inner))))]];
    }),
  );
};
