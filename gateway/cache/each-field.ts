/** Every field that a selection asks for, on each object type that it can be asked of. */
import { type FragmentDefinitionNode, Kind, type SelectionSetNode } from 'graphql';
import { type CompositeType, type NamedType, type ObjectType, type Schema, baseType, isCompositeType, possibleRuntimeTypes } from '@apollo/federation-internals';

/** `returns` is undefined for `__typename`, introspection, and what the schema does not know. */
export type AskedField = { readonly parent: ObjectType; readonly name: string; readonly returns: NamedType | undefined; readonly isTop: boolean };

type Walk = { readonly schema: Schema; readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>; readonly visit: (asked: AskedField) => void; readonly seen: Map<SelectionSetNode, Set<string>> };

/** `isTop` marks the fields of `set` itself. */
export const eachField = (schema: Schema, type: CompositeType, set: SelectionSetNode, fragments: ReadonlyMap<string, FragmentDefinitionNode>, visit: (asked: AskedField) => void): void =>
  walkSet({ schema, fragments, visit, seen: new Map() }, set, type, true);

const walkSet = (walk: Walk, set: SelectionSetNode, type: CompositeType, isTop: boolean): void => {
  const seen = walk.seen.get(set) ?? new Set();
  walk.seen.set(set, seen);
  if (seen.has(type.name)) return;
  seen.add(type.name);
  for (const object of possibleRuntimeTypes(type)) walkAs(walk, set, object, isTop);
};

const walkAs = (walk: Walk, set: SelectionSetNode, parent: ObjectType, isTop: boolean): void => {
  for (const selection of set.selections) {
    if (selection.kind === Kind.FIELD) {
      const name = selection.name.value;
      const field = name.startsWith('__') ? undefined : parent.field(name);
      const returns = field?.type && baseType(field.type);
      walk.visit({ parent, name, returns, isTop });
      if (selection.selectionSet && returns && isCompositeType(returns)) walkSet(walk, selection.selectionSet, returns, false);
      continue;
    }
    const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : walk.fragments.get(selection.name.value);
    const condition = fragment?.typeCondition ? walk.schema.type(fragment.typeCondition.name.value) : parent;
    if (fragment && (!condition || !isCompositeType(condition) || possibleRuntimeTypes(condition).includes(parent))) walkAs(walk, fragment.selectionSet, parent, isTop);
  }
};
