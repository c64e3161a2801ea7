/** Building blocks for the `permissions.ts` of subgraphs: the second check, behind the gateway's own. */
import { rule } from './shield.ts';
import { ForbiddenError, UnauthenticatedError } from './errors.ts';
import type { SubgraphContext } from './subgraph.ts';
import { type Permission, isAllowed, maySeeEvent, permissions } from './viewer.ts';

const needsRule = (permission: Permission) =>
  rule(`needs ${permission}`, { cache: 'no_cache' })((_parent, _args, context: SubgraphContext) => {
    if (isAllowed(context.viewer, permission)) return true;
    return context.viewer.kind === 'public' ? new UnauthenticatedError() : new ForbiddenError(`This needs the permission ${permission}.`, { permission });
  });

// Shield tells rules apart by name and refuses two with the same.
const rules = new Map(permissions.map((permission) => [permission, needsRule(permission)]));

/** The viewer's key must have this permission. */
export const needs = (permission: Permission): ReturnType<typeof needsRule> => rules.get(permission) ?? needsRule(permission);

/** The viewer must have a key, whatever it allows: the check behind `@authenticated`. */
export const authenticated = rule('authenticated', { cache: 'no_cache' })((_parent, _args, { viewer }: SubgraphContext) => viewer.kind !== 'public' || new UnauthenticatedError());

/** For the `references` of types whose key is the hub-wide event id. */
export const visibleEvent = (reference: { readonly id?: unknown }, context: SubgraphContext): boolean => typeof reference.id === 'string' && maySeeEvent(context.viewer, reference.id);
