import { defineSubgraph } from '#core/subgraph.ts';
import { entities } from './entities.ts';
import { on } from './handlers.ts';
import { createIdentify } from './identify.ts';
import { initial } from './migrations/0001-initial.ts';
import { terms } from './migrations/0002-terms.ts';
import { oauth } from './migrations/0003-oauth.ts';
import { publications } from './migrations/0004-publications.ts';
import { permissions, references } from './permissions.ts';
import { createPublishedOperations } from './publications.ts';
import { resolvers } from './resolvers.ts';
import { createLoaders, maintain } from './store.ts';

export const subgraph = defineSubgraph({
  name: 'access',
  folder: import.meta.dirname,
  resolvers,
  permissions,
  references,
  loaders: createLoaders,
  entities,
  migrations: [initial, terms, oauth, publications],
  publishedOperations: createPublishedOperations,
  on,
  identify: createIdentify,
  maintain,
});
