import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keptSecret, openDataFolder, writePrivateFile } from './data-folder.ts';

let root: string;
beforeEach(async () => void (root = await mkdtemp(join(tmpdir(), 'eventgraph-folder-'))));
afterEach(() => rm(root, { recursive: true, force: true }));

/** Another process that holds the folder until it is told to end. */
const holdElsewhere = async (folder: string) => {
  const script = `import { openDataFolder } from ${JSON.stringify(join(import.meta.dirname, 'data-folder.ts'))}; await openDataFolder(process.argv[1]); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
};

/** The number of a process that is gone. */
const deadProcess = () => spawnSync(process.execPath, ['-e', '']).pid;
const refused = expect.objectContaining({ code: 'CONFIG_INVALID', facts: { variable: 'EVENTGRAPH_DATA_DIR' } });

describe('the data folder', () => {
  test('is made where it is missing, and free again when its hub has stopped', async () => {
    const path = join(root, 'a', 'b');
    const first = await openDataFolder(path);
    await first[Symbol.asyncDispose]();
    expect(await readdir(path)).toEqual([]);
    const second = await openDataFolder(path);
    expect(second.path).toBe(path);
    await second[Symbol.asyncDispose]();
  });

  test('is refused to a second hub while the first one lives, and taken over when that was killed', async () => {
    const child = await holdElsewhere(root);
    await expect(openDataFolder(root)).rejects.toEqual(refused);
    await expect(openDataFolder(root)).rejects.toThrow(String(child.pid));
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    await using taken = await openDataFolder(root);
    expect(taken.path).toBe(root);
  });

  test('is refused to a second hub of the same process', async () => {
    await using _first = await openDataFolder(root);
    await expect(openDataFolder(root)).rejects.toEqual(refused);
  });

  test('is taken over when the number in the lock belongs to another process by now', async () => {
    await writeFile(join(root, 'hub.lock'), `${process.ppid} 1`);
    await using taken = await openDataFolder(root);
    expect(taken.path).toBe(root);
  });

  test('goes to one of many hubs that start at the same time, also where a dead one left its lock', async () => {
    for (const left of [null, `${deadProcess()} 5`, '']) {
      if (left !== null) await writeFile(join(root, 'hub.lock'), left);
      const tries = await Promise.allSettled(Array.from({ length: 20 }, () => openDataFolder(root)));
      const opened = tries.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
      expect(opened).toHaveLength(1);
      for (const folder of opened) await folder[Symbol.asyncDispose]();
      expect(await readdir(root)).toEqual([]);
    }
  });

  test('that cannot be made is one clear error', async () => {
    await writeFile(join(root, 'file'), '');
    await expect(openDataFolder(join(root, 'file', 'below'))).rejects.toEqual(refused);
  });
});

describe('files that only their owner may read', () => {
  const modeOf = async (name: string) => ((await stat(join(root, name))).mode & 0o777).toString(8);

  test('have mode 0600, whatever stood there before', async () => {
    await writeFile(join(root, 'key'), 'old', { mode: 0o644 });
    await writePrivateFile(join(root, 'key'), 'new');
    expect(await modeOf('key')).toBe('600');
    expect(await readFile(join(root, 'key'), 'utf8')).toBe('new');
  });

  test('hold secrets that are made once, of 256 bits, and stay', async () => {
    const made = await keptSecret(root, 'secret');
    expect(made).toMatch(/^[0-9a-f]{64}$/);
    expect(await modeOf('secret')).toBe('600');
    expect(await keptSecret(root, 'secret')).toBe(made);
    expect(await keptSecret(root, 'another')).not.toBe(made);
  });

  test('include the lock', async () => {
    await using _folder = await openDataFolder(root);
    expect(await modeOf('hub.lock')).toBe('600');
  });
});
