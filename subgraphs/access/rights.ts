/** What credentials allow when one came of another: the narrower of both, always. Pure. */
import { type Permission, type Terms, permissions } from '#core/viewer.ts';

export type Rights = {
  /** `admin` among them includes every other one. */
  readonly permissions: readonly Permission[];
  /** Hub-wide ids of events; null, or nothing, for all. */
  readonly eventAccess?: readonly string[] | null | undefined;
  readonly documents: Terms['documents'];
};

export const allows = (held: readonly Permission[], permission: Permission): boolean => held.includes('admin') || held.includes(permission);

/** What both allow. */
export const intersect = (one: Rights, other: Rights): Rights => ({
  permissions: permissions.filter((permission) => allows(one.permissions, permission) && allows(other.permissions, permission)),
  eventAccess: commonEvents(one.eventAccess, other.eventAccess),
  documents: one.documents === 'persisted' || other.documents === 'persisted' ? 'persisted' : 'any',
});

const commonEvents = (one: Rights['eventAccess'], other: Rights['eventAccess']): Rights['eventAccess'] => {
  if (!one || !other) return one ?? other ?? null;
  const second = new Set(other);
  return one.filter((id) => second.has(id));
};

/** The permissions among these scopes. */
export const permissionsIn = (scopes: readonly string[]): Permission[] => permissions.filter((permission) => scopes.includes(permission));
