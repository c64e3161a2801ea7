import type { SubgraphContext } from '#core/subgraph.ts';
import type { Resolvers } from './generated/types.ts';

export type Context = SubgraphContext<Record<string, never>>;
export type CustomEventParent = { readonly id: string };

export const resolvers: Resolvers = {
  CustomEvent: { __resolveReference: ({ id }) => ({ id }) },
};
