import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { readConfig } from '#core/config.ts';
import { cloneDatabase, silentLogger } from '#core/testing.ts';
import { type GatekeeperSimulator, createGatekeeperSimulator } from '#simulators/gatekeeper/index.ts';
import { type HubProcess, startHub } from '../hub/hub.ts';
import { ask, askUntil, makeDataDir, registerGates } from './hub-process.ts';

const stack = new AsyncDisposableStack();
let hub: HubProcess;
let admin: { url: string; adminKey: string };
let gates: GatekeeperSimulator;
const good = 'tech-conference-2024';

beforeAll(async () => {
  const database = stack.use(await cloneDatabase());
  const folder = stack.use(await makeDataDir());
  gates = stack.use(await createGatekeeperSimulator());
  const config = readConfig({ PORT: '0', DATABASE_URL: database.url, EVENTGRAPH_DATA_DIR: folder.path, EVENTGRAPH_DEMO: 'false', EVENTGRAPH_ALLOW_PRIVATE_UPSTREAMS: 'true' });
  hub = stack.use(await startHub({ config, role: { kind: 'all' }, logger: silentLogger, explorer: null }));
  admin = { url: hub.url, adminKey: hub.adminKey ?? '' };
  expect((await registerGates(admin, gates, good)).userErrors).toEqual([]);
});
afterAll(() => stack.disposeAsync());

const code = async (key: string | null, query: string, variables = {}): Promise<unknown> => (await ask(hub.url, key, query, variables)).errors?.[0]?.extensions.code;
const services = async (): Promise<number> => (await ask<{ eventServices: { totalCount: number } }>(hub.url, admin.adminKey, '{ eventServices { totalCount } }')).data.eventServices.totalCount;

const keyFor = async (permissions: string[], eventAccess: string[]): Promise<string> => {
  const made = await ask<{ createApiKey: { apiKey: string } }>(hub.url, admin.adminKey, 'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey } }', { input: { clientName: 'test', permissions, eventAccess, documents: 'ANY' } });
  return made.data.createApiKey.apiKey;
};

describe('who asks', () => {
  test('a wrong key is refused with a code, and nobody is asked', async () => {
    const response = await fetch(`${hub.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-api-key': 'IPK_wrong' }, body: '{"query":"{ events { totalCount } }"}' });
    expect([response.status, ((await response.json()) as { errors: { extensions: { code: string } }[] }).errors[0]?.extensions.code]).toEqual([401, 'UNAUTHENTICATED']);
  });

  test('a foreign event is not there: by id, in lists, through what other subgraphs add, and in subscriptions', async () => {
    await registerGates(admin, gates, 'partner-summit-2024');
    const key = await keyFor(['read_events', 'read_attendance'], [good]);
    const { data } = await ask<{ event: unknown; events: { edges: { node: { id: string; attendance: unknown } }[] } }>(hub.url, key, '{ event(id: "partner-summit-2024") { name attendance { currentAttendees } } events { edges { node { id attendance { currentAttendees } } } } }');
    expect(data.event).toBeNull();
    expect(data.events.edges.map(({ node }) => node.id)).toEqual([good]);
    expect(data.events.edges[0]?.node.attendance).toEqual({ currentAttendees: expect.any(Number) as number });
    const answer = await firstMessage(key, 'subscription { attendanceChanged(eventIds: ["partner-summit-2024"]) { cursor } }');
    expect(answer).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'FORBIDDEN' } }] });
  });

  test('without a key: only what is public', async () => {
    const { data, errors } = await ask<{ events: { edges: { node: { name: string; attendance: unknown } }[] } }>(hub.url, null, '{ events { edges { node { name attendance { currentAttendees } } } } }');
    expect(data.events.edges).toEqual([{ node: { name: 'Tech Conference 2024', attendance: null } }]);
    expect(errors?.[0]?.extensions.code).toBe('UNAUTHORIZED_FIELD_OR_TYPE');
  });
});

/** The first message after the acknowledgement, over a socket of its own. */
const firstMessage = (key: string, query: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`${hub.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } })));
    socket.on('error', reject);
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString('utf8')) as { type: string };
      if (message.type === 'connection_ack') return socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
      socket.terminate();
      resolve(message);
    });
  });

describe('documents', () => {
  test('of depth 50 are refused, naming the limit', async () => {
    const deep = '{ events { edges { node { service { __typename } } } } }';
    expect((await ask(hub.url, admin.adminKey, deep)).errors).toBeUndefined();
    const nested = Array.from({ length: 50 }, () => 'a {').join(' ');
    expect(await code(admin.adminKey, `{ ${nested} b ${'}'.repeat(50)} }`)).toBe('MAX_DEPTH_EXCEEDED');
  });

  test('of 2 MB are refused before they are read', async () => {
    const response = await fetch(`${hub.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: `{ events { totalCount } } #${'x'.repeat(2 * 1024 * 1024)}` }) });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'PAYLOAD_TOO_LARGE' } }] });
  });

  test('with an unknown cursor are refused, in lists and in subscriptions', async () => {
    expect(await code(admin.adminKey, '{ events(after: "nonsense") { totalCount } }')).toBe('CURSOR_INVALID');
    expect(await code(admin.adminKey, '{ events(first: 1000) { totalCount } }')).toBe('PAGE_SIZE_INVALID');
    expect(await firstMessage(admin.adminKey, 'subscription { attendanceChanged(after: "nonsense") { cursor } }')).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'CURSOR_INVALID' } }] });
  });
});

describe('an upstream that cannot be registered leaves nothing, and says which step failed and why', () => {
  test.each([
    ['status-500', 'UPSTREAM_STATUS'],
    ['html', 'UPSTREAM_NOT_JSON'],
    ['half-json', 'UPSTREAM_NOT_JSON'],
    ['endless', 'UPSTREAM_TOO_LARGE'],
    ['unhealthy', 'UPSTREAM_SHAPE'],
    ['hang', 'UPSTREAM_TIMEOUT'],
  ] as const)('%s: %s', async (answers, expected) => {
    const before = await services();
    gates.event('gts-austin-2024').setKnobs({ answers });
    const { service, userErrors } = await registerGates(admin, gates, 'gts-austin-2024');
    gates.event('gts-austin-2024').setKnobs({ answers: 'none' });
    expect(service).toBeNull();
    expect(userErrors).toEqual([{ code: expected, field: 'input.endpoints.healthCheck', message: expect.stringMatching(/^HEALTH_CHECK: /) as string }]);
    expect(await services()).toBe(before);
  });

  test('an unknown kind, a taken event id, a URL that is none', async () => {
    const register = async (input: Record<string, unknown>) =>
      (await ask<{ registerEventService: { userErrors: { code: string; field: string }[] } }>(hub.url, admin.adminKey, 'mutation ($input: RegisterEventServiceInput!) { registerEventService(input: $input) { userErrors { code field } } }', { input })).data.registerEventService.userErrors;
    const before = await services();
    expect(await register({ product: 'turnstile', serviceName: 'x', endpoints: { api: 'http://127.0.0.1:1' } })).toEqual([{ code: 'PRODUCT_UNKNOWN', field: 'input.product' }]);
    expect(await register({ serviceName: 'x', eventId: 'e', endpoints: { api: 'file:///etc/passwd' } })).toEqual([{ code: 'URL_INVALID', field: 'input.endpoints.api' }]);
    expect((await registerGates(admin, gates, good)).userErrors).toEqual([{ code: 'EVENT_ID_TAKEN', field: 'input.eventId', message: expect.any(String) as string }]);
    expect(await services()).toBe(before);
  });
});

test('10,000 check-ins in one sync are all counted', async () => {
  gates.event('gts-austin-2024').passMany(10_000);
  expect((await registerGates(admin, gates, 'gts-austin-2024')).userErrors).toEqual([]);
  const { data } = await ask<{ event: { checkIns: { totalCount: number }; attendance: { currentAttendees: number } } }>(hub.url, admin.adminKey, '{ event(id: "gts-austin-2024") { checkIns { totalCount } attendance { currentAttendees } } }');
  expect(data.event).toEqual({ checkIns: { totalCount: 10_000 }, attendance: { currentAttendees: 10_000 } });
});

test('an upstream that stops answering turns DEGRADED, its last values are served, and the others are not touched', async () => {
  gates.event(good).setKnobs({ answers: 'half-json', silent: true });
  const read = async () => (await ask<{ event: { attendance: { currentAttendees: number }; service: { health: string; lastError: { code: string } | null } } }>(hub.url, admin.adminKey, `{ event(id: "${good}") { attendance { currentAttendees } service { health lastError { code } } } }`)).data.event;
  const failing = await askUntil(read, ({ service }) => service.health !== 'HEALTHY');
  expect(failing.service.lastError?.code).toBe('UPSTREAM_NOT_JSON');
  // What was known last is served: somebody was inside, and still is.
  expect(failing.attendance.currentAttendees).toBeGreaterThan(0);
  gates.event(good).setKnobs({ answers: 'none', silent: false });
  expect((await askUntil(read, ({ service }) => service.health === 'HEALTHY')).service.lastError).toBeNull();
});
