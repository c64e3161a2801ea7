/**
 * Directives for clients' operations that a supergraph composes with `@composeDirective`. To Apollo's libraries what a
 * schema links is the business of its composition alone, and clients do not see it. So such links are taken away: the
 * directives are then ones like any other, which clients may write and subgraphs are sent.
 */
import { type ConstDirectiveNode, type DirectiveDefinitionNode, type DirectiveNode, type DocumentNode, type GraphQLSchema, Kind, astFromValue, isSpecifiedDirective, parse, print, valueFromASTUntyped, visit } from 'graphql';

const executable = new Set(['QUERY', 'MUTATION', 'SUBSCRIPTION', 'FIELD', 'FRAGMENT_DEFINITION', 'FRAGMENT_SPREAD', 'INLINE_FRAGMENT', 'VARIABLE_DEFINITION']);

/** The same text if the supergraph has none. */
export const withExecutableDirectives = (sdl: string): string => {
  const supergraph = parse(sdl, { noLocation: true });
  const definitions = supergraph.definitions.filter((each) => each.kind === Kind.DIRECTIVE_DEFINITION);
  const isForClients = (directive: ConstDirectiveNode): boolean => {
    const linked = directive.name.value === 'link' ? definitions.filter(belongsTo(directive)) : [];
    return linked.length > 0 && linked.every(({ locations }) => locations.every(({ value }) => executable.has(value)));
  };
  let differs = false;
  const cleaned = visit(supergraph, {
    SchemaDefinition(node) {
      const directives = node.directives?.filter((each) => !isForClients(each)) ?? [];
      if (directives.length === node.directives?.length) return undefined;
      differs = true;
      return { ...node, directives };
    },
  });
  return differs ? print(cleaned) : sdl;
};

const belongsTo = (link: ConstDirectiveNode): ((definition: DirectiveDefinitionNode) => boolean) => {
  const [url, as, imports] = ['url', 'as', 'import'].map((name): unknown => {
    const value = link.arguments?.find((each) => each.name.value === name)?.value;
    return value && valueFromASTUntyped(value);
  });
  const namespace = typeof as === 'string' ? as : /([^/]+)\/v\d[^/]*\/?$/.exec(typeof url === 'string' ? url : '')?.[1];
  const imported = new Set((Array.isArray(imports) ? imports : []).map((each: unknown) => (isRenamed(each) ? (each.as ?? each.name) : each)));
  return ({ name: { value: name } }) => imported.has(`@${name}`) || name === namespace || (namespace !== undefined && name.startsWith(`${namespace}__`));
};

const isRenamed = (value: unknown): value is { readonly name: string; readonly as?: string } => typeof value === 'object' && value !== null && 'name' in value;

/** Subgraphs need not have the default values that the supergraph has, so they are sent. */
export const withDefaultArguments = (document: DocumentNode, schema: GraphQLSchema): DocumentNode => {
  const composed = schema.getDirectives().filter((each) => !isSpecifiedDirective(each) && each.name !== 'defer');
  if (composed.length === 0) return document;
  return visit(document, {
    Directive(node): DirectiveNode | undefined {
      const definition = composed.find(({ name }) => name === node.name.value);
      const given = new Set(node.arguments?.map(({ name }) => name.value));
      const missing = (definition?.args ?? []).flatMap(({ name, type, defaultValue }) => {
        const value = defaultValue === undefined || given.has(name) ? null : astFromValue(defaultValue, type);
        return value ? [{ kind: Kind.ARGUMENT, name: { kind: Kind.NAME, value: name }, value } as const] : [];
      });
      return missing.length > 0 ? { ...node, arguments: [...(node.arguments ?? []), ...missing] } : undefined;
    },
  });
};
