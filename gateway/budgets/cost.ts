/**
 * What an operation can cost at most, while lists keep to the sizes that the schema says: computed before anything is
 * executed. Pure: an operation, its variables, a schema.
 *
 * cost of a field = its arguments + size of its list × (weight of one entry + cost of its selection). Fields of one
 * name that stand beside each other count once where they are for the same types, as they are executed once. Of an
 * abstract type the dearest of its objects counts. So a fragment costs what it costs written out, and a field more
 * never lowers the cost.
 */
import { type FieldNode, type GraphQLCompositeType, type GraphQLOutputType, type GraphQLSchema, Kind, type SelectionNode, type SelectionSetNode, getNamedType, isAbstractType, isCompositeType, isListType, isNonNullType, valueFromASTUntyped } from 'graphql';
import type { Operation, Variables } from '../operations.ts';
import { type Amount, larger, mostCost, sum, times, when } from './amounts.ts';
import { type Field, type Prices, type Sized, introspectionWeight, largest } from './prices.ts';

export type Costs = {
  /** At least 1. `variables` as the client sent them. Throws RequestRefused where a list must be given its size. */
  of(operation: Operation, variables: Variables | null | undefined): number;
};

/** Of any operation: it was read, if nothing else. */
export const leastCost = 1;

type Compiled = { readonly amount: Amount; readonly defaults: Variables };

export const createCosts = (schema: GraphQLSchema, prices: Prices): Costs => {
  const known = new WeakMap<Operation, Compiled>();
  const compiledOf = (operation: Operation): Compiled => {
    let compiled = known.get(operation);
    if (!compiled) known.set(operation, (compiled = compile(schema, prices, operation)));
    return compiled;
  };
  return {
    of(operation, variables) {
      const { amount, defaults } = compiledOf(operation);
      return Math.max(leastCost, typeof amount === 'number' ? amount : amount({ ...defaults, ...variables }));
    },
  };
};

const compile = (schema: GraphQLSchema, prices: Prices, operation: Operation): Compiled => {
  const { selectionSet, operation: kind, variableDefinitions = [] } = operation.definition;
  const root = schema.getRootType(kind);
  if (!root) return { amount: 0, defaults: {} };
  const reading: Reading = { schema, prices, operation, left: mostSelections };
  const amount = costOfSet(reading, [{ set: selectionSet, parent: root, types: typesOf(reading, root), isTaken: null }], null);
  const defaults = Object.fromEntries(variableDefinitions.flatMap(({ variable, defaultValue }) => (defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)]] : [])));
  return { amount: reading.left < 0 ? mostCost : amount, defaults };
};

/** Fragments in fragments can spread to billions of fields; the gateway's limits let through far fewer. */
const mostSelections = 100_000;

type Condition = (variables: Variables) => boolean;
type Reading = { readonly schema: GraphQLSchema; readonly prices: Prices; readonly operation: Operation; left: number };

/** A selection set that applies to objects of some types, where its condition is true (null: always). */
type Part = { readonly set: SelectionSetNode; readonly parent: GraphQLCompositeType; readonly types: readonly string[]; readonly isTaken: Condition | null };
type Asked = { readonly node: FieldNode; readonly parent: GraphQLCompositeType; readonly isTaken: Condition | null };
/** Fields of one response name for the same types. */
type Group = { readonly types: readonly string[]; readonly asked: Asked[] };

const typesOf = ({ schema }: Reading, type: GraphQLCompositeType): readonly string[] => {
  if (!isAbstractType(type)) return [type.name];
  const possible = schema.getPossibleTypes(type).map(({ name }) => name);
  return possible.length > 0 ? possible.sort() : [type.name];
};

const costOfSet = (reading: Reading, parts: readonly Part[], sized: Sized | null): Amount => {
  const groups = new Map<string, Group>();
  for (const part of parts) collect(reading, part, groups);
  const byType = new Map<string, Amount[]>();
  for (const group of groups.values()) {
    const amount = costOfGroup(reading, group, sized);
    for (const type of amount === 0 ? [] : group.types) byType.set(type, [...(byType.get(type) ?? []), amount]);
  }
  return [...byType.values()].map(sum).reduce(larger, 0);
};

const collect = (reading: Reading, part: Part, groups: Map<string, Group>): void => {
  for (const selection of part.set.selections) {
    if (--reading.left < 0) return;
    const isTaken = both(part.isTaken, conditionOf(selection));
    if (isTaken === 'never') continue;
    if (selection.kind === Kind.FIELD) {
      const key = `${(selection.alias ?? selection.name).value} ${part.types.join(' ')}`;
      const group = groups.get(key) ?? { types: part.types, asked: [] };
      group.asked.push({ node: selection, parent: part.parent, isTaken });
      groups.set(key, group);
      continue;
    }
    const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : reading.operation.fragments.get(selection.name.value);
    if (!fragment) continue;
    const narrowed = fragment.typeCondition ? reading.schema.getType(fragment.typeCondition.name.value) : part.parent;
    if (!isCompositeType(narrowed)) continue;
    const allowed = new Set(typesOf(reading, narrowed));
    const types = part.types.filter((name) => allowed.has(name));
    if (types.length > 0) collect(reading, { set: fragment.selectionSet, parent: narrowed, types, isTaken }, groups);
  }
};

const costOfGroup = (reading: Reading, { types, asked }: Group, sized: Sized | null): Amount => {
  const [first] = asked;
  if (!first) return 0;
  const isTaken = asked.some((each) => each.isTaken === null) ? null : (variables: Variables) => asked.some((each) => each.isTaken?.(variables));
  if (first.node.name.value.startsWith('__')) return when(isTaken, introspectionWeight(first.node.name.value));
  const { prices } = reading;
  const defined = definitionsOf(reading, first.node.name.value, [...new Set([...asked.map(({ parent }) => parent.name), ...types])]);
  const each = defined.reduce((most, { typeName, field }) => Math.max(most, prices.each(typeName, field)), 0);
  const asking = largest(defined.map(({ typeName, field }) => prices.asking(typeName, field, first.node)));
  const below = costOfSet(reading, asked.flatMap((one) => partBelow(reading, one)), sizedBelow(prices, defined, first.node));
  const size = sizeOfGroup(prices, defined, first.node, sized);
  return when(isTaken, sum([asking, times(size, sum([each, below]))]));
};

type Defined = { readonly typeName: string; readonly field: Field };

const definitionsOf = ({ schema }: Reading, name: string, typeNames: readonly string[]): readonly Defined[] =>
  typeNames.flatMap((typeName) => {
    const field = fieldOf(schema, typeName, name);
    return field ? [{ typeName, field }] : [];
  });

const fieldOf = (schema: GraphQLSchema, typeName: string, name: string): Field | undefined => {
  const type = schema.getType(typeName);
  return isCompositeType(type) && 'getFields' in type ? type.getFields()[name] : undefined;
};

/** Its own selection, under the type that its field has there. */
const partBelow = (reading: Reading, { node, parent, isTaken }: Asked): Part[] => {
  const field = fieldOf(reading.schema, parent.name, node.name.value);
  const type = field && getNamedType(field.type);
  return node.selectionSet && isCompositeType(type) ? [{ set: node.selectionSet, parent: type, types: typesOf(reading, type), isTaken }] : [];
};

const sizeOfGroup = (prices: Prices, defined: readonly Defined[], node: FieldNode, sized: Sized | null): Amount => {
  const sizes = defined.map(({ typeName, field }): Amount => {
    const lists = listsIn(field.type);
    if (lists === 0) return 1;
    const outer = prices.size(typeName, field, node) ?? (sized?.fields.includes(field.name) ? sized.size : prices.listSize);
    return times(outer, prices.listSize ** (lists - 1));
  });
  return largest(sizes);
};

const sizedBelow = (prices: Prices, defined: readonly Defined[], node: FieldNode): Sized | null => {
  const found = defined.flatMap(({ typeName, field }) => prices.below(typeName, field, node) ?? []);
  return found.length > 0 ? { fields: found.flatMap(({ fields }) => fields), size: largest(found.map(({ size }) => size)) } : null;
};

const listsIn = (type: GraphQLOutputType): number => {
  if (isNonNullType(type)) return listsIn(type.ofType as GraphQLOutputType);
  return isListType(type) ? 1 + listsIn(type.ofType as GraphQLOutputType) : 0;
};

const both = (a: Condition | null, b: Condition | null | 'never'): Condition | null | 'never' => {
  if (b === 'never') return b;
  return a && b ? (variables) => a(variables) && b(variables) : (a ?? b);
};

/** `@skip` and `@include`; null for always. */
const conditionOf = ({ directives = [] }: SelectionNode): Condition | null | 'never' =>
  directives.reduce<Condition | null | 'never'>((before, { name: { value: name }, arguments: args }) => {
    if (before === 'never' || (name !== 'skip' && name !== 'include')) return before;
    const value = args?.find((argument) => argument.name.value === 'if')?.value;
    const wanted = name === 'include';
    if (value?.kind === Kind.VARIABLE) return both(before, (variables) => (variables[value.name.value] === true) === wanted);
    return value?.kind === Kind.BOOLEAN && value.value === wanted ? before : 'never';
  }, null);
