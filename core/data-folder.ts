/**
 * The hub's data folder: one hub at a time, and the files in it that only their owner may read.
 */
import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ConfigError } from './errors.ts';

/** Removing a lock takes microseconds; who takes longer was killed meanwhile. */
const longestTurnMs = 10_000;

export type DataFolder = AsyncDisposable & { readonly path: string };

/** Takes the folder for this process. A ConfigError when it cannot be made or another hub has it. */
export const openDataFolder = async (folder: string): Promise<DataFolder> => {
  const path = resolve(folder);
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw new ConfigError(`The data folder ${path} cannot be made (${(error as NodeJS.ErrnoException).code}). Set EVENTGRAPH_DATA_DIR to a folder that can be written.`, { variable: 'EVENTGRAPH_DATA_DIR' });
  }
  const lockFile = join(path, 'hub.lock');
  await takeLock(lockFile, path);
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(lockFile, { force: true });
    },
  };
};

const takeLock = async (lockFile: string, path: string): Promise<void> => {
  const own = `${lockFile}.${randomBytes(6).toString('hex')}`;
  try {
    await writePrivateFile(own, `${process.pid} ${(await statOf(process.pid))?.started ?? ''}`);
  } catch (error) {
    throw new ConfigError(`The data folder ${path} cannot be written (${(error as NodeJS.ErrnoException).code}).`, { variable: 'EVENTGRAPH_DATA_DIR' });
  }
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      // A link is there as a whole or not at all: nobody meets a lock that is half written.
      if (await link(own, lockFile).then(() => true, () => false)) return;
      const holder = await livingHolder(await readFile(lockFile, 'utf8').catch(() => ''));
      if (holder !== null) throw new ConfigError(`Another hub (process ${holder}) runs on the data folder ${path}. Stop it, or set EVENTGRAPH_DATA_DIR to a folder of its own.`, { variable: 'EVENTGRAPH_DATA_DIR' });
      await removeLeft(lockFile);
    }
  } finally {
    await rm(own, { force: true });
  }
  throw new ConfigError(`Another hub is just starting on the data folder ${path}.`, { variable: 'EVENTGRAPH_DATA_DIR' });
};

/**
 * Removes the lock of a hub that was killed: one process at a time, and only a lock that is there and was read.
 * A lock that is gone already is left alone: the next hub may be making its own at this moment.
 */
const removeLeft = async (lockFile: string): Promise<void> => {
  const turn = `${lockFile}.turn`;
  if (!(await mkdir(turn).then(() => true, () => false))) {
    const begun = await stat(turn).then(({ mtimeMs }) => mtimeMs, () => Date.now());
    if (Date.now() - begun > longestTurnMs) await rmdir(turn).catch(() => undefined);
    return;
  }
  try {
    const left = await readFile(lockFile, 'utf8').catch(() => null);
    if (left !== null && (await livingHolder(left)) === null) await rm(lockFile, { force: true });
  } finally {
    await rmdir(turn);
  }
};

/** The process that the lock names, if it lives. A reused process number is told apart by its start time. */
const livingHolder = async (lock: string): Promise<number | null> => {
  const [pid, started] = lock.split(' ');
  return (await isLiving(Number(pid), started)) ? Number(pid) : null;
};

/** Whether a process runs; with `started`, whether it is the one that started then. */
export const isLiving = async (pid: number, started?: string): Promise<boolean> => {
  if (!Number.isInteger(pid) || pid <= 0 || (pid === process.pid && !started)) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const stat = await statOf(pid);
  if (stat?.state === 'Z') return false; // ended, and nobody has asked how
  return !started || stat?.started === started;
};

/** State and start time, in clock ticks since boot, of a process (fields 3 and 22 of /proc/PID/stat); null where there is no /proc. */
const statOf = async (pid: number): Promise<{ state: string | undefined; started: string | undefined } | null> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], started: fields[19] };
};

/** Writes a file that its owner alone may read. */
export const writePrivateFile = async (file: string, content: string): Promise<void> => {
  await rm(file, { force: true });
  await writeFile(file, content, { mode: 0o600, flag: 'wx' });
};

/** A secret made at the first start and kept in the folder under this name. */
export const keptSecret = async (folder: string, name: string): Promise<string> => {
  const file = join(folder, name);
  const kept = await readFile(file, 'utf8').catch(() => null);
  if (kept) return kept.trim();
  const made = randomBytes(32).toString('hex');
  await writePrivateFile(file, `${made}\n`);
  return made;
};
