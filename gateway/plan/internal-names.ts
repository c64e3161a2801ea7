/**
 * To the planner a field is its response name. A client that asks `{ product { upc: name price } }` where `upc` is the
 * key of products would get the key as `upc`, or a subgraph the name as the key. So an alias that is also the name of
 * a field which fetches need for themselves stands in the data under a name of its own.
 */
import { type ConstDirectiveNode, type DocumentNode, type FieldNode, Kind, parse, visit } from 'graphql';
import type { QueryPlanSelectionNode } from '@apollo/query-planner';
import { type Place, type PlacedFetch, createAsked } from './asked.ts';
import { hasFields } from './planner-supergraph.ts';
import { fieldSet } from './requirement-rewriter.ts';

/** The name under which a field's value stands in the data; its response name, with few exceptions. */
export type InternalNames = (field: FieldNode) => string;

const prefix = 'aliased__';

/** The operation with internal names for response names; the same document if they are equal. */
export const withInternalNames = (document: DocumentNode, internalName: InternalNames): DocumentNode =>
  visit(document, {
    Field(field) {
      const name = internalName(field);
      return name === (field.alias ?? field.name).value ? undefined : { ...field, alias: { kind: Kind.NAME, value: name } };
    },
  });

/**
 * Whether a fetch of the plan would take a client's field for another, if response names were not internal ones: it
 * asks for both at one place, or needs the one at a place where another fetch brings the other.
 */
export const collides = (fetches: readonly PlacedFetch[]): boolean => {
  const asked = fetches.map((fetch) => [...createAsked([fetch]).names()]);
  const aliased = asked.map((places) => places.flatMap(([place, names]) => [...names].flatMap((name) => (name.startsWith(prefix) ? [`${place}.${name.slice(prefix.length)}`] : []))));
  return fetches.some(({ node, place }, index) => {
    const own = new Set((asked[index] ?? []).flatMap(([at, names]) => [...names].map((name) => `${at}.${name}`)));
    const needed = new Set(placesNeeded(node.requires ?? [], place));
    return aliased.some((names, other) => names.some((name) => (other === index ? own.has(name) : needed.has(name))));
  });
};

const placesNeeded = (selections: readonly QueryPlanSelectionNode[], place: Place): readonly string[] =>
  selections.flatMap((selection) => {
    if (selection.kind === 'InlineFragment') return placesNeeded(selection.selections, place);
    return [[...place, selection.name].join('.'), ...placesNeeded(selection.selections ?? [], [...place, selection.name])];
  });

export const createInternalNames = (supergraph: string): InternalNames => {
  const needed = namesNeeded(parse(supergraph, { noLocation: true }));
  return ({ alias, name }) => {
    if (!alias || alias.value === name.value) return name.value;
    return needed.has(alias.value) || isOwn(alias.value) ? `${prefix}${alias.value}` : alias.value;
  };
};

/** Names that the gateway gives itself: an alias that looks like one gets the prefix once more. */
const isOwn = (alias: string): boolean => alias.startsWith(prefix) || alias.startsWith('required_') || alias.startsWith('__');

/** The names of all fields in a `@key`, a `@requires` or a `@fromContext`. */
const namesNeeded = (document: DocumentNode): ReadonlySet<string> => {
  const names = new Set<string>();
  const collect = (text: string): void => void visit(fieldSet(text), { Field: ({ name }) => void names.add(name.value) });
  for (const definition of document.definitions) {
    if (!hasFields(definition)) continue;
    for (const directive of [definition, ...(definition.fields ?? [])].flatMap(({ directives }) => directives ?? [])) fieldSetsOf(directive).forEach(collect);
  }
  return names;
};

const fieldSetsOf = ({ name, arguments: args }: ConstDirectiveNode): readonly string[] => {
  if (name.value !== 'join__type' && name.value !== 'join__field') return [];
  return (args ?? []).flatMap(({ name: { value: argument }, value }) => {
    if ((argument === 'key' || argument === 'requires') && value.kind === Kind.STRING) return [value.value];
    if (argument !== 'contextArguments' || value.kind !== Kind.LIST) return [];
    return value.values.flatMap((each) => (each.kind === Kind.OBJECT ? each.fields : [])).flatMap((field) => (field.name.value === 'selection' && field.value.kind === Kind.STRING ? [selectionOf(field.value.value)] : []));
  });
};

/** `{ prop }` or `... on Type { prop }`, as the braces of a set would hold it. */
const selectionOf = (text: string): string => (text.trim().startsWith('{') ? `... ${text}` : text);
