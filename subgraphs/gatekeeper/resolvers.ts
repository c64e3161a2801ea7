import type { SubgraphContext } from '#core/subgraph.ts';
import type { GateRow } from './entities.ts';
import type { Loaders } from './store.ts';

type EventReference = { readonly id: string };

export const resolvers = {
  GateEvent: {
    __resolveReference: ({ id }: EventReference): EventReference => ({ id }),
    gates: ({ id }: EventReference, _args: unknown, context: SubgraphContext<Loaders>) => context.loaders.gates.load(id),
  },
  Gate: { id: (gate: GateRow) => gate.gateId },
};
