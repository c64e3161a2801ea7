/** Python programs from PyPI, each in a virtual environment of its own. */
import { execFile } from 'node:child_process';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ConfigError } from '#core/errors.ts';

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

export type EnvironmentOptions = {
  /** What is installed, for messages. */
  readonly name: string;
  /** Of the environment; its parent ignores itself in git. */
  readonly folder: string;
  /** Arguments of `pip install`. */
  readonly packages: readonly string[];
  /** Told before what takes long. */
  readonly log: (line: string) => void;
};

/** Makes the environment unless it is there already. */
export const makeEnvironment = async ({ name, folder, packages, log }: EnvironmentOptions): Promise<void> => {
  await mkdir(dirname(folder), { recursive: true });
  await writeFile(join(dirname(folder), '.gitignore'), '*\n');
  if (await exists(join(folder, 'complete'))) return;
  const base = await findPython(name);
  log(`Installing ${name} from PyPI with ${base} (about a minute, once)`);
  await rm(folder, { recursive: true, force: true });
  await run(base, ['-m', 'venv', folder]);
  await run(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]);
  await writeFile(join(folder, 'complete'), '');
};

/** The first Python that is new enough and can make virtual environments. */
const findPython = async (name: string): Promise<string> => {
  const named = process.env.EVENTGRAPH_PYTHON;
  for (const candidate of named ? [named] : ['python3', 'python3.13', 'python3.12', 'python3.11']) {
    const good = await run(candidate, ['-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))']).then(
      () => true,
      () => false,
    );
    if (good) return candidate;
  }
  throw new ConfigError(`${name} needs Python 3.11 or newer with venv and pip (Debian: apt-get install python3-venv); EVENTGRAPH_PYTHON may name it.`, { variable: 'EVENTGRAPH_PYTHON' });
};

export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
