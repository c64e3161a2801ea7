import { ForbiddenError, InputError } from '#core/errors.ts';
import type { Connection } from '#core/pagination.ts';
import type { BrokenOperation } from '#core/operations-port.ts';
import type { SubgraphContext } from '#core/subgraph.ts';
import { type Viewer, isAllowed } from '#core/viewer.ts';
import { listAudit } from './audit.ts';
import { parseKeyRequest } from './domain.ts';
import type { ApiKey, AuditEntry, OAuthClient, OAuthGrant } from './entities.ts';
import type { Resolvers } from './generated/types.ts';
import { listClients, parseClientRequest, registerClient, revokeClient } from './oauth-clients.ts';
import { listGrants, revokeGrant } from './oauth-grants.ts';
import type { PublishedOperation } from './publications-entity.ts';
import { publicationMutations, publicationQueries, publishedOperation, schemaCheck } from './publications-resolvers.ts';
import { type Loaders, issueKey, listKeys, mintToken, revokeKey } from './store.ts';

export type Context = SubgraphContext<Loaders>;
/** A key, a token, or what stands in for one: a grant, or a client that comes by itself. */
export type ApiKeyParent = Pick<ApiKey, 'id' | 'clientName' | 'permissions' | 'eventAccess' | 'tier' | 'documents' | 'createdAt' | 'expiresAt' | 'revokedAt' | 'parentId'>;
export type ApiKeyConnectionParent = Connection<ApiKey>;
export type PublishedOperationParent = PublishedOperation;
export type PublishedOperationConnectionParent = Connection<PublishedOperation>;
export type SchemaCheckParent = { readonly checked: number; readonly broken: readonly BrokenOperation[] };
export type OAuthClientParent = OAuthClient;
export type OAuthClientConnectionParent = Connection<OAuthClient>;
export type OAuthGrantParent = OAuthGrant;
export type OAuthGrantConnectionParent = Connection<OAuthGrant>;
export type AuditEntryParent = AuditEntry;
export type AuditEntryConnectionParent = Connection<AuditEntry>;

const endpoints = { events: '/api/v1/events', attendance: '/api/v1/attendance', webhooks: '/api/v1/webhooks' };

const tierNames = { public: 'PUBLIC', partner: 'PARTNER', premium: 'PREMIUM', internal: 'INTERNAL' } as const;
const documentsNames = { any: 'ANY', persisted: 'PERSISTED' } as const;
const grantTypeNames = { authorization_code: 'AUTHORIZATION_CODE', client_credentials: 'CLIENT_CREDENTIALS' } as const;
const authenticationNames = { client_secret_basic: 'SECRET_BASIC', client_secret_post: 'SECRET_POST', none: 'NONE' } as const;

const notFound = (what: string) => ({ userErrors: [{ code: 'NOT_FOUND', field: 'input.id', message: `There is no such ${what}.` }] });

/** What the caller can mend is told in the payload. */
const mendable = async <Payload extends object>(work: () => Promise<Payload>): Promise<(Payload & { userErrors: [] }) | { userErrors: { code: string; field: string; message: string }[] }> => {
  try {
    return { ...(await work()), userErrors: [] };
  } catch (error) {
    if (error instanceof InputError) return { userErrors: [{ code: error.code, field: error.field, message: error.message }] };
    throw error;
  }
};

/** Whoever is no admin ends what is their own; of other ids they learn nothing. */
const mayEnd = (viewer: Viewer, owners: readonly (string | null | undefined)[]): void => {
  if (!isAllowed(viewer, 'admin') && !owners.some((owner) => owner && owner === viewer.keyId)) throw new ForbiddenError();
};

/** What was presented, as its record tells it; its rights at this moment are the viewer's. */
const presented = async ({ viewer, loaders }: Context): Promise<ApiKeyParent | null> => {
  const { keyId } = viewer;
  if (keyId === null) return null;
  const key = await loaders.key.load(keyId);
  if (key) return key;
  const grant = await loaders.grant.load(keyId);
  const client = await loaders.client.load(grant?.clientId ?? keyId);
  if (!client) return null;
  const { clientName, tier, createdAt } = client;
  const rights = { permissions: [...viewer.permissions], eventAccess: viewer.events === 'all' ? null : [...viewer.events] };
  return { id: keyId, parentId: grant?.keyId ?? null, clientName, tier, documents: client.documents, createdAt: grant?.createdAt ?? createdAt, expiresAt: grant?.expiresAt ?? null, revokedAt: null, ...rights };
};

export const resolvers: Resolvers = {
  Query: {
    viewer: (_parent, _args, context) => presented(context),
    apiKeys: (_parent, { tokensOf, ...args }, { em }) => listKeys(em, args, tokensOf ?? null),
    oauthClients: (_parent, args, { em }) => listClients(em, args),
    oauthGrants: (_parent, { keyId, ...args }, { em, viewer }) => listGrants(em, args, isAllowed(viewer, 'admin') ? (keyId ?? null) : viewer.keyId),
    auditLog: (_parent, args, { em }) => listAudit(em, args),
    ...publicationQueries,
  },
  Mutation: {
    ...publicationMutations,
    createApiKey: (_parent, { input }, { em, hub, viewer }) =>
      mendable(async () => {
        const { record, apiKey, secret } = await issueKey(em, hub, parseKeyRequest(input, hub.now(), viewer.events), viewer.keyId);
        return { apiKey, secret, endpoints, key: record };
      }),
    mintToken: (_parent, { input }, { em, hub, viewer }) =>
      mendable(async () => {
        const { record, token } = await mintToken(em, hub, viewer.keyId ?? '', input);
        return { token, record };
      }),
    async revokeApiKey(_parent, { input }, { em, hub, viewer, loaders }) {
      const known = await loaders.key.load(input.id);
      mayEnd(viewer, [known?.id, known?.parentId]);
      const key = await revokeKey(em.fork(), hub, input.id, viewer.keyId);
      if (!key) return { key: null, ...notFound('key') };
      hub.bus.publish('key.changed', { keyId: key.id });
      return { key, userErrors: [] };
    },
    registerOAuthClient: (_parent, { input }, { em, hub, viewer }) =>
      mendable(async () => {
        const { record, clientSecret } = await registerClient(em, hub, parseClientRequest(input, viewer.events), viewer.keyId);
        return { client: record, clientSecret };
      }),
    async revokeOAuthClient(_parent, { input }, { em, hub, viewer }) {
      const client = await revokeClient(em, hub, input.id, viewer.keyId);
      if (!client) return { client: null, ...notFound('client') };
      hub.bus.publish('key.changed', { keyId: client.id });
      return { client, userErrors: [] };
    },
    async revokeOAuthGrant(_parent, { input }, { em, hub, viewer, loaders }) {
      const known = await loaders.grant.load(input.id);
      mayEnd(viewer, [known?.id, known?.keyId]);
      if (!known) return { grant: null, ...notFound('grant') };
      return { grant: await revokeGrant(em, hub, input.id, viewer.keyId, 'it was revoked'), userErrors: [] };
    },
  },
  ApiKey: {
    __resolveReference: ({ id }, { loaders }) => loaders.key.load(id),
    tier: ({ tier }) => tierNames[tier],
    documents: ({ documents }) => documentsNames[documents],
  },
  PublishedOperation: publishedOperation,
  SchemaCheck: schemaCheck,
  PublishedOperationConnection: { totalCount: (connection) => connection.totalCount() },
  OAuthClient: {
    grantTypes: ({ grantTypes }) => grantTypes.map((each) => grantTypeNames[each]),
    authentication: ({ authentication }) => authenticationNames[authentication],
    tier: ({ tier }) => tierNames[tier],
    documents: ({ documents }) => documentsNames[documents],
  },
  OAuthGrant: { client: ({ clientId }, _args, { loaders }) => loaders.client.load(clientId) },
  AuditEntry: { id: ({ id }) => String(id) },
  ApiKeyConnection: { totalCount: (connection) => connection.totalCount() },
  OAuthClientConnection: { totalCount: (connection) => connection.totalCount() },
  OAuthGrantConnection: { totalCount: (connection) => connection.totalCount() },
  AuditEntryConnection: { totalCount: (connection) => connection.totalCount() },
};
