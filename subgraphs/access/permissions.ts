import { ForbiddenError } from '#core/errors.ts';
import { authenticated, needs } from '#core/permissions.ts';
import { allow, and, rule } from '#core/shield.ts';
import type { SubgraphContext } from '#core/subgraph.ts';
import { isAllowed } from '#core/viewer.ts';
import { isLasting } from './domain.ts';

/** What came of a key, a token or a grant, ends with it: it makes nothing that would not. */
const lasting = rule('lasting', { cache: 'no_cache' })((_parent, _args, { viewer }: SubgraphContext) => isLasting(viewer) || new ForbiddenError('This needs a key itself, and not what came of one.'));

const makesCredentials = and(needs('admin'), lasting);

export const permissions = {
  Query: { viewer: allow, apiKeys: needs('admin'), auditLog: needs('admin'), oauthClients: needs('admin'), oauthGrants: authenticated, publishedOperations: needs('publish_operations'), schemaCheck: needs('admin') },
  Mutation: { createApiKey: makesCredentials, revokeApiKey: authenticated, mintToken: authenticated, registerOAuthClient: makesCredentials, revokeOAuthClient: needs('admin'), revokeOAuthGrant: authenticated, publishOperations: needs('publish_operations'), withdrawOperations: needs('publish_operations') },
};

/** A key's record is for admins and for the key itself. */
export const references = { ApiKey: (reference: { readonly id?: unknown }, { viewer }: SubgraphContext): boolean => isAllowed(viewer, 'admin') || reference.id === viewer.keyId };
