/**
 * Glossary
 * - key: what a client presents, `IPK_` and 32 random bytes; the hub keeps its hash only.
 * - token: a key that another key minted, `IPT_…`: narrower and shorter than that, its parent, and gone with it.
 * - OAuth client: an application that admins registered; people grant it what their keys allow.
 * - grant: what the holder of a key allowed an OAuth client; gone with the key and with the client.
 * - event access: the hub-wide ids of the events a key may see; null for all.
 * - secret: signs what the hub sends to the key's client.
 */
import { InputError } from '#core/errors.ts';
import { eventId } from '#core/facts.ts';
import { type Permission, type Terms, type Tier, type Viewer, permissions, tiers } from '#core/viewer.ts';
import type { CreateApiKeyInput, Documents, MintTokenInput } from './generated/types.ts';
import { type Rights, allows } from './rights.ts';

export const keyPrefix = 'IPK_';
export const tokenPrefix = 'IPT_';

export type KeyRequest = { readonly clientName: string; readonly permissions: readonly Permission[]; readonly eventAccess: readonly string[] | null; readonly expiresAt: Date | null; readonly tier: Tier; readonly documents: Terms['documents'] };

/** Throws an InputError that names the first field at fault. `events` are those that the maker's own key sees. */
export const parseKeyRequest = (input: CreateApiKeyInput, now: Date, events: Viewer['events'] = 'all'): KeyRequest => {
  const clientName = parseName(input.clientName);
  const wanted = parsePermissions(input.permissions);
  const eventAccess = parseEventAccess(input.eventAccess, events);
  if (input.expiresAt && input.expiresAt <= now) throw new InputError('EXPIRY_PAST', 'input.expiresAt', 'A key ends in the future.');
  return { clientName, permissions: wanted, eventAccess, expiresAt: input.expiresAt ?? null, ...parseTerms(input) };
};

export const holds = (record: { readonly expiresAt?: Date | null; readonly revokedAt?: Date | null }, now: Date): boolean => !record.revokedAt && (!record.expiresAt || record.expiresAt > now);

/** What lasts by itself. What came of a key makes nothing that would outlive it. */
export const isLasting = ({ keyId }: Viewer): boolean => keyId !== null && /^(?:key_|jwt:)/.test(keyId);

export type TokenRequest = Rights & { readonly expiresAt: Date };

const longestToken = 366 * 86_400;

/** A token allows what its parent allows at most, and ends with it at the latest. Throws an InputError that names the field. */
export const parseTokenRequest = (input: MintTokenInput, now: Date, parent: Rights & { readonly expiresAt?: Date | null }): TokenRequest => {
  const wanted = parsePermissions(input.permissions);
  const wider = wanted.find((permission) => !allows(parent.permissions, permission));
  if (wider !== undefined) throw new InputError('PERMISSIONS_TOO_WIDE', 'input.permissions', `The key itself does not allow ${wider}.`, { permission: wider });
  const events = parent.eventAccess ? new Set(parent.eventAccess) : 'all';
  const eventAccess = input.eventAccess ? parseEventAccess(input.eventAccess, events) : (parent.eventAccess ?? null);
  if (input.documents === 'ANY' && parent.documents === 'persisted') throw new InputError('DOCUMENTS_TOO_WIDE', 'input.documents', 'The key itself sends persisted operations only.');
  const seconds = input.expiresInSeconds;
  if (seconds < 1 || seconds > longestToken) throw new InputError('EXPIRY_INVALID', 'input.expiresInSeconds', `A token is good for 1 to ${longestToken} seconds.`, { value: seconds, maximum: longestToken });
  const expiresAt = new Date(now.getTime() + seconds * 1000);
  if (parent.expiresAt && expiresAt > parent.expiresAt) throw new InputError('EXPIRY_TOO_LATE', 'input.expiresInSeconds', `The key itself ends at ${parent.expiresAt.toISOString()}.`, { maximum: Math.floor((parent.expiresAt.getTime() - now.getTime()) / 1000) });
  return { permissions: wanted, eventAccess, documents: input.documents ? documentsNamed(input.documents) : parent.documents, expiresAt };
};

export const parseName = (text: string): string => {
  const name = text.trim();
  if (name === '' || name.length > 200) throw new InputError('NAME_INVALID', 'input.clientName', 'A name has 1 to 200 characters.');
  return name;
};

export const parsePermissions = (wanted: readonly string[]): Permission[] => {
  if (wanted.length === 0) throw new InputError('PERMISSIONS_EMPTY', 'input.permissions', `Name at least one of: ${permissions.join(', ')}.`);
  const known: readonly string[] = permissions;
  const unknown = wanted.find((permission) => !known.includes(permission));
  if (unknown !== undefined) throw new InputError('PERMISSION_UNKNOWN', 'input.permissions', `There is no permission ${JSON.stringify(unknown)}. Known: ${permissions.join(', ')}.`);
  return [...new Set(wanted)] as Permission[];
};

/** `events` are those that the one who asks sees. */
export const parseEventAccess = (wanted: readonly string[] | null | undefined, events: Viewer['events']): string[] | null => {
  const bad = wanted?.find((id) => !eventId.safeParse(id).success);
  if (bad !== undefined) throw new InputError('EVENT_ID_INVALID', 'input.eventAccess', `${JSON.stringify(bad)} is not an event id.`);
  const isWider = events !== 'all' && (wanted?.some((id) => !events.has(id)) ?? true);
  if (isWider) throw new InputError('EVENT_ACCESS_TOO_WIDE', 'input.eventAccess', 'A key with an event list gives access to events of its own list only: name them.');
  return wanted ? [...new Set(wanted)] : null;
};

/** Whoever acts for people of other houses sends what was agreed on, unless it is said otherwise. */
export const parseTerms = (input: Pick<CreateApiKeyInput, 'tier' | 'documents'>): Pick<Terms, 'tier' | 'documents'> => {
  const tier = tiers.find((each) => each.toUpperCase() === (input.tier ?? 'PARTNER')) ?? 'partner';
  return { tier, documents: documentsNamed(input.documents ?? (tier === 'internal' ? 'ANY' : 'PERSISTED')) };
};

const documentsNamed = (name: Documents): Terms['documents'] => (name === 'ANY' ? 'any' : 'persisted');
