/** pretix's rule for a list's numbers, computed from orders and their check-ins: the hub counts like this. */
import type { CheckInListPayload, OrderPayload } from '#subgraphs/pretix/upstream-payloads.ts';

type List = Pick<CheckInListPayload, 'id' | 'all_products' | 'limit_products' | 'subevent' | 'include_pending'>;

export const expectedCounts = (orders: readonly OrderPayload[], list: List): { checkin_count: number; position_count: number; inside_count: number } => {
  const counted = orders
    .filter(({ status, valid_if_pending }) => status === 'p' || (status === 'n' && (list.include_pending || valid_if_pending)))
    .flatMap(({ positions }) => positions)
    .filter((each) => !each.canceled && (list.subevent === null || each.subevent === list.subevent) && (list.all_products || list.limit_products.includes(each.item)));
  const last = counted.map(({ checkins }) => {
    const times = (type: 'entry' | 'exit') => checkins.filter((each) => each.list === list.id && each.type === type).map(({ datetime }) => datetime);
    return { entry: times('entry').sort().at(-1), exit: times('exit').sort().at(-1) };
  });
  const entered = last.filter(({ entry }) => entry !== undefined);
  return { position_count: counted.length, checkin_count: entered.length, inside_count: entered.filter(({ entry, exit }) => exit === undefined || (entry !== undefined && exit < entry)).length };
};
