/**
 * schemathesis (https://schemathesis.readthedocs.io), a fuzzer that reads an OpenAPI document: installed from PyPI into
 * `.eventgraph-schemathesis/`, which ignores itself in git, and used again.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { makeEnvironment } from '../python.ts';

const repository = join(import.meta.dirname, '..', '..');
const cacheFolder = join(repository, '.eventgraph-schemathesis');
const version = '4.32.5';
const environmentFolder = join(cacheFolder, `venv-${version}`);

export const installSchemathesis = (log: (line: string) => void): Promise<void> =>
  makeEnvironment({ name: `schemathesis ${version}`, folder: environmentFolder, packages: ['--requirement', join(import.meta.dirname, 'requirements.txt')], log });

export type FuzzOptions = {
  /** File of the OpenAPI document. */
  readonly document: string;
  /** Of the server. */
  readonly url: string;
  /** None for requests without a key. */
  readonly key: string | null;
  /** Test cases of each operation and phase. */
  readonly maxExamples: number;
  readonly seed: number;
  readonly timeoutMs: number;
  /** Folder for what the fuzzer itself leaves. */
  readonly folder: string;
};

export type FuzzResult = {
  /** 0 when every answer was as the document says. */
  readonly code: number | null;
  readonly said: string;
  /** Requests that were sent. */
  readonly cases: number;
};

/** Runs to its end; never rejects because of what it found. */
export const fuzz = ({ document, url, key, maxExamples, seed, timeoutMs, folder }: FuzzOptions): Promise<FuzzResult> => {
  const program = join(environmentFolder, 'bin', 'schemathesis');
  const header = key === null ? [] : ['--header', `Authorization: Bearer ${key}`];
  const args = ['--config-file', join(import.meta.dirname, 'schemathesis.toml'), '--no-color', 'run', document, '--url', url, ...header, '--max-examples', String(maxExamples), '--seed', String(seed), '--request-timeout', '20', '--continue-on-failure'];
  return new Promise((resolve) => {
    execFile(program, args, { cwd: folder, timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : null) : 0;
      resolve({ code, said: `${stdout}${stderr}`, cases: Number(/(\d+) generated/.exec(stdout)?.[1] ?? 0) });
    });
  });
};
