import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isLiving } from '#core/data-folder.ts';
import { ask, makeDataDir, plainHub, runToEnd, startHubProcess } from './hub-process.ts';

const postmaster = async (dataDir: string): Promise<number> => Number((await readFile(join(dataDir, 'postgres/cluster/postmaster.pid'), 'utf8')).split('\n')[0]);

describe('a hub', () => {
  test('starts with one command, tells where it is, and stops everything on SIGTERM', async () => {
    await using folder = await makeDataDir();
    const hub = await startHubProcess(await plainHub(folder.path));
    expect((await fetch(`${hub.url}/health/ready`)).status).toBe(200);
    const { data } = await ask<{ events: { totalCount: number } }>(hub.url, hub.adminKey, '{ events { totalCount } }');
    expect(data.events.totalCount).toBe(0);
    const keyFile = join(folder.path, 'admin-key');
    expect((await readFile(keyFile, 'utf8')).trim()).toBe(hub.adminKey);
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
    const database = await postmaster(folder.path);
    expect(await isLiving(database)).toBe(true);
    expect(await hub.stop('SIGTERM')).toBe(0);
    expect(await isLiving(database)).toBe(false);
  });

  test('that was killed with -9 recovers by itself at the next start', async () => {
    await using folder = await makeDataDir();
    const env = await plainHub(folder.path);
    const killed = await startHubProcess(env);
    const orphan = await postmaster(folder.path);
    await killed.stop('SIGKILL');
    expect(await isLiving(orphan)).toBe(true);
    await using hub = await startHubProcess(env);
    expect(await isLiving(orphan)).toBe(false);
    expect(hub.adminKey).toBe(killed.adminKey);
    expect((await ask<{ apiKeys: { totalCount: number } }>(hub.url, hub.adminKey, '{ apiKeys { totalCount } }')).data.apiKeys.totalCount).toBe(1);
  });

  test('refuses a data folder that another hub has, in one line', async () => {
    await using folder = await makeDataDir();
    await using first = await startHubProcess(await plainHub(folder.path));
    const { code, said } = await runToEnd(await plainHub(folder.path));
    expect(code).toBe(1);
    expect(said.trim().split('\n')).toEqual([expect.stringMatching(new RegExp(`^eventgraph: Another hub \\(process ${first.pid}\\) .*EVENTGRAPH_DATA_DIR`))]);
  });
});

describe('a hub that cannot start says why in one line and ends with 1', () => {
  const refuses = async (env: Record<string, string>, args: readonly string[], line: RegExp): Promise<void> => {
    await using folder = await makeDataDir();
    const { code, said } = await runToEnd({ ...(await plainHub(folder.path)), ...env }, args);
    expect(said.trim().split('\n')).toEqual([expect.stringMatching(line)]);
    expect(code).toBe(1);
  };

  test('when the port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    await refuses({ PORT: port }, [], new RegExp(`^eventgraph: The port ${port} is taken\\. Set PORT`));
    server.close();
  });

  test('when the database cannot be reached', () => refuses({ DATABASE_URL: 'postgres://nobody:secret@127.0.0.1:1/none' }, [], /^eventgraph: The database at 127\.0\.0\.1:1\/none cannot be reached \(ECONNREFUSED\)\.$/));
  test('when Redis cannot be reached', () => refuses({ REDIS_URL: 'redis://127.0.0.1:1' }, [], /^eventgraph: Redis at 127\.0\.0\.1:1 cannot be reached/));
  test('when a variable is not usable', () => refuses({ EVENTGRAPH_SECRET: 'short' }, [], /^eventgraph: EVENTGRAPH_SECRET is not usable: at least 32 characters/));
  test('when the role is not known', () => refuses({}, ['--role', 'subgraf:events'], /^eventgraph: There is no role subgraf:events\./));
  test('when a role of its own lacks what it shares', () => refuses({}, ['--role', 'worker'], /^eventgraph: A role of its own needs REDIS_URL/));
});
