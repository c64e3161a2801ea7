/**
 * The one PostgreSQL database: a MikroORM instance over the tables of core and of every subgraph.
 */
import { Migrator } from '@mikro-orm/migrations';
import { type EntityManager, type EntitySchema, MikroORM, type Options, defineConfig } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import pg from 'pg';
import { EventgraphError } from './errors.ts';
import type { Logger } from './logging.ts';
import { migrateJobs } from './jobs.ts';
import { type MigrationSource, coreMigrations } from './migrations.ts';
import { query } from './sql.ts';

export type { EntityManager } from '@mikro-orm/postgresql';

export type Database = AsyncDisposable & {
  readonly url: string;
  /** A fresh unit of work: one a request, a job, a batch. */
  em(): EntityManager;
  /** Brings every schema up to date; several processes may try at once. */
  migrate(): Promise<void>;
  /** Answers when the database does; for readiness. */
  ping(): Promise<void>;
};

export type DatabaseOptions = {
  readonly url: string;
  readonly entities: readonly EntitySchema[];
  readonly migrations: readonly MigrationSource[];
  readonly logger: Logger;
  readonly maxConnections?: number;
  /** Sees the pool's connections; for counting statements in benches and tests. */
  readonly onPool?: (pool: Pool) => void;
};

/** Number of the advisory lock that one migrating process holds; any constant, unlike the others in use. */
const migrationLock = 7_231_001;

export const openDatabase = async (options: DatabaseOptions): Promise<Database> => {
  const orm = await MikroORM.init(ormOptions(options));
  const ping = async () => {
    try {
      await query(orm.em.fork(), 'select 1');
    } catch (error) {
      throw new EventgraphError('DATABASE_UNREACHABLE', `The database at ${withoutPassword(options.url)} cannot be reached (${(error as NodeJS.ErrnoException).code ?? (error as Error).message}).`, { variable: 'DATABASE_URL' });
    }
  };
  return {
    url: options.url,
    em: () => orm.em.fork(),
    ping,
    async migrate() {
      await ping();
      const client = new pg.Client({ connectionString: options.url });
      await client.connect();
      try {
        await client.query('select pg_advisory_lock($1)', [migrationLock]);
        await client.query('create schema if not exists hub');
        await orm.migrator.up();
        await migrateJobs(options.url, options.logger);
      } finally {
        await client.end(); // frees the lock as well
      }
    },
    [Symbol.asyncDispose]: () => orm.close(true),
  };
};

const ormOptions = (options: DatabaseOptions): Options =>
  defineConfig({
    clientUrl: options.url,
    entities: [...options.entities],
    discovery: { warnWhenNoEntities: false },
    extensions: [Migrator],
    pool: { max: options.maxConnections ?? 10 },
    driverOptions: {
      // A transaction that stays open holds back every reader of the event log: none may.
      options: '-c idle_in_transaction_session_timeout=60000 -c statement_timeout=120000',
      onPoolCreated: options.onPool,
    },
    migrations: {
      tableName: 'hub.migrations',
      migrationsList: [...coreMigrations, ...options.migrations].map((source) => ({ name: source.name, class: source.migration })),
      allOrNothing: true,
      snapshot: false,
      silent: true,
      disableForeignKeys: false,
    },
    logger: (message) => options.logger.debug({ component: 'database' }, message),
  });

const withoutPassword = (url: string): string => {
  const parsed = new URL(url);
  return `${parsed.hostname}:${parsed.port || 5432}${parsed.pathname}`;
};
