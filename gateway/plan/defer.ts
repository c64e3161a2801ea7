/**
 * `@defer` (the incremental delivery proposal as clients speak it today: `deferSpec=20220824`). A deferring operation is
 * either stripped of it, for clients and operations that take their answer whole, or labelled: every deferred fragment
 * gets a label of its own, by which plan, form of the answer and parts that come later know each other.
 */
import { type DirectiveNode, type DocumentNode, type GraphQLSchema, Kind, OperationTypeNode, type SelectionNode, type SelectionSetNode, getNamedType, isInterfaceType, isObjectType, visit } from 'graphql';
import { type Operation, rebuilt } from '../operations.ts';

export type Defers = {
  /** Whether the operation defers something, and may. Mutations and subscriptions are answered whole. */
  isDeferring(operation: Operation): boolean;
  /** As if nothing was deferred; the same object where nothing is. */
  stripped(operation: Operation): Operation;
  labelled(operation: Operation): Labelled;
};

/** `labels`: what the client calls a fragment, by our label; clients may leave their labels out. */
export type Labelled = { readonly operation: Operation; readonly labels: ReadonlyMap<string, string | undefined> };

export const createDefers = (schema: GraphQLSchema): Defers => {
  const found = new WeakMap<Operation, boolean>();
  const stripped = new WeakMap<Operation, Operation>();
  const labelled = new WeakMap<Operation, Labelled>();
  const hasDefer = (operation: Operation): boolean => remembered(found, operation, () => usesDefer(operation.document));
  return {
    isDeferring: (operation) => operation.kind === OperationTypeNode.QUERY && hasDefer(operation),
    stripped: (operation) => (hasDefer(operation) ? remembered(stripped, operation, () => strip(operation)) : operation),
    labelled: (operation) => remembered(labelled, operation, () => label(schema, operation)),
  };
};

const remembered = <Value>(known: WeakMap<Operation, Value>, operation: Operation, make: () => Value): Value => {
  let value = known.get(operation);
  if (value === undefined) known.set(operation, (value = make()));
  return value;
};

const isDefer = (directive: DirectiveNode): boolean => directive.name.value === 'defer';

const usesDefer = (document: DocumentNode): boolean => {
  let isUsed = false;
  visit(document, { Directive: (node) => void (isUsed ||= isDefer(node)) });
  return isUsed;
};

const strip = (operation: Operation): Operation => rebuilt(operation, visit(operation.document, { Directive: (node) => (isDefer(node) ? null : undefined) }), '#whole');

/**
 * Fragments are written out where they are spread: one that is spread twice is deferred twice.
 *
 * A fragment inside one that narrows the type comes with it, and is not deferred by itself: the planner can search for
 * ever where the narrowed type stands behind an interface object.
 */
const label = (schema: GraphQLSchema, operation: Operation): Labelled => {
  const labels = new Map<string, string | undefined>();
  const writeOut = (set: SelectionSetNode, parent: string | undefined, isNarrowed: boolean): SelectionSetNode => ({ ...set, selections: set.selections.map((each) => writeOutSelection(each, parent, isNarrowed)) });
  const writeOutSelection = (selection: SelectionNode, parent: string | undefined, isNarrowed: boolean): SelectionNode => {
    if (selection.kind === Kind.FIELD) return selection.selectionSet ? { ...selection, selectionSet: writeOut(selection.selectionSet, typeBehind(schema, parent, selection.name.value), false) } : selection;
    const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : operation.fragments.get(selection.name.value);
    if (!fragment) throw new TypeError('Validation lets no unknown fragment through.');
    const type = fragment.typeCondition?.name.value ?? parent;
    const directives = (selection.directives ?? []).flatMap((directive) => (!isDefer(directive) ? [directive] : isNarrowed ? [] : [relabelled(directive, labels)]));
    return { kind: Kind.INLINE_FRAGMENT, typeCondition: fragment.typeCondition, directives, selectionSet: writeOut(fragment.selectionSet, type, isNarrowed || type !== parent) };
  };
  const root = schema.getRootType(operation.kind)?.name;
  const definition = { ...operation.definition, selectionSet: writeOut(operation.definition.selectionSet, root, false) };
  return { operation: rebuilt(operation, { kind: Kind.DOCUMENT, definitions: [definition] }, '#deferred'), labels };
};

const typeBehind = (schema: GraphQLSchema, parent: string | undefined, field: string): string | undefined => {
  const type = parent === undefined ? undefined : schema.getType(parent);
  const definition = isObjectType(type) || isInterfaceType(type) ? type.getFields()[field] : undefined;
  return definition && getNamedType(definition.type).name;
};

const relabelled = (directive: DirectiveNode, labels: Map<string, string | undefined>): DirectiveNode => {
  const own = `d${labels.size}`;
  labels.set(own, labelIn(directive));
  return { ...directive, arguments: [{ kind: Kind.ARGUMENT, name: { kind: Kind.NAME, value: 'label' }, value: { kind: Kind.STRING, value: own } }] };
};

const labelIn = (directive: DirectiveNode): string | undefined => {
  const value = directive.arguments?.find(({ name }) => name.value === 'label')?.value;
  return value?.kind === Kind.STRING ? value.value : undefined;
};

/** The label of a deferred fragment of a labelled operation; undefined for everything else. */
export const deferLabelOf = (selection: SelectionNode): string | undefined => {
  const defer = selection.directives?.find(isDefer);
  return defer && labelIn(defer);
};
