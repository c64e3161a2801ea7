/** A subgraph is entered only for entities that it says it resolves: by a key not marked `resolvable: false`. */
import { type DocumentNode, Kind, parse } from 'graphql';
import type { QueryPlan } from '@apollo/query-planner';
import { EventgraphError } from '#core/errors.ts';
import { fetchesOf, selectionOf } from './asked.ts';
import { graphOf, hasFields, hasResolvableKey } from './planner-supergraph.ts';

/** Throws `QUERY_PLANNING_FAILED`. */
export type CheckKeys = (plan: QueryPlan) => void;

export const createCheckKeys = (sdl: string): CheckKeys => {
  const document = parse(sdl, { noLocation: true });
  const names = graphNames(document);
  const enterable = new Set<string>();
  for (const type of document.definitions) {
    if (!hasFields(type)) continue;
    for (const directive of type.directives ?? []) if (hasResolvableKey(directive)) enterable.add(`${names.get(graphOf(directive) ?? '')} ${type.name.value}`);
  }
  return (plan) => {
    for (const { node } of fetchesOf(plan)) {
      if (!node.requires) continue;
      for (const selection of selectionOf(node).selections) {
        const type = selection.kind === Kind.INLINE_FRAGMENT ? selection.typeCondition?.name.value : undefined;
        if (type !== undefined && !enterable.has(`${node.serviceName} ${type}`)) throw new EventgraphError('QUERY_PLANNING_FAILED', `The operation needs entities of the type ${type} from the subgraph ${node.serviceName}, which declares no key of it that it resolves.`, { type });
      }
    }
  };
};

/** `join__Graph` values to the names of subgraphs. */
const graphNames = (document: DocumentNode): ReadonlyMap<string, string> => {
  const graphs = document.definitions.find((each) => each.kind === Kind.ENUM_TYPE_DEFINITION && each.name.value === 'join__Graph');
  if (graphs?.kind !== Kind.ENUM_TYPE_DEFINITION) return new Map();
  return new Map(
    (graphs.values ?? []).flatMap(({ name, directives }) => {
      const subgraph = directives?.find((each) => each.name.value === 'join__graph')?.arguments?.find((each) => each.name.value === 'name')?.value;
      return subgraph?.kind === Kind.STRING ? [[name.value, subgraph.value]] : [];
    }),
  );
};
