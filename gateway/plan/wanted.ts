/** What a client asks for, and which objects can be answered there, by place. */
import { type DocumentNode, Kind, type SelectionSetNode } from 'graphql';
import { type CompositeType, type NamedType, type Schema, type Supergraph, baseType, federationMetadata, isAbstractType, isCompositeType, isInterfaceType, isObjectType, possibleRuntimeTypes } from '@apollo/federation-internals';
import type { TypeMatcher } from '../supergraph.ts';
import { type Asked, AskedNames, type Conditions, type Place, type PlacedFetch, fragmentsOf, operationOf, placeKey, responseNameOf, selectionOf } from './asked.ts';

/** What the client wants, of objects of the types that the supergraph allows at each place. */
export const createWanted = (document: DocumentNode, schema: Schema, matchesType: TypeMatcher): Asked => {
  const names = new AskedNames(matchesType);
  const fragments = fragmentsOf(document);
  const collect = (set: SelectionSetNode, type: CompositeType, place: Place, conditions: Conditions): void => {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        names.add(place, responseNameOf(selection), conditions);
        const below = typeBelow(type, selection.name.value);
        if (selection.selectionSet && below) collect(selection.selectionSet, below, [...place, responseNameOf(selection)], [{ depth: place.length + 1, type: below.name }]);
        continue;
      }
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
      const condition = fragment?.typeCondition ? compositeType(schema.type(fragment.typeCondition.name.value)) : type;
      if (fragment && condition) collect(fragment.selectionSet, condition, place, [...conditions, { depth: place.length, type: condition.name }]);
    }
  };
  const { operation, selectionSet } = operationOf(document);
  const root = schema.schemaDefinition.rootType(operation);
  if (root) collect(selectionSet, root, [], []);
  return names;
};

/** Whether an object of this type can stand at this place, as far as the subgraphs know that are asked for it. */
export type CanStand = (place: Place, type: string) => boolean;

export const createCanStand = (fetches: readonly PlacedFetch[], supergraph: Supergraph, schemas: ReadonlyMap<string, Schema>): CanStand => {
  const typesAt = new Map<string, Set<string>>();
  const collect = (schema: Schema, set: SelectionSetNode, type: CompositeType | undefined, place: Place): void => {
    for (const selection of set.selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        collect(schema, selection.selectionSet, selection.typeCondition ? compositeType(schema.type(selection.typeCondition.name.value)) : type, place);
      } else if (selection.kind === Kind.FIELD && selection.selectionSet) {
        const below = type && typeBelow(type, selection.name.value);
        const inner = [...place, responseNameOf(selection)];
        if (below) typesAt.set(placeKey(inner), new Set([...(typesAt.get(placeKey(inner)) ?? []), ...objectsOf(supergraph, schema, below)]));
        collect(schema, selection.selectionSet, below, inner);
      }
    }
  };
  for (const { node, place } of fetches) {
    const schema = schemas.get(node.serviceName);
    if (schema) collect(schema, selectionOf(node), node.requires ? undefined : schema.schemaDefinition.rootType(node.operationKind), place);
  }
  return (place, type) => typesAt.get(placeKey(place))?.has(type) ?? true;
};

/** An interface object stands for every object of the interface. */
const objectsOf = (supergraph: Supergraph, schema: Schema, type: CompositeType): readonly string[] => {
  const isInterfaceObject = federationMetadata(schema)?.isInterfaceObjectType(type) ?? false;
  const known = isInterfaceObject ? compositeType(supergraph.schema.type(type.name)) : type;
  return known ? namesOf(known) : [];
};

/** What objects of the type call themselves: an interface is the name of those of which is not known yet what they are. */
export const namesOf = (type: CompositeType): readonly string[] => (isAbstractType(type) ? [type.name, ...possibleRuntimeTypes(type).map(({ name }) => name)] : [type.name]);

export const compositeType = (type: NamedType | undefined): CompositeType | undefined => (type && isCompositeType(type) ? type : undefined);

const typeBelow = (type: CompositeType, name: string): CompositeType | undefined => {
  const field = isObjectType(type) || isInterfaceType(type) ? type.field(name) : undefined;
  return field?.type && compositeType(baseType(field.type));
};
