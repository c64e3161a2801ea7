import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '#core/embedded-postgres.ts';
import type { OpenapiDocument } from '#gateway/rest/openapi.ts';
import { fuzz, installSchemathesis } from '#scripts/schemathesis/schemathesis.ts';
import { type HubProcess, makeDataDir, startHubProcess } from './hub-process.ts';

const stack = new AsyncDisposableStack();
let hub: HubProcess;
let folder: string;
let document: string;

beforeAll(async () => {
  await installSchemathesis((line) => console.error(line));
  const data = stack.use(await makeDataDir());
  folder = stack.use(await makeDataDir()).path;
  hub = stack.use(await startHubProcess({ PORT: String(await freePort()), EVENTGRAPH_DATA_DIR: data.path, EVENTGRAPH_DEMO: 'true', ...unlimited }));
  const openapi = (await (await fetch(`${hub.url}/api/openapi.json`)).json()) as OpenapiDocument;
  document = join(folder, 'openapi.json');
  await writeFile(document, JSON.stringify(withinThisMachine(openapi, gateSystemOf(hub))));
});
afterAll(() => stack.disposeAsync());

/** Otherwise most answers would be 429. */
const unlimited = { EVENTGRAPH_BUDGET_PUBLIC: 'unlimited', EVENTGRAPH_BUDGET_PARTNER: 'unlimited', EVENTGRAPH_BUDGET_PREMIUM: 'unlimited' };

const gateSystemOf = ({ said }: HubProcess): string => /Demo gate system +(\S+)/.exec(said())?.[1] ?? '';

/** The hub calls the URLs that it is given: in the document that the fuzzer reads they are of the demo, or dead. */
const withinThisMachine = (openapi: OpenapiDocument, gates: string): unknown =>
  JSON.parse(JSON.stringify(openapi), (name, value: unknown) => {
    if (name !== 'serviceEndpoint' && name !== 'healthCheck' && name !== 'tokenUrl') return value;
    return typeof value === 'object' ? { ...value, pattern: undefined, enum: [`${gates}/tech-conference-2024`, 'http://127.0.0.1:1'] } : 'http://127.0.0.1:1';
  });

const createKey = async (body: object): Promise<string> => {
  const response = await fetch(`${hub.url}/api/platform/api-keys/create`, { method: 'POST', headers: { authorization: `Bearer ${hub.adminKey}`, 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return ((await response.json()) as { apiKey: string }).apiKey;
};

const clients = [
  { name: 'a key of an admin', maxExamples: 20, key: async () => hub.adminKey },
  { name: 'a key of a partner with an event list', maxExamples: 6, key: () => createKey({ clientName: 'partner', permissions: ['read_events', 'read_attendance'], eventAccess: ['tech-conference-2024'] }) },
  { name: 'a key of the premium tier that manages services', maxExamples: 6, key: () => createKey({ clientName: 'premium', permissions: ['read_events', 'manage_services'], tier: 'premium' }) },
  { name: 'no key', maxExamples: 3, key: async () => null },
];

test.each(clients)('with $name, a fuzzer finds no 5xx and no answer outside the document', async ({ key, maxExamples }) => {
  const { code, said, cases } = await fuzz({ document, folder, url: hub.url, key: await key(), maxExamples, seed: 1, timeoutMs: 590_000 });
  expect(code, said).toBe(0);
  expect(cases).toBeGreaterThan(100);
});
