import { allow } from '#core/shield.ts';
import { needs } from '#core/permissions.ts';
import type { SubgraphContext } from '#core/subgraph.ts';
import { isAllowed } from '#core/viewer.ts';

export const permissions = {
  Query: { viewer: allow, apiKeys: needs('admin'), auditLog: needs('admin'), publishedOperations: needs('publish_operations'), schemaCheck: needs('admin') },
  Mutation: { createApiKey: needs('admin'), revokeApiKey: needs('admin'), publishOperations: needs('publish_operations'), withdrawOperations: needs('publish_operations') },
};

/** A key's record is for admins and for the key itself. */
export const references = { ApiKey: (reference: { readonly id?: unknown }, { viewer }: SubgraphContext): boolean => isAllowed(viewer, 'admin') || reference.id === viewer.keyId };
