import type { Connector } from '#core/connector.ts';
import { defineSubgraph } from '#core/subgraph.ts';
import { connector } from './connector.ts';
import { applyFacts, forgetEvents, maintain } from './facts.ts';
import { tasks } from './handlers.ts';
import { invalidates } from './invalidates.ts';
import { initial } from './migrations/0001-initial.ts';
import { permissions, references } from './permissions.ts';
import { resolvers } from './resolvers.ts';
import { createLoaders } from './store.ts';

export const subgraph = defineSubgraph({
  name: 'ticketing',
  folder: import.meta.dirname,
  resolvers,
  permissions,
  references,
  loaders: createLoaders,
  entities: [],
  migrations: [initial],
  // Ingestion hands a connector only settings that the connector's own schema parsed.
  connector: connector as Connector<unknown> as Connector<never>,
  applyFacts,
  forgetEvents,
  maintain,
  tasks,
  invalidates,
});
