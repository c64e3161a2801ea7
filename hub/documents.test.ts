/** Persisted operations over the whole hub: published through one gateway, run by the other, and held against a new schema. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { readConfig } from '#core/config.ts';
import { sha256Hex } from '#core/digest.ts';
import { cloneDatabase, silentLogger } from '#core/testing.ts';
import { makeDataDir } from '../e2e/hub-process.ts';
import { type HubProcess, startHub } from './hub.ts';
import { root, supergraphFile } from './subgraphs.ts';

const folder = mkdtempSync(join(tmpdir(), 'hub-supergraph-'));
const file = join(folder, 'supergraph.graphql');
const sdl = readFileSync(supergraphFile, 'utf8');
const proposed = sdl.replaceAll(/\btier: Tier!/g, 'level: Tier!');
const stack = new AsyncDisposableStack();
let hubs: readonly HubProcess[];
let admin: string;
let partner: string;

type Body = { data?: Record<string, Record<string, unknown>> | null; errors?: { message: string; extensions: { code: string } }[] };
const ask = async (hub: HubProcess | undefined, key: string, body: Record<string, unknown>): Promise<Body> => {
  const response = await fetch(`${hub?.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` }, body: JSON.stringify(body) });
  return (await response.json()) as Body;
};
const idOf = (name: string): string => (JSON.parse(readFileSync(join(root, 'operations/manifest.json'), 'utf8')) as { operations: { id: string; name: string }[] }).operations.find((each) => each.name === name)?.id ?? '';
const body = 'query Me { viewer { clientName tier } }';
const publish = (key: string) => ask(hubs[0], key, { documentId: idOf('PublishOperations'), variables: { input: { operations: [{ name: 'Me', type: 'QUERY', body }] } } });

beforeAll(async () => {
  writeFileSync(file, sdl);
  const { url } = stack.use(await cloneDatabase());
  const start = async () => {
    const dataDir = stack.use(await makeDataDir());
    const config = readConfig({ PORT: '0', DATABASE_URL: url, REDIS_URL: inject('redisUrl'), EVENTGRAPH_DATA_DIR: dataDir.path, EVENTGRAPH_DEMO: 'false' });
    return stack.use(await startHub({ config, role: { kind: 'all' }, logger: silentLogger, explorer: null, supergraphFile: file }));
  };
  hubs = [await start(), await start()];
  admin = hubs[0]?.adminKey ?? '';
  const made = await ask(hubs[0], admin, { query: 'mutation { createApiKey(input: {clientName: "CRM", permissions: ["publish_operations", "read_events"]}) { apiKey } }' });
  partner = String(made.data?.['createApiKey']?.['apiKey']);
});
afterAll(async () => {
  await stack.disposeAsync();
  rmSync(folder, { recursive: true });
});

describe('a partner, whose key takes persisted operations only', () => {
  test('sends no free text', async () => {
    expect(await ask(hubs[0], partner, { query: body })).toMatchObject({ errors: [{ extensions: { code: 'PERSISTED_OPERATIONS_ONLY' } }] });
  });
  test('publishes its own by an operation of the hub, and runs them through every gateway as soon as the bus has told', async () => {
    for (const hub of hubs) expect(await ask(hub, partner, { documentId: sha256Hex(body) })).toMatchObject({ errors: [{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }] });
    expect(await publish(partner)).toMatchObject({ data: { publishOperations: { client: 'CRM', added: [{ name: 'Me' }], userErrors: [] } } });
    // Without the bus, a gateway would find it out after 5 seconds.
    for (const hub of hubs) await vi.waitFor(async () => expect(await ask(hub, partner, { documentId: sha256Hex(body) })).toEqual({ data: { viewer: { clientName: 'CRM', tier: 'PARTNER' } } }), { timeout: 4_000, interval: 10 });
    expect(await ask(hubs[1], admin, { documentId: sha256Hex(body) })).toMatchObject({ errors: [{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }] });
  });
});

/** What the script says, and the code that it ends with. */
const script = (args: readonly string[], env: Record<string, string> = {}): Promise<{ code: number; said: string }> =>
  new Promise((resolve) => execFile(process.execPath, ['scripts/check-schema.ts', ...args], { cwd: root, env: { PATH: process.env.PATH ?? '', ...env } }, (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, said: stdout + stderr })));

describe('a proposed supergraph, held against what clients published', () => {
  test('ends well where nothing breaks, and otherwise says what of whom', async () => {
    await publish(partner);
    const env = { EVENTGRAPH_URL: hubs[0]?.url ?? '', EVENTGRAPH_KEY: admin };
    expect(await script([supergraphFile], env)).toMatchObject({ code: 0, said: expect.stringContaining('0 would break') });
    const other = join(folder, 'proposed.graphql');
    writeFileSync(other, proposed);
    const { code, said } = await script([other], env);
    expect(code).toBe(1);
    expect(said).toContain(`CRM: Me (${sha256Hex(body)})`);
    expect(said).toContain('Me.viewer.tier: Cannot query field "tier" on type "ApiKey"');
  });
  test('looks at manifests that are named', async () => {
    const manifest = join(folder, 'manifest.json');
    writeFileSync(manifest, JSON.stringify({ operations: [{ id: 'x', name: 'Broken', type: 'query', body: 'query Broken { nothing }' }] }));
    const { code, said } = await script([supergraphFile, manifest]);
    expect([code, said]).toEqual([1, expect.stringContaining(`${manifest}: Broken (x)`)]);
  });
  test.each([[[]], [['no-such-file']]])('ends with 2 where it could not be found out: %o', async (args) => {
    expect((await script(args)).code).toBe(2);
  });
});

test('a gateway that takes another supergraph tells in its metrics what of clients is not valid any more', async () => {
  await publish(partner);
  const metrics = async () => (await fetch(`${hubs[1]?.url}/metrics`, { headers: { authorization: `Bearer ${admin}` } })).text();
  expect(await metrics()).toContain('eventgraph_operations_broken{owner="clients"} 0');
  writeFileSync(file, proposed);
  await vi.waitFor(async () => expect(await metrics()).toContain('eventgraph_operations_broken{owner="clients"} 1'), { timeout: 20_000, interval: 50 });
});
