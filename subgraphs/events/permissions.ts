import { allow } from '#core/shield.ts';
import { authenticated, needs } from '#core/permissions.ts';
import { productTypes } from './products.ts';

// Which services a key with an event list may change is decided one by one (services-resolvers.ts).
const administration = Object.fromEntries(['syncNow', 'pauseEventService', 'resumeEventService', 'updateEventService', 'rotatePushSecret', 'removeEventService'].map((name) => [name, needs('manage_services')]));

export const permissions = {
  // Which events a viewer gets, and with them programmes, is decided row by row in the store: public ones are everybody's.
  Query: { event: allow, events: allow, programme: allow, programmes: allow, eventService: needs('manage_services'), eventServices: needs('manage_services') },
  Mutation: { registerEventService: needs('manage_services'), retryRejected: needs('manage_services'), previewEventService: needs('manage_services'), registerProgramme: needs('manage_services'), ...administration },
  EventService: { nextSync: authenticated, syncInterval: authenticated, lastError: needs('manage_services'), lastSync: needs('manage_services'), circuit: needs('manage_services'), budget: needs('manage_services'), endpoints: needs('manage_services'), contact: needs('manage_services'), rejected: needs('manage_services') },
  RejectedRecord: { raw: needs('admin') },
};

const byLoader = (): boolean => true;
/** The loaders answer null for events that the viewer may not see, and for programmes and regions of which it sees none; a service shows nothing that is not guarded above. */
export const references = { Event: byLoader, Programme: byLoader, Region: byLoader, EventService: byLoader, ...Object.fromEntries(productTypes.map((type) => [type, byLoader])) };
