import { defineSubgraph } from '#core/subgraph.ts';
import { permissions, references } from './permissions.ts';
import { resolvers } from './resolvers.ts';

export const subgraph = defineSubgraph({
  name: 'custom',
  folder: import.meta.dirname,
  resolvers,
  permissions,
  references,
  loaders: () => ({}),
  entities: [],
  migrations: [],
});
