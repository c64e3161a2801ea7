/**
 * Directives for clients' operations that a supergraph composes with `@composeDirective`. To Apollo's libraries what a
 * schema links is the business of its composition alone, and clients do not see it. So such links are taken away: the
 * directives are then ones like any other, which clients may write and subgraphs are sent.
 */
import { type ConstDirectiveNode, type DirectiveDefinitionNode, type DirectiveNode, type DocumentNode, Kind, valueFromASTUntyped, visit } from 'graphql';

const executable = new Set(['QUERY', 'MUTATION', 'SUBSCRIPTION', 'FIELD', 'FRAGMENT_DEFINITION', 'FRAGMENT_SPREAD', 'INLINE_FRAGMENT', 'VARIABLE_DEFINITION']);

export const withExecutableDirectives = (supergraph: DocumentNode): DocumentNode => {
  const definitions = supergraph.definitions.filter((each) => each.kind === Kind.DIRECTIVE_DEFINITION);
  const isForClients = (link: ConstDirectiveNode): boolean => {
    const linked = definitions.filter(belongsTo(link));
    return linked.length > 0 && linked.every(({ locations }) => locations.every(({ value }) => executable.has(value)));
  };
  const withoutLinks = (directives: readonly ConstDirectiveNode[] = []): readonly ConstDirectiveNode[] => directives.filter((each) => each.name.value !== 'link' || !isForClients(each));
  return { ...supergraph, definitions: supergraph.definitions.map((each) => (each.kind === Kind.SCHEMA_DEFINITION || each.kind === Kind.SCHEMA_EXTENSION ? { ...each, directives: withoutLinks(each.directives) } : each)) };
};

const belongsTo = (link: ConstDirectiveNode): ((definition: DirectiveDefinitionNode) => boolean) => {
  const [url, as, imports] = ['url', 'as', 'import'].map((name): unknown => {
    const value = link.arguments?.find((each) => each.name.value === name)?.value;
    return value && valueFromASTUntyped(value);
  });
  const namespace = typeof as === 'string' ? as : /([^/]+)\/v\d[^/]*\/?$/.exec(String(url))?.[1];
  const imported = new Set((Array.isArray(imports) ? imports : []).map((each: unknown) => (isRenamed(each) ? (each.as ?? each.name) : each)));
  return ({ name: { value: name } }) => imported.has(`@${name}`) || name === namespace || name.startsWith(`${namespace}__`);
};

const isRenamed = (value: unknown): value is { readonly name: string; readonly as?: string } => typeof value === 'object' && value !== null && 'name' in value;

/** Subgraphs need not have the default values that the supergraph has, so they are sent. */
export const withDefaultArguments = (document: DocumentNode, definitions: ReadonlyMap<string, DirectiveDefinitionNode>): DocumentNode =>
  visit(document, {
    Directive(node): DirectiveNode | undefined {
      const given = new Set(node.arguments?.map(({ name }) => name.value));
      const missing = (definitions.get(node.name.value)?.arguments ?? []).flatMap(({ name, defaultValue }) => (defaultValue && !given.has(name.value) ? [{ kind: Kind.ARGUMENT, name, value: defaultValue } as const] : []));
      return missing.length > 0 ? { ...node, arguments: [...(node.arguments ?? []), ...missing] } : undefined;
    },
  });

export const executableDirectivesOf = (supergraph: DocumentNode): ReadonlyMap<string, DirectiveDefinitionNode> =>
  new Map(supergraph.definitions.flatMap((each) => (each.kind === Kind.DIRECTIVE_DEFINITION && each.locations.some(({ value }) => executable.has(value)) ? [[each.name.value, each]] : [])));
