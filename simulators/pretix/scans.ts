/** Scanning tickets: who is let in, by the rules of pretix's `perform_checkin`. */
import { type CheckIn, type CheckInType, type List, type Position, type World, micros, standing, tell, touch } from './world.ts';

export type Scan = { readonly secret: string; readonly list: List; readonly type: CheckInType; readonly force: boolean; readonly ignoreUnpaid: boolean; readonly nonce: string | null; readonly datetime: string | null };
export type ScanResult = { readonly ok: true; readonly position: Position } | { readonly ok: false; readonly reason: string; readonly position: Position | null };

export const scan = (world: World, wanted: Scan): ScanResult => {
  const { list, type } = wanted;
  // Tickets of another date are unknown to a date's list, not merely refused by it.
  const position = list.event.orders.flatMap(({ positions }) => positions).find(({ secret, subevent }) => secret === wanted.secret && (list.subevent === null || list.subevent === subevent)) ?? null;
  const record = (reason: string | null): void => {
    const created = world.stamp();
    const checkIn: CheckIn = { id: world.nextId(), successful: reason === null, error_reason: reason, error_explanation: null, position: position?.id ?? null, datetime: wanted.datetime ?? created, created, list: list.id, type, nonce: wanted.nonce };
    list.event.checkIns.push(checkIn);
    if (position) touch(world, position.order);
  };
  if (!position) {
    record('invalid');
    return { ok: false, reason: 'invalid', position };
  }
  const before = standing(list.event, position, list).sort((a, b) => Number(micros(b.datetime) - micros(a.datetime)));
  const reason = refusal(wanted, position) ?? (wanted.force || isEntryAllowed(list, type, before) ? null : 'already_redeemed');
  const repeated = wanted.nonce !== null && before.some((each) => each.nonce === wanted.nonce && each.type === type);
  if (reason === null && repeated) return { ok: true, position };
  if (reason !== null && repeated && reason === 'already_redeemed') return { ok: true, position };
  record(reason);
  if (reason !== null) return { ok: false, reason, position };
  tell(world, position.order, 'pretix.event.checkin', { orderposition_id: position.id, orderposition_positionid: position.positionid, checkin_list: list.id, type, first_checkin: null });
  return { ok: true, position };
};

const refusal = ({ list, force, ignoreUnpaid }: Scan, { order, item, canceled }: Position): string | null => {
  if (force) return null;
  if (canceled || order.status === 'c' || order.status === 'e') return 'canceled';
  if (list.items !== null && !list.items.includes(item)) return 'product';
  if (order.status !== 'p' && !order.validIfPending && !(ignoreUnpaid && list.includePending)) return 'unpaid';
  return null;
};

const isEntryAllowed = (list: List, type: CheckInType, before: readonly CheckIn[]): boolean =>
  type === 'exit' || list.allowMultipleEntries || before.every((each) => each.type === 'exit') || (list.allowEntryAfterExit && before[0]?.type === 'exit');

const annulWithinMs = 15 * 60_000;

/** Takes a scan back by its nonce. The reason why not, or null when done. */
export const annul = (world: World, lists: readonly List[], nonce: string): { status: number; detail: unknown } | null => {
  const found = lists.flatMap((list) => list.event.checkIns.filter((each) => each.list === list.id && each.nonce === nonce).map((checkIn) => ({ list, checkIn })));
  const [only] = found;
  if (!only) return { status: 404, detail: { detail: 'No check-in found based on nonce' } };
  if (found.length > 1) return { status: 400, detail: ['Multiple check-ins found based on nonce'] };
  const position = only.list.event.orders.flatMap(({ positions }) => positions).find(({ id }) => id === only.checkIn.position);
  if (!only.checkIn.successful || !position) return { status: 400, detail: ['Cannot annul an unsuccessful checkin'] };
  if (Date.parse(world.stamp()) - Date.parse(only.checkIn.datetime) > annulWithinMs) return { status: 400, detail: { non_field_errors: ['Annulment is not allowed more than 15 minutes after check-in'] } };
  only.checkIn.successful = false;
  only.checkIn.error_reason = 'annulled';
  touch(world, position.order);
  return null;
};

/** What the back office does with its button: the check-ins of a position on a list are deleted, and nobody knows their ids any more. */
export const revert = (world: World, list: List, position: Position): void => {
  const { checkIns } = list.event;
  const kept = checkIns.filter((each) => !(each.successful && each.list === list.id && each.position === position.id));
  if (kept.length === checkIns.length) return;
  checkIns.splice(0, checkIns.length, ...kept);
  touch(world, position.order);
  tell(world, position.order, 'pretix.event.checkin.reverted', { orderposition_id: position.id, orderposition_positionid: position.positionid, checkin_list: list.id, type: null, first_checkin: null });
};
