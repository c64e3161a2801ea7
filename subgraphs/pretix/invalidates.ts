import { factsOf } from '#core/facts.ts';
import { type Invalidates, entitiesOf } from '#core/invalidation.ts';

/** What is sold and where it is scanned belongs to all dates of a series, whichever event the fact names. Orders are not kept. */
const offers: ReadonlySet<string> = new Set(['pretix.product', 'pretix.quota', 'pretix.checkInList', 'pretix.offer']);

export const invalidates: Invalidates = {
  events: { 'event.removed': ({ eventId }) => entitiesOf('PretixEvent', [eventId]) },
  facts(facts) {
    const records = factsOf(facts, 'record');
    if (records.some(({ type }) => offers.has(type))) return [{ everyOf: 'PretixEvent' }];
    return entitiesOf('PretixEvent', records.flatMap(({ type, eventId }) => (type === 'pretix.event' ? [eventId] : [])));
  },
};
