/**
 * The client's answer as JSON, out of the data that the subgraphs gave together: GraphQL specification, 6.4.3 "Value
 * Completion" and 6.4.4 "Handling Field Errors".
 */
import type { GraphQLFormattedError } from 'graphql';
import type { ResponsePath } from '../errors.ts';
import { createExplainer } from './explain.ts';
import type { FieldShape, ObjectShape, Selection, ValueShape } from './selection.ts';

export type Completion = {
  readonly knowsType: (name: string) => boolean;
  /** Errors of subgraphs; what completion finds is added. */
  readonly errors: GraphQLFormattedError[];
  /** Objects and lists that stand at several places of the data: written once. */
  readonly shared: ReadonlySet<object>;
};

/** An object of the answer that a deferred fragment adds fields to. */
export type Pending = { readonly label: string; readonly shape: ObjectShape; readonly data: Record<string, unknown>; readonly path: ResponsePath };
export type Completed = { readonly text: string; readonly pending: readonly Pending[] };

type Path = { readonly parent: Path | undefined; readonly key: string | number };
type State = {
  readonly knowsType: Completion['knowsType'];
  readonly errors: GraphQLFormattedError[];
  readonly shared: ReadonlySet<object>;
  /** The JSON of shared values, for the shape that they were last written with. */
  readonly written: Map<object, { readonly shape: ValueShape; readonly text: string }>;
  readonly pending: Pending[];
  isExplained: ((path: ResponsePath) => boolean) | undefined;
};

/** Stands for a null that a non-null position cannot hold: it moves up to the next position that can. */
const violation = null;
type Text = string | typeof violation;

/** The answer's `data` as JSON: `null` when a null moved all the way up. */
export const complete = (selection: Selection, data: Record<string, unknown>, completion: Completion): Completed => completeShape(selection.forType(selection.type.name), data, [], completion);

/** The same for one object further down: what a deferred fragment adds to it. */
export const completeShape = (shape: ObjectShape, data: Record<string, unknown>, at: ResponsePath, completion: Completion): Completed => {
  const state: State = { ...completion, written: new Map(), pending: [], isExplained: undefined };
  const path = at.reduce<Path | undefined>((parent, key) => ({ parent, key }), undefined);
  const text = completeObject(state, shape, data, path);
  return text === violation ? { text: 'null', pending: [] } : { text, pending: state.pending };
};

const completeObject = (state: State, shape: ObjectShape, data: Record<string, unknown>, path: Path | undefined): Text => {
  let text = '';
  for (const field of shape.fields) {
    const piece = field.isDenied ? completeDenied(state, field, path) : field.typename ?? completeValue(state, field.value, data[field.responseName], path, field.responseName);
    if (piece === violation) return violation;
    text += field.head;
    text += piece;
  }
  for (const { label, shape: later } of shape.deferred) state.pending.push({ label, shape: later, data, path: asList(path) });
  return text === '' ? '{}' : `${text}}`;
};

const completeDenied = (state: State, field: FieldShape, parent: Path | undefined): Text => {
  state.errors.push(unauthorized(field.coordinate, { parent, key: field.responseName }));
  return field.value.kind === 'nonNull' && field.typename === undefined ? violation : 'null';
};

const completeValue = (state: State, shape: ValueShape, value: unknown, parent: Path | undefined, key: string | number): Text => {
  if (shape.kind !== 'nonNull') return completeNullable(state, shape, value, parent, key) ?? 'null';
  const errorsBefore = state.errors.length;
  const inner = completeInner(state, shape.of, value, parent, key);
  if (inner !== 'null') return inner;
  if (state.errors.length === errorsBefore && !isExplained(state, { parent, key })) {
    noteError(state, { parent, key }, 'NULL_IN_NON_NULL_FIELD', `Cannot return null for non-nullable field ${shape.coordinate}.`);
  }
  return violation;
};

/** What was pending below an object that turned into null is not sent. */
const completeNullable = (state: State, shape: ValueShape, value: unknown, parent: Path | undefined, key: string | number): Text => {
  const pendingBefore = state.pending.length;
  const text = completeInner(state, shape, value, parent, key);
  if (text === violation) state.pending.length = pendingBefore;
  return text;
};

const completeInner = (state: State, shape: ValueShape, value: unknown, parent: Path | undefined, key: string | number): Text => {
  if (value === undefined || value === null) return 'null';
  switch (shape.kind) {
    case 'leaf':
      return shape.write(value) ?? invalid(state, { parent, key }, shape.typeName);
    case 'list':
    case 'object':
      return completeOnce(state, shape, value, { parent, key });
    case 'answered':
      return JSON.stringify(value);
    case 'nonNull':
      return completeValue(state, shape, value, parent, key);
  }
};

type Composite = Extract<ValueShape, { kind: 'list' | 'object' }>;

/** The JSON of a shared value is kept, unless it has errors or deferred parts: those have places. */
const completeOnce = (state: State, shape: Composite, value: unknown, path: Path): Text => {
  if (state.shared.size === 0 || !state.shared.has(value as object)) return completeComposite(state, shape, value, path);
  const known = state.written.get(value as object);
  if (known?.shape === shape) return known.text;
  const { length: errorsBefore } = state.errors;
  const { length: pendingBefore } = state.pending;
  const text = completeComposite(state, shape, value, path);
  if (text !== violation && state.errors.length === errorsBefore && state.pending.length === pendingBefore) state.written.set(value as object, { shape, text });
  return text;
};

const completeComposite = (state: State, shape: Composite, value: unknown, path: Path): Text =>
  shape.kind === 'list' ? completeList(state, shape.of, value, path) : completeTyped(state, shape.selection, value, path);

const completeList = (state: State, element: ValueShape, value: unknown, path: Path): Text => {
  if (!Array.isArray(value)) return invalid(state, path, 'a list');
  let text = '[';
  for (let index = 0; index < value.length; index++) {
    const completed = completeValue(state, element, value[index], path, index);
    if (completed === violation) return violation;
    if (index > 0) text += ',';
    text += completed;
  }
  return `${text}]`;
};

const completeTyped = (state: State, selection: Selection, value: unknown, path: Path): Text => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return invalid(state, path, 'an object');
  const data = value as Record<string, unknown>;
  const shape = selection.isAbstract ? runtimeShape(state, selection, data) : selection.forType(selection.type.name);
  if (!shape) return invalid(state, path, selection.type.name);
  if (!shape.isDenied) return completeObject(state, shape, data, path);
  state.errors.push(unauthorized(shape.typeName, path));
  return 'null';
};

/** Undefined for a type that clients may not know of (`@inaccessible`), or that is not one of the possible ones. */
const runtimeShape = (state: State, selection: Selection, data: Record<string, unknown>): ObjectShape | undefined => {
  const typename = data['__typename'];
  if (typeof typename !== 'string') return selection.forType(selection.type.name);
  return selection.allows(typename) ? selection.forType(typename) : state.knowsType(typename) ? undefined : selection.forType(selection.type.name);
};

/** The value itself is not told: it may be an enum value or a type that clients must not know of. */
const invalid = (state: State, path: Path, expected: string): 'null' => {
  noteError(state, path, 'INVALID_SUBGRAPH_VALUE', `A subgraph answered a value that is not ${expected}.`);
  return 'null';
};

const unauthorized = (coordinate: string, path: Path): GraphQLFormattedError => ({
  message: `The key does not allow to see ${coordinate}.`,
  path: asList(path),
  extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE', coordinate },
});

const noteError = (state: State, path: Path, code: string, message: string): void => {
  state.errors.push({ message, path: asList(path), extensions: { code } });
};

const asList = (path: Path | undefined): ResponsePath => {
  const keys: (string | number)[] = [];
  for (let at = path; at; at = at.parent) keys.unshift(at.key);
  return keys;
};

/** "Only one error should be added to the errors list per field": a subgraph's own error at this place says it already. */
const isExplained = (state: State, path: Path): boolean => {
  state.isExplained ??= createExplainer(state.errors);
  return state.isExplained(asList(path));
};
