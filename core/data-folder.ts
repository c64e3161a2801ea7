/**
 * The hub's data folder: one hub at a time, and the files in it that only their owner may read.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ConfigError } from './errors.ts';

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
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const handle = await open(lockFile, 'wx', 0o600);
      await handle.writeFile(`${process.pid} ${(await startTime(process.pid)) ?? ''}`);
      await handle.close();
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw new ConfigError(`The data folder ${path} cannot be written (${(error as NodeJS.ErrnoException).code}).`, { variable: 'EVENTGRAPH_DATA_DIR' });
      const holder = await livingHolder(lockFile);
      if (holder !== null) throw new ConfigError(`Another hub (process ${holder}) runs on the data folder ${path}. Stop it, or set EVENTGRAPH_DATA_DIR to a folder of its own.`, { variable: 'EVENTGRAPH_DATA_DIR' });
      // Left by a hub that was killed.
      await rm(lockFile, { force: true });
    }
  }
  throw new ConfigError(`Another hub is just starting on the data folder ${path}.`, { variable: 'EVENTGRAPH_DATA_DIR' });
};

/** The process that holds the lock, if it lives. A reused process number is told apart by its start time. */
const livingHolder = async (lockFile: string): Promise<number | null> => {
  const [pid, started] = (await readFile(lockFile, 'utf8').catch(() => '')).split(' ');
  return (await isLiving(Number(pid), started)) ? Number(pid) : null;
};

export const isLiving = async (pid: number, started?: string): Promise<boolean> => {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return !started || (await startTime(pid)) === started;
};

/** Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat); null where there is no /proc. */
const startTime = async (pid: number): Promise<string | null> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
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
