/**
 * @apollo/query-planner with its faults mended: it is given a supergraph on which it cannot commit them, and what it
 * plans is completed and checked. What it faults is told where it is mended.
 */
import { type DocumentNode, type SelectionSetNode, visit } from 'graphql';
import { ROUTER_SUPPORTED_SUPERGRAPH_FEATURES, type Schema, Supergraph, federationMetadata, isInterfaceType, isObjectType, operationFromDocument } from '@apollo/federation-internals';
import { type QueryPlan, QueryPlanner, type QueryPlannerConfig } from '@apollo/query-planner';
import type { TypeMatcher } from '../supergraph.ts';
import { createAskable } from './askable.ts';
import { createCompleteness } from './completeness.ts';
import { createCheckKeys } from './check-keys.ts';
import { createCheckRequirements } from './check-requirements.ts';
import { createInternalNames, withInternalNames } from './internal-names.ts';
import { plannerSupergraph } from './planner-supergraph.ts';
import { mapPlan } from './map-fetches.ts';
import { type RequirementsOf, createRequiredArguments } from './required-arguments.ts';
import { type RequiredField, fieldSet } from './requirement-rewriter.ts';

export type OperationPlanner = {
  /** One operation, without conditions. Throws `QUERY_PLANNING_FAILED`, or what the planner throws. */
  plan(document: DocumentNode): QueryPlan;
};

export const createOperationPlanner = (sdl: string, federated: Supergraph, matchesType: TypeMatcher, config: QueryPlannerConfig): OperationPlanner => {
  const prepared = plannerSupergraph(sdl);
  const supergraph = prepared ? Supergraph.build(prepared.document, { supportedFeatures: ROUTER_SUPPORTED_SUPERGRAPH_FEATURES, validateSupergraph: false }) : federated;
  const planner = new QueryPlanner(supergraph, config);
  const completeness = createCompleteness(supergraph, matchesType);
  const checkKeys = createCheckKeys(sdl);
  const askable = createAskable(supergraph, matchesType);
  const checkRequirements = createCheckRequirements(supergraph);
  const withRequiredArguments = prepared && prepared.required.size > 0 ? turnBack(supergraph, prepared.required) : (plan: QueryPlan) => plan;

  const internalName = createInternalNames(sdl);
  const plan = (document: DocumentNode): QueryPlan => {
    const planned = planner.buildQueryPlan(operationFromDocument(supergraph.apiSchema(), document));
    checkKeys(planned);
    const separate = askable.separate(document, planned);
    checkRequirements(separate);
    return withRequiredArguments(completeness.complete(document, separate));
  };

  return {
    plan: (document) => plan(withInternalNames(document, internalName)),
  };
};

const turnBack = (supergraph: Supergraph, required: ReadonlyMap<string, RequiredField>): ((plan: QueryPlan) => QueryPlan) => {
  const requiredArguments = createRequiredArguments(required, requirementsIn(supergraph, required));
  return (plan) => mapPlan(plan, requiredArguments);
};

const requirementsIn = (supergraph: Supergraph, required: ReadonlyMap<string, RequiredField>): RequirementsOf => {
  const schemas = new Map<string, Schema>([...supergraph.subgraphs()].map(({ name, schema }) => [name, schema]));
  return (subgraph, type, field) => {
    const schema = schemas.get(subgraph);
    const directive = schema && federationMetadata(schema)?.requiresDirective();
    const definition = schema?.type(type);
    if (!directive || !definition || !(isObjectType(definition) || isInterfaceType(definition))) return [];
    return (definition.field(field)?.appliedDirectivesOf(directive) ?? []).flatMap((applied) => namesIn(fieldSet(String(applied.arguments().fields)), required));
  };
};

const namesIn = (set: SelectionSetNode, required: ReadonlyMap<string, RequiredField>): readonly string[] => {
  const names: string[] = [];
  visit(set, { Field: ({ name }) => void (required.has(name.value) && names.push(name.value)) });
  return names;
};
