/** `@skip` and `@include`: GraphQL specification, 3.13.1 and 3.13.2. */
import { Kind, type SelectionNode, visit } from 'graphql';
import type { Operation, Variables } from './operations.ts';

export const isCondition = (directive: { readonly name: { readonly value: string } }): boolean => directive.name.value === 'skip' || directive.name.value === 'include';

/** Whether `@skip` and `@include` let a selection through. */
export const isIncluded = (selection: SelectionNode, variables: Variables): boolean =>
  (selection.directives ?? []).every((directive) => {
    if (!isCondition(directive)) return true;
    const value = directive.arguments?.find((argument) => argument.name.value === 'if')?.value;
    const condition = value?.kind === Kind.VARIABLE ? variables[value.name.value] === true : value?.kind === Kind.BOOLEAN && value.value;
    return directive.name.value === 'include' ? condition : !condition;
  });

/** Names of the variables that decide `@skip` and `@include` anywhere in the operation. */
export const conditionVariables = (operation: Operation): readonly string[] => {
  const names = new Set<string>();
  visit(operation.document, {
    Directive(node) {
      if (!isCondition(node)) return;
      for (const { value } of node.arguments ?? []) if (value.kind === Kind.VARIABLE) names.add(value.name.value);
    },
  });
  return [...names].sort();
};
