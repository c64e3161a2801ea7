/**
 * Operations to plans, each planned once. Planning is synchronous and costs milliseconds, so concurrent first requests
 * of an operation meet one plan.
 */
import { Kind, type OperationDefinitionNode, type SelectionNode, type SelectionSetNode, print, visit } from 'graphql';
import { operationFromDocument } from '@apollo/federation-internals';
import { LRUCache } from 'lru-cache';
import { EventgraphError } from '#core/errors.ts';
import { isCondition, isIncluded } from './conditions.ts';
import { refuse } from './errors.ts';
import type { Operation, Variables } from './operations.ts';
import { type Plan, translatePlan } from './plan.ts';
import type { LoadedSupergraph } from './supergraph.ts';

export type Planning = {
  /** `operation` is already without what the viewer may not see; its key says so. */
  planOf(operation: Operation): Plan;
};

export const createPlanning = (supergraph: LoadedSupergraph, maxPlans = 2_000): Planning => {
  const plans = new LRUCache<string, Plan>({ max: maxPlans });
  return {
    planOf(operation) {
      const known = plans.get(operation.key);
      if (known) return known;
      const plan = buildPlan(supergraph, operation);
      plans.set(operation.key, plan);
      return plan;
    },
  };
};

const buildPlan = (supergraph: LoadedSupergraph, operation: Operation): Plan => {
  try {
    return translatePlan(supergraph.planner.buildQueryPlan(operationFromDocument(supergraph.federated.apiSchema(), operation.document)));
  } catch (error) {
    throw new EventgraphError('QUERY_PLANNING_FAILED', 'The operation cannot be planned over the subgraphs.', {}, { cause: error });
  }
};

/**
 * A subscription with `@skip` and `@include` at its root evaluated away: the planner throws where they stand, and which
 * stream to open has to be known before it is opened anyway. One field must be left (GraphQL specification, 5.2.3.1).
 */
export const evaluateRoot = (operation: Operation, variables: Variables): Operation => {
  let changed = false;
  const names = new Set<string>();
  const evaluate = (set: SelectionSetNode): SelectionSetNode => ({
    ...set,
    selections: set.selections.flatMap((selection): readonly SelectionNode[] => {
      if (!isIncluded(selection, variables)) {
        changed = true;
        return [];
      }
      if (selection.directives?.some(isCondition)) changed = true;
      const directives = selection.directives?.filter((directive) => !isCondition(directive));
      if (selection.kind === Kind.FIELD) {
        names.add(selection.alias?.value ?? selection.name.value);
        return [{ ...selection, directives }];
      }
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : operation.fragments.get(selection.name.value);
      return fragment ? [{ kind: Kind.INLINE_FRAGMENT, typeCondition: fragment.typeCondition, directives, selectionSet: evaluate(fragment.selectionSet) }] : [];
    }),
  });
  const definition: OperationDefinitionNode = { ...operation.definition, selectionSet: evaluate(operation.definition.selectionSet) };
  checkRoot(names, operation);
  if (!changed) return operation;
  const document = visit(operation.document, { OperationDefinition: () => definition });
  return { ...operation, definition, document, key: print(document) };
};

const checkRoot = (names: ReadonlySet<string>, operation: Operation): void => {
  const isIntrospection = operation.definition.selectionSet.selections.some((selection) => selection.kind === Kind.FIELD && selection.name.value.startsWith('__'));
  if (names.size === 1 && !isIntrospection) return;
  throw refuse('GRAPHQL_VALIDATION_FAILED', `A subscription must select one field at its root; this one selects ${names.size === 1 ? 'an introspection field' : names.size}.`, { rootFields: [...names] });
};
