/**
 * Apollo's list of persisted operations, as `@apollo/generate-persisted-query-manifest` and GraphOS have it:
 * https://www.apollographql.com/docs/graphos/platform/security/persisted-queries
 */
import type { PublishedOperation } from '#core/published-operations.ts';

export type ManifestOperation = Omit<PublishedOperation, 'client'>;

export type Manifest = { readonly format: 'apollo-persisted-query-manifest'; readonly version: 1; readonly operations: readonly ManifestOperation[] };

export const manifestOf = (operations: readonly ManifestOperation[]): Manifest => ({
  format: 'apollo-persisted-query-manifest',
  version: 1,
  operations: operations.map(({ id, name, type, body }) => ({ id, name, type, body })).sort((a, b) => (a.name < b.name ? -1 : 1)),
});
