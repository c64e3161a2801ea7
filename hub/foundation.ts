/** What every role stands on: database, bus, cache, the tail of the event log, secrets, ingestion. */
import { join } from 'node:path';
import { type Bus, connectRedis, createMemoryBus, createRedisBus } from '#core/bus.ts';
import { type CallLedger, createInsuredCallLedger, createMemoryCallLedger, createRedisCallLedger } from '#core/call-ledger.ts';
import { type Cache, createMemoryCache, createRedisCache } from '#core/cache.ts';
import type { Config } from '#core/config.ts';
import { keptSecret } from '#core/data-folder.ts';
import { type Database, openDatabase } from '#core/database.ts';
import { startEmbeddedPostgres } from '#core/embedded-postgres.ts';
import { ConfigError } from '#core/errors.ts';
import { maintainEventLog } from '#core/event-log-retention.ts';
import { createLogTail } from '#core/log-tail.ts';
import type { Logger } from '#core/logging.ts';
import { createRedisTaggedCache } from '#core/redis-tagged-cache.ts';
import { createSecrets } from '#core/secrets.ts';
import { coreEntities } from '#core/services.ts';
import type { AnySubgraph, Hub } from '#core/subgraph.ts';
import { type TaggedCache, createMemoryTaggedCache, noTaggedCache } from '#core/tagged-cache.ts';
import { registeredTracer, traceStatements } from '#core/tracing.ts';
import { type Ingest, createIngest } from '#ingest/ingest.ts';
import { createOperationsPort } from './operations-port.ts';
import { supergraphFile } from './subgraphs.ts';

export type Foundation = { readonly hub: Hub; readonly ingest: Ingest; readonly subgraphs: readonly AnySubgraph[] };

export type FoundationOptions = {
  readonly config: Config;
  /** The data folder; null for a role of its own, which shares nothing but database and Redis. */
  readonly dataDir: string | null;
  readonly publicUrl: string;
  readonly allowPrivateUpstreams: boolean;
  readonly logger: Logger;
  readonly subgraphs: readonly AnySubgraph[];
  readonly supergraphFile?: string;
  readonly now?: () => Date;
};

/** Everything opened is left on `stack`, in order. */
export const openFoundation = async (options: FoundationOptions, stack: AsyncDisposableStack): Promise<Foundation> => {
  const { config, logger, subgraphs } = options;
  const secret = config.secret ?? (await secretOf(options));
  const database = stack.use(await openHubDatabase(options, stack));
  await database.migrate();
  await maintainEventLog(database.em(), config.eventLogDays, new Date());
  const bus = stack.use(await openBus(config, logger));
  const cache = stack.use(await openCache(config, logger));
  const answers = stack.use(await openAnswers(config, logger));
  const tail = stack.use(createLogTail({ database, bus, logger }));
  const now = options.now ?? (() => new Date());
  const parts = { database, bus, cache, answers, tail, secrets: createSecrets(secret), logger, now, publicUrl: options.publicUrl, eventLogDays: config.eventLogDays, activityDays: config.activityDays, operations: createOperationsPort({ supergraphFile: options.supergraphFile ?? supergraphFile, introspection: config.introspection, limits: config.limits.document }) };
  const ingest = stack.use(createIngest({ hub: parts, subgraphs, allowPrivateUpstreams: options.allowPrivateUpstreams, ledger: await openCallLedger(config, logger, stack) }));
  return { hub: { ...parts, ingest }, ingest, subgraphs };
};

const secretOf = ({ dataDir }: FoundationOptions): Promise<string> => {
  if (dataDir === null) throw new ConfigError('A role of its own needs EVENTGRAPH_SECRET, the same for every role.', { variable: 'EVENTGRAPH_SECRET' });
  return keptSecret(dataDir, 'secret');
};

const openHubDatabase = async ({ config, dataDir, logger, subgraphs }: FoundationOptions, stack: AsyncDisposableStack): Promise<Database> => {
  const url = config.databaseUrl ?? (await embedded(dataDir, logger, stack));
  const tracer = registeredTracer();
  return openDatabase({ url, logger, entities: [...coreEntities, ...subgraphs.flatMap(({ entities }) => entities)], migrations: subgraphs.flatMap(({ migrations }) => migrations), maxConnections: 20, ...(tracer ? { onPool: (pool) => traceStatements(pool, tracer) } : {}) });
};

const embedded = async (dataDir: string | null, logger: Logger, stack: AsyncDisposableStack): Promise<string> => {
  if (dataDir === null) throw new ConfigError('A role of its own needs DATABASE_URL, the same for every role.', { variable: 'DATABASE_URL' });
  const password = await keptSecret(dataDir, 'database-password');
  const onLost = () => {
    // Nothing can be answered or stored any more: whoever runs the hub starts it again, and the database recovers.
    logger.fatal('the embedded PostgreSQL ended by itself; the hub ends too');
    process.exit(1);
  };
  return stack.use(await startEmbeddedPostgres({ dataDir, password, onLost })).url;
};

const unreachable = (config: Config) => (error: unknown) => {
  const { hostname, port } = new URL(config.redisUrl ?? '');
  throw new ConfigError(`Redis at ${hostname}:${port || 6379} cannot be reached (${(error as NodeJS.ErrnoException).code ?? (error as Error).message}).`, { variable: 'REDIS_URL' });
};

const openBus = (config: Config, logger: Logger): Promise<Bus> => (config.redisUrl ? createRedisBus(config.redisUrl, logger).catch(unreachable(config)) : Promise.resolve(createMemoryBus()));

const openCache = (config: Config, logger: Logger): Promise<Cache> => (config.redisUrl ? createRedisCache(config.redisUrl, logger).catch(unreachable(config)) : Promise.resolve(createMemoryCache()));

/** Every process has it, the gateways to answer from and whoever writes to say what changed. */
const openAnswers = async (config: Config, logger: Logger): Promise<TaggedCache> => {
  if (config.cacheMegabytes === null) return noTaggedCache;
  if (config.redisUrl) return createRedisTaggedCache({ url: config.redisUrl, logger }).catch(unreachable(config));
  return createMemoryTaggedCache({ maxBytes: config.cacheMegabytes * 1_000_000 });
};

/** Milliseconds that a call to an upstream waits for Redis to count it. */
const ledgerTimeoutMs = 1_000;

/** Every process that calls upstreams counts its calls here. What is opened is left on `stack`. */
const openCallLedger = async (config: Config, logger: Logger, stack: AsyncDisposableStack): Promise<CallLedger> => {
  if (!config.redisUrl) return createMemoryCallLedger();
  const redis = await connectRedis(config.redisUrl, logger, { commandTimeout: ledgerTimeoutMs }).catch(unreachable(config));
  stack.defer(() => redis.disconnect());
  return createInsuredCallLedger(createRedisCallLedger(redis), createMemoryCallLedger(), logger);
};

export const adminKeyFile = (dataDir: string): string => join(dataDir, 'admin-key');
