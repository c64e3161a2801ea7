/**
 * Brings the real pretix onto this machine: a virtual environment from PyPI, and a migrated empty database to copy.
 *
 * Both are kept in `.eventgraph-pretix/` (which ignores itself in git) and used again, so that only the first start
 * takes minutes: about one for pip and one for pretix's several hundred migrations.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ConfigError } from '#core/errors.ts';

/** The version that the contract is checked against. pretix itself pins what it depends on. */
export const pretixVersion = '2026.8.0';
const gunicornVersion = '27.0.1';

const repository = join(import.meta.dirname, '..', '..');
/** Where everything of the real pretix lives. */
export const cacheFolder = join(repository, '.eventgraph-pretix');
const environmentFolder = join(cacheFolder, `venv-${pretixVersion}`);
const template = join(cacheFolder, `migrated-${pretixVersion}.sqlite3`);

export const python = join(environmentFolder, 'bin', 'python');

const execute = promisify(execFile);

/** Runs a program to its end and answers what it printed; its last lines become the error when it fails. */
export const run = async (program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string> => {
  try {
    return (await execute(program, [...args], { env, maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
    throw new ConfigError(`${program} ${args.slice(0, 3).join(' ')} failed: ${stderr.trim().split('\n').slice(-5).join(' | ')}`);
  }
};

/** Environment for pretix's own programs, with the data of one server in `folder`. */
export const pretixEnvironment = (folder: string): NodeJS.ProcessEnv => ({
  ...process.env,
  PRETIX_CONFIG_FILE: join(folder, 'pretix.cfg'),
  DJANGO_SETTINGS_MODULE: 'eventgraph_pretix_settings',
  PYTHONPATH: import.meta.dirname,
  PYTHONDONTWRITEBYTECODE: '1',
});

/**
 * pretix's configuration for one server. Webhooks to loopback are refused unless
 * `allow_http_to_private_networks` says otherwise, and a host that is not that of `url` gets an HTML error page.
 */
export const writeConfiguration = (folder: string, url: string): Promise<void> =>
  writeFile(join(folder, 'pretix.cfg'), `[pretix]\ndatadir=${join(folder, 'data')}\nurl=${url}\nallow_http_to_private_networks=true\n`);

/** Installs what is missing. `log` is told before each step that takes long. */
export const installPretix = async (log: (line: string) => void): Promise<void> => {
  await mkdir(cacheFolder, { recursive: true });
  await writeFile(join(cacheFolder, '.gitignore'), '*\n');
  if (!(await exists(join(environmentFolder, 'complete')))) {
    const base = await findPython();
    log(`Installing pretix ${pretixVersion} from PyPI with ${base} (about a minute, once)`);
    await rm(environmentFolder, { recursive: true, force: true });
    await run(base, ['-m', 'venv', environmentFolder]);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `pretix==${pretixVersion}`, `gunicorn==${gunicornVersion}`]);
    await writeFile(join(environmentFolder, 'complete'), '');
  }
  if (!(await exists(template))) {
    log('Migrating an empty pretix database (about a minute, once)');
    await migrateTemplate();
  }
};

/** Puts a fresh, migrated, empty database into the data folder of a server. */
export const freshDatabase = async (folder: string): Promise<void> => {
  await mkdir(join(folder, 'data'), { recursive: true });
  await copyFile(template, join(folder, 'data', 'db.sqlite3'));
};

const migrateTemplate = async (): Promise<void> => {
  const folder = await mkdtemp(join(cacheFolder, 'migrate-'));
  try {
    await mkdir(join(folder, 'data'));
    await writeConfiguration(folder, 'http://127.0.0.1');
    await run(python, ['-m', 'pretix', 'migrate'], pretixEnvironment(folder));
    // Everything out of the write-ahead log and into the one file that is copied.
    await run(python, ['-c', `import sqlite3; sqlite3.connect(${JSON.stringify(join(folder, 'data', 'db.sqlite3'))}).execute('PRAGMA wal_checkpoint(TRUNCATE)')`]);
    await rename(join(folder, 'data', 'db.sqlite3'), template);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** The first Python that is new enough and can make virtual environments. */
const findPython = async (): Promise<string> => {
  const named = process.env.EVENTGRAPH_PYTHON;
  for (const candidate of named ? [named] : ['python3', 'python3.13', 'python3.12', 'python3.11']) {
    const good = await run(candidate, ['-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))']).then(
      () => true,
      () => false,
    );
    if (good) return candidate;
  }
  throw new ConfigError(`pretix ${pretixVersion} needs Python 3.11 or newer with venv and pip (Debian: apt-get install python3-venv); EVENTGRAPH_PYTHON may name it.`, { variable: 'EVENTGRAPH_PYTHON' });
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
