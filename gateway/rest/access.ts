/** Who may use a path: the key first, then the tier, then the permissions, then the event list. */
import { type Tier, type Viewer, isAllowed, maySeeEvent, termsOf, tiers } from '#core/viewer.ts';
import type { RestAudience } from './directive.ts';
import { ProblemError } from './problem.ts';
import { type Route, nameOf } from './route.ts';

const lowestTier: Readonly<Record<RestAudience, Tier>> = { NOTHING: 'public', KEY: 'public', PARTNER: 'partner', PREMIUM: 'premium' };

/** Throws a ProblemError for a viewer who may not use the path. */
export const checkAudience = (wants: RestAudience, { permissions }: Pick<Route, 'permissions'>, viewer: Viewer): void => {
  if (wants === 'NOTHING') return;
  if (viewer.kind === 'public') throw new ProblemError('UNAUTHENTICATED', 'This path needs a key, as `Authorization: Bearer IPK_…` or `x-api-key`.');
  const { tier } = termsOf(viewer);
  const needed = lowestTier[wants];
  if (tiers.indexOf(tier) < tiers.indexOf(needed)) throw new ProblemError('TIER_TOO_LOW', `This path is for keys of the tier ${needed}; this one's is ${tier}.`, { tier, needed });
  const missing = permissions.find((permission) => !isAllowed(viewer, permission));
  if (missing) throw new ProblemError('FORBIDDEN', `This needs the permission ${missing}.`, { permission: missing });
};

/** Throws a ProblemError for an event that is not in the list of the viewer's key; whether it exists is not told. */
export const checkEvent = (route: Pick<Route, 'event' | 'inputs'>, variables: Readonly<Record<string, unknown>>, viewer: Viewer): void => {
  const eventId = route.event ? variables[route.event] : undefined;
  if (typeof eventId === 'string' && viewer.kind !== 'public' && !maySeeEvent(viewer, eventId)) throw new ProblemError('EVENT_NOT_ALLOWED', 'The key does not allow this event.', { field: nameOf(route, route.event ?? '') });
};
