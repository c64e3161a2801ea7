/** What the fetches of a plan ask for, and what a client does, by place: to see that nothing is missing. */
import { type DocumentNode, type FieldNode, type FragmentDefinitionNode, Kind, type OperationDefinitionNode, type SelectionSetNode, parse } from 'graphql';
import type { FetchNode, PlanNode, QueryPlan } from '@apollo/query-planner';
import type { TypeMatcher } from '../supergraph.ts';

/** Response names from the root of the answer; lists have none. */
export type Place = readonly string[];

export type PlacedFetch = { readonly node: FetchNode; readonly place: Place };

export const fetchesOf = (plan: QueryPlan): readonly PlacedFetch[] => {
  const { node } = plan;
  if (!node) return [];
  return node.kind === 'Subscription' ? [{ node: node.primary, place: [] }, ...(node.rest ? fetchesIn(node.rest, []) : [])] : fetchesIn(node, []);
};

const fetchesIn = (node: PlanNode, place: Place): readonly PlacedFetch[] => {
  switch (node.kind) {
    case 'Sequence':
    case 'Parallel':
      return node.nodes.flatMap((each) => fetchesIn(each, place));
    case 'Flatten':
      return fetchesIn(node.node, [...place, ...node.path.map((part) => String(part).split('|')[0] ?? '').filter((name) => name !== '@')]);
    case 'Fetch':
      return [{ node, place }];
    case 'Condition':
      return [node.ifClause, node.elseClause].flatMap((each) => (each ? fetchesIn(each, place) : []));
    case 'Defer':
      return [node.primary.node, ...node.deferred.map((each) => each.node)].flatMap((each) => (each ? fetchesIn(each, place) : []));
  }
};

export const operationOf = (document: DocumentNode): OperationDefinitionNode => {
  const definition = document.definitions.find((each) => each.kind === Kind.OPERATION_DEFINITION);
  if (!definition) throw new TypeError('A document of one operation.');
  return definition;
};

/** A fetch's own operation; parsed once. */
export const fetchOperationOf = (node: FetchNode): OperationDefinitionNode => {
  const known = parsed.get(node);
  if (known) return known;
  const operation = operationOf(parse(node.operation, { noLocation: true }));
  parsed.set(node, operation);
  return operation;
};

const parsed = new WeakMap<FetchNode, OperationDefinitionNode>();

/** The selection of a fetch's targets: what is below `_entities`, or the root fields. */
export const selectionOf = (node: FetchNode): SelectionSetNode => {
  const { selectionSet } = fetchOperationOf(node);
  if (!node.requires) return selectionSet;
  return selectionSet.selections.find((each): each is FieldNode => each.kind === Kind.FIELD && each.name.value === '_entities')?.selectionSet ?? selectionSet;
};

export type Asked = {
  /** Whether any fetch asks for this name, of objects of this type, at this place. */
  asks(place: Place, type: string, responseName: string): boolean;
};

export const createAsked = (fetches: readonly PlacedFetch[], matchesType: TypeMatcher): Asked => {
  const byPlace = new Map<string, { readonly name: string; readonly conditions: readonly string[] }[]>();
  const collect = (set: SelectionSetNode, place: Place, conditions: readonly string[]): void => {
    for (const selection of set.selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        collect(selection.selectionSet, place, selection.typeCondition ? [...conditions, selection.typeCondition.name.value] : conditions);
      } else if (selection.kind === Kind.FIELD) {
        const name = responseNameOf(selection);
        const names = byPlace.get(keyOf(place)) ?? [];
        names.push({ name, conditions });
        byPlace.set(keyOf(place), names);
        if (selection.selectionSet) collect(selection.selectionSet, [...place, name], []);
      }
    }
  };
  for (const { node, place } of fetches) collect(selectionOf(node), place, []);
  return { asks: (place, type, responseName) => (byPlace.get(keyOf(place)) ?? []).some(({ name, conditions }) => name === responseName && conditions.every((condition) => matchesType(condition, type))) };
};

const keyOf = (place: Place): string => place.join('.');

export const responseNameOf = ({ alias, name }: FieldNode): string => (alias ?? name).value;

export type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

export const fragmentsOf = (document: DocumentNode): Fragments => new Map(document.definitions.flatMap((each) => (each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each]] : [])));

/** The fields that are selected of an object of this type. */
export const fieldsFor = (sets: readonly SelectionSetNode[], type: string, fragments: Fragments, matchesType: TypeMatcher): readonly FieldNode[] =>
  sets.flatMap((set) =>
    set.selections.flatMap((selection): readonly FieldNode[] => {
      if (selection.kind === Kind.FIELD) return [selection];
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
      if (!fragment || (fragment.typeCondition && !matchesType(fragment.typeCondition.name.value, type))) return [];
      return fieldsFor([fragment.selectionSet], type, fragments, matchesType);
    }),
  );
