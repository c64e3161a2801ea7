/** Subgraphs and supergraphs with `@cacheControl`, for tests. */
import { type DirectiveNode, Kind, parse, print, visit } from 'graphql';
import { type TestSubgraph, subgraph } from './kit.ts';

const definition = `extend schema @link(url: "https://specs.test/cacheControl/v0.1", import: ["@cacheControl"]) @composeDirective(name: "@cacheControl")
directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean) on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
enum CacheControlScope { PUBLIC PRIVATE }
`;

export const hinted = (name: string, sdl: string, resolvers: TestSubgraph['resolvers'] = {}): TestSubgraph => subgraph(name, definition + sdl, resolvers);

const parseDirective = (text: string): DirectiveNode => {
  const [definition] = parse(`{ f ${text} }`, { noLocation: true }).definitions;
  const field = definition?.kind === Kind.OPERATION_DEFINITION ? definition.selectionSet.selections[0] : undefined;
  const directive = field?.directives?.[0];
  if (!directive) throw new TypeError(`${text} is no directive.`);
  return directive;
};
const oneMinute: DirectiveNode = parseDirective('@cacheControl(maxAge: 60)');
const link: DirectiveNode = parseDirective('@link(url: "https://specs.test/cacheControl/v0.1", import: ["@cacheControl"])');

/** A composed supergraph with a hint on every field; with `roots` false, on none of the root: then entities alone are kept. */
export const withHints = (supergraph: string, roots: boolean): string =>
  print(
    visit(parse(supergraph, { noLocation: true }), {
      SchemaDefinition: (node) => ({ ...node, directives: [...(node.directives ?? []), link] }),
      ObjectTypeDefinition: (node) => (node.name.value === 'Query' && !roots ? false : undefined),
      FieldDefinition: (node) => ({ ...node, directives: [...(node.directives ?? []), oneMinute] }),
    }),
  );
