/** Small supergraphs for tests: subgraphs written inline, composed, and run in this process. */
import { type GraphQLSchema, parse } from 'graphql';
import { composeServices } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { type Permission, type Viewer, publicViewer } from '#core/viewer.ts';
import type { DataSource, SubgraphRequest } from '../sources/data-source.ts';
import { type Gateway, type GatewayOptions, createGateway } from '../index.ts';
import { createLocalDataSource } from '../sources/local-data-source.ts';

type Resolvers = NonNullable<Exclude<Parameters<typeof buildSubgraphSchema>[0], readonly unknown[] | { kind: 'Document' }> extends infer Module ? (Module extends { resolvers?: infer R } ? R : never) : never>;

export type TestSubgraph = { readonly name: string; readonly sdl: string; readonly resolvers: Resolvers };

const directives = ['@key', '@requires', '@provides', '@external', '@shareable', '@inaccessible', '@override', '@interfaceObject', '@authenticated', '@requiresScopes', '@policy', '@context', '@fromContext', '@tag', '@cost', '@listSize', '@composeDirective'];
const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ${JSON.stringify(directives)})\n`;

export const subgraph = (name: string, sdl: string, resolvers: Resolvers = {}): TestSubgraph => ({ name, sdl: link + sdl, resolvers });

export const composeAll = (subgraphs: readonly TestSubgraph[]): string => {
  const result = composeServices(subgraphs.map(({ name, sdl }) => ({ name, url: `http://${name}.test`, typeDefs: parse(sdl) })));
  if (result.errors) throw new Error(result.errors.map(String).join('\n'));
  return result.supergraphSdl;
};

export const schemaOf = ({ sdl, resolvers }: TestSubgraph): GraphQLSchema => buildSubgraphSchema({ typeDefs: parse(sdl), resolvers });

/** What a subgraph was asked, in order. */
export type Sent = { readonly subgraph: string; readonly query: string; readonly variables: Readonly<Record<string, unknown>> };

export type TestGateway = {
  readonly gateway: Gateway;
  readonly sent: Sent[];
  /** As a client sees it: through JSON. */
  ask(query: string, options?: { variables?: Record<string, unknown>; viewer?: Viewer; operationName?: string }): Promise<{ data?: unknown; errors?: readonly TestError[] }>;
};

export type TestError = { readonly message: string; readonly path?: readonly (string | number)[]; readonly extensions: { readonly code: string } & Readonly<Record<string, unknown>> };

export const startGateway = (subgraphs: readonly TestSubgraph[], options: Partial<GatewayOptions> = {}): TestGateway => {
  const sent: Sent[] = [];
  const byName = new Map(subgraphs.map((each) => [each.name, createLocalDataSource({ schema: schemaOf(each), contextFor: (viewer, _, signal) => ({ viewer, signal }) })]));
  const gateway = createGateway({ supergraph: composeAll(subgraphs), dataSources: (name) => recording(name, byName.get(name), sent), report: (error) => console.error(error), ...options });
  return {
    gateway,
    sent,
    async ask(query, { variables, viewer = publicViewer, operationName } = {}) {
      return JSON.parse(JSON.stringify(await gateway.execute({ query, variables, operationName, viewer, requestId: 'r1', signal: new AbortController().signal })));
    },
  };
};

const recording = (name: string, source: DataSource | undefined, sent: Sent[]): DataSource => {
  if (!source) throw new Error(`The test has no subgraph ${name}.`);
  const note = ({ operation, variables }: SubgraphRequest) => void sent.push({ subgraph: name, query: operation.query, variables: variables.values });
  return {
    execute: (request) => (note(request), source.execute(request)),
    subscribe: (request) => (note(request), source.subscribe(request)),
  };
};

export const viewerWith = (...permissions: Permission[]): Viewer => ({ kind: 'key', keyId: 'k1', permissions: new Set(permissions), events: 'all' });
