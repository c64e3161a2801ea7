/**
 * The client's answer, out of the data that the subgraphs gave together: GraphQL specification, 6.4.3 "Value
 * Completion" and 6.4.4 "Handling Field Errors".
 */
import { type GraphQLFormattedError, type GraphQLLeafType, isEnumType, isSpecifiedScalarType } from 'graphql';
import type { ResponsePath } from '../errors.ts';
import type { FieldShape, ObjectShape, Selection, ValueShape } from './selection.ts';

export type Completion = {
  readonly knowsType: (name: string) => boolean;
  /** Errors of subgraphs; what completion finds is added. */
  readonly errors: GraphQLFormattedError[];
};

type Path = { readonly parent: Path | undefined; readonly key: string | number };
type State = { readonly knowsType: Completion['knowsType']; readonly errors: GraphQLFormattedError[]; explains: ((path: ResponsePath) => boolean) | undefined };

/** Stands for a null that a non-null position cannot hold: it moves up to the next position that can. */
const violation = Symbol('null in a non-null position');

/** The answer's `data`: null when a null moved all the way up. */
export const complete = (selection: Selection, data: unknown, completion: Completion): Record<string, unknown> | null => {
  const state: State = { ...completion, explains: undefined };
  const result = completeObject(state, selection.forType(selection.type.name), data as Record<string, unknown>, undefined);
  return result === violation ? null : (result as Record<string, unknown> | null);
};

const completeObject = (state: State, shape: ObjectShape, data: Record<string, unknown>, path: Path | undefined): unknown => {
  const result: Record<string, unknown> = {};
  for (const field of shape.fields) {
    const value = completeField(state, shape, field, data, { parent: path, key: field.responseName });
    if (value === violation) return violation;
    result[field.responseName] = value;
  }
  return result;
};

const completeField = (state: State, shape: ObjectShape, field: FieldShape, data: Record<string, unknown>, path: Path): unknown => {
  if (field.isDenied) {
    state.errors.push(unauthorized(field.coordinate, path));
    return field.value.kind === 'nonNull' && !field.isTypename ? violation : null;
  }
  if (field.isTypename) return shape.typeName;
  return completeValue(state, field.value, data[field.responseName], path);
};

const completeValue = (state: State, shape: ValueShape, value: unknown, path: Path): unknown => {
  if (shape.kind === 'nonNull') {
    const errorsBefore = state.errors.length;
    const inner = completeNullable(state, shape.of, value, path);
    if (inner !== null) return inner;
    if (state.errors.length === errorsBefore && !isExplained(state, path)) {
      noteError(state, path, 'NULL_IN_NON_NULL_FIELD', `Cannot return null for non-nullable field ${shape.coordinate}.`);
    }
    return violation;
  }
  const nullable = completeNullable(state, shape, value, path);
  return nullable === violation ? null : nullable;
};

const completeNullable = (state: State, shape: ValueShape, value: unknown, path: Path): unknown => {
  if (value === undefined || value === null) return null;
  switch (shape.kind) {
    case 'list':
      return completeList(state, shape.of, value, path);
    case 'leaf':
      return completeLeaf(state, shape.type, value, path);
    case 'object':
      return completeComposite(state, shape.selection, value, path);
    case 'answered':
      return value;
    case 'nonNull':
      return completeValue(state, shape, value, path);
  }
};

const completeList = (state: State, element: ValueShape, value: unknown, path: Path): unknown => {
  if (!Array.isArray(value)) return invalid(state, path, 'a list');
  const result: unknown[] = [];
  for (let index = 0; index < value.length; index++) {
    const completed = completeValue(state, element, value[index], { parent: path, key: index });
    if (completed === violation) return violation;
    result.push(completed);
  }
  return result;
};

const completeComposite = (state: State, selection: Selection, value: unknown, path: Path): unknown => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return invalid(state, path, 'an object');
  const data = value as Record<string, unknown>;
  const shape = selection.isAbstract ? runtimeShape(state, selection, data) : selection.forType(selection.type.name);
  if (!shape) return invalid(state, path, selection.type.name);
  if (shape.isDenied) {
    state.errors.push(unauthorized(shape.typeName, path));
    return null;
  }
  return completeObject(state, shape, data, path);
};

/** Undefined for a type that clients may not know of (`@inaccessible`), or that is not one of the possible ones. */
const runtimeShape = (state: State, selection: Selection, data: Record<string, unknown>): ObjectShape | undefined => {
  const typename = data['__typename'];
  if (typeof typename !== 'string') return selection.forType(selection.type.name);
  return selection.allows(typename) ? selection.forType(typename) : state.knowsType(typename) ? undefined : selection.forType(selection.type.name);
};

const completeLeaf = (state: State, type: GraphQLLeafType, value: unknown, path: Path): unknown => {
  if (!isEnumType(type) && !isSpecifiedScalarType(type)) return value;
  try {
    return type.serialize(value) ?? null;
  } catch {
    return invalid(state, path, type.name);
  }
};

/** The value itself is not told: it may be an enum value or a type that clients must not know of. */
const invalid = (state: State, path: Path, expected: string): null => {
  noteError(state, path, 'INVALID_SUBGRAPH_VALUE', `A subgraph answered a value that is not ${expected}.`);
  return null;
};

const unauthorized = (coordinate: string, path: Path): GraphQLFormattedError => ({
  message: `The key does not allow to see ${coordinate}.`,
  path: asList(path),
  extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE', coordinate },
});

const noteError = (state: State, path: Path, code: string, message: string): void => {
  state.errors.push({ message, path: asList(path), extensions: { code } });
};

const asList = (path: Path): ResponsePath => {
  const keys: (string | number)[] = [];
  for (let at: Path | undefined = path; at; at = at.parent) keys.unshift(at.key);
  return keys;
};

/** "Only one error should be added to the errors list per field": a subgraph's own error at this place says it already. */
const isExplained = (state: State, path: Path): boolean => {
  state.explains ??= explainer(state.errors);
  return state.explains(asList(path));
};

/** An error explains a null at its own place, above it (nulls move up), and below it (an entity that failed whole). */
const explainer = (errors: readonly GraphQLFormattedError[]): ((path: ResponsePath) => boolean) => {
  const atOrAbove = new Set<string>();
  const exact = new Set<string>();
  for (const { path } of errors) {
    if (!path || path.length === 0) continue;
    exact.add(JSON.stringify(path));
    path.forEach((_, index) => atOrAbove.add(JSON.stringify(path.slice(0, index + 1))));
  }
  return (path) => atOrAbove.has(JSON.stringify(path)) || path.some((_, index) => exact.has(JSON.stringify(path.slice(0, index + 1))));
};
