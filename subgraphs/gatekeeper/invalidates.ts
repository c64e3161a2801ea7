import { factsOf } from '#core/facts.ts';
import { type Invalidates, entitiesOf } from '#core/invalidation.ts';

export const invalidates: Invalidates = {
  events: { 'event.removed': ({ eventId }) => entitiesOf('GateEvent', [eventId]) },
  facts: (facts) => entitiesOf('GateEvent', factsOf(facts, 'gate').map(({ eventId }) => eventId)),
};
