import type { Connector } from '#core/connector.ts';
import { defineSubgraph } from '#core/subgraph.ts';
import { connector } from './connector.ts';
import { applyFacts, forgetEvents, maintain } from './facts.ts';
import { on, tasks } from './handlers.ts';
import { invalidates } from './invalidates.ts';
import { initial } from './migrations/0001-initial.ts';
import { settledBookings } from './migrations/0002-settled-bookings.ts';
import { permissions, references } from './permissions.ts';
import { resolvers } from './resolvers.ts';
import { assertRemovable, retireEvents } from './store-bookings.ts';
import { createLoaders } from './store.ts';

export const subgraph = defineSubgraph({
  name: 'ticketing',
  folder: import.meta.dirname,
  resolvers,
  permissions,
  references,
  loaders: createLoaders,
  entities: [],
  migrations: [initial, settledBookings],
  // Ingestion hands a connector only settings that the connector's own schema parsed.
  connector: connector as Connector<unknown> as Connector<never>,
  applyFacts,
  assertRemovable,
  forgetEvents,
  retireEvents,
  maintain,
  on,
  tasks,
  invalidates,
});
