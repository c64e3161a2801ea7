/**
 * The supergraph as the planner is given it. It is not told the whole, because of what it does with it:
 *
 * - it enters a subgraph by a key marked `resolvable: false` when it comes back with what a `@requires` needs. So it
 *   is not told of such keys;
 * - to it a field is its response name, so `price(currency: "USD")` of a `@requires` and the client's
 *   `price(currency: "EUR")` are one field, and one of them is lost. So each required field that takes arguments
 *   becomes a field of its own, without arguments, which `required-arguments.ts` turns back in the plan.
 */
import { type ConstDirectiveNode, type DocumentNode, type FieldDefinitionNode, type InterfaceTypeDefinitionNode, Kind, type ObjectTypeDefinitionNode, parse } from 'graphql';
import { type RequiredField, createRequirementRewriter } from './requirement-rewriter.ts';

export type PlannerSupergraph = {
  readonly document: DocumentNode;
  /** What stands behind the fields that were added, by their names; no client may use these as response names. */
  readonly required: ReadonlyMap<string, RequiredField>;
};

export type FieldedType = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode;

/** Null if the planner may be given the supergraph as it is. */
export const plannerSupergraph = (sdl: string): PlannerSupergraph | null => {
  const document = parse(sdl, { noLocation: true });
  const types = new Map(document.definitions.filter(hasFields).map((type) => [type.name.value, type]));
  const rewriter = createRequirementRewriter(types);
  let differs = false;
  const rewritten = document.definitions.map((definition) => {
    if (!hasFields(definition)) return definition;
    const directives = withoutUnresolvableKeys(definition.directives ?? []);
    differs ||= directives.length < (definition.directives?.length ?? 0);
    return { ...definition, directives, fields: definition.fields?.map((field) => rewriter.rewrite(definition.name.value, field)) };
  });
  if (!differs && rewriter.required.size === 0) return null;
  const definitions = rewritten.map((definition) => (hasFields(definition) ? { ...definition, fields: withAdded(definition.fields ?? [], rewriter.addedTo(definition.name.value)) } : definition));
  return { document: { ...document, definitions }, required: rewriter.required };
};

export const hasFields = (definition: { readonly kind: string }): definition is FieldedType => definition.kind === Kind.OBJECT_TYPE_DEFINITION || definition.kind === Kind.INTERFACE_TYPE_DEFINITION;

/** A type with no other key keeps them: interface objects must have one. `check-keys.ts` sees that it is not used. */
const withoutUnresolvableKeys = (directives: readonly ConstDirectiveNode[]): readonly ConstDirectiveNode[] => {
  const resolvable = new Set(directives.filter(hasResolvableKey).map(graphOf));
  return directives.filter((each) => !isUnresolvable(each) || !resolvable.has(graphOf(each)));
};

export const hasResolvableKey = (directive: ConstDirectiveNode): boolean => directive.name.value === 'join__type' && !isUnresolvable(directive) && (directive.arguments ?? []).some(({ name }) => name.value === 'key');

const isUnresolvable = ({ name, arguments: args }: ConstDirectiveNode): boolean =>
  name.value === 'join__type' && (args ?? []).some((arg) => arg.name.value === 'resolvable' && arg.value.kind === Kind.BOOLEAN && !arg.value.value);

export const graphOf = ({ arguments: args }: ConstDirectiveNode): string | undefined => {
  const graph = args?.find(({ name }) => name.value === 'graph')?.value;
  return graph?.kind === Kind.ENUM ? graph.value : undefined;
};

/** The added fields are where the field that they stand for is: resolved, external or overridden by the same subgraphs. */
const withAdded = (fields: readonly FieldDefinitionNode[], added: ReadonlyMap<string, string>): readonly FieldDefinitionNode[] => [
  ...fields,
  ...[...added].flatMap(([name, original]) => fields.filter((field) => field.name.value === original).map((field) => ({ ...field, name: { ...field.name, value: name }, arguments: [] }))),
];
