import { needs, visibleEvent } from '#core/permissions.ts';

export const permissions = {
  EventbriteEvent: { capacity: needs('read_events'), ticketsSold: needs('read_events'), ticketClasses: needs('read_events') },
};

export const references = { EventbriteEvent: visibleEvent };
