/**
 * To the planner a field is its response name. A client that asks `{ product { upc: name price } }` where `upc` is the
 * key of products would get the key as `upc`, or a subgraph the name as the key. So an alias that is also the name of
 * a field which fetches need for themselves stands in the data under a name of its own. So does a name that every
 * object of JavaScript has (`constructor`), as it would seem to be answered where it is not.
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
      if (name === field.name.value) return field.alias ? { ...field, alias: undefined } : undefined;
      return name === field.alias?.value ? undefined : { ...field, alias: { kind: Kind.NAME, value: name } };
    },
  });

export const createInternalNames = (supergraph: string): InternalNames => {
  const { needed, differing } = namesNeeded(parse(supergraph, { noLocation: true }));
  return ({ alias, name }) => {
    const responseName = (alias ?? name).value;
    if (differing.has(name.value) || responseName in Object.prototype) return `${prefix}${responseName}`;
    return responseName !== name.value && (needed.has(responseName) || isOwn(responseName)) ? `${prefix}${responseName}` : responseName;
  };
};

/** Names that the gateway gives itself: an alias that looks like one gets the prefix once more. */
const isOwn = (alias: string): boolean => alias.startsWith(prefix) || alias.startsWith('required_') || alias.startsWith('__');

type Names = {
  /** Of all fields in a `@key`, a `@requires` or a `@fromContext`. */
  readonly needed: ReadonlySet<string>;
  /** Those of a `@fromContext` that take arguments: the client's arguments may be others. */
  readonly differing: ReadonlySet<string>;
};

const namesNeeded = (document: DocumentNode): Names => {
  const needed = new Set<string>();
  const fromContext = new Set<string>();
  const withArguments = new Set<string>();
  for (const type of document.definitions.filter(hasFields)) {
    for (const { name, arguments: args } of type.fields ?? []) if (args?.length) withArguments.add(name.value);
    for (const directive of [type, ...(type.fields ?? [])].flatMap(({ directives }) => directives ?? [])) {
      fieldSetsOf(directive).forEach(collectInto(needed));
      contextsOf(directive).forEach(collectInto(needed, fromContext));
    }
  }
  return { needed, differing: new Set([...fromContext].filter((name) => withArguments.has(name))) };
};

const collectInto =
  (...sets: readonly Set<string>[]) =>
  (text: string): void =>
    void visit(fieldSet(text), { Field: ({ name }) => sets.forEach((set) => set.add(name.value)) });

const fieldSetsOf = ({ name, arguments: args }: ConstDirectiveNode): readonly string[] =>
  name.value !== 'join__type' && name.value !== 'join__field' ? [] : (args ?? []).flatMap((each) => ((each.name.value === 'key' || each.name.value === 'requires') && each.value.kind === Kind.STRING ? [each.value.value] : []));

/** `{ prop }` or `... on Type { prop }`, each as the braces of a set would hold it. */
const contextsOf = ({ name, arguments: args }: ConstDirectiveNode): readonly string[] => {
  const contexts = name.value === 'join__field' ? args?.find((each) => each.name.value === 'contextArguments')?.value : undefined;
  if (contexts?.kind !== Kind.LIST) return [];
  const selections = contexts.values.flatMap((each) => (each.kind === Kind.OBJECT ? each.fields : [])).flatMap((field) => (field.name.value === 'selection' && field.value.kind === Kind.STRING ? [field.value.value] : []));
  return selections.map((text) => (text.trim().startsWith('{') ? `... ${text}` : text));
};
