import type { SubgraphContext } from '#core/subgraph.ts';
import type { Resolvers } from './generated/types.ts';

export type Context = SubgraphContext<Record<string, never>>;
export type TicketedEventParent = { readonly id: string };

export const resolvers: Resolvers = {
  TicketedEvent: { __resolveReference: ({ id }) => ({ id }) },
};
