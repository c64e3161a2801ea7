import type { Fact } from '#core/facts.ts';
import { type Invalidates, entitiesOf } from '#core/invalidation.ts';

const kinds: ReadonlySet<Fact['kind']> = new Set(['registration', 'checkIn', 'checkInVoided', 'checkInsStanding', 'gate', 'observation']);

/** A change of attendance also tells of events that a registration left; facts, of check-ins that change no number. */
export const invalidates: Invalidates = {
  events: { 'attendance.changed': ({ eventId }) => entitiesOf('Event', [eventId]), 'event.removed': ({ eventId }) => entitiesOf('Event', [eventId]) },
  facts: (facts) => entitiesOf('Event', facts.flatMap(({ kind, eventId }) => (kinds.has(kind) ? [eventId] : []))),
};
