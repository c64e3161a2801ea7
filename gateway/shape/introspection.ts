/** `__schema` and `__type` at the root, answered by graphql-js over the API schema. */
import { type DocumentNode, type GraphQLFormattedError, type GraphQLSchema, Kind, type SelectionNode, type SelectionSetNode, executeSync, visit } from 'graphql';
import type { Operation, Variables } from '../operations.ts';

export type Introspection = { readonly data: Record<string, unknown>; readonly errors: readonly GraphQLFormattedError[] };

/** Answers without variables are kept: tools ask for the whole schema, again and again. */
export const createIntrospection = (schema: GraphQLSchema): ((operation: Operation, variables: Variables) => Introspection | null) => {
  const documents = new WeakMap<Operation, DocumentNode | null>();
  const answers = new WeakMap<Operation, Introspection>();
  return (operation, variables) => {
    let document = documents.get(operation);
    if (document === undefined) documents.set(operation, (document = introspectionOf(operation)));
    if (!document) return null;
    const known = answers.get(operation);
    if (known) return known;
    const { data, errors } = executeSync({ schema, document, variableValues: variables });
    const answer: Introspection = { data: { ...data }, errors: (errors ?? []).map((error) => error.toJSON()) };
    if ((operation.definition.variableDefinitions ?? []).length === 0) answers.set(operation, answer);
    return answer;
  };
};

/** The operation reduced to its introspection fields at the root, or null when it has none. */
const introspectionOf = (operation: Operation): DocumentNode | null => {
  let count = 0;
  // Fragments spread at the root are written out, as the same fragment cannot be reduced and kept whole elsewhere.
  const reduce = (set: SelectionSetNode): SelectionSetNode => ({
    ...set,
    selections: set.selections.flatMap((selection): readonly SelectionNode[] => {
      if (selection.kind === Kind.FIELD) {
        const isIntrospection = selection.name.value === '__schema' || selection.name.value === '__type';
        if (isIntrospection) count++;
        return isIntrospection ? [selection] : [];
      }
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : operation.fragments.get(selection.name.value);
      if (!fragment) return [];
      const inner = reduce(fragment.selectionSet);
      return inner.selections.length === 0 ? [] : [{ kind: Kind.INLINE_FRAGMENT, typeCondition: fragment.typeCondition, directives: selection.directives, selectionSet: inner }];
    }),
  });
  const selectionSet = reduce(operation.definition.selectionSet);
  if (count === 0) return null;
  return visit(operation.document, { OperationDefinition: (node) => ({ ...node, selectionSet }) });
};
