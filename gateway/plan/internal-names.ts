/**
 * To the planner a field is its response name. A client that asks `{ product { upc: name price } }` where `upc` is the
 * key of products would get the key as `upc`, or a subgraph the name as the key. So an alias that is also the name of
 * a field which fetches need for themselves stands in the data under a name of its own.
 */
import { type ConstDirectiveNode, type DocumentNode, type FieldNode, Kind, parse, visit } from 'graphql';
import { hasFields } from './planner-supergraph.ts';
import { fieldSet } from './requirement-rewriter.ts';

/** The name under which a field's value stands in the data; its response name, with few exceptions. */
export type InternalNames = (field: FieldNode) => string;

const prefix = 'aliased__';

/** The operation with internal names for response names. To the planner `id: id` is another field than `id`. */
export const withInternalNames = (document: DocumentNode, internalName: InternalNames): DocumentNode =>
  visit(document, {
    Field(field) {
      const name = internalName(field);
      if (!field.alias || name === field.alias.value) return name === field.name.value && field.alias ? { ...field, alias: undefined } : undefined;
      return { ...field, alias: { kind: Kind.NAME, value: name } };
    },
  });

export const createInternalNames = (supergraph: string): InternalNames => {
  const needed = namesNeeded(parse(supergraph, { noLocation: true }));
  return ({ alias, name }) => {
    if (!alias || alias.value === name.value) return name.value;
    return needed.has(alias.value) || isOwn(alias.value) ? `${prefix}${alias.value}` : alias.value;
  };
};

/** Names that the gateway gives itself: an alias that looks like one gets the prefix once more. */
const isOwn = (alias: string): boolean => alias.startsWith(prefix) || alias.startsWith('required_') || alias.startsWith('__');

/** The names of all fields in a `@key`, a `@requires` or a `@fromContext`. */
const namesNeeded = (document: DocumentNode): ReadonlySet<string> => {
  const names = new Set<string>();
  const collect = (text: string): void => void visit(fieldSet(text), { Field: ({ name }) => void names.add(name.value) });
  for (const definition of document.definitions) {
    if (!hasFields(definition)) continue;
    for (const directive of [definition, ...(definition.fields ?? [])].flatMap(({ directives }) => directives ?? [])) fieldSetsOf(directive).forEach(collect);
  }
  return names;
};

const fieldSetsOf = ({ name, arguments: args }: ConstDirectiveNode): readonly string[] => {
  if (name.value !== 'join__type' && name.value !== 'join__field') return [];
  return (args ?? []).flatMap(({ name: { value: argument }, value }) => {
    if ((argument === 'key' || argument === 'requires') && value.kind === Kind.STRING) return [value.value];
    if (argument !== 'contextArguments' || value.kind !== Kind.LIST) return [];
    return value.values.flatMap((each) => (each.kind === Kind.OBJECT ? each.fields : [])).flatMap((field) => (field.name.value === 'selection' && field.value.kind === Kind.STRING ? [selectionOf(field.value.value)] : []));
  });
};

/** `{ prop }` or `... on Type { prop }`, as the braces of a set would hold it. */
const selectionOf = (text: string): string => (text.trim().startsWith('{') ? `... ${text}` : text);
