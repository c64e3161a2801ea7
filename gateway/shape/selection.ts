/**
 * The form of an answer: what the client's operation selects, per type of object that can stand there.
 *
 * Built lazily and kept: a selection for a type is worked out once per operation and access, and then serves
 * every request.
 */
import {
  type FieldNode,
  type GraphQLNamedOutputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  Kind,
  type SelectionSetNode,
  getNullableType,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
} from 'graphql';
import type { Access } from '../authorization.ts';
import { type Amount, sum } from '../budgets/amounts.ts';
import { type Prices, introspectionWeight } from '../budgets/prices.ts';
import type { Operation } from '../operations.ts';
import { deferLabelOf } from '../plan/defer.ts';
import { type WriteLeaf, leafWriter } from './leaf.ts';

export type ValueShape =
  | { readonly kind: 'nonNull'; readonly of: ValueShape; readonly coordinate: string }
  /** `each`: what an entry costs; of lists in lists, in the innermost. */
  | { readonly kind: 'list'; readonly of: ValueShape; readonly each: number }
  | { readonly kind: 'leaf'; readonly typeName: string; readonly write: WriteLeaf }
  /** Introspection: complete as it stands in the data. */
  | { readonly kind: 'answered' }
  | { readonly kind: 'object'; readonly selection: Selection };

export type FieldShape = {
  readonly responseName: string;
  /** Under which name the value stands in the data: see `plan/internal-names.ts`. */
  readonly dataName: string;
  /** `Type.field`, for messages. */
  readonly coordinate: string;
  /** What stands before the value in the JSON of its object: `{"name":` or `,"name":`. */
  readonly head: string;
  /** The answer to `__typename`, as JSON; undefined for every other field. */
  readonly typename: string | undefined;
  readonly isDenied: boolean;
  readonly value: ValueShape;
  /** The short way for most values: leaves that are there and what they should be. */
  readonly leaf: WriteLeaf | undefined;
  readonly isText: boolean;
  /** What it costs that the field is there; without the entries of a list. */
  readonly cost: Amount;
};

export type ObjectShape = {
  readonly typeName: string;
  readonly isDenied: boolean;
  readonly fields: readonly FieldShape[];
  /** Of all fields together. */
  readonly cost: Amount;
  /** Of an abstract type, and what is selected depends on which object it is: nothing can be told before that is known. */
  readonly needsType: boolean;
  /** The form once the object is known to be of `typeName`. */
  as(typeName: string): ObjectShape;
  /** What deferred fragments add later, by the label of the fragment. */
  readonly deferred: readonly { readonly label: string; readonly shape: ObjectShape }[];
};

/** What is selected where an object of `type` stands. */
export type Selection = {
  readonly type: GraphQLNamedOutputType;
  readonly isAbstract: boolean;
  /** The form of an object of `type` itself: of every object, unless `type` is abstract. */
  readonly only: ObjectShape;
  /** Whether clients may see an object of this type here. */
  allows(typeName: string): boolean;
  /** The objects that can stand here. */
  objectTypes(): readonly string[];
  forType(typeName: string): ObjectShape;
};

/** `defers`: the labels of fragments (`@defer(label:)`) that are kept apart; the others are as if they were not deferred. */
export type ShapeSource = { readonly schema: GraphQLSchema; readonly operation: Operation; readonly access: Access; readonly defers: ReadonlySet<string>; readonly internalName: (field: FieldNode) => string; readonly prices: Prices };

export const rootSelection = (source: ShapeSource): Selection => {
  const { definition } = source.operation;
  const type = source.schema.getRootType(definition.operation);
  if (!type) throw new TypeError('Validation lets no operation through whose root type does not exist.');
  return createSelection(source, type, [{ set: definition.selectionSet, parent: type.name, isDenied: false }]);
};

/** Selection sets of fields with one response name are merged (GraphQL specification, 6.3.2 and 6.4.3). */
type Part = { readonly set: SelectionSetNode; readonly parent: string; readonly isDenied: boolean };

const createSelection = (source: ShapeSource, type: GraphQLNamedOutputType, parts: readonly Part[]): Selection => {
  const shapes = new Map<string, ObjectShape>();
  const allowed = new Map<string, boolean>();
  let only: ObjectShape | undefined;
  const selection: Selection = {
    type,
    get only() {
      return (only ??= selection.forType(type.name));
    },
    isAbstract: isAbstractType(type),
    allows(typeName) {
      let answer = allowed.get(typeName);
      if (answer === undefined) allowed.set(typeName, (answer = satisfies(source.schema, typeName, type.name)));
      return answer;
    },
    objectTypes: () => (isAbstractType(type) ? source.schema.getPossibleTypes(type).map(({ name }) => name) : [type.name]),
    forType(typeName) {
      const known = shapes.get(typeName);
      if (known) return known;
      const shape = objectShape(source, typeName, parts);
      shapes.set(typeName, shape);
      return shape;
    },
  };
  return selection;
};

type FoundField = { readonly nodes: FieldNode[]; isDenied: boolean };
type Found = { readonly fields: Map<string, FoundField>; readonly deferred: Map<string, Part[]>; isWhole: boolean };

const objectShape = (source: ShapeSource, typeName: string, parts: readonly Part[]): ObjectShape => {
  const found: Found = { fields: new Map(), deferred: new Map(), isWhole: true };
  for (const part of parts) collect(source, typeName, part, found);
  const fields = [...found.fields].flatMap(([responseName, field]) => fieldShape(source, typeName, responseName, field) ?? []);
  const heads = fields.map((field, index): FieldShape => ({ ...field, ...shortWay(field), head: `${index === 0 ? '{' : ','}"${field.responseName}":` }));
  const deferred = [...found.deferred].map(([label, later]) => ({ label, shape: objectShape(source, typeName, later) }));
  const needsType = isAbstractType(source.schema.getType(typeName)) && (!found.isWhole || fields.some(({ typename }) => typename !== undefined));
  const as = (other: string): ObjectShape => (other !== typeName && satisfies(source.schema, other, typeName) ? objectShape(source, other, parts) : shape);
  const shape: ObjectShape = { typeName, isDenied: source.access.deniesType(typeName), fields: heads, cost: sum(fields.map(({ cost }) => cost)), needsType, as, deferred };
  return shape;
};

const collect = (source: ShapeSource, typeName: string, part: Part, found: Found): void => {
  for (const selection of part.set.selections) {
    if (selection.kind === Kind.FIELD) {
      const responseName = selection.alias?.value ?? selection.name.value;
      const isDenied = part.isDenied || source.access.deniesField(part.parent, selection.name.value) || source.access.deniesField(typeName, selection.name.value);
      const known = found.fields.get(responseName);
      if (known) known.nodes.push(selection);
      else found.fields.set(responseName, { nodes: [selection], isDenied });
      continue;
    }
    const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : source.operation.fragments.get(selection.name.value);
    if (!fragment) continue;
    const condition = fragment.typeCondition?.name.value ?? part.parent;
    if (!satisfies(source.schema, typeName, condition)) {
      found.isWhole = false;
      continue;
    }
    const inner: Part = { set: fragment.selectionSet, parent: condition, isDenied: part.isDenied || source.access.deniesType(condition) };
    const label = deferLabelOf(selection);
    if (label === undefined || !source.defers.has(label)) collect(source, typeName, inner, found);
    else found.deferred.set(label, [...(found.deferred.get(label) ?? []), inner]);
  }
};

/** `typeName` is an interface where no subgraph was asked which object it is, as nothing that was selected depends on it. */
const satisfies = (schema: GraphQLSchema, typeName: string, condition: string): boolean => {
  if (typeName === condition) return true;
  const type = schema.getType(typeName);
  const abstract = schema.getType(condition);
  return isAbstractType(abstract) && type !== undefined && 'getFields' in type && 'getInterfaces' in type && schema.isSubType(abstract, type);
};

const fieldShape = (source: ShapeSource, typeName: string, responseName: string, { nodes, isDenied }: FoundField): Omit<FieldShape, 'head' | 'leaf' | 'isText'> | undefined => {
  const [node] = nodes;
  if (!node) return undefined;
  const name = node.name.value;
  const dataName = name.startsWith('__') ? responseName : source.internalName(node);
  const typename = name === '__typename' ? JSON.stringify(typeName) : undefined;
  const type = source.schema.getType(typeName);
  const field = type && 'getFields' in type ? type.getFields()[name] : undefined;
  const coordinate = `${typeName}.${name}`;
  if (name.startsWith('__')) return { responseName, dataName, coordinate, typename, isDenied, value: { kind: 'answered' }, cost: introspectionWeight(name) };
  if (!field || !('args' in field)) return undefined;
  const parts = nodes.flatMap(({ selectionSet }) => (selectionSet ? [selectionSet] : []));
  const each = isDenied ? 0 : source.prices.each(typeName, field);
  const cost = isDenied ? 0 : sum([source.prices.asking(typeName, field, node), isListType(getNullableType(field.type)) ? 0 : each]);
  return { responseName, dataName, coordinate, typename, isDenied, value: valueShape(source, field.type, parts, coordinate, each), cost };
};

const shortWay = ({ isDenied, typename, value }: Pick<FieldShape, 'isDenied' | 'typename' | 'value'>): Pick<FieldShape, 'leaf' | 'isText'> => {
  const inner = value.kind === 'nonNull' ? value.of : value;
  if (isDenied || typename !== undefined || inner.kind !== 'leaf') return { leaf: undefined, isText: false };
  return { leaf: inner.write, isText: inner.typeName === 'String' || inner.typeName === 'ID' };
};

const valueShape = (source: ShapeSource, type: GraphQLOutputType, sets: readonly SelectionSetNode[], coordinate: string, each: number): ValueShape => {
  if (isNonNullType(type)) return { kind: 'nonNull', of: valueShape(source, type.ofType, sets, coordinate, each), coordinate };
  if (isListType(type)) return { kind: 'list', of: valueShape(source, type.ofType, sets, coordinate, each), each: isListType(getNullableType(type.ofType)) ? 0 : each };
  if (isLeafType(type)) return { kind: 'leaf', typeName: type.name, write: leafWriter(type) };
  return { kind: 'object', selection: createSelection(source, type, sets.map((set) => ({ set, parent: type.name, isDenied: false }))) };
};
