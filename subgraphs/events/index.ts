import { defineSubgraph } from '#core/subgraph.ts';
import { entities } from './entities.ts';
import { applyFacts, forgetEvents, onTick } from './facts.ts';
import { initial } from './migrations/0001-initial.ts';
import { programmes } from './migrations/0002-programmes.ts';
import { invalidates } from './invalidates.ts';
import { permissions, references } from './permissions.ts';
import { resolvers } from './resolvers.ts';
import { createLoaders } from './store.ts';

export const subgraph = defineSubgraph({
  name: 'events',
  folder: import.meta.dirname,
  resolvers,
  permissions,
  references,
  loaders: createLoaders,
  entities,
  migrations: [initial, programmes],
  applyFacts,
  forgetEvents,
  invalidates,
  onTick,
});
