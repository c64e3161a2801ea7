import type { SubgraphContext } from '#core/subgraph.ts';
import type { Resolvers } from './generated/types.ts';

export type Context = SubgraphContext<Record<string, never>>;
export type EventbriteEventParent = { readonly id: string };

export const resolvers: Resolvers = {
  EventbriteEvent: { __resolveReference: ({ id }) => ({ id }) },
};
