import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sha256Hex } from '#core/digest.ts';
import { fetchFromMaven, mavenRepository } from './maven.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'eventgraph-maven-'))));
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const central = 'https://repo1.maven.org/maven2';
const mirror = (of: string, url = 'https://mirror.test/maven/') => `<mirror><id>m</id><mirrorOf> ${of} </mirrorOf><url>${url}</url></mirror>`;

test.each([
  ['', central],
  [mirror('central'), 'https://mirror.test/maven'],
  [mirror('*'), 'https://mirror.test/maven'],
  [mirror('a, external:*'), 'https://mirror.test/maven'],
  [mirror('*,!central'), central],
  [mirror('external:http:*', 'http://0.0.0.0/'), central],
  [`<!-- ${mirror('central')} -->`, central],
  [mirror('other') + mirror('central', 'https://second.test'), 'https://second.test'],
])('with the mirrors %j the repository is %s', async (mirrors, expected) => {
  const file = join(folder, 'settings.xml');
  await writeFile(file, `<settings><mirrors>${mirrors}</mirrors></settings>`);
  expect(await mavenRepository({}, file)).toBe(expected);
  expect(await mavenRepository({ EVENTGRAPH_MAVEN_REPOSITORY: 'https://named.test/' }, file)).toBe('https://named.test');
});

test('without settings it is Central', async () => {
  expect(await mavenRepository({}, join(folder, 'missing.xml'))).toBe(central);
});

test('a file is taken when it is the one that is expected, and no other', async () => {
  const server = createServer((request, response) => (request.url === '/org/example/thing/1/thing-1.zip' ? response.end('content') : response.writeHead(404).end())).listen(0, '127.0.0.1');
  await once(server, 'listening');
  vi.stubEnv('EVENTGRAPH_MAVEN_REPOSITORY', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const file = { group: 'org.example', artifact: 'thing', version: '1', extension: 'zip', sha256: sha256Hex('content') };
  expect((await fetchFromMaven(file)).toString()).toBe('content');
  await expect(fetchFromMaven({ ...file, sha256: 'another' })).rejects.toThrow(/SHA-256/);
  await expect(fetchFromMaven({ ...file, version: '2' })).rejects.toThrow(/404.*EVENTGRAPH_MAVEN_REPOSITORY/);
  server.close();
});
