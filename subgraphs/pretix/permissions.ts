import { needs, visibleEvent } from '#core/permissions.ts';

export const permissions = {
  PretixEvent: { products: needs('read_events'), quotas: needs('read_events'), checkInLists: needs('read_attendance'), orders: needs('read_orders') },
  PretixOrderPosition: { participant: needs('read_participants') },
};

export const references = { PretixEvent: visibleEvent };
