/**
 * The simulated organizer's state and what may happen to it, as pretix 2026.8.0 decides it. No HTTP here.
 *
 * Only what the hub's connector can see is simulated: no vouchers, seats, questions, rules, media or add-on matching.
 */
import type { Random } from '#simulators/gatekeeper/random.ts';
import type { OrganizerPlan } from './plans.ts';

export type Status = 'n' | 'p' | 'e' | 'c';
export type CheckInType = 'entry' | 'exit';

export type CheckIn = {
  readonly id: number;
  successful: boolean;
  error_reason: string | null;
  error_explanation: string | null;
  readonly position: number | null;
  readonly datetime: string;
  readonly created: string;
  readonly list: number;
  readonly type: CheckInType;
  readonly nonce: string | null;
};

export type Position = { readonly id: number; readonly order: Order; readonly positionid: number; readonly item: Item; readonly subevent: number | null; readonly price: string; readonly secret: string; readonly attendeeName: string | null; canceled: boolean };

export type Order = {
  readonly code: string;
  readonly event: SimulatedEvent;
  status: Status;
  readonly testmode: boolean;
  readonly email: string | null;
  readonly datetime: string;
  last_modified: string;
  readonly positions: Position[];
  readonly validIfPending: boolean;
  readonly secret: string;
  /** Money came in, whatever happened since: a canceled order that was paid is paid again when reactivated. */
  paid: boolean;
};

export type Item = { readonly id: number; readonly name: Readonly<Record<string, string>>; readonly price: string; readonly admission: boolean };
export type Quota = { readonly id: number; readonly name: string; readonly size: number; readonly subevent: number | null };
export type List = { readonly id: number; readonly name: string; readonly event: SimulatedEvent; readonly items: readonly Item[] | null; readonly subevent: number | null; readonly includePending: boolean; readonly allowMultipleEntries: boolean; readonly allowEntryAfterExit: boolean };
export type Subevent = { readonly id: number; readonly name: Readonly<Record<string, string>>; readonly start: Date; readonly end: Date; readonly last_modified: string };

export type SimulatedEvent = {
  readonly plan: OrganizerPlan['events'][number];
  readonly items: readonly Item[];
  readonly quotas: readonly Quota[];
  readonly lists: List[];
  readonly subevents: readonly Subevent[];
  readonly orders: Order[];
  readonly checkIns: CheckIn[];
};

/** What pretix tells its webhooks about. */
export type Happening = { readonly action: string; readonly event: string; readonly code: string; readonly detail?: Readonly<Record<string, unknown>> };

export type World = {
  readonly organizer: Pick<OrganizerPlan, 'slug' | 'name' | 'token'>;
  readonly events: ReadonlyMap<string, SimulatedEvent>;
  /** The time, to the microsecond and never the same twice. */
  stamp(): string;
  nextId(): number;
  /** Codes and secrets: of a seed, so that a demo is the same each time. Nothing real is behind them. */
  readonly random: Random;
  happened(happening: Happening): void;
  /** What pretix says a time of the plan is. A story that runs faster than the wall has its events sooner and shorter. */
  tellTime(planned: number): number;
};

export type WorldOptions = {
  readonly plan: OrganizerPlan;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly random: Random;
  readonly happened: World['happened'];
  readonly tellTime?: World['tellTime'];
};

/** Microseconds since 1970 of an ISO 8601 time; JavaScript's Date would cut pretix's times to the millisecond. */
export const micros = (text: string): bigint => {
  const fraction = /\.(\d{1,6})/.exec(text)?.[1] ?? '';
  const seconds = Date.parse(text.replace(/\.\d+/, ''));
  return BigInt(seconds) * 1000n + BigInt(fraction.padEnd(6, '0'));
};

const iso = (value: bigint): string => new Date(Number(value / 1000n)).toISOString().replace('Z', `${String(value % 1000n).padStart(3, '0')}Z`);

export const createWorld = ({ plan, now, random, happened, tellTime = (planned) => planned }: WorldOptions): World => {
  let last = 0n;
  let ids = 0;
  const nextId = () => ++ids;
  const stamp = () => {
    const clock = BigInt(Math.floor(now() * 1000));
    last = clock > last ? clock : last + 1n;
    return iso(last);
  };
  const events = plan.events.map((each): [string, SimulatedEvent] => {
    const items = each.items.map((item) => ({ id: nextId(), ...item }));
    const subevents = (each.dates ?? []).map((date) => ({ id: nextId(), last_modified: stamp(), ...date }));
    const event: SimulatedEvent = { plan: each, items, subevents, lists: [], orders: [], checkIns: [], quotas: (each.dates ? subevents : [null]).map((date) => ({ id: nextId(), name: 'All', size: each.quota, subevent: date?.id ?? null })) };
    for (const list of each.lists)
      event.lists.push({
        id: nextId(), name: list.name, event,
        items: list.items ? items.filter(({ name }) => list.items?.includes(name.en ?? '')) : null,
        subevent: list.date === undefined ? null : (subevents[list.date]?.id ?? null),
        includePending: list.includePending ?? false, allowMultipleEntries: list.allowMultipleEntries ?? false, allowEntryAfterExit: list.allowEntryAfterExit ?? true,
      });
    return [each.slug, event];
  });
  return { organizer: plan, events: new Map(events), stamp, nextId, random, happened, tellTime };
};

/** The letters of pretix's order codes: none that is mistaken for another. */
const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ379';
const newCode = ({ random }: World): string => Array.from({ length: 5 }, () => letters[random.below(letters.length)]).join('');
const newSecret = ({ random }: World, length: number): string => Array.from({ length }, () => random.below(36).toString(36)).join('');

const touch = (world: World, order: Order): void => {
  order.last_modified = world.stamp();
};

export type NewPosition = { readonly item: Item; readonly subevent: number | null; readonly attendeeName: string | null };

/** `happened` tells the webhooks of a paid order twice, as pretix does: placed, then paid. */
export const placeOrder = (world: World, event: SimulatedEvent, wanted: { status: 'n' | 'p'; email: string | null; testmode: boolean; validIfPending: boolean; positions: readonly NewPosition[] }): Order => {
  const datetime = world.stamp();
  const order: Order = { code: newCode(world), event, status: wanted.status, testmode: wanted.testmode, email: wanted.email, datetime, last_modified: datetime, positions: [], validIfPending: wanted.validIfPending, secret: newSecret(world, 16), paid: wanted.status === 'p' };
  wanted.positions.forEach((each, index) => order.positions.push({ id: world.nextId(), order, positionid: index + 1, item: each.item, subevent: each.subevent, price: each.item.price, secret: newSecret(world, 32), attendeeName: each.attendeeName, canceled: false }));
  touch(world, order);
  event.orders.push(order);
  tell(world, order, 'pretix.event.order.placed');
  if (order.status === 'p') tell(world, order, 'pretix.event.order.paid');
  return order;
};

export const tell = (world: World, order: Order, action: string, detail?: Happening['detail']): void => world.happened({ action, event: order.event.plan.slug, code: order.code, ...(detail ? { detail } : {}) });

/** From which states an operation leads to which; anything else is refused with the text. */
export const operations: Readonly<Record<string, { from: readonly Status[]; to: Status; refused: string; action: string | null }>> = {
  mark_paid: { from: ['n', 'e'], to: 'p', refused: 'The order is not pending or expired.', action: 'pretix.event.order.paid' },
  mark_canceled: { from: ['n', 'p', 'e'], to: 'c', refused: 'The order is not allowed to be canceled.', action: 'pretix.event.order.canceled' },
  mark_expired: { from: ['n'], to: 'e', refused: 'The order is not pending.', action: 'pretix.event.order.expired' },
  mark_pending: { from: ['p'], to: 'n', refused: 'The order is not paid.', action: null },
  reactivate: { from: ['c'], to: 'p', refused: 'The order is not allowed to be reactivated.', action: 'pretix.event.order.reactivated' },
};

/** The reason why not, or null when done. */
export const operate = (world: World, order: Order, name: string): string | null => {
  const operation = operations[name];
  if (!operation?.from.includes(order.status)) return operation?.refused ?? 'Not found.';
  order.status = name === 'reactivate' && !order.paid ? 'n' : operation.to;
  order.paid ||= order.status === 'p';
  touch(world, order);
  if (operation.action) tell(world, order, operation.action);
  return null;
};

export const cancelPosition = (world: World, position: Position): void => {
  position.canceled = true;
  touch(world, position.order);
  tell(world, position.order, 'pretix.event.order.changed.cancel');
};

/** Check-ins of a position that stand. */
export const standing = (event: SimulatedEvent, position: Position, list?: List): CheckIn[] => event.checkIns.filter((each) => each.successful && each.position === position.id && (!list || each.list === list.id));

/** The positions that a list counts, and those of them with an entry, and inside. See connector-facts.ts for the source. */
export const countList = (list: List): { position_count: number; checkin_count: number; inside_count: number; positions: readonly Position[]; entered: readonly Position[] } => {
  const valid = ({ status, validIfPending }: Order) => status === 'p' || (status === 'n' && (list.includePending || validIfPending));
  const positions = list.event.orders.filter(valid).flatMap((order) => order.positions.filter((each) => !each.canceled && (list.subevent === null || each.subevent === list.subevent) && (list.items === null || list.items.includes(each.item))));
  const latest = (position: Position, type: CheckInType) => standing(list.event, position, list).reduce<bigint | null>((newest, each) => (each.type === type && (newest === null || micros(each.datetime) > newest) ? micros(each.datetime) : newest), null);
  const entered = positions.filter((position) => latest(position, 'entry') !== null);
  const inside = entered.filter((position) => {
    const [entry, exit] = [latest(position, 'entry'), latest(position, 'exit')];
    return entry !== null && (exit === null || exit < entry);
  });
  return { position_count: positions.length, checkin_count: entered.length, inside_count: inside.length, positions, entered };
};

export { touch };
