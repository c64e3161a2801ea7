import { defineEntity, p } from '@mikro-orm/core';
import { PublishedOperationSchema } from './publications-entity.ts';
import type { Permission, Terms, Tier } from '#core/viewer.ts';

const ApiKeySchema = defineEntity({
  name: 'ApiKey',
  schema: 'access',
  tableName: 'api_keys',
  properties: {
    id: p.string().primary(),
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

export const entities = [ApiKeySchema, AuditEntrySchema, PublishedOperationSchema];
