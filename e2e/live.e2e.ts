import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Client, createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { readConfig } from '#core/config.ts';
import { cloneDatabase, silentLogger } from '#core/testing.ts';
import { type HubProcess, startHub } from '../hub/hub.ts';
import { supergraphFile } from '../hub/subgraphs.ts';
import { ask, makeDataDir, registerGates } from './hub-process.ts';
import { type PushingUpstream, startPushingUpstream } from './pushing-upstream.ts';

const stack = new AsyncDisposableStack();
let hub: HubProcess;
let upstream: PushingUpstream;
let admin: { url: string; adminKey: string };
let supergraph: string;

beforeAll(async () => {
  const database = stack.use(await cloneDatabase());
  const folder = stack.use(await makeDataDir());
  upstream = stack.use(await startPushingUpstream());
  supergraph = join(folder.path, 'supergraph.graphql');
  await copyFile(supergraphFile, supergraph);
  const config = readConfig({ PORT: '0', DATABASE_URL: database.url, EVENTGRAPH_DATA_DIR: folder.path, EVENTGRAPH_DEMO: 'false', EVENTGRAPH_ALLOW_PRIVATE_UPSTREAMS: 'true' });
  hub = stack.use(await startHub({ config, role: { kind: 'all' }, logger: silentLogger, explorer: null, supergraphFile: supergraph }));
  admin = { url: hub.url, adminKey: hub.adminKey ?? '' };
  for (const id of ['a', 'b', 'c', 'd']) expect((await registerGates(admin, upstream, id, 86_400)).userErrors).toEqual([]);
});
afterAll(() => stack.disposeAsync());

const connect = (key = admin.adminKey): Client => createClient({ url: `${hub.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, connectionParams: { authorization: `Bearer ${key}` }, retryAttempts: 0 });

type Change = { cursor: string; attendance: { currentAttendees: number }; event: { id: string; name: string; gates: unknown[] } };
type Recorded = { id: string; cursor: string };
const changesOf = (client: Client, args: string) =>
  client.iterate<{ attendanceChanged: Change }>({ query: `subscription { attendanceChanged(${args}) { cursor attendance { currentAttendees } event { id name ... on GateEvent { gates { id } } } } }` });
const recordedOf = (client: Client, args: string) => client.iterate<{ checkInRecorded: Recorded }>({ query: `subscription { checkInRecorded(${args}) { id cursor } }` });

const nextOf = async <Data>(messages: AsyncIterableIterator<{ data?: Data | null; errors?: readonly unknown[] }>): Promise<Data> => {
  const { value } = (await messages.next()) as { value?: { data?: Data | null; errors?: readonly unknown[] } };
  if (!value?.data) throw new Error(`no data: ${JSON.stringify(value)}`);
  return value.data;
};

describe('attendanceChanged', () => {
  test('tells the current value first, then every change, with what other subgraphs know', async () => {
    const client = connect();
    const changes = changesOf(client, 'eventIds: ["a"]');
    const { attendanceChanged: first } = await nextOf(changes);
    expect(first).toEqual({ cursor: expect.any(String) as string, attendance: { currentAttendees: 0 }, event: { id: 'a', name: 'a', gates: [] } });
    expect(await upstream.push('a', ['one'])).toBe(200);
    expect((await nextOf(changes)).attendanceChanged.attendance.currentAttendees).toBe(1);
    await changes.return?.();
    await client.dispose();
  });
});

describe('subscribers alike', () => {
  test('read the log once, from the first change on that they are told of together', async () => {
    const client = connect();
    const streams = Array.from({ length: 5 }, () => changesOf(client, 'eventIds: ["d"]'));
    await Promise.all(streams.map(nextOf));
    const told = async (badge: string) => {
      const next = streams.map(nextOf);
      expect(await upstream.push('d', [badge])).toBe(200);
      return (await Promise.all(next)).map(({ attendanceChanged }) => attendanceChanged.cursor);
    };
    await told('together');
    const reads = vi.spyOn(hub.foundation.hub.tail, 'next');
    const cursors = await told('shared');
    expect(new Set(cursors).size).toBe(1);
    expect(reads).toHaveBeenCalledTimes(1);
    reads.mockRestore();
    await Promise.all(streams.map((each) => each.return?.()));
    await client.dispose();
  });
});

describe('checkInRecorded', () => {
  test('resumes behind any cursor with no gap and no double, while pushes go on', async () => {
    const badges = Array.from({ length: 120 }, (_, index) => `b${index}`);
    const client = connect();
    const seen: string[] = [];
    // A subscription without a cursor begins when the hub gets to it, which its reader is not told.
    const changes = changesOf(client, 'eventIds: ["b"]');
    let { cursor } = (await nextOf(changes)).attendanceChanged;
    await changes.return?.();
    const follow = () => recordedOf(client, `eventIds: ["b"], after: "${cursor}"`);
    let messages = follow();
    const pushing = (async () => {
      for (const badge of badges) expect(await upstream.push('b', [badge])).toBe(200);
    })();
    while (seen.length < badges.length) {
      const { checkInRecorded } = await nextOf(messages);
      seen.push(checkInRecorded.id);
      ({ cursor } = checkInRecorded);
      if (seen.length % 17 !== 0) continue;
      await messages.return?.();
      messages = follow();
    }
    await pushing;
    expect(seen).toEqual(badges.map((badge) => `scan-${badge}`));
    await messages.return?.();
    await client.dispose();
  });
});

describe('a revoked key', () => {
  test('loses what it holds open at once, and nobody else does', async () => {
    const made = await ask<{ createApiKey: { apiKey: string; key: { id: string } } }>(hub.url, admin.adminKey, 'mutation { createApiKey(input: { clientName: "x", permissions: ["read_events", "read_attendance"], eventAccess: ["a"], documents: ANY }) { apiKey key { id } } }');
    const { apiKey, key } = made.data.createApiKey;
    const [revoked, other] = [connect(apiKey), connect()];
    const [lost, kept] = [changesOf(revoked, 'eventIds: ["a"]'), changesOf(other, 'eventIds: ["a"]')];
    await Promise.all([nextOf(lost), nextOf(kept)]);
    await ask(hub.url, admin.adminKey, 'mutation ($id: ID!) { revokeApiKey(input: { id: $id }) { key { revokedAt } } }', { id: key.id });
    await expect(lost.next()).rejects.toMatchObject({ code: 4403 });
    expect((await ask(hub.url, apiKey, '{ events { totalCount } }')).errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
    await upstream.push('a', ['two']);
    expect((await nextOf(kept)).attendanceChanged.attendance.currentAttendees).toBe(2);
    await kept.return?.();
    await other.dispose();
  });
});

test('a key that expires takes its sockets with it', async () => {
  const expiresAt = new Date(Date.now() + 5_000).toISOString();
  const made = await ask<{ createApiKey: { apiKey: string } }>(hub.url, admin.adminKey, 'mutation ($at: DateTime) { createApiKey(input: { clientName: "x", permissions: ["read_events", "read_attendance"], expiresAt: $at, documents: ANY }) { apiKey } }', { at: expiresAt });
  const changes = changesOf(connect(made.data.createApiKey.apiKey), 'eventIds: ["a"]');
  await nextOf(changes);
  await expect(changes.next()).rejects.toMatchObject({ code: 4403 });
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt));
});

describe('a service that is removed with its data', () => {
  test('ends the subscriptions that were about its events alone; others go on', async () => {
    const registered = await Promise.all(['leaves', 'stays'].map((id) => registerGates(admin, upstream, id, 86_400)));
    const serviceId = registered[0]?.service?.id;
    const client = connect();
    const [alone, both, recorded] = [changesOf(client, 'eventIds: ["leaves"]'), changesOf(client, 'eventIds: ["leaves", "stays"]'), recordedOf(client, 'eventIds: ["leaves", "stays"]')];
    const scan = recorded.next();
    await nextOf(alone);
    for (const _ of ['leaves', 'stays']) await nextOf(both);
    const removed = await ask<{ removeEventService: object }>(hub.url, admin.adminKey, 'mutation ($input: RemoveEventServiceInput!) { removeEventService(input: $input) { removedServiceId userErrors { code } } }', { input: { serviceId, withData: true } });
    expect(removed.data.removeEventService).toEqual({ removedServiceId: serviceId, userErrors: [] });
    expect(await alone.next()).toEqual({ done: true, value: undefined });
    expect(await upstream.push('leaves', ['late'])).toBe(404);
    expect(await upstream.push('stays', ['there'])).toBe(200);
    expect((await nextOf(both)).attendanceChanged).toMatchObject({ event: { id: 'stays' }, attendance: { currentAttendees: 1 } });
    expect(await scan).toMatchObject({ value: { data: { checkInRecorded: { id: 'scan-there' } } } });
    for (const stream of [both, recorded]) await stream.return?.();
    await client.dispose();
  });
});

describe('a supergraph that changes while the hub runs', () => {
  test('is served without a restart, and a subscription that is still valid goes on', async () => {
    const client = connect();
    const changes = changesOf(client, 'eventIds: ["c"]');
    await nextOf(changes);
    const sdl = await readFile(supergraph, 'utf8');
    const renamed = sdl.replace('"Whether that was more than 300 seconds ago."', '"Whether that was long ago."');
    expect(renamed).not.toBe(sdl);
    await writeFile(supergraph, 'this is no supergraph');
    await writeFile(supergraph, renamed);
    const description = async () => (await ask<{ __type: { fields: { name: string; description: string }[] } }>(hub.url, admin.adminKey, '{ __type(name: "Attendance") { fields { name description } } }')).data.__type.fields.find(({ name }) => name === 'stale')?.description;
    await expect.poll(description).toBe('Whether that was long ago.');
    await upstream.push('c', ['three']);
    expect((await nextOf(changes)).attendanceChanged.attendance.currentAttendees).toBe(1);
    await changes.return?.();
    await client.dispose();
  });
});
