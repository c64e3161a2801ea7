import { type Changed, type Invalidates, entitiesOf } from '#core/invalidation.ts';

const lists: readonly Changed[] = [{ query: 'event' }, { query: 'events' }];
const ofService = ({ serviceId }: { readonly serviceId: string | null }): readonly Changed[] => (serviceId === null ? [] : [{ type: 'EventService', key: { id: serviceId } }]);

/** Event facts tell no domain event of their own. A service's last contact is told nowhere: its fields are kept for seconds. */
export const invalidates: Invalidates = {
  events: {
    'event.status_changed': ({ eventId }) => [...entitiesOf('Event', [eventId]), ...lists],
    'service.registered': (event) => [...ofService(event), { query: 'eventServices' }, { query: 'eventService' }],
    'service.health_changed': ofService,
  },
  facts(facts) {
    const changed = facts.filter(({ kind }) => kind === 'event' || kind === 'status');
    return changed.length === 0 ? [] : [...entitiesOf('Event', changed.map(({ eventId }) => eventId)), ...lists];
  },
};
