/**
 * Plans that leave out what the client asked for.
 *
 * The planner drops a fragment if one of the subgraphs that it could ask at that place knows that no object there has
 * the fragment's type, although the subgraph that it does ask may well answer with one: the fields would be null
 * without a word. So the fetch gets the fields that its own subgraph resolves.
 *
 * It drops a root field whose selection is lost altogether. That is refused.
 */
import type { DocumentNode } from 'graphql';
import type { Schema, Supergraph } from '@apollo/federation-internals';
import type { FetchNode, QueryPlan } from '@apollo/query-planner';
import { EventgraphError } from '#core/errors.ts';
import type { TypeMatcher } from '../supergraph.ts';
import { createAsked, fetchesOf, fieldsFor, fragmentsOf, operationOf, responseNameOf } from './asked.ts';
import { completeFetch } from './complete-fetch.ts';
import { mapPlan } from './map-fetches.ts';

export type Completeness = {
  /** The plan with what it left out; throws `QUERY_PLANNING_FAILED`. `document` is what was planned. */
  complete(document: DocumentNode, plan: QueryPlan): QueryPlan;
};

export const createCompleteness = (supergraph: Supergraph, matchesType: TypeMatcher): Completeness => {
  let subgraphs: ReadonlyMap<string, Schema> | undefined;
  const schemaOf = (name: string): Schema | undefined => (subgraphs ??= new Map([...supergraph.subgraphs()].map((each) => [each.name, each.schema]))).get(name);

  const checkRoot = (document: DocumentNode, isAsked: (type: string, responseName: string) => boolean): void => {
    const { operation, selectionSet } = operationOf(document);
    const root = supergraph.schema.schemaDefinition.rootType(operation)?.name ?? '';
    for (const field of fieldsFor([selectionSet], root, fragmentsOf(document), matchesType)) {
      if (field.name.value.startsWith('__') || isAsked(root, responseNameOf(field))) continue;
      throw new EventgraphError('QUERY_PLANNING_FAILED', `No subgraph can answer ${responseNameOf(field)} with what is selected of it.`, { field: `${root}.${field.name.value}` });
    }
  };

  return {
    complete(document, plan) {
      const fetches = fetchesOf(plan);
      const asked = createAsked(fetches, matchesType);
      checkRoot(document, (type, responseName) => asked.asks([], type, responseName));
      const completed = new Map<FetchNode, FetchNode>();
      for (const { node, place } of fetches) {
        const schema = schemaOf(node.serviceName);
        if (schema) completed.set(node, completeFetch(node, place, { document, fragments: fragmentsOf(document), schema, asked, matchesType }));
      }
      const map = (node: FetchNode): FetchNode => completed.get(node) ?? node;
      return mapPlan(plan, { fetch: map, split: (node) => [map(node)] });
    },
  };
};
