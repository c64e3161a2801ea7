/** The examples that clients copy, run as they are against a hub. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '#core/config.ts';
import { cloneDatabase, silentLogger } from '#core/testing.ts';
import { type HubProcess, startHub } from '../hub/hub.ts';
import { makeDataDir, registerGates } from './hub-process.ts';
import { type PushingUpstream, startPushingUpstream } from './pushing-upstream.ts';

const root = join(import.meta.dirname, '..');
const stack = new AsyncDisposableStack();
let hub: HubProcess;
let upstream: PushingUpstream;

beforeAll(async () => {
  const database = stack.use(await cloneDatabase());
  const folder = stack.use(await makeDataDir());
  upstream = stack.use(await startPushingUpstream());
  const config = readConfig({ PORT: '0', DATABASE_URL: database.url, EVENTGRAPH_DATA_DIR: folder.path, EVENTGRAPH_DEMO: 'false', EVENTGRAPH_ALLOW_PRIVATE_UPSTREAMS: 'true' });
  hub = stack.use(await startHub({ config, role: { kind: 'all' }, logger: silentLogger, explorer: null }));
  expect((await registerGates({ url: hub.url, adminKey: hub.adminKey ?? '' }, upstream, 'fair', 86_400)).userErrors).toEqual([]);
  expect(await upstream.push('fair', ['one', 'two'])).toBe(200);
});
afterAll(() => stack.disposeAsync());

/** What an example says, and what it complains of. */
const run = async (file: string, key = hub.adminKey ?? ''): Promise<{ stdout: string; stderr: string }> => {
  const env = { ...process.env, EVENTGRAPH_URL: hub.url, EVENTGRAPH_KEY: key };
  return promisify(execFile)(file.endsWith('.sh') ? 'sh' : process.execPath, [join('docs/clients', file)], { cwd: root, env, timeout: 100_000 });
};

test.each([
  ['fetch.ts', ['fair: 2 of 500 present']],
  ['urql.ts', ['fair: fair, ONGOING']],
  ['apollo-client.ts', ['1 events', 'fair: 2 present']],
  ['graphql-ws.ts', [expect.stringMatching(/^fair: 2 present at 20/)]],
])('%s', async (file, lines) => {
  const { stdout, stderr } = await run(file);
  expect(stderr).toBe('');
  expect(stdout.trim().split('\n')).toEqual(lines);
});

test('curl.sh', async () => {
  const { stdout } = await run('curl.sh');
  expect(stdout).toContain('{"data":{"events":{"edges":[{"node":{"id":"fair","name":"fair","status":"ONGOING"}}]}}}');
  expect(stdout).toContain('{"data":{"events":{"edges":[{"node":{"id":"fair","name":"fair","type":');
  expect(stdout).toMatch(/event: next\ndata: \{"data":\{"attendanceChanged":\{"cursor":"[^"]+","event":\{"id":"fair"\},"attendance":\{"currentAttendees":2\}\}\}\}/);
});

test('an example tells of a key that is not known', async () => {
  expect((await run('fetch.ts', 'IPK_unknown')).stderr).toContain('UNAUTHENTICATED');
  await expect(run('graphql-ws.ts', 'IPK_unknown')).rejects.toThrow('Forbidden');
});
