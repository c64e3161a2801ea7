/** The fields that a fetch of entities asks of the entities themselves, and the fetch with some of them. */
import { type FieldNode, Kind, type SelectionNode, type SelectionSetNode, type VariableDefinitionNode, print, stripIgnoredCharacters, visit } from 'graphql';
import type { FetchNode } from '@apollo/query-planner';
import { fetchOperationOf, selectionOf } from './asked.ts';

/** `conditions`: the types that an entity must have to be asked for it; the last one is the type that has the field. */
export type EntityField = { readonly conditions: readonly string[]; readonly node: FieldNode };

/** In document order. */
export const entityFieldsOf = (node: FetchNode): readonly EntityField[] => fieldsIn(selectionOf(node), []);

const fieldsIn = (set: SelectionSetNode, conditions: readonly string[]): readonly EntityField[] =>
  set.selections.flatMap((selection): readonly EntityField[] => {
    if (selection.kind === Kind.FIELD) return [{ conditions, node: selection }];
    return selection.kind === Kind.INLINE_FRAGMENT ? fieldsIn(selection.selectionSet, selection.typeCondition ? [...conditions, selection.typeCondition.name.value] : conditions) : [];
  });

export const typeOf = ({ conditions }: EntityField): string => conditions.at(-1) ?? '_Entity';

/** Without the variables that only the other fields use. */
export const withEntityFields = (node: FetchNode, isWanted: (field: EntityField) => boolean): FetchNode => {
  const filter = (set: SelectionSetNode, conditions: readonly string[]): SelectionSetNode => ({
    ...set,
    selections: set.selections.flatMap((selection): readonly SelectionNode[] => {
      if (selection.kind === Kind.FIELD) return isWanted({ conditions, node: selection }) ? [selection] : [];
      if (selection.kind === Kind.FRAGMENT_SPREAD) return [selection];
      const selectionSet = filter(selection.selectionSet, selection.typeCondition ? [...conditions, selection.typeCondition.name.value] : conditions);
      return selectionSet.selections.length > 0 ? [{ ...selection, selectionSet }] : [];
    }),
  });
  const operation = fetchOperationOf(node);
  const selectionSet = { ...operation.selectionSet, selections: operation.selectionSet.selections.map((each) => (each.kind === Kind.FIELD && each.selectionSet ? { ...each, selectionSet: filter(each.selectionSet, []) } : each)) };
  const used = new Set<string>();
  visit(selectionSet, { Variable: ({ name }) => void used.add(name.value) });
  const variableDefinitions = operation.variableDefinitions?.filter(({ variable }: VariableDefinitionNode) => used.has(variable.name.value));
  return {
    ...node,
    operation: stripIgnoredCharacters(print({ kind: Kind.DOCUMENT, definitions: [{ ...operation, variableDefinitions, selectionSet }] })),
    variableUsages: node.variableUsages?.filter((name) => used.has(name)),
  };
};
