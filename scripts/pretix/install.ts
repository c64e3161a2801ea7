/**
 * Brings the real pretix onto this machine: a virtual environment from PyPI, and a migrated empty database to copy.
 *
 * Both are kept in `.eventgraph-pretix/` (which ignores itself in git) and used again, so that only the first start
 * takes minutes: about one for pip and one for pretix's several hundred migrations.
 */
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, makeEnvironment, run } from '../python.ts';

/** The version that the contract is checked against. pretix itself pins what it depends on. */
export const pretixVersion = '2026.8.0';
const gunicornVersion = '27.0.1';

const repository = join(import.meta.dirname, '..', '..');
/** Where everything of the real pretix lives. */
export const cacheFolder = join(repository, '.eventgraph-pretix');
const environmentFolder = join(cacheFolder, `venv-${pretixVersion}`);
const template = join(cacheFolder, `migrated-${pretixVersion}.sqlite3`);

export const python = join(environmentFolder, 'bin', 'python');

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
  await makeEnvironment({ name: `pretix ${pretixVersion}`, folder: environmentFolder, packages: [`pretix==${pretixVersion}`, `gunicorn==${gunicornVersion}`], log });
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
