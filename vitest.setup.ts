/** Once a test run: a real PostgreSQL with a migrated template database, and a real Redis. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { openDatabase } from './core/database.ts';
import { startEmbeddedPostgres } from './core/embedded-postgres.ts';
import { createLogger } from './core/logging.ts';
import { maintainEventLog } from './core/event-log-retention.ts';
import { coreEntities } from './core/services.ts';
import { loadSubgraphs } from './hub/subgraphs.ts';
import { startRedis } from './scripts/redis.ts';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'eventgraph-test-'));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755); // PostgreSQL does not run as root: its own user must get in
  const redis = started.use(await startRedis());
  const postgres = started.use(await startEmbeddedPostgres({ dataDir: folder, password: 'test', settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' } }));
  await makeTemplate(postgres.url);
  project.provide('databaseServer', postgres.url.replace(/\/postgres$/, ''));
  project.provide('templateDatabase', 'postgres');
  project.provide('redisUrl', redis.url);
  const running = started.move();
  return () => running.disposeAsync();
}

const makeTemplate = async (url: string): Promise<void> => {
  const subgraphs = await loadSubgraphs();
  await using database = await openDatabase({ url, logger: createLogger('silent'), entities: [...coreEntities, ...subgraphs.flatMap(({ entities }) => entities)], migrations: subgraphs.flatMap(({ migrations }) => migrations) });
  await database.migrate();
  await maintainEventLog(database.em(), 35, new Date());
};
