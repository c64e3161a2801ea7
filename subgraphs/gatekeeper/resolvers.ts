import type { SubgraphContext } from '#core/subgraph.ts';
import type { GateRow } from './entities.ts';
import type { Resolvers } from './generated/types.ts';
import type { Loaders } from './store.ts';

export type Context = SubgraphContext<Loaders>;
export type GateEventParent = { readonly id: string };
export type GateParent = GateRow;

export const resolvers: Resolvers = {
  GateEvent: {
    __resolveReference: ({ id }) => ({ id }),
    gates: ({ id }, _args, context) => context.loaders.gates.load(id),
  },
  Gate: { id: (gate) => gate.gateId },
};
