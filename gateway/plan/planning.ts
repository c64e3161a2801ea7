/**
 * Operations to plans, each planned once. Planning is synchronous and costs milliseconds, so concurrent first requests
 * of an operation meet one plan.
 */
import { type DocumentNode, Kind, type SelectionSetNode, visit } from 'graphql';
import { LRUCache } from 'lru-cache';
import { EventgraphError } from '#core/errors.ts';
import type { Operation } from '../operations.ts';
import type { LoadedSupergraph } from '../supergraph.ts';
import { withDefaultArguments } from './executable-directives.ts';
import type { Plan } from './plan.ts';
import { translatePlan } from './translate.ts';

export type Planning = {
  /** `operation` is already without conditions and without what the viewer may not see; its key says so. */
  planOf(operation: Operation): Plan;
  /** How many plans were made so far. */
  readonly made: number;
};

export const createPlanning = (supergraph: LoadedSupergraph, maxPlans = 2_000): Planning => {
  const plans = new LRUCache<string, Plan>({ max: maxPlans, maxSize: maxCharacters, sizeCalculation: (plan, key) => key.length + charactersIn(plan) });
  let made = 0;
  return {
    get made() {
      return made;
    },
    planOf(operation) {
      const known = plans.get(operation.key);
      if (known) return known;
      made++;
      const plan = buildPlan(supergraph, operation);
      plans.set(operation.key, plan);
      return plan;
    },
  };
};

/** Of keys and of what is asked of subgraphs: in memory a plan takes about a hundred bytes for each. */
const maxCharacters = 10_000_000;

const charactersIn = ({ fetches, primary }: Plan): number => fetches.reduce((sum, { operation }) => sum + operation.query.length, primary?.operation.query.length ?? 0);

const buildPlan = (supergraph: LoadedSupergraph, operation: Operation): Plan => {
  try {
    return translatePlan(supergraph.planner.plan(withDefaultArguments(withoutEmptySelections(operation.document), supergraph.apiSchema)));
  } catch (error) {
    if (error instanceof EventgraphError) throw error;
    throw new EventgraphError('QUERY_PLANNING_FAILED', 'The operation cannot be planned over the subgraphs.', {}, { cause: error });
  }
};

/** A selection that lost everything still asks whether the object is there. */
const withoutEmptySelections = (document: DocumentNode): DocumentNode =>
  visit(document, { SelectionSet: { leave: (node) => (node.selections.length === 0 ? typenameAlone : undefined) } });

const typenameAlone: SelectionSetNode = { kind: Kind.SELECTION_SET, selections: [{ kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } }] };
