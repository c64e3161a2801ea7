/** A real Redis for tests and benches: the machine's `redis-server`, installed from Debian when root may. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { freePort } from '../core/embedded-postgres.ts';
import { installPackages, mayInstallPackages } from './debian.ts';

const run = promisify(execFile);

export type TestRedis = AsyncDisposable & { readonly url: string };

const ensureInstalled = async (): Promise<void> => {
  if (await run('which', ['redis-server']).then(() => true, () => false)) return;
  if (!(await mayInstallPackages())) throw new Error('The tests need Redis: install it first (Debian and Ubuntu: sudo apt-get install redis-server; macOS: brew install redis).');
  // Only the program: no service may start by itself.
  await installPackages('--no-install-recommends', 'redis-server');
};

export const startRedis = async (): Promise<TestRedis> => {
  await ensureInstalled();
  const port = await freePort();
  const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    server.stdout.on('data', (chunk: Buffer) => chunk.includes('Ready to accept connections') && resolve());
    server.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
    server.once('error', reject);
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const gone = once(server, 'exit');
      server.kill();
      await gone;
    },
  };
};
