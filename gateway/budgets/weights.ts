/**
 * What things of a schema weigh and how long lists are, as `@cost` and `@listSize` say in the supergraph (Apollo
 * Federation 2.9; IBM's GraphQL Cost Directives specification, https://ibm.github.io/graphql-specs/cost-spec.html).
 */
import { type DirectiveDefinition, type Schema, costIdentity, isInputObjectType, isInterfaceType, isObjectType } from '@apollo/federation-internals';

export type ListSize = {
  /** Entries where no slicing argument says how many. */
  readonly assumedSize: number | null;
  /** Arguments whose value is the number of entries; the largest counts. */
  readonly slicingArguments: readonly string[];
  /** Fields of the object, such as `edges`, that are so long; the field itself where there are none. */
  readonly sizedFields: readonly string[];
  readonly requireOneSlicingArgument: boolean;
};

/** By coordinate; what is not named has the weight of its kind. */
export type Weights = {
  readonly types: ReadonlyMap<string, number>;
  /** `Type.field`, input fields too. */
  readonly fields: ReadonlyMap<string, number>;
  /** `Type.field(argument:)`. */
  readonly arguments: ReadonlyMap<string, number>;
  readonly listSizes: ReadonlyMap<string, ListSize>;
};

export const noWeights: Weights = { types: new Map(), fields: new Map(), arguments: new Map(), listSizes: new Map() };

export const readWeights = (schema: Schema): Weights => {
  const { cost, listSize } = findDirectives(schema);
  if (!cost && !listSize) return noWeights;
  const weights = { types: new Map<string, number>(), fields: new Map<string, number>(), arguments: new Map<string, number>(), listSizes: new Map<string, ListSize>() };
  const weigh = (into: Map<string, number>, coordinate: string, element: Element) => {
    const weight = cost && (element.appliedDirectivesOf(cost)[0]?.arguments() as { weight?: number } | undefined)?.weight;
    // A negative weight, which the specification allows, would let a field pay for others.
    if (typeof weight === 'number') into.set(coordinate, Math.max(0, weight));
  };
  for (const type of schema.types()) {
    weigh(weights.types, type.name, type);
    if (isInputObjectType(type)) for (const field of type.fields()) weigh(weights.fields, field.coordinate, field);
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of type.fields()) {
      weigh(weights.fields, field.coordinate, field);
      const size = listSize && field.appliedDirectivesOf(listSize)[0];
      if (size) weights.listSizes.set(field.coordinate, listSizeOf(size));
      for (const argument of field.arguments()) weigh(weights.arguments, argument.coordinate, argument);
    }
  }
  return weights;
};

type Element = { appliedDirectivesOf(definition: DirectiveDefinition): readonly { arguments(): object }[] };

/** A supergraph may have renamed the directives on import, so they are found by the identity of their specification. */
const findDirectives = (schema: Schema): { readonly cost: DirectiveDefinition | undefined; readonly listSize: DirectiveDefinition | undefined } => {
  const feature = schema.coreFeatures?.getByIdentity(costIdentity);
  const find = (name: string) => feature && schema.directive(feature.directiveNameInSchema(name));
  return { cost: find('cost'), listSize: find('listSize') };
};

const listSizeOf = (directive: { arguments(): object }): ListSize => {
  const { assumedSize, slicingArguments, sizedFields, requireOneSlicingArgument } = directive.arguments() as { [name in keyof ListSize]?: ListSize[name] | null };
  return { assumedSize: assumedSize ?? null, slicingArguments: slicingArguments ?? [], sizedFields: sizedFields ?? [], requireOneSlicingArgument: requireOneSlicingArgument ?? true };
};
