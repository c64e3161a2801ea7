import { factsOf } from '#core/facts.ts';
import { type Invalidates, entitiesOf } from '#core/invalidation.ts';

export const invalidates: Invalidates = {
  facts: (facts) => entitiesOf('EventbriteEvent', factsOf(facts, 'record').flatMap(({ type, eventId }) => (type.startsWith('eventbrite.') ? [eventId] : []))),
};
