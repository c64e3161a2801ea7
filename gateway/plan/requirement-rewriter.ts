/** Rewrites the field sets of `@requires` so that no field in them takes arguments: see `planner-supergraph.ts`. */
import { type ConstDirectiveNode, type FieldDefinitionNode, type FieldNode, Kind, OperationTypeNode, type SelectionNode, type SelectionSetNode, type TypeNode, parse, print } from 'graphql';
import type { FieldedType } from './planner-supergraph.ts';

/** A required field as the subgraphs know it. */
export type RequiredField = Pick<FieldNode, 'name' | 'arguments'>;

export type RequirementRewriter = {
  /** The field of this type, its `@requires` rewritten. */
  rewrite(type: string, field: FieldDefinitionNode): FieldDefinitionNode;
  /** The fields that a type needs besides its own: names, and what they stand for. */
  addedTo(type: string): ReadonlyMap<string, string>;
  readonly required: ReadonlyMap<string, RequiredField>;
};

export const createRequirementRewriter = (types: ReadonlyMap<string, FieldedType>): RequirementRewriter => {
  const names = new Map<string, string>();
  const required = new Map<string, RequiredField>();
  const added = new Map<string, Map<string, string>>();

  /** One name for a field with these arguments, whichever types have it: an interface and its objects share it. */
  const nameFor = (field: FieldNode): string => {
    const key = print({ kind: Kind.FIELD, name: field.name, arguments: field.arguments });
    const name = names.get(key) ?? `required_${names.size}_${field.name.value}`;
    names.set(key, name);
    required.set(name, { name: field.name, arguments: field.arguments });
    return name;
  };
  const add = (type: string, name: string, field: string): void => {
    added.set(type, (added.get(type) ?? new Map<string, string>()).set(name, field));
    for (const each of types.values()) if (each.interfaces?.some((parent) => parent.name.value === type)) add(each.name.value, name, field);
  };

  const rewriteSelection = (type: string, selection: SelectionNode): SelectionNode => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return selection;
    if (selection.kind === Kind.INLINE_FRAGMENT) return { ...selection, selectionSet: rewriteSet(selection.typeCondition?.name.value ?? type, selection.selectionSet) };
    const definition = types.get(type)?.fields?.find(({ name }) => name.value === selection.name.value);
    if (!definition) return selection;
    const selectionSet = selection.selectionSet && rewriteSet(namedType(definition.type), selection.selectionSet);
    if (!definition.arguments?.length) return { ...selection, selectionSet };
    const name = nameFor(selection);
    add(type, name, selection.name.value);
    return { ...selection, name: { ...selection.name, value: name }, arguments: [], selectionSet };
  };
  const rewriteSet = (type: string, set: SelectionSetNode): SelectionSetNode => ({ ...set, selections: set.selections.map((selection) => rewriteSelection(type, selection)) });

  const rewriteRequires = (type: string, directive: ConstDirectiveNode): ConstDirectiveNode =>
    directive.name.value !== 'join__field'
      ? directive
      : { ...directive, arguments: directive.arguments?.map((arg) => (arg.name.value === 'requires' && arg.value.kind === Kind.STRING ? { ...arg, value: { kind: Kind.STRING, value: asFieldSet(rewriteSet(type, fieldSet(arg.value.value))) } } : arg)) };

  return {
    required,
    addedTo: (type) => added.get(type) ?? new Map(),
    rewrite: (type, field) => ({ ...field, directives: field.directives?.map((directive) => rewriteRequires(type, directive)) }),
  };
};

export const fieldSet = (text: string): SelectionSetNode => {
  const [definition] = parse(`{ ${text} }`, { noLocation: true }).definitions;
  if (definition?.kind !== Kind.OPERATION_DEFINITION || definition.operation !== OperationTypeNode.QUERY) throw new TypeError(`Not a set of fields: ${text}`);
  return definition.selectionSet;
};

const asFieldSet = (set: SelectionSetNode): string => print(set).replace(/\s+/g, ' ').slice(1, -1).trim();

const namedType = (type: TypeNode): string => (type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type));
