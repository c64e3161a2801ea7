/** A gateway with real doors over a small graph, for tests of who may send which documents. */
import { randomUUID } from 'node:crypto';
import { createMemoryBus } from '#core/bus.ts';
import { type Cache, createMemoryCache } from '#core/cache.ts';
import { sha256Hex } from '#core/digest.ts';
import { UnauthenticatedError } from '#core/errors.ts';
import type { PublishedOperation } from '#core/published-operations.ts';
import { silentLogger } from '#core/testing.ts';
import { type Permission, type Terms, type Viewer, publicViewer } from '#core/viewer.ts';
import { createAdmission } from '../doors/admission.ts';
import { createHttpServer } from '../doors/http.ts';
import { startGateway, subgraph } from '../testing/kit.ts';
import { createAutomaticDocuments } from './automatic-documents.ts';
import { createClosing } from './closing.ts';
import { type FreeText, createDocuments } from './documents.ts';
import { createKnownOperations } from './known-operations.ts';
import type { ManifestOperation } from './manifest.ts';

export const things = subgraph(
  'things',
  `type Query { hello(name: String): String color(of: Color, filter: Filter): String }
   type Mutation { count: Int! }
   type Subscription { counted: Int! }
   enum Color { RED BLUE }
   input Filter { number: Int }`,
  {
    Query: { hello: (_: unknown, { name }: { name?: string }) => `Hello ${name ?? 'world'}`, color: () => 'red' },
    Mutation: { count: () => 1 },
    Subscription: {
      counted: {
        async *subscribe() {
          yield { counted: 1 };
          yield { counted: 2 };
        },
      },
    },
  },
);

/** An operation as a manifest has it; `id` is the hash of the body unless given. */
export const operation = (name: string, body: string, id = sha256Hex(body)): ManifestOperation => ({ id, name, body, type: body.startsWith('mutation') ? 'mutation' : body.startsWith('subscription') ? 'subscription' : 'query' });

/** Of a client with this name; what it may send is `any` or `persisted`. */
export const viewerOf = (client: string, documents: Terms['documents'], ...permissions: Permission[]): Viewer => ({ kind: 'key', keyId: `key_${client}`, permissions: new Set(permissions), events: 'all', terms: { client, tier: 'partner', documents } });

export type DoorsOptions = { readonly own?: readonly ManifestOperation[]; readonly published?: PublishedOperation[]; readonly freeText?: FreeText; readonly introspection?: boolean; readonly cache?: Cache };

export type Answered = { readonly status: number; readonly headers: Headers; readonly data: unknown; readonly code: string | undefined; readonly message: string; readonly text: string };

export type Doors = AsyncDisposable & {
  /** Of `/graphql`. */
  readonly url: string;
  readonly bus: ReturnType<typeof createMemoryBus>;
  /** The key of a viewer. */
  keyOf(viewer: Viewer): string;
  /** How often operations were refused before it was known what was asked, by code. */
  refusals(): ReadonlyMap<string, number>;
  /** What was asked of the list of published operations. */
  readonly listed: string[];
  post(body: unknown, viewer?: Viewer, headers?: Record<string, string>): Promise<Answered>;
  get(parameters: Readonly<Record<string, unknown>>, viewer?: Viewer, headers?: Record<string, string>): Promise<Answered>;
};

export const openDoors = async ({ own = [], published = [], freeText = 'all', introspection = true, cache = createMemoryCache() }: DoorsOptions = {}): Promise<Doors> => {
  const closing = createClosing({ introspection });
  const { gateway } = startGateway([things], { explain: closing.explain });
  const bus = createMemoryBus();
  const listed: string[] = [];
  const all = async () => published;
  const of = async (client: string) => (listed.push(client), published.filter((each) => each.client === client));
  const known = createKnownOperations({ own, published: { of, all }, bus });
  const automatic = createAutomaticDocuments({ cache, logger: silentLogger });
  const admission = createAdmission({ gateway, documents: createDocuments({ gateway, known, automatic, closing, freeText }) });
  const keys = new Map<string, Viewer>();
  const identify = async (credential: string | null): Promise<Viewer> => {
    const viewer = credential === null ? publicViewer : keys.get(credential);
    if (!viewer) throw new UnauthenticatedError();
    return viewer;
  };
  const server = await createHttpServer({ gateway, identify, admission, logger: silentLogger, drainMs: 500 });
  const url = `${await server.app.listen({ port: 0, host: '127.0.0.1' })}/graphql`;
  const keyOf = (viewer: Viewer): string => {
    const key = randomUUID();
    keys.set(key, viewer);
    return key;
  };
  const headersOf = (viewer: Viewer | undefined, headers: Record<string, string>) => ({ accept: 'application/graphql-response+json', ...(viewer && { authorization: `Bearer ${keyOf(viewer)}` }), ...headers });
  return {
    url, bus, keyOf, listed,
    refusals: () => gateway.counts.operations.unknown.byWord,
    post: async (body, viewer, headers = {}) => answered(await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headersOf(viewer, headers) }, body: JSON.stringify(body) })),
    async get(parameters, viewer, headers = {}) {
      const query = new URLSearchParams(Object.entries(parameters).map(([name, value]): [string, string] => [name, typeof value === 'string' ? value : JSON.stringify(value)]));
      return answered(await fetch(`${url}?${query}`, { headers: headersOf(viewer, headers) }));
    },
    async [Symbol.asyncDispose]() {
      await server.app.close();
      known[Symbol.dispose]();
      await gateway.dispose();
    },
  };
};

type Body = { data?: unknown; errors?: { message: string; extensions: { code: string } }[] };

const answered = async (response: Response): Promise<Answered> => {
  const text = await response.text();
  const { data, errors } = (text.startsWith('{') ? JSON.parse(text) : {}) as Body;
  return { status: response.status, headers: response.headers, data, code: errors?.[0]?.extensions.code, message: errors?.[0]?.message ?? '', text };
};

/** Apollo's form of naming a document. */
export const byHash = (id: string) => ({ extensions: { persistedQuery: { version: 1, sha256Hash: id } } });
