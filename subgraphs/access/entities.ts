import { defineEntity, p } from '@mikro-orm/core';
import { PublishedOperationSchema } from './publications-entity.ts';
import type { Permission, Terms, Tier } from '#core/viewer.ts';
import type { ClientAuthentication, GrantType } from './oauth-clients.ts';

const ApiKeySchema = defineEntity({
  name: 'ApiKey',
  schema: 'access',
  tableName: 'api_keys',
  properties: {
    id: p.string().primary(),
    /** The key that minted this token; null for a key. */
    parentId: p.string().nullable(),
    /** SHA-256 of the key. The key has full entropy, so no slow hash is needed. */
    hash: p.string(),
    clientName: p.string(),
    permissions: p.array().$type<Permission[]>(),
    eventAccess: p.array().$type<string[]>().nullable(),
    tier: p.string().$type<Tier>(),
    documents: p.string().$type<Terms['documents']>(),
    /** Encrypted. */
    secret: p.string(),
    createdAt: p.datetime(),
    createdBy: p.string().nullable(),
    expiresAt: p.datetime().nullable(),
    revokedAt: p.datetime().nullable(),
  },
});

export class ApiKey extends ApiKeySchema.class {}
ApiKeySchema.setClass(ApiKey);

const OAuthClientSchema = defineEntity({
  name: 'OAuthClient',
  schema: 'access',
  tableName: 'oauth_clients',
  properties: {
    id: p.string().primary(),
    /** SHA-256 of the secret, which has full entropy; null for clients that can keep none. */
    secretHash: p.string().nullable(),
    clientName: p.string(),
    redirectUris: p.array().$type<string[]>(),
    grantTypes: p.array().$type<GrantType[]>(),
    authentication: p.string().$type<ClientAuthentication>(),
    /** What it can be granted at most; for client credentials, what it has. */
    permissions: p.array().$type<Permission[]>(),
    eventAccess: p.array().$type<string[]>().nullable(),
    tier: p.string().$type<Tier>(),
    documents: p.string().$type<Terms['documents']>(),
    createdAt: p.datetime(),
    createdBy: p.string().nullable(),
    revokedAt: p.datetime().nullable(),
  },
});

export class OAuthClient extends OAuthClientSchema.class {}
OAuthClientSchema.setClass(OAuthClient);

const OAuthGrantSchema = defineEntity({
  name: 'OAuthGrant',
  schema: 'access',
  tableName: 'oauth_grants',
  properties: {
    id: p.string().primary(),
    clientId: p.string(),
    keyId: p.string(),
    permissions: p.array().$type<Permission[]>(),
    payload: p.json<Record<string, unknown>>(),
    createdAt: p.datetime(),
    expiresAt: p.datetime(),
    revokedAt: p.datetime().nullable(),
  },
});

export class OAuthGrant extends OAuthGrantSchema.class {}
OAuthGrantSchema.setClass(OAuthGrant);

const AuditEntrySchema = defineEntity({
  name: 'AuditEntry',
  schema: 'access',
  tableName: 'audit_log',
  properties: {
    id: p.bigint().primary(),
    at: p.datetime(),
    /** Key id; null for the hub itself. */
    actor: p.string().nullable(),
    action: p.string(),
    subject: p.string(),
    details: p.json<Record<string, unknown>>(),
  },
});

export class AuditEntry extends AuditEntrySchema.class {}
AuditEntrySchema.setClass(AuditEntry);

export const entities = [ApiKeySchema, OAuthClientSchema, OAuthGrantSchema, AuditEntrySchema, PublishedOperationSchema];
