/** Plans for tests, written by hand as the planner would make them. */
import { type FetchNode, type PlanNode, type QueryPlanSelectionNode } from '@apollo/query-planner';
import { OperationTypeNode } from 'graphql';
import type { Plan } from '../plan/plan.ts';
import { translatePlan } from '../plan/translate.ts';

/** `a { x }` of the subgraph's root. */
export const root = (serviceName: string, selection: string, more: Partial<FetchNode> = {}): FetchNode => ({
  kind: 'Fetch',
  serviceName,
  operation: `{ ${selection} }`,
  operationName: undefined,
  operationKind: OperationTypeNode.QUERY,
  operationDocumentNode: undefined,
  variableUsages: undefined,
  ...more,
});

/** `selection` of entities of a type, known by their `id`. `variables` as they are declared: `$unit: String`. */
export const entities = (serviceName: string, type: string, selection: string, { variables = [], ...more }: Partial<FetchNode> & { readonly variables?: readonly string[] } = {}): FetchNode => ({
  ...root(serviceName, ''),
  operation: `query (${['$representations: [_Any!]!', ...variables].join(', ')}) { _entities(representations: $representations) { ... on ${type} { ${selection} } } }`,
  variableUsages: variables.map((variable) => variable.slice(1, variable.indexOf(':'))),
  requires: [{ kind: 'InlineFragment', typeCondition: type, selections: [field('__typename'), field('id')] }],
  ...more,
});

const field = (name: string): QueryPlanSelectionNode => ({ kind: 'Field', name });

/** At a path as it is written: `items.@.maker`. */
export const at = (path: string, node: PlanNode): PlanNode => ({ kind: 'Flatten', path: path.split('.'), node });
export const sequence = (...nodes: PlanNode[]): PlanNode => ({ kind: 'Sequence', nodes });
export const parallel = (...nodes: PlanNode[]): PlanNode => ({ kind: 'Parallel', nodes });

export const planFrom = (node: PlanNode | undefined): Plan => translatePlan({ kind: 'QueryPlan', node });
