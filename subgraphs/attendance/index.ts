import { defineSubgraph } from '#core/subgraph.ts';
import { applyFacts, forgetEvents, retireEvents } from './facts.ts';
import { initial } from './migrations/0001-initial.ts';
import { lateFacts } from './migrations/0002-late-facts.ts';
import { movedRegistrations } from './migrations/0003-moved-registrations.ts';
import { retiredEvents } from './migrations/0004-retired-events.ts';
import { invalidates } from './invalidates.ts';
import { permissions, references } from './permissions.ts';
import { resolvers } from './resolvers.ts';
import { createLoaders, thinHistory } from './store.ts';

export const subgraph = defineSubgraph({
  name: 'attendance',
  folder: import.meta.dirname,
  resolvers,
  permissions,
  references,
  loaders: createLoaders,
  entities: [],
  migrations: [initial, lateFacts, movedRegistrations, retiredEvents],
  applyFacts,
  forgetEvents,
  retireEvents,
  invalidates,
  maintain: thinHistory,
});
