/**
 * Errors of subgraphs stand at paths of what was fetched, which can be more than what the client asked for.
 */
import type { GraphQLFormattedError } from 'graphql';
import type { Selection, ValueShape } from './selection.ts';

/**
 * - An error at a place of the client's answer stays.
 * - One in a field that another field needs (`@requires`, keys) moves up to the object, as the client knows no such field.
 * - One in a field that was asked for of objects of another type alone is dropped: the planner asks an
 *   `@interfaceObject` subgraph for every object of a list, as that subgraph cannot tell them apart.
 */
export const locateErrors = (selection: Selection, data: unknown, errors: readonly GraphQLFormattedError[]): GraphQLFormattedError[] =>
  errors.flatMap((error) => {
    if (!error.path || error.path.length === 0) return [error];
    const length = knownLength(selection, data, error.path);
    if (length === null) return [];
    if (length === error.path.length) return [error];
    const { path, ...rest } = error;
    return [length === 0 ? rest : { ...rest, path: path.slice(0, length) }];
  });

/** How much of the path lies in the client's answer; null where nobody asked for it. */
const knownLength = (root: Selection, data: unknown, path: readonly (string | number)[]): number | null => {
  let selection: Selection | undefined = root;
  let value: unknown = data;
  let length = 0;
  let lastObject = 0;
  for (const key of path) {
    const at: unknown = typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[key] : undefined;
    if (typeof key === 'string') {
      if (!selection) return lastObject;
      const typename = (value as { __typename?: unknown } | undefined)?.__typename;
      const type = selection.isAbstract && typeof typename === 'string' && selection.allows(typename) ? typename : selection.type.name;
      const field = selection.forType(type).fields.find(({ responseName }) => responseName === key);
      if (!field) return selection.isAbstract && selection.objectTypes().some((other) => selection?.forType(other).fields.some(({ responseName }) => responseName === key)) ? null : lastObject;
      selection = selectionIn(field.value);
    }
    value = at;
    length++;
    if (selection) lastObject = length;
  }
  return length;
};

const selectionIn = (value: ValueShape): Selection | undefined => {
  if (value.kind === 'nonNull' || value.kind === 'list') return selectionIn(value.of);
  return value.kind === 'object' ? value.selection : undefined;
};
