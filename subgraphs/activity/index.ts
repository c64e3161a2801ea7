import { defineSubgraph } from '#core/subgraph.ts';
import { storeBatch } from './inbox.ts';
import { initial } from './migrations/0001-initial.ts';
import { permissions, references } from './permissions.ts';
import { resolvers } from './resolvers.ts';
import { forgetEvents, maintain, storeTask } from './store.ts';

export const subgraph = defineSubgraph({
  name: 'activity',
  folder: import.meta.dirname,
  resolvers,
  permissions,
  readsZeroBytes: ['collectActivity'],
  references,
  loaders: () => ({}),
  entities: [],
  migrations: [initial],
  tasks: { [storeTask]: storeBatch },
  forgetEvents,
  maintain,
});
