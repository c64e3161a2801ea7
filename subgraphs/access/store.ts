/** Keys, and the tokens that they mint. Whatever changes rights writes its audit entry in the same transaction. */
import { LockMode } from '@mikro-orm/core';
import DataLoader from 'dataloader';
import type { EntityManager } from '#core/database.ts';
import { ForbiddenError } from '#core/errors.ts';
import { type Connection, type PageArguments, connectionOf, momentOf, pageOf } from '#core/pagination.ts';
import { hashCredential, randomToken } from '#core/secrets.ts';
import { query } from '#core/sql.ts';
import type { Hub } from '#core/subgraph.ts';
import { permissions } from '#core/viewer.ts';
import { audit } from './audit.ts';
import { type KeyRequest, holds, keyPrefix, parseTokenRequest, tokenPrefix } from './domain.ts';
import { ApiKey, OAuthClient, OAuthGrant } from './entities.ts';
import type { MintTokenInput } from './generated/types.ts';
import { endGrants } from './oauth-grants.ts';

export type Loaders = {
  readonly key: DataLoader<string, ApiKey | null>;
  readonly client: DataLoader<string, OAuthClient | null>;
  readonly grant: DataLoader<string, OAuthGrant | null>;
};

export const createLoaders = (em: EntityManager): Loaders => {
  const byId = <Row extends { id: string }>(find: (ids: string[]) => Promise<Row[]>) =>
    new DataLoader<string, Row | null>(async (ids) => {
      const rows = new Map((await find([...ids])).map((row) => [row.id, row]));
      return ids.map((id) => rows.get(id) ?? null);
    });
  return {
    key: byId((ids) => em.find(ApiKey, { id: { $in: ids } })),
    client: byId((ids) => em.find(OAuthClient, { id: { $in: ids } })),
    grant: byId((ids) => em.find(OAuthGrant, { id: { $in: ids } })),
  };
};

type Maker = Pick<Hub, 'secrets' | 'now'>;
export type IssuedToken = { readonly record: ApiKey; readonly token: string };
export type IssuedKey = { readonly record: ApiKey; readonly apiKey: string; readonly secret: string };

/** Makes a key; the answer holds the only copy of the key and of its secret in clear. */
export const issueKey = (em: EntityManager, hub: Maker, request: KeyRequest, by: string | null): Promise<IssuedKey> =>
  em.transactional(async (tx) => {
    const apiKey = keyPrefix + randomToken(32);
    const secret = randomToken(32);
    const record = tx.create(ApiKey, {
      id: `key_${randomToken(12)}`,
      parentId: null,
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

/**
 * A token of the key `parentId`, which is locked: one that is revoked at this moment either ends the token as well, or
 * keeps it from being made. Throws an InputError for a token that would be wider or longer than its key.
 */
export const mintToken = (em: EntityManager, hub: Maker, parentId: string, input: MintTokenInput): Promise<IssuedToken> =>
  em.transactional(async (tx) => {
    const parent = await tx.findOne(ApiKey, { id: parentId }, { lockMode: LockMode.PESSIMISTIC_READ });
    if (!parent || parent.parentId !== null || !holds(parent, hub.now())) throw new ForbiddenError('A key mints tokens, and nothing that came of one.');
    const { permissions: wanted, eventAccess, documents, expiresAt } = parseTokenRequest(input, hub.now(), parent);
    const token = tokenPrefix + randomToken(32);
    const record = tx.create(ApiKey, {
      id: `tok_${randomToken(12)}`, parentId, hash: hashCredential(token), clientName: parent.clientName, permissions: [...wanted], eventAccess: eventAccess && [...eventAccess],
      tier: parent.tier, documents, secret: hub.secrets.encrypt(randomToken(32)), createdAt: hub.now(), createdBy: parentId, expiresAt, revokedAt: null,
    });
    audit(tx, { at: hub.now(), actor: parentId, action: 'token.minted', subject: record.id, details: { key: parentId, permissions: wanted, eventAccess, documents, expiresAt: expiresAt.toISOString() } });
    return { record, token };
  });

/** A key or a token, with everything that came of it. Null when there is no such one. Doing it twice changes nothing. */
export const revokeKey = (em: EntityManager, hub: Maker, id: string, by: string | null): Promise<ApiKey | null> =>
  em.transactional(async (tx) => {
    const record = await tx.findOne(ApiKey, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (!record || record.revokedAt) return record;
    record.revokedAt = hub.now();
    audit(tx, { at: hub.now(), actor: by, action: record.parentId === null ? 'key.revoked' : 'token.revoked', subject: id, details: { clientName: record.clientName } });
    await tx.flush();
    const tokens = await query<{ id: string }>(tx, 'update access.api_keys set revoked_at = $2 where parent_id = $1 and revoked_at is null returning id', [id, hub.now()]);
    for (const token of tokens) audit(tx, { at: hub.now(), actor: by, action: 'token.revoked', subject: token.id, details: { clientName: record.clientName, key: id } });
    await endGrants(tx, hub, 'key', id, by, 'its key was revoked');
    return record;
  });

/** Drops what ended long ago: codes, sessions and tokens of the OAuth server, and tokens that keys minted. */
export const maintain = async (em: EntityManager, now: Date): Promise<void> => {
  await query(em, 'delete from access.oauth_artifacts where expires_at < $1', [now]);
  await query(em, 'delete from access.api_keys where parent_id is not null and expires_at < $1', [new Date(now.getTime() - keptAfterEndMs)]);
};

/** A token that ended can still be looked up for so long. */
const keptAfterEndMs = 30 * 86_400_000;

/** The key of the hub's operator, for the first start. */
export const issueAdminKey = (em: EntityManager, hub: Maker): Promise<IssuedKey> => issueKey(em, hub, { clientName: 'admin', permissions, eventAccess: null, expiresAt: null, tier: 'internal', documents: 'any' }, null);

/** Keys, or the tokens of one of them. */
export const listKeys = async (em: EntityManager, args: PageArguments, parentId: string | null): Promise<Connection<ApiKey>> => {
  const page = pageOf(args, 2);
  const at = page.after && momentOf(page.after[0]);
  const behind = page.after && at ? { $or: [{ createdAt: { $lt: at } }, { createdAt: at, id: { $lt: String(page.after[1]) } }] } : {};
  const rows = await em.find(ApiKey, { parentId, ...behind }, { orderBy: { createdAt: 'desc', id: 'desc' }, limit: page.size + 1 });
  return connectionOf(rows, page, (row) => [row.createdAt.toISOString(), row.id], () => em.count(ApiKey, { parentId }));
};
