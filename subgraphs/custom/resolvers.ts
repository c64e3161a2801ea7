import type { SubgraphContext } from '#core/subgraph.ts';
import type { Resolvers } from './generated/types.ts';
import type { Loaders } from './store.ts';

export type Context = SubgraphContext<Loaders>;
export type CustomEventParent = { readonly id: string };

export const resolvers: Resolvers = {
  CustomEvent: {
    __resolveReference: ({ id }) => ({ id }),
    attributes: ({ id }, _args, { loaders }) => loaders.attributes.load(id),
  },
};
