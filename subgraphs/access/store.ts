/** Keys and the audit log. Whatever changes rights writes its audit entry in the same transaction. */
import DataLoader from 'dataloader';
import { LRUCache } from 'lru-cache';
import type { EntityManager } from '#core/database.ts';
import { type Connection, type PageArguments, connectionOf, momentOf, pageOf } from '#core/pagination.ts';
import { InputError } from '#core/errors.ts';
import { hashCredential, randomToken } from '#core/secrets.ts';
import type { Hub } from '#core/subgraph.ts';
import { type Viewer, permissions } from '#core/viewer.ts';
import { type KeyRequest, holds, keyPrefix } from './domain.ts';
import { ApiKey, AuditEntry } from './entities.ts';

export type Loaders = { readonly key: DataLoader<string, ApiKey | null> };

export const createLoaders = (em: EntityManager): Loaders => ({
  key: new DataLoader(async (ids) => {
    const rows = new Map((await em.find(ApiKey, { id: { $in: [...ids] } })).map((row) => [row.id, row]));
    return ids.map((id) => rows.get(id) ?? null);
  }),
});

type Maker = Pick<Hub, 'secrets' | 'now'>;
export type IssuedKey = { readonly record: ApiKey; readonly apiKey: string; readonly secret: string };

/** Makes a key; the answer holds the only copy of the key and of its secret in clear. */
export const issueKey = (em: EntityManager, hub: Maker, request: KeyRequest, by: string | null): Promise<IssuedKey> =>
  em.transactional(async (tx) => {
    const apiKey = keyPrefix + randomToken(32);
    const secret = randomToken(32);
    const record = tx.create(ApiKey, {
      id: `key_${randomToken(12)}`,
      hash: hashCredential(apiKey),
      clientName: request.clientName,
      permissions: [...request.permissions],
      eventAccess: request.eventAccess && [...request.eventAccess],
      tier: request.tier,
      documents: request.documents,
      secret: hub.secrets.encrypt(secret),
      createdAt: hub.now(),
      createdBy: by,
      expiresAt: request.expiresAt,
      revokedAt: null,
    });
    audit(tx, { at: hub.now(), actor: by, action: 'key.created', subject: record.id, details: { clientName: request.clientName, permissions: request.permissions, eventAccess: request.eventAccess, tier: request.tier, documents: request.documents } });
    return { record, apiKey, secret };
  });

/** Null when there is no such key. Revoking twice changes nothing. */
export const revokeKey = (em: EntityManager, hub: Maker, id: string, by: string | null): Promise<ApiKey | null> =>
  em.transactional(async (tx) => {
    const record = await tx.findOne(ApiKey, { id });
    if (!record || record.revokedAt) return record;
    record.revokedAt = hub.now();
    audit(tx, { at: hub.now(), actor: by, action: 'key.revoked', subject: id, details: { clientName: record.clientName } });
    return record;
  });

type AuditFacts = { readonly at: Date; readonly actor: string | null; readonly action: string; readonly subject: string; readonly details: Record<string, unknown> };

export const audit = (em: EntityManager, entry: AuditFacts): void => {
  em.persist(em.create(AuditEntry, entry));
};

/** The key of the hub's operator, for the first start. */
export const issueAdminKey = (em: EntityManager, hub: Maker): Promise<IssuedKey> => issueKey(em, hub, { clientName: 'admin', permissions, eventAccess: null, expiresAt: null, tier: 'internal', documents: 'any' }, null);

export const viewerOf = (key: ApiKey): Viewer => ({
  kind: 'key',
  keyId: key.id,
  permissions: new Set(key.permissions),
  events: key.eventAccess ? new Set(key.eventAccess) : 'all',
  expiresAt: key.expiresAt,
  terms: { client: key.clientName, tier: key.tier, documents: key.documents },
});

/** For how long a gateway may trust what it read of a key, when no word of a change reaches it. */
const trustMs = 5_000;

/** Turns presented keys into viewers; null for keys that are unknown, expired or revoked. */
export const createIdentify = (hub: Hub): ((credential: string) => Promise<Viewer | null>) => {
  const known = new LRUCache<string, ApiKey>({ max: 10_000, ttl: trustMs });
  hub.bus.subscribe('key.changed', ({ keyId }) => {
    for (const [hash, key] of known.entries()) if (key.id === keyId) known.delete(hash);
  });
  return async (credential) => {
    if (!credential.startsWith(keyPrefix)) return null;
    const hash = hashCredential(credential);
    const key = known.get(hash) ?? (await hub.database.em().findOne(ApiKey, { hash }));
    if (!key || !holds(key, hub.now())) return null;
    known.set(hash, key, { ttl: Math.max(1, known.getRemainingTTL(hash) || trustMs) });
    return viewerOf(key);
  };
};

export const listKeys = async (em: EntityManager, args: PageArguments): Promise<Connection<ApiKey>> => {
  const page = pageOf(args, 2);
  const at = page.after && momentOf(page.after[0]);
  const behind = page.after && at ? { $or: [{ createdAt: { $lt: at } }, { createdAt: at, id: { $lt: String(page.after[1]) } }] } : {};
  const rows = await em.find(ApiKey, behind, { orderBy: { createdAt: 'desc', id: 'desc' }, limit: page.size + 1 });
  return connectionOf(rows, page, (row) => [row.createdAt.toISOString(), row.id], () => em.count(ApiKey, {}));
};

const serialOf = (part: string | number | undefined): bigint => {
  if (typeof part !== 'string' || !/^\d{1,18}$/.test(part)) throw new InputError('CURSOR_INVALID', 'after', 'This is not a cursor of this list.');
  return BigInt(part);
};

export const listAudit = async (em: EntityManager, args: PageArguments): Promise<Connection<AuditEntry>> => {
  const page = pageOf(args, 1);
  const rows = await em.find(AuditEntry, page.after ? { id: { $lt: serialOf(page.after[0]) } } : {}, { orderBy: { id: 'desc' }, limit: page.size + 1 });
  return connectionOf(rows, page, (row) => [String(row.id)], () => em.count(AuditEntry, {}));
};
