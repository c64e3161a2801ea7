/**
 * Errors of subgraphs stand at paths of what was fetched, which can be more than what the client asked for.
 */
import type { GraphQLFormattedError } from 'graphql';
import type { ResponsePath } from '../errors.ts';
import type { FieldShape, Selection, ValueShape } from './selection.ts';

/**
 * - An error at a place of the client's answer stays.
 * - One in a field that another field needs (`@requires`, keys) moves up to the object, as the client knows no such field.
 * - One in a field that was asked for of objects of another type alone is dropped: the planner asks an
 *   `@interfaceObject` subgraph for every object of a list, as that subgraph cannot tell them apart.
 */
export const locateErrors = (selection: Selection, data: unknown, errors: readonly GraphQLFormattedError[]): GraphQLFormattedError[] =>
  errors.flatMap((error) => {
    if (!error.path || error.path.length === 0) return [error];
    const known = knownPath(selection, data, error.path);
    if (known === null) return [];
    const { path: _path, ...rest } = error;
    return [known.length === 0 ? rest : { ...rest, path: known }];
  });

/** How much of the path lies in the client's answer, in the client's names; null where nobody asked for it. */
const knownPath = (root: Selection, data: unknown, path: ResponsePath): ResponsePath | null => {
  let selection: Selection | undefined = root;
  let value: unknown = data;
  const known: (string | number)[] = [];
  let lastObject = 0;
  for (const key of path) {
    const at: unknown = typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[key] : undefined;
    if (typeof key === 'number') {
      known.push(key);
    } else {
      if (!selection) return known.slice(0, lastObject);
      const field = fieldAt(selection, value, key);
      if (field === 'elsewhere') return null;
      if (!field) return known.slice(0, lastObject);
      known.push(field.responseName);
      selection = selectionIn(field.value);
    }
    value = at;
    if (selection) lastObject = known.length;
  }
  return known;
};

/** The field of the object that the key names, or that only objects of other types have it. */
const fieldAt = (selection: Selection, value: unknown, key: string): FieldShape | 'elsewhere' | undefined => {
  const typename = (value as { __typename?: unknown } | undefined)?.__typename;
  const type = selection.isAbstract && typeof typename === 'string' && selection.allows(typename) ? typename : selection.type.name;
  const find = (typeName: string) => selection.forType(typeName).fields.find(({ dataName }) => dataName === key);
  const found = find(type);
  if (found || !selection.isAbstract) return found;
  const other = selection.objectTypes().map(find).find((field) => field !== undefined);
  // The error turned the object itself into null: it was of a type that has the field.
  return other && (value === null || value === undefined ? other : 'elsewhere');
};

const selectionIn = (value: ValueShape): Selection | undefined => {
  if (value.kind === 'nonNull' || value.kind === 'list') return selectionIn(value.of);
  return value.kind === 'object' ? value.selection : undefined;
};
