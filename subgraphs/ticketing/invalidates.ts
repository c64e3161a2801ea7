import { factsOf } from '#core/facts.ts';
import { type Invalidates, entitiesOf } from '#core/invalidation.ts';

/** Artists and venues are shown with every event that names them. Tickets and bookings are not kept. */
const shared: ReadonlySet<string> = new Set(['ticketing.artist', 'ticketing.venue']);

export const invalidates: Invalidates = {
  facts(facts) {
    const told = factsOf(facts, 'record');
    if (told.some(({ type }) => shared.has(type))) return [{ everyOf: 'TicketedEvent' }];
    return entitiesOf('TicketedEvent', told.flatMap(({ type, eventId }) => (type === 'ticketing.event' ? [eventId] : [])));
  },
};
