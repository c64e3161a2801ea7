/**
 * The client's answer as JSON, out of the data that the subgraphs gave together: GraphQL specification, 6.4.3 "Value
 * Completion" and 6.4.4 "Handling Field Errors".
 */
import type { GraphQLFormattedError } from 'graphql';
import { EventgraphError } from '#core/errors.ts';
import { amountOf } from '../budgets/amounts.ts';
import { type ResponsePath, maxErrorsTold } from '../errors.ts';
import type { Variables } from '../operations.ts';
import { createExplainer } from './explain.ts';
import type { JsonWriter } from './json-writer.ts';
import type { FieldShape, ObjectShape, Selection, ValueShape } from './selection.ts';

export type Completion = {
  readonly writer: JsonWriter;
  readonly knowsType: (name: string) => boolean;
  /** Errors of subgraphs; what completion finds is added. */
  readonly errors: GraphQLFormattedError[];
  /** Objects and lists that stand at several places of the data: worked out once. */
  readonly shared: ReadonlySet<object>;
  readonly tally: Tally;
};

/** What the answer costs, counted while it is written. */
export type Tally = {
  readonly variables: Variables;
  cost: number;
  /** Where what was held back took with it what was done. */
  isCut?: true;
};

/** An object of the answer that a deferred fragment adds fields to. */
export type Pending = { readonly label: string; readonly shape: ObjectShape; readonly data: Record<string, unknown>; readonly path: ResponsePath };

type Path = { readonly parent: Path | undefined; readonly key: string | number };
type State = Completion & {
  /** Where the JSON of shared values stands, for the shape that they were last written with. */
  readonly written: Map<object, { readonly shape: ValueShape; readonly from: number; readonly to: number; readonly cost: number }>;
  readonly pending: Pending[];
  isExplained: ((path: ResponsePath) => boolean) | undefined;
};

/** What became of a value. A `violation` is a null that a non-null position cannot hold: it moves up to the next that can. */
const written = 1;
const nothing = 0;
const violation = -1;
type Outcome = typeof written | typeof nothing | typeof violation;

/** Writes the answer's `data`: `null` when a null moved all the way up. */
export const complete = (selection: Selection, data: Record<string, unknown>, completion: Completion): readonly Pending[] =>
  completeShape(selection.forType(selection.type.name), data, [], completion);

/** The same for one object further down: what a deferred fragment adds to it. */
export const completeShape = (shape: ObjectShape, data: Record<string, unknown>, at: ResponsePath, completion: Completion): readonly Pending[] => {
  const state: State = { ...completion, written: new Map(), pending: [], isExplained: undefined };
  const path = at.reduce<Path | undefined>((parent, key) => ({ parent, key }), undefined);
  const { length } = state.writer;
  // Which object it is may have been told since the part before was sent.
  const typed = shape.needsType && typeof data['__typename'] === 'string' ? shape.as(data['__typename']) : shape;
  if ((typed.needsType ? unresolved(state, path, typed.typeName) : completeObject(state, typed, data, path)) === written) return state.pending;
  state.writer.truncate(length);
  state.writer.ascii('null');
  return [];
};

const completeObject = (state: State, shape: ObjectShape, data: Record<string, unknown>, path: Path | undefined): Outcome => {
  const { writer } = state;
  const { fields, deferred, cost } = shape;
  if (cost !== 0) state.tally.cost += amountOf(cost, state.tally.variables);
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index] as FieldShape;
    writer.ascii(field.head);
    const { leaf } = field;
    if (leaf) {
      const value = data[field.dataName];
      if (typeof value === 'string' && field.isText) {
        writer.string(value);
        continue;
      }
      if (value !== null && value !== undefined && leaf(writer, value)) continue;
    }
    if (field.isDenied) {
      if (completeDenied(state, field, path) === violation) return violation;
    } else if (field.typename !== undefined) {
      writer.ascii(field.typename);
    } else if (completeValue(state, field.value, data[field.dataName], path, field.responseName) === violation) {
      return violation;
    }
  }
  writer.ascii(fields.length === 0 ? '{}' : '}');
  for (const { label, shape: later } of deferred) state.pending.push({ label, shape: later, data, path: asList(path) });
  return written;
};

const completeDenied = (state: State, field: FieldShape, parent: Path | undefined): Outcome => {
  note(state, unauthorized(field.coordinate, { parent, key: field.responseName }));
  if (field.value.kind === 'nonNull' && field.typename === undefined) {
    state.tally.isCut = true;
    return violation;
  }
  state.writer.ascii('null');
  return written;
};

/** Writes the value or, where it may be, null. */
const completeValue = (state: State, shape: ValueShape, value: unknown, parent: Path | undefined, key: string | number): Outcome =>
  shape.kind === 'nonNull' ? completeNonNull(state, shape, value, parent, key) : completeNullable(state, shape, value, parent, key);

const completeNonNull = (state: State, shape: Extract<ValueShape, { kind: 'nonNull' }>, value: unknown, parent: Path | undefined, key: string | number): Outcome => {
  const errorsBefore = state.errors.length;
  const outcome = completeInner(state, shape.of, value, parent, key);
  if (outcome !== nothing) return outcome;
  if (state.errors.length === errorsBefore && !isExplained(state, { parent, key })) {
    noteError(state, { parent, key }, 'NULL_IN_NON_NULL_FIELD', `Cannot return null for non-nullable field ${shape.coordinate}.`);
  }
  return violation;
};

const completeNullable = (state: State, shape: ValueShape, value: unknown, parent: Path | undefined, key: string | number): Outcome => {
  const { length } = state.writer;
  const pendingBefore = state.pending.length;
  const outcome = completeInner(state, shape, value, parent, key);
  if (outcome === written) return written;
  if (outcome === violation) takeBack(state, length, pendingBefore);
  state.writer.ascii('null');
  return written;
};

/** What was pending below an object that turned into null is not sent. */
const takeBack = (state: State, length: number, pendingBefore: number): void => {
  state.writer.truncate(length);
  state.pending.length = pendingBefore;
  for (const [value, { to }] of state.written) if (to > length) state.written.delete(value);
};

const completeInner = (state: State, shape: ValueShape, value: unknown, parent: Path | undefined, key: string | number): Outcome => {
  if (value === undefined || value === null) return nothing;
  switch (shape.kind) {
    case 'leaf':
      return shape.write(state.writer, value) ? written : invalid(state, { parent, key }, shape.typeName);
    case 'list':
    case 'object':
      return state.shared.size > 0 && state.shared.has(value as object) ? completeOnce(state, shape, value, { parent, key }) : completeComposite(state, shape, value, { parent, key });
    case 'answered':
      state.writer.json(JSON.stringify(value));
      return written;
    case 'nonNull':
      return completeNonNull(state, shape, value, parent, key);
  }
};

type Composite = Extract<ValueShape, { kind: 'list' | 'object' }>;

/** The JSON of a shared value is copied, unless it has errors or deferred parts: those have places. */
const completeOnce = (state: State, shape: Composite, value: unknown, path: Path): Outcome => {
  const { writer, errors, pending } = state;
  const known = state.written.get(value as object);
  if (known?.shape === shape) {
    state.tally.cost += known.cost;
    writer.repeat(known.from, known.to);
    return written;
  }
  const [from, errorsBefore, pendingBefore, costBefore] = [writer.length, errors.length, pending.length, state.tally.cost];
  const outcome = completeComposite(state, shape, value, path);
  if (outcome === written && errors.length === errorsBefore && pending.length === pendingBefore) state.written.set(value as object, { shape, from, to: writer.length, cost: state.tally.cost - costBefore });
  return outcome;
};

const completeComposite = (state: State, shape: Composite, value: unknown, path: Path): Outcome =>
  shape.kind === 'list' ? completeList(state, shape, value, path) : completeTyped(state, shape.selection, value, path);

const completeList = (state: State, { of: element, each }: Extract<ValueShape, { kind: 'list' }>, value: unknown, path: Path): Outcome => {
  if (!Array.isArray(value)) return invalid(state, path, 'a list');
  const { writer } = state;
  state.tally.cost += each * value.length;
  writer.ascii('[');
  for (let index = 0; index < value.length; index++) {
    if (index > 0) writer.ascii(',');
    if (completeValue(state, element, value[index], path, index) === violation) return violation;
  }
  writer.ascii(']');
  return written;
};

const completeTyped = (state: State, selection: Selection, value: unknown, path: Path): Outcome => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return invalid(state, path, 'an object');
  const data = value as Record<string, unknown>;
  const shape = selection.isAbstract ? runtimeShape(state, selection, data) : selection.only;
  if (!shape) return invalid(state, path, selection.type.name);
  if (shape.needsType) return unresolved(state, path, selection.type.name);
  if (!shape.isDenied) return completeObject(state, shape, data, path);
  note(state, unauthorized(shape.typeName, path));
  return nothing;
};

/** Undefined for a type that clients may not know of (`@inaccessible`), or that is not one of the possible ones. */
const runtimeShape = (state: State, selection: Selection, data: Record<string, unknown>): ObjectShape | undefined => {
  const typename = data['__typename'];
  if (typeof typename !== 'string') return selection.only;
  return selection.allows(typename) ? selection.forType(typename) : state.knowsType(typename) ? undefined : selection.only;
};

/** The value itself is not told: it may be an enum value or a type that clients must not know of. */
const invalid = (state: State, path: Path | undefined, expected: string): typeof nothing => {
  noteError(state, path, 'INVALID_SUBGRAPH_VALUE', `A subgraph answered a value that is not ${expected}.`);
  return nothing;
};

/** The fetch that tells which object it is has failed: what is known is the name of an interface, which is no object's. */
const unresolved = (state: State, path: Path | undefined, expected: string): typeof nothing =>
  isExplained(state, path) ? nothing : invalid(state, path, expected);

const unauthorized = (coordinate: string, path: Path): GraphQLFormattedError => ({
  message: `The key does not allow to see ${coordinate}.`,
  path: asList(path),
  extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE', coordinate },
});

const note = (state: State, error: GraphQLFormattedError): void => {
  if (state.errors.length >= maxErrorsTold) throw new EventgraphError('TOO_MANY_ERRORS', `The answer has more than ${maxErrorsTold} errors.`, { maximum: maxErrorsTold });
  state.errors.push(error);
};

const noteError = (state: State, path: Path | undefined, code: string, message: string): void => {
  note(state, { message, path: asList(path), extensions: { code } });
};

const asList = (path: Path | undefined): ResponsePath => {
  const keys: (string | number)[] = [];
  for (let at = path; at; at = at.parent) keys.unshift(at.key);
  return keys;
};

/** "Only one error should be added to the errors list per field": a subgraph's own error at this place says it already. */
const isExplained = (state: State, path: Path | undefined): boolean => {
  state.isExplained ??= createExplainer(state.errors);
  return state.isExplained(asList(path));
};
