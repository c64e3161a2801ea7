import { factsOf } from '#core/facts.ts';
import { type Invalidates, entitiesOf } from '#core/invalidation.ts';

export const invalidates: Invalidates = { facts: (facts) => entitiesOf('CustomEvent', factsOf(facts, 'record').flatMap(({ type, eventId }) => (type === 'custom.attributes' && eventId !== null ? [eventId] : []))) };
