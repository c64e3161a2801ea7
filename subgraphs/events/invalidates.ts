import { type Changed, type Invalidates, entitiesOf } from '#core/invalidation.ts';

// What programmes and regions show is their events' doing.
const lists: readonly Changed[] = [{ query: 'event' }, { query: 'events' }, { query: 'programme' }, { query: 'programmes' }, { everyOf: 'Programme' }, { everyOf: 'Region' }];
const ofEvents = (eventIds: Iterable<string | null>): readonly Changed[] => [...entitiesOf('Event', eventIds), ...lists];
const ofService = ({ serviceId }: { readonly serviceId: string | null }): readonly Changed[] => (serviceId === null ? [] : [{ type: 'EventService', key: { id: serviceId } }]);

/** Event facts tell no domain event of their own. A service's last contact is told nowhere: its fields are kept for seconds. */
export const invalidates: Invalidates = {
  events: {
    'event.status_changed': ({ eventId }) => ofEvents([eventId]),
    'programme.event_added': ({ eventId }) => ofEvents([eventId]),
    'service.registered': (event) => [...ofService(event), { query: 'eventServices' }, { query: 'eventService' }],
    'event.removed': ({ eventId }) => [...entitiesOf('Event', [eventId]), ...lists],
    'service.health_changed': ofService,
    'service.updated': ofService,
    'service.paused': ofService,
    'service.resumed': ofService,
    'service.sync_requested': ofService,
    'service.removed': (event) => [...ofService(event), { query: 'eventServices' }, { query: 'eventService' }],
  },
  facts(facts) {
    const changed = facts.filter(({ kind }) => kind === 'event' || kind === 'status');
    return changed.length === 0 ? [] : ofEvents(changed.map(({ eventId }) => eventId));
  },
};
