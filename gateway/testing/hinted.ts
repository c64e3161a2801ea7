/** Subgraphs with `@cacheControl`, for tests. */
import { type TestSubgraph, subgraph } from './kit.ts';

const definition = `extend schema @link(url: "https://specs.test/cacheControl/v0.1", import: ["@cacheControl"]) @composeDirective(name: "@cacheControl")
directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean) on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
enum CacheControlScope { PUBLIC PRIVATE }
`;

export const hinted = (name: string, sdl: string, resolvers: TestSubgraph['resolvers'] = {}): TestSubgraph => subgraph(name, definition + sdl, resolvers);
