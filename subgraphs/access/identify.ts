/** Presented credentials → viewers, for the gateway: keys, tokens that keys minted, and tokens of the OAuth server. */
import { LRUCache } from 'lru-cache';
import type { EntityManager } from '#core/database.ts';
import { hashCredential } from '#core/secrets.ts';
import { query } from '#core/sql.ts';
import type { Hub } from '#core/subgraph.ts';
import { type Permission, type Terms, type Tier, type Viewer, dependsOn } from '#core/viewer.ts';
import { holds, keyPrefix, tokenPrefix } from './domain.ts';
import { ApiKey } from './entities.ts';
import { type Rights, intersect, permissionsIn } from './rights.ts';

/** For how long a gateway may trust what it read of a credential, when no word of a change reaches it. */
const trustMs = 5_000;

/** Turns presented credentials into viewers; null for those that are unknown, expired or revoked. */
export const createIdentify = (hub: Hub): ((credential: string) => Promise<Viewer | null>) => {
  const known = new LRUCache<string, Viewer>({ max: 10_000, ttl: trustMs });
  let changes = 0;
  hub.bus.subscribe('key.changed', ({ keyId }) => {
    changes++;
    for (const [hash, viewer] of known.entries()) if (dependsOn(viewer, keyId)) known.delete(hash);
  });
  return async (credential) => {
    const find = finderOf(credential);
    if (!find) return null;
    const hash = hashCredential(credential);
    const remembered = known.get(hash);
    const changesBefore = changes;
    const viewer = remembered ?? (await find(hub.database.em(), hash, hub.now()));
    if (!viewer || !holds(viewer, hub.now())) return null;
    // What changed while it was read may be what was read: it is not kept.
    if (!remembered && changes === changesBefore) known.set(hash, viewer);
    return viewer;
  };
};

type Find = (em: EntityManager, hash: string, now: Date) => Promise<Viewer | null>;

const finderOf = (credential: string): Find | null => {
  if (credential.startsWith(keyPrefix) || credential.startsWith(tokenPrefix)) return findKey;
  // 256 random bits, as the OAuth server writes them.
  return /^[\w-]{43}$/.test(credential) ? findOAuthToken : null;
};

const findKey: Find = async (em, hash, now) => {
  const key = await em.findOne(ApiKey, { hash });
  if (!key || !holds(key, now)) return null;
  if (key.parentId === null) return viewerOf(key);
  const parent = await em.findOne(ApiKey, { id: key.parentId });
  return parent && holds(parent, now) ? viewerOf(key, parent) : null;
};

export const viewerOf = (key: ApiKey, parent: ApiKey | null = null): Viewer => ({
  keyId: key.id,
  ...viewerWith(parent ? intersect(key, parent) : key),
  ...(parent && { standsOn: [parent.id] }),
  expiresAt: endOf(key.expiresAt?.getTime(), parent?.expiresAt?.getTime()),
  terms: { client: key.clientName, tier: key.tier, documents: parent ? intersect(key, parent).documents : key.documents },
});

const viewerWith = ({ permissions, eventAccess }: Rights): Pick<Viewer, 'kind' | 'permissions' | 'events'> => ({ kind: 'key', permissions: new Set(permissions), events: eventAccess ? new Set(eventAccess) : 'all' });

/** An access token with everything that it stands on; what belongs to a grant is null for client credentials. Moments are milliseconds since 1970. */
type TokenRow = {
  readonly model: 'AccessToken' | 'ClientCredentials';
  readonly scopes: string[] | null;
  readonly expires_at: number;
  readonly client_id: string;
  readonly client_name: string;
  readonly client_permissions: Permission[];
  readonly client_events: string[] | null;
  readonly tier: Tier;
  readonly client_documents: Terms['documents'];
  readonly client_revoked: boolean;
  readonly grant_id: string | null;
  readonly grant_permissions: Permission[] | null;
  readonly grant_expires_at: number | null;
  readonly grant_revoked: boolean;
  readonly key_id: string | null;
  readonly key_permissions: Permission[] | null;
  readonly key_events: string[] | null;
  readonly key_documents: Terms['documents'] | null;
  readonly key_expires_at: number | null;
  readonly key_revoked: boolean;
};

const milliseconds = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`;

const tokenQuery = `
  select a.model, a.scopes, ${milliseconds('a.expires_at')} expires_at, a.client_id, c.client_name, c.permissions client_permissions, c.event_access client_events,
    c.tier, c.documents client_documents, c.revoked_at is not null client_revoked,
    g.id grant_id, g.permissions grant_permissions, ${milliseconds('g.expires_at')} grant_expires_at, g.revoked_at is not null grant_revoked,
    k.id key_id, k.permissions key_permissions, k.event_access key_events, k.documents key_documents, ${milliseconds('k.expires_at')} key_expires_at,
    k.revoked_at is not null key_revoked
  from access.oauth_artifacts a join access.oauth_clients c on c.id = a.client_id
    left join access.oauth_grants g on g.id = a.grant_id left join access.api_keys k on k.id = g.key_id
  where a.id_hash = $1 and a.model in ('AccessToken', 'ClientCredentials')`;

const findOAuthToken: Find = async (em, hash) => {
  const [row] = await query<TokenRow>(em, tokenQuery, [hash]);
  if (!row || row.client_revoked) return null;
  return row.model === 'ClientCredentials' ? viewerOfClient(row, hash) : viewerOfGrant(row, hash);
};

/** Names a token without being of use to anybody: so that one can be ended alone. */
export const tokenId = (hash: string): string => `oauth_${hash.slice(0, 16)}`;

const clientRights = (row: TokenRow): Rights => ({ permissions: row.client_permissions, eventAccess: row.client_events, documents: row.client_documents });
const asked = (row: TokenRow): Rights => ({ permissions: permissionsIn(row.scopes ?? []), eventAccess: null, documents: 'any' });

/** When the first of these ends, in milliseconds since 1970; null for never. */
const endOf = (...ends: readonly (number | null | undefined)[]): Date | null => {
  const known = ends.filter((end) => typeof end === 'number');
  return known.length > 0 ? new Date(Math.min(...known)) : null;
};

const viewerOfClient = (row: TokenRow, hash: string): Viewer => {
  const rights = intersect(clientRights(row), asked(row));
  return { keyId: row.client_id, ...viewerWith(rights), standsOn: [tokenId(hash)], expiresAt: endOf(row.expires_at), terms: { client: row.client_name, tier: row.tier, documents: rights.documents } };
};

const viewerOfGrant = (row: TokenRow, hash: string): Viewer | null => {
  if (!row.grant_id || !row.grant_permissions || row.grant_revoked) return null;
  if (!row.key_id || !row.key_permissions || !row.key_documents || row.key_revoked) return null;
  const key: Rights = { permissions: row.key_permissions, eventAccess: row.key_events, documents: row.key_documents };
  const granted: Rights = { permissions: row.grant_permissions, eventAccess: null, documents: 'any' };
  const rights = [key, clientRights(row), asked(row)].reduce(intersect, granted);
  return {
    keyId: row.grant_id,
    ...viewerWith(rights),
    standsOn: [tokenId(hash), row.client_id, row.key_id],
    expiresAt: endOf(row.expires_at, row.grant_expires_at, row.key_expires_at),
    terms: { client: row.client_name, tier: row.tier, documents: rights.documents },
  };
};
