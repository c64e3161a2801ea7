/** One fetch, with what its own subgraph resolves of what no fetch asks for: see `completeness.ts`. */
import { type DocumentNode, type FieldNode, Kind, type SelectionNode, type SelectionSetNode, type VariableDefinitionNode, print, stripIgnoredCharacters, visit } from 'graphql';
import { type CompositeType, type FieldDefinition, type Schema, baseType, federationMetadata, isAbstractType, isCompositeType, isInterfaceType, isObjectType, possibleRuntimeTypes } from '@apollo/federation-internals';
import type { FetchNode } from '@apollo/query-planner';
import type { TypeMatcher } from '../supergraph.ts';
import { type Asked, type Fragments, type Place, fetchOperationOf, fieldsFor, operationOf, responseNameOf } from './asked.ts';

type Source = { readonly document: DocumentNode; readonly fragments: Fragments; readonly schema: Schema; readonly asked: Asked; readonly matchesType: TypeMatcher };

export const completeFetch = (node: FetchNode, place: Place, source: Source): FetchNode => {
  const operation = fetchOperationOf(node);
  const root = source.schema.schemaDefinition.rootType(operation.operation);
  const clientSets = place.reduce(setsBelow(source.fragments), [operationOf(source.document).selectionSet]);
  if (!root || clientSets.length === 0) return node;
  const added: FieldNode[] = [];
  const selectionSet = node.requires
    ? { ...operation.selectionSet, selections: operation.selectionSet.selections.map((entities) => (entities.kind === Kind.FIELD && entities.selectionSet ? { ...entities, selectionSet: walk(entities.selectionSet, undefined, clientSets, place, source, added) } : entities)) }
    : walk(operation.selectionSet, root, clientSets, place, source, added);
  if (added.length === 0) return node;
  const used = variablesIn(added);
  const known = new Set(operation.variableDefinitions?.map(({ variable }) => variable.name.value));
  const missing = (operationOf(source.document).variableDefinitions ?? []).filter(({ variable: { name } }) => used.has(name.value) && !known.has(name.value));
  const completed = { ...operation, selectionSet, variableDefinitions: [...(operation.variableDefinitions ?? []), ...missing.map(withoutDefault)] };
  return { ...node, operation: stripIgnoredCharacters(print({ kind: Kind.DOCUMENT, definitions: [completed] })), variableUsages: [...(node.variableUsages ?? []), ...missing.map(({ variable }) => variable.name.value)] };
};

/** The client's selections below a response name, whatever the type of the object. */
const setsBelow = (fragments: Fragments) => (sets: readonly SelectionSetNode[], name: string): readonly SelectionSetNode[] =>
  fieldsFor(sets, '', fragments, () => true).flatMap((field) => (responseNameOf(field) === name && field.selectionSet ? [field.selectionSet] : []));

const walk = (set: SelectionSetNode, type: CompositeType | undefined, clientSets: readonly SelectionSetNode[], place: Place, source: Source, added: FieldNode[]): SelectionSetNode => ({
  ...set,
  selections: set.selections.map((selection): SelectionNode => {
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      const condition = selection.typeCondition ? source.schema.type(selection.typeCondition.name.value) : type;
      return { ...selection, selectionSet: walk(selection.selectionSet, condition && isCompositeType(condition) ? condition : undefined, clientSets, place, source, added) };
    }
    if (selection.kind !== Kind.FIELD || !selection.selectionSet || !type) return selection;
    const below = baseTypeOf(fieldOf(type, selection.name.value));
    const sets = setsBelow(source.fragments)(clientSets, responseNameOf(selection));
    if (!below || sets.length === 0) return selection;
    const inner = [...place, responseNameOf(selection)];
    const walked = walk(selection.selectionSet, below, sets, inner, source, added);
    return { ...selection, selectionSet: isAbstractType(below) ? { ...walked, selections: [...walked.selections, ...missingAt(below, sets, inner, source, added)] } : walked };
  }),
});

/** `... on Type { fields }` for each type that the subgraph can answer with and of which something is not asked. */
const missingAt = (type: CompositeType, sets: readonly SelectionSetNode[], place: Place, source: Source, added: FieldNode[]): readonly SelectionNode[] =>
  possibleRuntimeTypes(type).flatMap((object): readonly SelectionNode[] => {
    const fields = fieldsFor(sets, object.name, source.fragments, source.matchesType).filter((field) => !field.name.value.startsWith('__') && !source.asked.asks(place, object.name, responseNameOf(field)));
    const local = fields.flatMap((field) => localField(object, field, source) ?? []);
    if (local.length === 0) return [];
    added.push(...local);
    return [{ kind: Kind.INLINE_FRAGMENT, typeCondition: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: object.name } }, selectionSet: { kind: Kind.SELECTION_SET, selections: local } }];
  });

/** The field as the subgraph can be asked for it; undefined if it does not resolve all of it. */
const localField = (type: CompositeType, field: FieldNode, source: Source): FieldNode | undefined => {
  if (field.name.value === '__typename') return field;
  const definition = fieldOf(type, field.name.value);
  if (!definition || !resolves(type, field.name.value, source.schema) || !field.arguments?.every(({ name }) => definition.argument(name.value))) return undefined;
  const plain: FieldNode = { ...field, directives: [] };
  const below = baseTypeOf(definition);
  if (!below || !field.selectionSet) return plain;
  const selectionSet = localSet(below, field.selectionSet, source);
  return selectionSet && { ...plain, selectionSet };
};

const localSet = (type: CompositeType, set: SelectionSetNode, source: Source): SelectionSetNode | undefined => {
  const selections: SelectionNode[] = [typename];
  for (const selection of set.selections) {
    if (selection.kind === Kind.FIELD) {
      const local = localField(type, selection, source);
      if (!local) return undefined;
      selections.push(local);
      continue;
    }
    const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : source.fragments.get(selection.name.value);
    const condition = fragment?.typeCondition ? source.schema.type(fragment.typeCondition.name.value) : type;
    if (!fragment || !condition || !isCompositeType(condition)) continue; // The subgraph has no such objects.
    const inner = localSet(condition, fragment.selectionSet, source);
    if (!inner) return undefined;
    selections.push({ kind: Kind.INLINE_FRAGMENT, typeCondition: fragment.typeCondition, selectionSet: inner });
  }
  return { kind: Kind.SELECTION_SET, selections };
};

const typename: FieldNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };

/** Whether the subgraph itself resolves the field, of every object that has the type. */
const resolves = (type: CompositeType, name: string, schema: Schema): boolean => {
  const metadata = federationMetadata(schema);
  const requires = metadata?.requiresDirective();
  const types = isInterfaceType(type) ? possibleRuntimeTypes(type) : [type];
  return types.every((each) => {
    const field = fieldOf(each, name);
    return field !== undefined && !metadata?.isFieldExternal(field) && !(requires && field.hasAppliedDirective(requires));
  });
};

const fieldOf = (type: CompositeType, name: string): FieldDefinition<CompositeType> | undefined => (isObjectType(type) || isInterfaceType(type) ? type.field(name) : undefined);

const baseTypeOf = (field: FieldDefinition<CompositeType> | undefined): CompositeType | undefined => {
  const type = field?.type && baseType(field.type);
  return type && isCompositeType(type) ? type : undefined;
};

const variablesIn = (fields: readonly FieldNode[]): ReadonlySet<string> => {
  const names = new Set<string>();
  for (const field of fields) visit(field, { Variable: ({ name }) => void names.add(name.value) });
  return names;
};

/** The gateway passes on coerced values, defaults included. */
const withoutDefault = ({ defaultValue: _, ...definition }: VariableDefinitionNode): VariableDefinitionNode => definition;
