import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeDataDir, plainHub } from './hub-process.ts';

const root = join(import.meta.dirname, '..');

/** `npm start` at the head of a process group, as a terminal starts it. */
const npmStart = async (dataDir: string) => {
  const child = spawn('npm', ['start'], { cwd: root, detached: true, env: { ...process.env, ...(await plainHub(dataDir)), LOG_LEVEL: 'warn' }, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8');
      if (said.includes('Ctrl-C stops everything')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`npm start ended with ${code}: ${said}`)));
  });
  return { pid: child.pid ?? 0, gone: once(child, 'exit') as Promise<[number | null]> };
};

/** What only a hub that stopped well takes away. */
const leftovers = async (dataDir: string): Promise<string[]> => [...(await readdir(dataDir)), ...(await readdir(join(dataDir, 'postgres/cluster')))].filter((name) => ['hub.lock', 'postmaster.pid'].includes(name));

test('Ctrl-C under npm reaches the hub twice and still stops everything well', async () => {
  await using folder = await makeDataDir();
  const { pid, gone } = await npmStart(folder.path);
  expect(await leftovers(folder.path)).toEqual(['hub.lock', 'postmaster.pid']);
  process.kill(-pid, 'SIGINT');
  expect((await gone)[0]).toBe(0);
  expect(await leftovers(folder.path)).toEqual([]);
});

test('SIGTERM to npm alone is passed on to the hub', async () => {
  await using folder = await makeDataDir();
  const { pid, gone } = await npmStart(folder.path);
  process.kill(pid, 'SIGTERM');
  expect((await gone)[0]).toBe(0);
  expect(await leftovers(folder.path)).toEqual([]);
});
