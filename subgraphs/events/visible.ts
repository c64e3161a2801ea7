/** Which events a viewer may see; programmes and regions are seen as far as they. */
import type { FilterQuery } from '@mikro-orm/core';
import { type Viewer, isAllowed } from '#core/viewer.ts';
import type { EventRow } from './entities.ts';

/** Public events are everyone's; the rest needs `read_events` and a place in the key's event list. */
export const visibleTo = (viewer: Viewer): FilterQuery<EventRow> => {
  if (!isAllowed(viewer, 'read_events')) return { public: true };
  return viewer.events === 'all' ? {} : { $or: [{ id: { $in: [...viewer.events] } }, { public: true }] };
};

/** The same in SQL, for events that the statement calls `e`: its first two values are these. */
export const seenBy = (viewer: Viewer): readonly [boolean, readonly string[]] => {
  const reads = isAllowed(viewer, 'read_events');
  return [reads && viewer.events === 'all', reads && viewer.events !== 'all' ? [...viewer.events] : []];
};
export const isSeen = '($1 or e.public or e.id = any($2::text[]))';
