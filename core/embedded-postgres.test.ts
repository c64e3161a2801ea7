import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isLiving } from './data-folder.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';

const settings = { fsync: 'off', shared_buffers: '16MB' };

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'eventgraph-postgres-'));
  await chmod(dataDir, 0o755); // PostgreSQL does not run as root: its own user must get in
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const ask = async (url: string, statement: string): Promise<unknown[]> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
};

const serverOf = async (): Promise<number> => Number((await readFile(join(dataDir, 'postgres', 'cluster', 'postmaster.pid'), 'utf8')).split('\n')[0]);

describe('the embedded PostgreSQL', () => {
  test('starts, keeps its data over a clean stop, asks for its password and listens on loopback alone', async () => {
    const first = await startEmbeddedPostgres({ dataDir, password: 'p/w @1', settings });
    expect(await ask(first.url, 'show server_version_num')).toEqual([{ server_version_num: expect.stringMatching(/^18/) }]);
    await ask(first.url, 'create table kept as select 1 as n');
    expect(await ask(first.url, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
    const wrong = new URL(first.url);
    wrong.password = 'wrong';
    await expect(ask(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
    const server = await serverOf();
    await first[Symbol.asyncDispose]();
    expect(await isLiving(server)).toBe(false);
    await first[Symbol.asyncDispose]();

    await using second = await startEmbeddedPostgres({ dataDir, password: 'p/w @1', settings });
    expect(await ask(second.url, 'select n from kept')).toEqual([{ n: 1 }]);
  });

  test('stops while sessions are open', async () => {
    const server = await startEmbeddedPostgres({ dataDir, password: 'p', settings });
    const client = new pg.Client({ connectionString: server.url });
    const ended = new Promise<unknown>((resolve) => client.on('error', resolve));
    await client.connect();
    await client.query('begin');
    await server[Symbol.asyncDispose]();
    expect(await ended).toBeInstanceOf(Error);
  });

  test('recovers what was committed when its hub was killed and left the server running', async () => {
    const script = `import { startEmbeddedPostgres } from ${JSON.stringify(join(import.meta.dirname, 'embedded-postgres.ts'))};
      const { url } = await startEmbeddedPostgres({ dataDir: process.argv[1], password: 'p', settings: { shared_buffers: '16MB' } });
      console.log(url); setInterval(() => {}, 1000);`;
    const hub = spawn(process.execPath, ['--input-type=module', '-e', script, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [url] = (await once(hub.stdout, 'data')) as [Buffer];
    await ask(url.toString().trim(), 'create table kept as select 1 as n');
    const orphan = await serverOf();
    const killed = once(hub, 'exit');
    hub.kill('SIGKILL');
    await killed;
    expect(await isLiving(orphan)).toBe(true);

    await using again = await startEmbeddedPostgres({ dataDir, password: 'p', settings });
    expect(await isLiving(orphan)).toBe(false);
    expect(await ask(again.url, 'select n from kept')).toEqual([{ n: 1 }]);
  });

  test('begins anew where a first start was killed half-way', async () => {
    const first = await startEmbeddedPostgres({ dataDir, password: 'p', settings });
    await first[Symbol.asyncDispose]();
    await rm(join(dataDir, 'postgres', 'initialised'));
    await rm(join(dataDir, 'postgres', 'cluster', 'PG_VERSION'));
    await using again = await startEmbeddedPostgres({ dataDir, password: 'p', settings });
    expect(await ask(again.url, 'select 1 as n')).toEqual([{ n: 1 }]);
  });

  test('that cannot start says why in one line', async () => {
    const first = await startEmbeddedPostgres({ dataDir, password: 'p', settings });
    await first[Symbol.asyncDispose]();
    await writeFile(join(dataDir, 'postgres', 'cluster', 'PG_VERSION'), '9.6\n');
    await expect(startEmbeddedPostgres({ dataDir, password: 'p', settings })).rejects.toMatchObject({ code: 'DATABASE_START_FAILED', message: expect.stringMatching(/^[^\n]+version[^\n]+$/) });
  });
});
