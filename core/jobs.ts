/**
 * Jobs: work that is promised in the same transaction as the change that asks for it, and done later, at least once
 * (graphile-worker).
 *
 * A worker that is killed leaves its jobs locked; graphile-worker by itself would wait four hours. Here every worker
 * holds an advisory lock of its connection as a sign of life, and whoever runs jobs frees those of the dead.
 */
import { EventEmitter } from 'node:events';
import { type Runner, Logger as WorkerLogger, type WorkerEvents, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import type { Database, EntityManager } from './database.ts';
import { query } from './sql.ts';
import type { Logger } from './logging.ts';

export type Task = (payload: unknown, signal: AbortSignal) => Promise<void>;

export type JobSpec = {
  /** Two jobs with the same key are one: the later replaces the earlier while that has not begun. */
  readonly key?: string;
  /** Jobs of one queue run one after the other. */
  readonly queue?: string;
  readonly runAt?: Date;
  readonly maxAttempts?: number;
};

/** Adds a job in the caller's transaction. */
export const enqueue = async (em: EntityManager, task: string, payload: unknown, spec: JobSpec = {}): Promise<void> => {
  await query(em, 'select graphile_worker.add_job($1, payload => $2::json, queue_name => $3, run_at => $4::timestamptz, max_attempts => $5, job_key => $6)', [task, JSON.stringify(payload), spec.queue ?? null, spec.runAt?.toISOString() ?? null, spec.maxAttempts ?? null, spec.key ?? null]);
};

/** Takes back jobs of a queue, and those of these keys, that have not begun. */
export const withdrawJobs = async (em: EntityManager, { queue, keys }: { readonly queue?: string; readonly keys: readonly string[] }): Promise<void> => {
  await query(
    em,
    `delete from graphile_worker._private_jobs where locked_at is null
     and (key = any($2::text[]) or job_queue_id = (select id from graphile_worker._private_job_queues where queue_name = $1))`,
    [queue ?? null, keys],
  );
};

export type JobsOptions = {
  readonly database: Database;
  readonly logger: Logger;
  readonly tasks: Readonly<Record<string, Task>>;
  readonly concurrency?: number;
  /** How often jobs of dead workers are looked for, in milliseconds. */
  readonly reapEveryMs?: number;
};

export type Jobs = AsyncDisposable;

const mostConnections = 8;

/** First number of the two-number advisory locks that are signs of life. */
const lifeLock = 7231;

export const startJobs = async (options: JobsOptions): Promise<Jobs> => {
  const life = await holdSignsOfLife(options);
  const concurrency = options.concurrency ?? 8;
  // A job is fetched and noted as done by short statements: many jobs share a few connections.
  const pool = new pg.Pool({ connectionString: options.database.url, max: Math.min(concurrency, mostConnections) + 2 });
  const lost = (error: Error) => options.logger.debug({ reason: error.message }, 'job connection lost');
  pool.on('error', lost);
  pool.on('connect', (client) => client.on('error', lost));
  const events: WorkerEvents = new EventEmitter();
  // Jobs are locked in the name of the pool or of the worker, as graphile-worker fetches them together or singly.
  events.on('pool:create', ({ workerPool }) => life.show(workerPool.id));
  events.on('worker:create', ({ worker }) => life.show(worker.workerId));
  const runner = await run({
    pgPool: pool,
    concurrency,
    noHandleSignals: true,
    pollInterval: 1000,
    // Without it, a worker that stops does not wait until its last jobs are noted as done.
    preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
    events,
    logger: workerLogger(options.logger),
    taskList: Object.fromEntries(Object.entries(options.tasks).map(([name, task]) => [name, (payload: unknown, helpers: { abortSignal: AbortSignal }) => task(payload, helpers.abortSignal)])),
  });
  const reaper = startReaper(options);
  return {
    async [Symbol.asyncDispose]() {
      await reaper.stop();
      await stopRunner(runner);
      await pool.end();
      await life.end();
    },
  };
};

const stopRunner = async (runner: Runner): Promise<void> => {
  await runner.stop();
  await runner.promise.catch(() => undefined);
};

/** Keeps one connection whose session holds a lock for each worker of this process. */
const holdSignsOfLife = async (options: JobsOptions) => {
  const ids = new Set<string>();
  let ended = false;
  let client: pg.Client;
  // One statement at a time on the one connection.
  let last: Promise<unknown> = Promise.resolve();
  const lock = (id: string): Promise<unknown> =>
    (last = last.then(() => client.query('select pg_advisory_lock($1, hashtext($2))', [lifeLock, id])).catch((error: unknown) => options.logger.warn({ err: error }, 'sign of life lost')));
  const connect = async (): Promise<void> => {
    const fresh = new pg.Client({ connectionString: options.database.url, application_name: 'eventgraph signs of life' });
    fresh.on('error', () => void reconnect(fresh));
    await fresh.connect();
    client = fresh;
    for (const id of ids) await lock(id);
  };
  /** Again and again until it is there: without it, others take this process's jobs for those of the dead. */
  const reconnect = async (lost: pg.Client): Promise<void> => {
    await lost.end().catch(() => undefined);
    while (!ended) {
      if (await connect().then(() => true, () => false)) return;
      await new Promise((resolve) => setTimeout(resolve, 1000).unref());
    }
  };
  await connect();
  return {
    show(id: string): void {
      ids.add(id);
      void lock(id);
    },
    async end(): Promise<void> {
      ended = true;
      await last;
      await client.end().catch(() => undefined);
    },
  };
};

/** Frees jobs whose worker shows no sign of life. The five seconds cover a worker that has just begun. */
const reapDeadWorkers = async (database: Database): Promise<string[]> => {
  const dead = await query<{ id: string }>(
    database.em(),
    `select distinct locked_by as id from (
       select locked_by, locked_at from graphile_worker._private_jobs where locked_by is not null
       union all select locked_by, locked_at from graphile_worker._private_job_queues where locked_by is not null) held
     where locked_at < now() - interval '5 seconds' and not exists (
       select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
         and classid = $1 and objid = (hashtext(locked_by)::bigint & 4294967295)::oid and granted)`,
    [lifeLock],
  );
  const ids = dead.map(({ id }) => id);
  if (ids.length > 0) await query(database.em(), 'select graphile_worker.force_unlock_workers($1::text[])', [ids]);
  return ids;
};

const startReaper = (options: JobsOptions) => {
  const every = options.reapEveryMs ?? 2000;
  let stopped = false;
  let timer: NodeJS.Timeout;
  let running: Promise<void> = Promise.resolve();
  const reap = async (): Promise<void> => {
    try {
      const ids = await reapDeadWorkers(options.database);
      if (ids.length > 0) options.logger.warn({ workers: ids.length }, 'freed the jobs of workers that died');
    } catch (error) {
      if (!stopped) options.logger.warn({ err: error }, 'jobs of dead workers cannot be looked for');
    }
    if (!stopped) timer = setTimeout(() => (running = reap()), every);
  };
  running = reap();
  return {
    async stop(): Promise<void> {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
};

/** Brings graphile-worker's own schema up to date. */
export const migrateJobs = async (databaseUrl: string, logger: Logger): Promise<void> => {
  const utils = await makeWorkerUtils({ connectionString: databaseUrl, logger: workerLogger(logger) });
  try {
    await utils.migrate();
  } finally {
    await utils.release();
  }
};

/** That many jobs share few connections is meant so; whoever starts the hub is not to wonder about it. */
const isIntended = (message: string): boolean => message.includes('maxPoolSize');

const workerLogger = (logger: Logger): WorkerLogger =>
  new WorkerLogger(() => (level, message) => (level === 'error' ? logger.error({ component: 'jobs' }, message) : level === 'warning' && !isIntended(message) ? logger.warn({ component: 'jobs' }, message) : logger.debug({ component: 'jobs' }, message)));
