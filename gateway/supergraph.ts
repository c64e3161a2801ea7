/**
 * One supergraph, loaded: the schema clients see, the planner, where each subgraph is, and who may see what.
 */
import { type GraphQLSchema } from 'graphql';
import { ROUTER_SUPPORTED_SUPERGRAPH_FEATURES, type Schema, Supergraph, isInterfaceType, isObjectType, isUnionType } from '@apollo/federation-internals';
import { sha256 } from '#core/digest.ts';
import { EventgraphError } from '#core/errors.ts';
import { type Hints, takeHints } from './cache/hints.ts';
import { withExecutableDirectives } from './plan/executable-directives.ts';
import { type OperationPlanner, createOperationPlanner } from './plan/query-planner.ts';
import { type Requirements, readRequirements } from './requirements.ts';
import { type Weights, readWeights } from './budgets/weights.ts';

export type LoadedSupergraph = {
  /** Stands for its text. */
  readonly id: string;
  readonly apiSchema: GraphQLSchema;
  readonly federated: Supergraph;
  readonly planner: OperationPlanner;
  readonly subgraphs: readonly { readonly name: string; readonly url: string }[];
  readonly requirements: Requirements;
  readonly weights: Weights;
  readonly hints: Hints;
  readonly matchesType: TypeMatcher;
  /** True for a type that exists in the supergraph; `@inaccessible` ones included. */
  readonly knowsType: (name: string) => boolean;
};

/** Whether an object that calls itself `typename` satisfies the type condition. */
export type TypeMatcher = (condition: string, typename: string) => boolean;

/** Loads and checks a supergraph; throws `SUPERGRAPH_INVALID` and has no other effect. */
export const loadSupergraph = (text: string): LoadedSupergraph => {
  try {
    const { sdl: unhinted, hints } = takeHints(text);
    const sdl = withExecutableDirectives(unhinted);
    const federated = Supergraph.build(sdl, { supportedFeatures: ROUTER_SUPPORTED_SUPERGRAPH_FEATURES });
    const matchesType = createTypeMatcher(federated.schema);
    return {
      id: sha256(text),
      federated,
      apiSchema: federated.apiSchema().toGraphQLJSSchema({ includeDefer: true }),
      planner: createOperationPlanner(sdl, federated, matchesType, { exposeDocumentNodeInFetchNode: false, reuseQueryFragments: false, incrementalDelivery: { enableDefer: true } }),
      subgraphs: federated.subgraphsMetadata().map(({ name, url }) => ({ name, url })),
      requirements: readRequirements(federated.schema),
      weights: readWeights(federated.schema),
      hints,
      matchesType,
      knowsType: (name) => federated.schema.type(name) !== undefined,
    };
  } catch (error) {
    throw new EventgraphError('SUPERGRAPH_INVALID', `The supergraph cannot be loaded: ${error instanceof Error ? error.message : String(error)}`, {}, { cause: error });
  }
};

/**
 * An object answered by a subgraph that knows an entity interface only as `@interfaceObject` calls itself by the
 * interface's name, so interfaces stand among the names that satisfy a condition.
 */
const createTypeMatcher = (schema: Schema): TypeMatcher => {
  const satisfying = new Map<string, Set<string>>();
  const add = (condition: string, typename: string) => {
    const names = satisfying.get(condition) ?? new Set([condition]);
    satisfying.set(condition, names.add(typename));
  };
  for (const type of schema.types()) {
    if (isObjectType(type) || isInterfaceType(type)) for (const parent of type.interfaces()) add(parent.name, type.name);
    if (isUnionType(type)) for (const member of type.types()) add(type.name, member.name);
  }
  return (condition, typename) => condition === typename || (satisfying.get(condition)?.has(typename) ?? false);
};
