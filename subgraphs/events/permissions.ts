import { ForbiddenError } from '#core/errors.ts';
import { allow, and, rule } from '#core/shield.ts';
import { authenticated, needs } from '#core/permissions.ts';
import { productTypes } from './products.ts';
import type { Context } from './resolvers.ts';
import type { Reach } from './store.ts';

// Which services a key with an event list may change is decided one by one (services-resolvers.ts).
const administration = Object.fromEntries(['syncNow', 'pauseEventService', 'resumeEventService', 'updateEventService', 'rotatePushSecret', 'removeEventService'].map((name) => [name, needs('manage_services')]));

/** Public events lead everybody to their service: what it is to who manages services is for those whose key allows events of it. */
const manages = (of: string, reaches: readonly Reach[]) =>
  and(needs('manage_services'), rule(`manages ${of} of the service`, { cache: 'no_cache' })(async ({ id }: { readonly id: string }, _args, { loaders }: Context) => reaches.includes(await loaders.reach.load(id)) || new ForbiddenError('The key does not allow this of the service.')));
const managesSome = manages('events', ['some', 'all']);
/** What is in it may be of any event of the service. */
const managesAll = manages('all events', ['all']);

export const permissions = {
  // Which events a viewer gets, and with them programmes, is decided row by row in the store: public ones are everybody's.
  Query: { event: allow, events: allow, programme: allow, programmes: allow, eventService: needs('manage_services'), eventServices: needs('manage_services') },
  Mutation: { registerEventService: needs('manage_services'), retryRejected: needs('manage_services'), previewEventService: needs('manage_services'), registerProgramme: needs('manage_services'), ...administration },
  EventService: { nextSync: authenticated, syncInterval: authenticated, lastError: managesSome, lastSync: managesSome, circuit: managesSome, clockSkewMs: managesSome, budget: managesSome, endpoints: managesSome, contact: managesSome, eventAccess: managesSome, rejected: managesAll },
  RejectedRecord: { raw: needs('admin') },
};

const byLoader = (): boolean => true;
/** The loaders answer null for events that the viewer may not see, and for programmes and regions of which it sees none; a service shows nothing that is not guarded above. */
export const references = { Event: byLoader, Programme: byLoader, Region: byLoader, EventService: byLoader, ...Object.fromEntries(productTypes.map((type) => [type, byLoader])) };
