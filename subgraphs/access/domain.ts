/**
 * Glossary
 * - key: what a client presents, `IPK_` and 32 random bytes; the hub keeps its hash only.
 * - event access: the hub-wide ids of the events a key may see; null for all.
 * - secret: signs what the hub sends to the key's client.
 */
import { InputError } from '#core/errors.ts';
import { eventId } from '#core/facts.ts';
import { type Permission, type Terms, type Tier, type Viewer, permissions, tiers } from '#core/viewer.ts';
import type { CreateApiKeyInput } from './generated/types.ts';

export const keyPrefix = 'IPK_';

export type KeyRequest = { readonly clientName: string; readonly permissions: readonly Permission[]; readonly eventAccess: readonly string[] | null; readonly expiresAt: Date | null; readonly tier: Tier; readonly documents: Terms['documents'] };

/** Throws an InputError that names the first field at fault. `events` are those that the maker's own key sees. */
export const parseKeyRequest = (input: CreateApiKeyInput, now: Date, events: Viewer['events'] = 'all'): KeyRequest => {
  const clientName = input.clientName.trim();
  if (clientName === '' || clientName.length > 200) throw new InputError('NAME_INVALID', 'input.clientName', 'A name has 1 to 200 characters.');
  if (input.permissions.length === 0) throw new InputError('PERMISSIONS_EMPTY', 'input.permissions', `Name at least one of: ${permissions.join(', ')}.`);
  const known: readonly string[] = permissions;
  const unknown = input.permissions.find((permission) => !known.includes(permission));
  if (unknown !== undefined) throw new InputError('PERMISSION_UNKNOWN', 'input.permissions', `There is no permission ${JSON.stringify(unknown)}. Known: ${permissions.join(', ')}.`);
  const bad = input.eventAccess?.find((id) => !eventId.safeParse(id).success);
  if (bad !== undefined) throw new InputError('EVENT_ID_INVALID', 'input.eventAccess', `${JSON.stringify(bad)} is not an event id.`);
  const isWider = events !== 'all' && (input.eventAccess?.some((id) => !events.has(id)) ?? true);
  if (isWider) throw new InputError('EVENT_ACCESS_TOO_WIDE', 'input.eventAccess', 'A key with an event list makes keys for events of its own list only: name them.');
  if (input.expiresAt && input.expiresAt <= now) throw new InputError('EXPIRY_PAST', 'input.expiresAt', 'A key ends in the future.');
  return { clientName, permissions: [...new Set(input.permissions)] as Permission[], eventAccess: input.eventAccess ? [...new Set(input.eventAccess)] : null, expiresAt: input.expiresAt ?? null, ...termsIn(input) };
};

export const holds = (key: { readonly expiresAt?: Date | null; readonly revokedAt?: Date | null }, now: Date): boolean => !key.revokedAt && (!key.expiresAt || key.expiresAt > now);

/** Whoever acts for people of other houses sends what was agreed on, unless the key says otherwise. */
const termsIn = (input: Pick<CreateApiKeyInput, 'tier' | 'documents'>): Pick<Terms, 'tier' | 'documents'> => {
  const tier = tiers.find((each) => each.toUpperCase() === (input.tier ?? 'PARTNER')) ?? 'partner';
  const documents = input.documents ?? (tier === 'internal' ? 'ANY' : 'PERSISTED');
  return { tier, documents: documents === 'ANY' ? 'any' : 'persisted' };
};
