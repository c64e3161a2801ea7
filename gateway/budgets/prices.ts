/**
 * What fields of a schema cost: the defaults are those of Apollo's demand control. An object costs 1, a leaf nothing, a
 * field of the mutation type 10 besides; `@cost` on a field goes before `@cost` on its type.
 */
import { type FieldNode, type GraphQLField, type GraphQLInputType, type GraphQLSchema, Kind, type ValueNode, getNamedType, isAbstractType, isCompositeType, isInputObjectType, isListType, isNonNullType, valueFromASTUntyped, visit } from 'graphql';
import { refuse } from '../errors.ts';
import type { Variables } from '../operations.ts';
import { type Amount, larger, sum } from './amounts.ts';
import type { ListSize, Weights } from './weights.ts';

export type Field = GraphQLField<unknown, unknown>;

export type Prices = {
  /** Of one value of the field: for a list, of each entry. */
  each(typeName: string, field: Field): number;
  /** Of asking for the field once, whatever it answers: its arguments. */
  asking(typeName: string, field: Field, node: FieldNode): Amount;
  /** Entries of the list that the field is; null where nothing is said about it. Throws RequestRefused where an argument must say it. */
  size(typeName: string, field: Field, node: FieldNode): Amount | null;
  /** What the field says about the size of fields of its object. */
  below(typeName: string, field: Field, node: FieldNode): Sized | null;
  /** Entries of a list that nothing is said about. */
  readonly listSize: number;
};

export type Sized = { readonly fields: readonly string[]; readonly size: Amount };

const mutationWeight = 10;
/** Introspection is answered from memory, but the answer is long. */
const introspectionWeights: Readonly<Record<string, number>> = { __schema: 100, __type: 10 };
export const introspectionWeight = (name: string): number => introspectionWeights[name] ?? 0;

const defaultListSize = 10;

export const createPrices = (schema: GraphQLSchema, weights: Weights, listSize: number = defaultListSize): Prices => {
  const weighsInput = weights.arguments.size > 0 || weights.fields.size > 0 || weights.types.size > 0;
  const mutationType = schema.getMutationType()?.name;

  const typeWeight = (name: string): number => {
    const own = weights.types.get(name);
    if (own !== undefined) return own;
    const type = schema.getType(name);
    if (isAbstractType(type)) return schema.getPossibleTypes(type).reduce((most, each) => Math.max(most, typeWeight(each.name)), 1);
    return isCompositeType(type) ? 1 : 0;
  };
  const sizeOf = (typeName: string, field: Field, node: FieldNode): { readonly said: ListSize; readonly size: Amount } | null => {
    const said = weights.listSizes.get(`${typeName}.${field.name}`);
    return said ? { said, size: slicedSize(`${typeName}.${field.name}`, field, node, said, listSize) } : null;
  };

  return {
    listSize,
    each: (typeName, { name, type }) => weights.fields.get(`${typeName}.${name}`) ?? typeWeight(getNamedType(type).name),
    asking(typeName, field, node) {
      const base = typeName === mutationType ? mutationWeight : 0;
      if (!weighsInput || !node.arguments?.length) return base;
      const given = field.args.flatMap((argument): Amount[] => {
        const value = node.arguments?.find(({ name }) => name.value === argument.name)?.value;
        return value ? [valueAmount(value, (each) => inputCost(weights, argument.type, each, weights.arguments.get(`${typeName}.${field.name}(${argument.name}:)`), 0))] : [];
      });
      return sum([base, ...given]);
    },
    size(typeName, field, node) {
      const found = sizeOf(typeName, field, node);
      return found && found.said.sizedFields.length === 0 ? found.size : null;
    },
    below(typeName, field, node) {
      const found = sizeOf(typeName, field, node);
      return found && found.said.sizedFields.length > 0 ? { fields: found.said.sizedFields, size: found.size } : null;
    },
  };
};

const hasVariables = (value: ValueNode): boolean => {
  let found = false;
  visit(value, { Variable: () => void (found = true) });
  return found;
};

const valueAmount = (value: ValueNode, cost: (value: unknown) => number): Amount =>
  hasVariables(value) ? (variables) => cost(valueFromASTUntyped(value, variables as Record<string, unknown>)) : cost(valueFromASTUntyped(value));

/** Values are looked at before they are coerced; one that does not fit its type is refused later. Deeper is not weighed. */
const deepestInput = 50;

const inputCost = (weights: Weights, type: GraphQLInputType, value: unknown, weight: number | undefined, depth: number): number => {
  if (value === null || value === undefined || depth > deepestInput) return 0;
  if (isNonNullType(type)) return inputCost(weights, type.ofType as GraphQLInputType, value, weight, depth);
  if (isListType(type)) {
    const of = type.ofType as GraphQLInputType;
    return Array.isArray(value) ? value.reduce<number>((total, each) => total + inputCost(weights, of, each, weight, depth + 1), 0) : inputCost(weights, of, value, weight, depth + 1);
  }
  const own = weight ?? weights.types.get(type.name) ?? 0;
  if (!isInputObjectType(type) || typeof value !== 'object') return own;
  return Object.values(type.getFields()).reduce((total, { name, type: of }) => total + inputCost(weights, of, (value as Record<string, unknown>)[name], weights.fields.get(`${type.name}.${name}`), depth + 1), own);
};

/** The largest of the slicing arguments that are given, else of those with defaults, else what is assumed. */
const slicedSize = (coordinate: string, field: Field, node: FieldNode, said: ListSize, listSize: number): Amount => {
  const { slicingArguments, requireOneSlicingArgument } = said;
  if (slicingArguments.length === 0) return said.assumedSize ?? listSize;
  const slices = slicingArguments.map((path) => sliceOf(field, node, path));
  const decide = (sizes: readonly (number | null)[], defaults: readonly (number | null)[]): number => {
    const given = sizes.filter((size) => size !== null);
    const known = given.length > 0 ? given : defaults.filter((size) => size !== null);
    if (requireOneSlicingArgument && known.length !== 1) throw mustSlice(coordinate, slicingArguments, known.length);
    return known.length > 0 ? Math.max(...known) : (said.assumedSize ?? listSize);
  };
  const defaults = slices.map(({ byDefault }) => byDefault);
  if (slices.every(({ varies }) => !varies)) return decide(slices.map(({ read }) => read({})), defaults);
  return (variables) => decide(slices.map(({ read }) => read(variables)), defaults);
};

const mustSlice = (coordinate: string, slicingArguments: readonly string[], value: number) =>
  refuse('SLICING_ARGUMENT_REQUIRED', `\`${coordinate}\` must be given exactly one of the arguments that say how long its list is: ${slicingArguments.join(', ')}.`, { field: coordinate, arguments: slicingArguments, value });

type Slice = { readonly varies: boolean; readonly byDefault: number | null; read(variables: Variables): number | null };

const sliceOf = (field: Field, node: FieldNode, name: string): Slice => {
  const value = node.arguments?.find((argument) => argument.name.value === name)?.value;
  const byDefault = countIn(field.args.find((argument) => argument.name === name)?.defaultValue);
  if (value?.kind === Kind.VARIABLE) return { varies: true, byDefault, read: (variables) => countIn(variables[value.name.value]) };
  const constant = value ? countIn(valueFromASTUntyped(value)) : null;
  return { varies: false, byDefault, read: () => constant };
};

const countIn = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? Math.max(0, Math.ceil(value)) : null);

/** The largest of several, as different types that can stand in one place may say different things. */
export const largest = (amounts: readonly Amount[]): Amount => amounts.reduce(larger, 0);
