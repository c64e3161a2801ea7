/** What the fetches of a plan ask for, and what a client does, by place: to see that nothing is missing. */
import { type DocumentNode, type FieldNode, type FragmentDefinitionNode, Kind, type OperationDefinitionNode, type SelectionSetNode, parse } from 'graphql';
import type { FetchNode, PlanNode, QueryPlan, QueryPlanSelectionNode } from '@apollo/query-planner';
import type { TypeMatcher } from '../supergraph.ts';

/** Response names from the root of the answer; lists have none. */
export type Place = readonly string[];

/** `path` as the plan has it; `before`: the fetches that have ended when this one starts. */
export type PlacedFetch = { readonly node: FetchNode; readonly place: Place; readonly path: readonly (string | number)[]; readonly before: ReadonlySet<FetchNode> };

export const fetchesOf = (plan: QueryPlan): readonly PlacedFetch[] => {
  const { node } = plan;
  if (!node) return [];
  if (node.kind !== 'Subscription') return fetchesIn(node, start);
  return [{ node: node.primary, place: [], ...start }, ...(node.rest ? fetchesIn(node.rest, { ...start, before: new Set([node.primary]) }) : [])];
};

type Position = Pick<PlacedFetch, 'path' | 'before'>;
const start: Position = { path: [], before: new Set() };

const fetchesIn = (node: PlanNode, position: Position): readonly PlacedFetch[] => {
  switch (node.kind) {
    case 'Sequence': {
      const found: PlacedFetch[] = [];
      for (const each of node.nodes) found.push(...fetchesIn(each, { ...position, before: new Set([...position.before, ...found.map((fetch) => fetch.node)]) }));
      return found;
    }
    case 'Parallel':
      return node.nodes.flatMap((each) => fetchesIn(each, position));
    case 'Flatten':
      return fetchesIn(node.node, { ...position, path: [...position.path, ...node.path] });
    case 'Fetch':
      return [{ node, place: position.path.map((part) => String(part).split('|')[0] ?? '').filter((name) => name !== '@'), ...position }];
    case 'Condition':
      return [node.ifClause, node.elseClause].flatMap((each) => (each ? fetchesIn(each, position) : []));
    case 'Defer': {
      const primary = node.primary.node ? fetchesIn(node.primary.node, position) : [];
      return node.deferred.reduce((found: readonly PlacedFetch[], { node: each, depends }) => {
        const awaited = found.filter((fetch) => depends.some(({ id }) => id === fetch.node.id));
        const before = new Set([...position.before, ...awaited.flatMap((fetch) => [...fetch.before, fetch.node])]);
        return each ? [...found, ...fetchesIn(each, { path: [], before })] : found;
      }, primary);
    }
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
  /** Whether this name is asked for at this place, of objects of this type, or below objects of this type `above` (or of any, without one); by one of these fetches, if they are told. */
  asks(place: Place, type: string | undefined, responseName: string, options?: { readonly above?: Place; readonly by?: ReadonlySet<FetchNode> | undefined }): boolean;
};

/** What the fetches ask subgraphs for. */
export const createAsked = (fetches: readonly PlacedFetch[], matchesType: TypeMatcher): Asked => {
  const names = new AskedNames(matchesType);
  const collect = (node: FetchNode, set: SelectionSetNode, place: Place, conditions: Conditions): void => {
    for (const selection of set.selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        collect(node, selection.selectionSet, place, selection.typeCondition ? [...conditions, { depth: place.length, type: selection.typeCondition.name.value }] : conditions);
      } else if (selection.kind === Kind.FIELD) {
        const name = withoutInvention(responseNameOf(selection));
        names.add(place, name, conditions, node);
        if (selection.selectionSet) collect(node, selection.selectionSet, [...place, name], conditions);
      }
    }
  };
  for (const { node, place } of fetches) collect(node, selectionOf(node), place, []);
  return names;
};

/** What the fetches need for the representations that they send. */
export const createNeeded = (fetches: readonly PlacedFetch[], matchesType: TypeMatcher): Asked => {
  const names = new AskedNames(matchesType);
  const collect = (selections: readonly QueryPlanSelectionNode[], place: Place, conditions: Conditions): void => {
    for (const selection of selections) {
      if (selection.kind === 'InlineFragment') {
        collect(selection.selections, place, selection.typeCondition ? [...conditions, { depth: place.length, type: selection.typeCondition }] : conditions);
      } else {
        const name = selection.alias ?? selection.name;
        names.add(place, name, conditions);
        collect(selection.selections ?? [], [...place, name], conditions);
      }
    }
  };
  for (const { node, place } of fetches) collect(node.requires ?? [], place, []);
  return names;
};

/** The types that objects at this depth of a place must have, for something to be asked there. */
export type Conditions = readonly { readonly depth: number; readonly type: string }[];

export class AskedNames implements Asked {
  private readonly byPlace = new Map<string, { readonly name: string; readonly conditions: Conditions; readonly by: FetchNode | undefined }[]>();
  private readonly matchesType: TypeMatcher;

  constructor(matchesType: TypeMatcher) {
    this.matchesType = matchesType;
  }

  add(place: Place, name: string, conditions: Conditions, by?: FetchNode): void {
    const names = this.byPlace.get(placeKey(place));
    if (names) names.push({ name, conditions, by });
    else this.byPlace.set(placeKey(place), [{ name, conditions, by }]);
  }

  asks(place: Place, type: string | undefined, responseName: string, { above = place, by }: { readonly above?: Place; readonly by?: ReadonlySet<FetchNode> | undefined } = {}): boolean {
    const holds = (conditions: Conditions): boolean => type === undefined || conditions.every((each) => each.depth !== above.length || this.matchesType(each.type, type));
    return (this.byPlace.get(placeKey(place)) ?? []).some((each) => each.name === responseName && (!by || (each.by && by.has(each.by))) && holds(each.conditions));
  }
}

export const placeKey = (place: Place): string => place.join('.');

/** An alias that the planner invents, where two types differ in a field's type, is turned back in the answer. */
const withoutInvention = (name: string): string => name.replace(/__alias_\d+$/, '');

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
