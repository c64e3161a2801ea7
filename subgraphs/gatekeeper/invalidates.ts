import { factsOf } from '#core/facts.ts';
import { type Invalidates, entitiesOf } from '#core/invalidation.ts';

export const invalidates: Invalidates = { facts: (facts) => entitiesOf('GateEvent', factsOf(facts, 'gate').map(({ eventId }) => eventId)) };
