/**
 * Several operations on `_entities` as one: `query ($r0: …, $r1: …) { _e0: _entities(representations: $r0) {…} _e1: … }`.
 */
import { type DocumentNode, type FieldNode, Kind, type OperationDefinitionNode, OperationTypeNode, type VariableDefinitionNode, print, stripIgnoredCharacters, visit } from 'graphql';
import type { AnswerForm, SubgraphOperation } from '../sources/data-source.ts';
import type { MergedOperation } from './plan.ts';

export const mergeEntityOperations = (operations: readonly SubgraphOperation[]): MergedOperation => {
  const [first] = operations;
  if (first && operations.length === 1) return { operation: first, aliases: ['_entities'], variables: ['representations'] };
  const definitions = operations.map(definitionOf);
  const merged: OperationDefinitionNode = {
    kind: Kind.OPERATION_DEFINITION,
    operation: OperationTypeNode.QUERY,
    name: definitions[0]?.name,
    variableDefinitions: variablesOf(definitions),
    directives: definitions[0]?.directives,
    selectionSet: { kind: Kind.SELECTION_SET, selections: definitions.map(entityField) },
  };
  const document: DocumentNode = { kind: Kind.DOCUMENT, definitions: [merged] };
  return {
    operation: { kind: OperationTypeNode.QUERY, name: first?.name, query: stripIgnoredCharacters(print(document)), document, form: mergedForm(operations) },
    aliases: operations.map((_, position) => `_e${position}`),
    variables: operations.map((_, position) => `r${position}`),
  };
};

const mergedForm = (operations: readonly SubgraphOperation[]): AnswerForm | undefined =>
  operations.every(({ form }) => form) ? operations.flatMap(({ form = [] }, position) => form.map((field) => ({ ...field, name: `_e${position}` }))) : undefined;

const definitionOf = ({ document }: SubgraphOperation): OperationDefinitionNode => {
  const definition = document.definitions.find((each) => each.kind === Kind.OPERATION_DEFINITION);
  if (!definition) throw new TypeError('The planner makes one operation for each fetch.');
  return definition;
};

/** The client's variables have the same types in every fetch; representations get names of their own. */
const variablesOf = (definitions: readonly OperationDefinitionNode[]): readonly VariableDefinitionNode[] => {
  const byName = new Map<string, VariableDefinitionNode>();
  definitions.forEach((definition, position) => {
    for (const variable of definition.variableDefinitions ?? []) {
      const name = variable.variable.name.value === 'representations' ? `r${position}` : variable.variable.name.value;
      byName.set(name, { ...variable, variable: { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: name } } });
    }
  });
  return [...byName.values()];
};

const entityField = (definition: OperationDefinitionNode, position: number): FieldNode => {
  const [field] = definition.selectionSet.selections;
  if (field?.kind !== Kind.FIELD || definition.selectionSet.selections.length !== 1) throw new TypeError('A fetch of entities selects `_entities` alone.');
  return visit({ ...field, alias: { kind: Kind.NAME, value: `_e${position}` } }, { Variable: (node) => (node.name.value === 'representations' ? { ...node, name: { ...node.name, value: `r${position}` } } : undefined) });
};
