import { InputError } from '#core/errors.ts';
import type { PageArguments } from '#core/pagination.ts';
import type { SubgraphContext } from '#core/subgraph.ts';
import { type CreateApiKeyInput, parseKeyRequest } from './domain.ts';
import { type Loaders, issueKey, listAudit, listKeys, revokeKey } from './store.ts';

type Context = SubgraphContext<Loaders>;

const endpoints = { events: '/api/v1/events', attendance: '/api/v1/attendance', webhooks: '/api/v1/webhooks' };

export const resolvers = {
  Query: {
    viewer: (_parent: unknown, _args: unknown, { viewer, loaders }: Context) => (viewer.keyId ? loaders.key.load(viewer.keyId) : null),
    apiKeys: (_parent: unknown, args: PageArguments, { em }: Context) => listKeys(em, args),
    auditLog: (_parent: unknown, args: PageArguments, { em }: Context) => listAudit(em, args),
  },
  Mutation: {
    async createApiKey(_parent: unknown, { input }: { input: CreateApiKeyInput }, { em, hub, viewer }: Context) {
      try {
        const { record, apiKey, secret } = await issueKey(em, hub, parseKeyRequest(input, hub.now()), viewer.keyId);
        return { apiKey, secret, endpoints, key: record, userErrors: [] };
      } catch (error) {
        if (error instanceof InputError) return { userErrors: [{ code: error.code, field: error.field, message: error.message }] };
        throw error;
      }
    },
    async revokeApiKey(_parent: unknown, { input }: { input: { id: string } }, { em, hub, viewer }: Context) {
      const key = await revokeKey(em, hub, input.id, viewer.keyId);
      if (!key) return { key: null, userErrors: [{ code: 'NOT_FOUND', field: 'input.id', message: 'There is no such key.' }] };
      hub.bus.publish('key.changed', { keyId: key.id });
      return { key, userErrors: [] };
    },
  },
  ApiKey: { __resolveReference: ({ id }: { id: string }, { loaders }: Context) => loaders.key.load(id) },
  ApiKeyConnection: { totalCount: (connection: { totalCount: () => Promise<number> }) => connection.totalCount() },
  AuditEntryConnection: { totalCount: (connection: { totalCount: () => Promise<number> }) => connection.totalCount() },
};
