/** The parts of a hub over a database of its own, for tests of subgraphs and of ingestion. */
import type { EntitySchema } from '@mikro-orm/core';
import { graphql } from 'graphql';
import { createMemoryBus } from './bus.ts';
import { createMemoryCache } from './cache.ts';
import { openDatabase } from './database.ts';
import { appendEvents } from './event-log.ts';
import type { IngestPort } from './ingest-port.ts';
import { createLogTail } from './log-tail.ts';
import type { OperationsPort } from './operations-port.ts';
import { createSecrets } from './secrets.ts';
import { coreEntities } from './services.ts';
import { type TaggedCache, createMemoryTaggedCache } from './tagged-cache.ts';
import { type AnySubgraph, type Hub, buildSubgraph } from './subgraph.ts';
import { cloneDatabase, silentLogger } from './testing.ts';
import { type Permission, type Viewer, publicViewer } from './viewer.ts';

export type TestHub = AsyncDisposable & {
  readonly hub: Hub;
  /** Of the database. */
  readonly url: string;
  /** What the hub takes for now; tests set it. */
  readonly clock: { now: Date };
  /** SQL statements that the database was asked so far. */
  statements(): number;
};

export type TestHubOptions = { readonly entities?: readonly EntitySchema[]; readonly ingest?: Partial<IngestPort>; readonly operations?: OperationsPort; readonly ringSize?: number; readonly answers?: TaggedCache };

export const openTestHub = async ({ entities = [], ingest = {}, operations = noOperations, ringSize, answers = createMemoryTaggedCache({ maxBytes: 50_000_000 }) }: TestHubOptions = {}): Promise<TestHub> => {
  await using stack = new AsyncDisposableStack();
  const { url } = stack.use(await cloneDatabase());
  let statements = 0;
  const database = stack.use(
    await openDatabase({
      url, entities: [...coreEntities, ...entities], migrations: [], logger: silentLogger,
      onPool: (pool) =>
        pool.on('connect', (client) => {
          const run = client.query.bind(client);
          Object.assign(client, { query: (...args: Parameters<typeof run>) => ((statements += 1), run(...args)) });
        }),
    }),
  );
  const bus = stack.use(createMemoryBus());
  const tail = stack.use(createLogTail({ database, bus, logger: silentLogger, ringSize }));
  const clock = { now: new Date() };
  const refuse = () => Promise.reject(new Error('this test has no ingestion'));
  const hub: Hub = {
    database, bus, tail, cache: createMemoryCache(), answers, secrets: createSecrets('a secret of tests that is long enough'), logger: silentLogger,
    ingest: { products: [], register: refuse, preview: refuse, syncNow: refuse, retryRejected: refuse, connect: refuse, takeIn: refuse, administration: { requestSync: refuse, pause: refuse, resume: refuse, update: refuse, rotatePushSecret: refuse, remove: refuse }, record: (em, happened, serviceId = null) => appendEvents(em, serviceId, happened), announce: async () => undefined, ...ingest },
    operations, now: () => clock.now, publicUrl: 'http://hub.test', eventLogDays: 35, activityDays: 365,
  };
  const opened = stack.move();
  return { hub, url, clock, statements: () => statements, [Symbol.asyncDispose]: () => opened.disposeAsync() };
};

const noSchema = () => {
  throw new Error('this test has no supergraph');
};
const noOperations: OperationsPort = { own: [], current: noSchema, against: noSchema };

/** An error as tests look at it: by code, never by words. */
export type AskedError = { readonly code: unknown; readonly message: string; readonly path: readonly (string | number)[] | undefined };
/** `data` is as a client sees it: JSON. */
export type Asked<Data> = { readonly data: Data; readonly errors: readonly AskedError[] };

/** Asks one subgraph in this process, as the gateway would. */
export const asker =
  (definition: AnySubgraph, hub: Hub) =>
  async <Data = Record<string, unknown>>(source: string, viewer: Viewer = publicViewer, variableValues: Record<string, unknown> = {}): Promise<Asked<Data>> => {
    const built = buildSubgraph(definition, hub);
    const { data, errors = [] } = await graphql({ schema: built.schema, source, variableValues, contextValue: built.contextFor(viewer, 'test', new AbortController().signal) });
    return {
      data: JSON.parse(JSON.stringify(data ?? null)) as Data,
      errors: errors.map(({ message, path, originalError, extensions }) => ({ code: originalError && 'code' in originalError ? originalError.code : extensions.code, message, path })),
    };
  };

/** A viewer with a key that has these permissions. */
export const viewerOf = (permissions: readonly Permission[], events: Viewer['events'] | readonly string[] = 'all', keyId = 'key_test'): Viewer => ({
  kind: 'key', keyId, permissions: new Set(permissions), events: typeof events === 'string' ? events : new Set(events),
});
