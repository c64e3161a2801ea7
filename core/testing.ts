/** What tests start on: a real database of their own, cloned from a template in some milliseconds. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { type Logger, createLogger } from './logging.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the test run's PostgreSQL, as a superuser, without a database. */
    databaseServer: string;
    /** Name of the migrated template. */
    templateDatabase: string;
    redisUrl: string;
  }
}

export const silentLogger: Logger = createLogger(process.env.TEST_LOG_LEVEL ?? 'silent');

/** For what comes by itself, to `vi.waitFor`: a long time, since that costs nothing where it comes. */
export const within = { timeout: 20_000, interval: 20 };

export type TestDatabase = AsyncDisposable & { readonly url: string };

/** A database with every migration applied, dropped at the end. */
export const cloneDatabase = async (): Promise<TestDatabase> => {
  const server = inject('databaseServer');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await administer(server, `create database ${name} template ${inject('templateDatabase')}`);
  return {
    url: `${server}/${name}`,
    [Symbol.asyncDispose]: () => administer(server, `drop database if exists ${name} with (force)`),
  };
};

export const administer = async (server: string, statement: string): Promise<void> => {
  const client = new pg.Client({ connectionString: `${server}/template1` });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
};
