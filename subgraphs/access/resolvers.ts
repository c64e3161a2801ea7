import { InputError } from '#core/errors.ts';
import type { Connection } from '#core/pagination.ts';
import type { BrokenOperation } from '#core/operations-port.ts';
import type { SubgraphContext } from '#core/subgraph.ts';
import { parseKeyRequest } from './domain.ts';
import type { ApiKey, AuditEntry } from './entities.ts';
import type { Resolvers } from './generated/types.ts';
import type { PublishedOperation } from './publications-entity.ts';
import { publicationMutations, publicationQueries, publishedOperation, schemaCheck } from './publications-resolvers.ts';
import { type Loaders, issueKey, listAudit, listKeys, revokeKey } from './store.ts';

export type Context = SubgraphContext<Loaders>;
export type ApiKeyParent = ApiKey;
export type ApiKeyConnectionParent = Connection<ApiKey>;
export type PublishedOperationParent = PublishedOperation;
export type PublishedOperationConnectionParent = Connection<PublishedOperation>;
export type SchemaCheckParent = { readonly checked: number; readonly broken: readonly BrokenOperation[] };
export type AuditEntryParent = AuditEntry;
export type AuditEntryConnectionParent = Connection<AuditEntry>;

const endpoints = { events: '/api/v1/events', attendance: '/api/v1/attendance', webhooks: '/api/v1/webhooks' };

const tierNames = { public: 'PUBLIC', partner: 'PARTNER', premium: 'PREMIUM', internal: 'INTERNAL' } as const;

export const resolvers: Resolvers = {
  Query: {
    viewer: (_parent, _args, { viewer, loaders }) => (viewer.keyId ? loaders.key.load(viewer.keyId) : null),
    apiKeys: (_parent, args, { em }) => listKeys(em, args),
    auditLog: (_parent, args, { em }) => listAudit(em, args),
    ...publicationQueries,
  },
  Mutation: {
    ...publicationMutations,
    async createApiKey(_parent, { input }, { em, hub, viewer }) {
      try {
        const { record, apiKey, secret } = await issueKey(em, hub, parseKeyRequest(input, hub.now(), viewer.events), viewer.keyId);
        return { apiKey, secret, endpoints, key: record, userErrors: [] };
      } catch (error) {
        if (error instanceof InputError) return { userErrors: [{ code: error.code, field: error.field, message: error.message }] };
        throw error;
      }
    },
    async revokeApiKey(_parent, { input }, { em, hub, viewer }) {
      const key = await revokeKey(em, hub, input.id, viewer.keyId);
      if (!key) return { key: null, userErrors: [{ code: 'NOT_FOUND', field: 'input.id', message: 'There is no such key.' }] };
      hub.bus.publish('key.changed', { keyId: key.id });
      return { key, userErrors: [] };
    },
  },
  ApiKey: {
    __resolveReference: ({ id }, { loaders }) => loaders.key.load(id),
    tier: ({ tier }) => tierNames[tier],
    documents: ({ documents }) => (documents === 'any' ? 'ANY' : 'PERSISTED'),
  },
  PublishedOperation: publishedOperation,
  SchemaCheck: schemaCheck,
  AuditEntry: { id: ({ id }) => String(id) },
  ApiKeyConnection: { totalCount: (connection) => connection.totalCount() },
  PublishedOperationConnection: { totalCount: (connection) => connection.totalCount() },
  AuditEntryConnection: { totalCount: (connection) => connection.totalCount() },
};
