/** Grants: what holders of keys allowed OAuth clients. Whatever ends one takes its codes and tokens in the same transaction. */
import { LockMode } from '@mikro-orm/core';
import type { EntityManager } from '#core/database.ts';
import { type Connection, type PageArguments, connectionOf, momentOf, pageOf } from '#core/pagination.ts';
import { query } from '#core/sql.ts';
import type { Hub } from '#core/subgraph.ts';
import type { Permission } from '#core/viewer.ts';
import { audit } from './audit.ts';
import { holds } from './domain.ts';
import { ApiKey, OAuthClient, OAuthGrant } from './entities.ts';
import { intersect } from './rights.ts';

export type NewGrant = { readonly id: string; readonly clientId: string; readonly keyId: string; readonly permissions: readonly Permission[]; readonly payload: Record<string, unknown>; readonly expiresAt: Date };

/**
 * Null when key or client do not hold any more: both are locked, so that one that is revoked at this moment either sees
 * the grant and ends it, or keeps it from being made. What neither allows is not granted.
 */
export const saveGrant = (em: EntityManager, hub: Pick<Hub, 'now'>, grant: NewGrant): Promise<OAuthGrant | null> =>
  em.transactional(async (tx) => {
    const key = await tx.findOne(ApiKey, { id: grant.keyId }, { lockMode: LockMode.PESSIMISTIC_READ });
    const client = await tx.findOne(OAuthClient, { id: grant.clientId }, { lockMode: LockMode.PESSIMISTIC_READ });
    if (!key || !client || !holds(key, hub.now()) || client.revokedAt) return null;
    const { permissions, eventAccess } = intersect(intersect(key, client), { permissions: grant.permissions, documents: 'any' });
    const record = tx.create(OAuthGrant, { ...grant, permissions: [...permissions], createdAt: hub.now(), revokedAt: null });
    audit(tx, { at: hub.now(), actor: key.id, action: 'grant.created', subject: grant.id, details: { client: client.id, clientName: client.clientName, permissions, eventAccess } });
    return record;
  });

export type Origin = 'grant' | 'key' | 'client';
const columns: Readonly<Record<Origin, string>> = { grant: 'id', key: 'key_id', client: 'client_id' };

/** Ends one grant, or all of a key or a client, within `tx`. The reason is for the log. */
export const endGrants = async (tx: EntityManager, hub: Pick<Hub, 'now'>, origin: Origin, id: string, by: string | null, reason: string): Promise<void> => {
  const ended = await query<{ id: string; client_id: string; key_id: string }>(tx, `update access.oauth_grants set revoked_at = $2 where ${columns[origin]} = $1 and revoked_at is null returning id, client_id, key_id`, [id, hub.now()]);
  for (const grant of ended) audit(tx, { at: hub.now(), actor: by, action: 'grant.revoked', subject: grant.id, details: { client: grant.client_id, key: grant.key_id, reason } });
  // A token that was written before its grant was locked is seen here; one that comes later finds the grant ended.
  await query(tx, 'delete from access.oauth_artifacts where grant_id = any($1) or client_id = $2', [ended.map((grant) => grant.id), origin === 'client' ? id : null]);
};

/** Null when there is no such grant. Doing it twice changes nothing. Every gateway is told. */
export const revokeGrant = async (em: EntityManager, hub: Pick<Hub, 'now' | 'bus'>, id: string, by: string | null, reason: string): Promise<OAuthGrant | null> => {
  await em.transactional((tx) => endGrants(tx, hub, 'grant', id, by, reason));
  hub.bus.publish('key.changed', { keyId: id });
  return em.fork().findOne(OAuthGrant, { id });
};

/** All, or those of one key. */
export const listGrants = async (em: EntityManager, args: PageArguments, keyId: string | null): Promise<Connection<OAuthGrant>> => {
  const page = pageOf(args, 2);
  const at = page.after && momentOf(page.after[0]);
  const own = keyId === null ? {} : { keyId };
  const behind = page.after && at ? { $or: [{ createdAt: { $lt: at } }, { createdAt: at, id: { $lt: String(page.after[1]) } }] } : {};
  const rows = await em.find(OAuthGrant, { ...own, ...behind }, { orderBy: { createdAt: 'desc', id: 'desc' }, limit: page.size + 1 });
  return connectionOf(rows, page, (row) => [row.createdAt.toISOString(), row.id], () => em.count(OAuthGrant, own));
};
