/** Plans with other fetches in the place of their own. */
import type { FetchNode, PlanNode, QueryPlan } from '@apollo/query-planner';

export type FetchMapper = {
  fetch(node: FetchNode): FetchNode;
  /** The same for a fetch of entities, which may become several. */
  split(node: FetchNode): readonly FetchNode[];
};

/** Applies this to every fetch of a plan; to a subscription's source too. */
export const mapPlan = (plan: QueryPlan, mapper: FetchMapper): QueryPlan => {
  const { node } = plan;
  if (!node) return plan;
  if (node.kind !== 'Subscription') return { ...plan, node: mapFetches(node, mapper) };
  return { ...plan, node: { ...node, primary: mapper.fetch(node.primary), ...(node.rest ? { rest: mapFetches(node.rest, mapper) } : {}) } };
};

const mapFetches = (node: PlanNode, mapper: FetchMapper): PlanNode => {
  const map = (each: PlanNode): PlanNode => mapFetches(each, mapper);
  switch (node.kind) {
    case 'Sequence':
    case 'Parallel':
      return { ...node, nodes: node.nodes.map(map) };
    case 'Flatten': {
      if (node.node.kind !== 'Fetch') return { ...node, node: map(node.node) };
      const nodes = mapper.split(node.node).map((each): PlanNode => ({ ...node, node: each }));
      // What waits for a fetch by its id knows one of that name: the last one must come after the others.
      return nodes.length === 1 ? (nodes[0] ?? node) : { kind: node.node.id === undefined ? 'Parallel' : 'Sequence', nodes };
    }
    case 'Fetch':
      return mapper.fetch(node);
    case 'Condition':
      return { ...node, ...(node.ifClause ? { ifClause: map(node.ifClause) } : {}), ...(node.elseClause ? { elseClause: map(node.elseClause) } : {}) };
    case 'Defer':
      return {
        ...node,
        primary: { ...node.primary, ...(node.primary.node ? { node: map(node.primary.node) } : {}) },
        deferred: node.deferred.map((each) => ({ ...each, ...(each.node ? { node: map(each.node) } : {}) })),
      };
  }
};
