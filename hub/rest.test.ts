/** The REST surface over the whole hub and a simulated gate system: every answer is what the OpenAPI document says. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readConfig } from '#core/config.ts';
import { cloneDatabase, silentLogger, within } from '#core/testing.ts';
import type { Example, OpenapiDocument } from '#gateway/rest/openapi.ts';
import { createAjv } from '#gateway/rest/parameters.ts';
import { type GatekeeperSimulator, createGatekeeperSimulator } from '#simulators/gatekeeper/index.ts';
import { makeDataDir } from '../e2e/hub-process.ts';
import { type HubProcess, startHub } from './hub.ts';
import { examplesFile } from './rest.ts';
import { tableOf } from './test-rest-table.ts';
import { root } from './subgraphs.ts';

/** The simulators' day: fixed, so that what is recorded is the same in every run. */
const now = new Date('2024-10-15T09:00:00.000Z');

let hub: HubProcess;
let gates: GatekeeperSimulator;
let document: OpenapiDocument;
let key: string;
const stack = new AsyncDisposableStack();

type Told = { readonly status: number; readonly headers: Headers; readonly body: Body };
/** What is looked at of whatever was answered. */
type Body = {
  readonly code: string;
  readonly apiKey: string;
  readonly lastUpdate: string;
  readonly totalCount: number;
  readonly events: readonly { readonly eventId: string; readonly status: string }[];
  readonly field: string;
  readonly is_success: boolean;
  readonly event_id: string;
  readonly metrics: { readonly totalRegistered: number; readonly currentAttendees: number; readonly gateActivity: readonly unknown[] };
};
const ask = async (path: string, { as = hub.adminKey, body, headers = {} }: { as?: string | null; body?: unknown; headers?: Record<string, string> } = {}): Promise<Told> => {
  const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(`${hub.url}${path}`, { ...sent, headers: { ...(as ? { authorization: `Bearer ${as}` } : {}), ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers } });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Body };
};

/** What differs from run to run, as it is shown in examples. */
const steady = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (name, each: unknown) => {
      if (name === 'apiKey') return 'IPK_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
      if (name === 'secret') return '3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
      if (name === 'serviceId' && each !== null) return 'svc_AAAAAAAAAAAAAAAA';
      if (name === 'programmeId') return 'prg_AAAAAAAAAAAAAAAA';
      if (name === 'webhookUrl') return 'https://hub.example/ingest/svc_AAAAAAAAAAAAAAAA';
      if (name === 'serviceEndpoint') return `https://gates.example/${String(each).split('/').at(-1)}`;
      return each;
    }),
  ) as unknown;

const registration = (eventId: string, eventName: string) => ({ eventName, eventId, serviceEndpoint: gates.endpoint(eventId), organizerInfo: { organization: 'Tech Association', contact: 'office@tech-association.example' }, eventPeriod: { start: '2024-10-15T08:48:00Z', end: '2024-10-15T14:48:00Z' }, authentication: { type: 'api_key', credentials: { apiKey: gates.apiKey } } });
const crm = { clientName: 'CRM System', permissions: ['read_events', 'read_attendance', 'webhook_subscribe'], eventAccess: ['tech-conference-2024', 'startup-meetup-2024'] };

/** By operation: what was sent and what came of it. */
const seen: Record<string, Example> = {};
const note = (operation: string, path: string, answer: unknown, body?: unknown): void => void (seen[operation] = steady({ path, ...(body === undefined ? {} : { body }), answer }) as Example);

beforeAll(async () => {
  const { url } = stack.use(await cloneDatabase());
  const folder = stack.use(await makeDataDir());
  gates = stack.use(await createGatekeeperSimulator({ seed: 'rest', clock: { wall: { now: () => now.getTime(), schedule: () => () => undefined }, startedAt: now.getTime() } }));
  const config = readConfig({ PORT: '0', DATABASE_URL: url, EVENTGRAPH_DATA_DIR: folder.path, EVENTGRAPH_DEMO: 'false', EVENTGRAPH_ALLOW_PRIVATE_UPSTREAMS: 'true' });
  hub = stack.use(await startHub({ config, role: { kind: 'all' }, logger: silentLogger, explorer: null, now: () => now }));
  document = (await (await fetch(`${hub.url}/api/openapi.json`)).json()) as OpenapiDocument;
  const sent = registration('tech-conference-2024', 'Tech Conference 2024');
  const registered = await ask('/api/platform/events/register', { body: sent });
  expect([registered.status, registered.body.code]).toEqual([201, undefined]);
  note('RegisterEvent', '/api/platform/events/register', registered.body, sent);
  for (const [id, name] of [['startup-meetup-2024', 'Startup Meetup 2024'], ['gts-berlin-2024', 'Global Tech Summit 2024 - Berlin'], ['partner-summit-2024', 'Partner Summit 2024']] as const) expect((await ask('/api/platform/events/register', { body: registration(id, name) })).status).toBe(201);
  const created = await ask('/api/platform/api-keys/create', { body: crm });
  note('CreateApiKey', '/api/platform/api-keys/create', created.body, crm);
  key = created.body.apiKey;
});
afterAll(() => stack.disposeAsync());

const ajv = createAjv();
/** Checks an answer with the schema that the document has for it. */
const expectAsDocumented = (path: string, method: string, { status, headers, body }: Told): void => {
  const response = document.paths[path]?.[method]?.responses[String(status)] as { content: Record<string, { schema: object }> } | undefined;
  const schema = response?.content[(headers.get('content-type') ?? '').split(';')[0] ?? '']?.schema;
  expect(schema, `${method} ${path} ${status}`).toBeDefined();
  const validate = ajv.compile({ ...schema, components: document.components });
  expect([path, validate(body) ? null : validate.errors]).toEqual([path, null]);
};

describe('what MISSION.md lists is served with exactly that body', () => {
  test('S9: a key for an outside system', async () => {
    const { status, body, headers } = await ask('/api/platform/api-keys/create', { body: crm });
    expect([status, headers.get('cache-control')]).toEqual([201, 'no-store']);
    expect(body).toEqual({ apiKey: expect.stringMatching(/^IPK_/), secret: expect.any(String), endpoints: { events: '/api/v1/events', attendance: '/api/v1/attendance', webhooks: '/api/v1/webhooks' } });
  });

  test('S2: attendance of one event, normalised', async () => {
    for (const door of ['v1', 'partner']) {
      const told = await ask(`/api/${door}/events/tech-conference-2024/attendance`, { as: key });
      const { totalRegistered, currentAttendees } = told.body.metrics;
      const rate = Math.round((1000 * currentAttendees) / totalRegistered) / 10;
      expect(told.body).toEqual({ eventId: 'tech-conference-2024', timestamp: now.toISOString(), metrics: { totalRegistered: 500, currentAttendees, attendanceRate: rate, gateActivity: expect.any(Array) }, alerts: [], status: 'ongoing', stale: false });
      expect(told.body.metrics.gateActivity[0]).toEqual({ gateId: 'gate-1', status: 'open', throughput: expect.any(Number) });
      expectAsDocumented(`/api/${door}/events/{eventId}/attendance`, 'get', told);
      note('EventMetrics', '/api/v1/events/tech-conference-2024/attendance', told.body);
    }
  });

  test('S2: the unified view of what the key may see', async () => {
    const told = await ask('/api/v1/attendance?eventId=tech-conference-2024&eventId=startup-meetup-2024&eventId=partner-summit-2024', { as: key });
    expect(told.body.events.map(({ eventId, status }) => [eventId, status]).sort()).toEqual([['startup-meetup-2024', 'pre-event'], ['tech-conference-2024', 'ongoing']]);
    expect(told.body.events.find(({ eventId }) => eventId === 'tech-conference-2024')).toEqual({ eventId: 'tech-conference-2024', eventName: 'Tech Conference 2024', status: 'ongoing', stats: { totalRegistered: 500, currentAttendees: expect.any(Number), attendanceRate: expect.any(Number) }, alerts: [] });
    expect(told.body.lastUpdate).toBe(now.toISOString());
    expectAsDocumented('/api/v1/attendance', 'get', told);
    note('LiveView', '/api/v1/attendance?eventId=tech-conference-2024&eventId=startup-meetup-2024', told.body);
  });

  test('S9: events, by pages, for each tier', async () => {
    const first = await ask('/api/v1/events?first=1', { as: key });
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const second = await ask(next, { as: key });
    expect(first.body.totalCount).toBeGreaterThan(1);
    expect(first.body.events[0]?.eventId).not.toBe(second.body.events[0]?.eventId);
    const open = await ask('/api/public/events', { as: null });
    expect(open.body.events.map(({ eventId }) => eventId).sort()).toEqual(['gts-berlin-2024', 'startup-meetup-2024', 'tech-conference-2024']);
    for (const [path, as] of [['/api/v1/events', key], ['/api/partner/events', key], ['/api/premium/events', hub.adminKey], ['/api/public/events', null]] as const) expectAsDocumented(path, 'get', await ask(path, { as }));
    note('EventList', '/api/public/events?first=1', (await ask('/api/public/events?first=1&status=ongoing', { as: null })).body);
  });

  test('S14: a programme in many countries, each event told by itself', async () => {
    const event = (eventId: string, timezone: string, serviceEndpoint = gates.endpoint(eventId)) => ({ eventId, serviceEndpoint, timezone, authentication: { type: 'api_key', credentials: { apiKey: gates.apiKey } } });
    const sent = {
      globalEvent: 'Global Tech Summit 2024',
      regions: [
        { region: 'asia-pacific', events: [event('gts-seoul-2024', 'Asia/Seoul'), event('gts-singapore-2024', 'Asia/Singapore', 'http://127.0.0.1:1/gts-singapore-2024')] },
        { region: 'europe', events: [event('gts-berlin-2024', 'Europe/Berlin')] },
      ],
    };
    const told = await ask('/api/platform/programmes/register', { body: sent });
    const registered = { status: 'registered', serviceId: expect.stringMatching(/^svc_/), errors: [] };
    expect([told.status, told.body]).toEqual([200, {
      programmeId: expect.stringMatching(/^prg_/), globalEvent: 'Global Tech Summit 2024', events: [
        { region: 'asia-pacific', eventId: 'gts-seoul-2024', ...registered },
        { region: 'asia-pacific', eventId: 'gts-singapore-2024', status: 'failed', serviceId: null, errors: [{ code: 'UPSTREAM_UNREACHABLE', field: 'regions.0.events.1.serviceEndpoint', message: expect.stringMatching(/^HEALTH_CHECK/) }] },
        { region: 'europe', eventId: 'gts-berlin-2024', ...registered },
      ],
    }]);
    expectAsDocumented('/api/platform/programmes/register', 'post', told);
    note('RegisterProgramme', '/api/platform/programmes/register', told.body, sent);
    const wrong = await ask('/api/platform/programmes/register', { body: { ...sent, globalEvent: ' ' } });
    expect(wrong.body).toMatchObject({ status: 422, code: 'NAME_INVALID', field: 'globalEvent' });
    expectAsDocumented('/api/platform/programmes/register', 'post', wrong);
  });
});

describe('C: the event collector', () => {
  const purchase = { event_id: '2f0c3a52', event: 'purchase', user_id: 'user-17', parameters: { order_id: 'order-8', currency: 'krw', price: 29900 } };
  const visit = { event_id: '9b1d7c40', event: 'visit', user_id: 'user-17', parameters: { page: '/tickets', tags: ['new'] } };
  /** The body is a list here. */
  const listIn = ({ body }: Told) => body as unknown as readonly Body[];
  const untilFound = (path: string, options: Parameters<typeof ask>[1], count: number) =>
    vi.waitFor(async () => {
      const told = await ask(path, options);
      expect(listIn(told)).toHaveLength(count);
      return told;
    }, within);

  test('takes an event at both paths, answers at once, and finds it again by its user, with exactly those bodies', async () => {
    for (const [path, body] of [['/api/collect', purchase], ['/api/event', visit], ['/api/collect', purchase]] as const) {
      const told = await ask(path, { body });
      expect([told.status, told.body]).toEqual([200, { is_success: true }]);
      expectAsDocumented(path, 'post', told);
    }
    note('CollectActivity', '/api/collect', { is_success: true }, purchase);
    const told = await untilFound('/api/event/user-17', {}, 2);
    const { user_id: _, ...stored } = purchase;
    expect(listIn(told)).toContainEqual({ ...stored, event_datetime: '2024-10-15T09:00:00.000000Z' });
    expectAsDocumented('/api/event/{user_id}', 'get', told);
    const searched = await ask('/api/search', { body: { user_id: 'user-17' } });
    expect(searched.body).toEqual(told.body);
    expectAsDocumented('/api/search', 'post', searched);
    const sorted = listIn(told).toSorted((a, b) => (a.event_id < b.event_id ? -1 : 1));
    note('UserActivities', '/api/event/user-17', sorted);
    note('SearchActivities', '/api/search', sorted, { user_id: 'user-17' });
    expect((await ask('/api/event/nobody')).body).toEqual([]);
  });

  test('gives parameters back as they came, whatever is in them', async () => {
    const parameters = { '': 0, empty: [], one: [1], lists: [[1], []], nothing: null, object: {}, sequence: true, _jsonata_function: true, $: '$', 'a.b': 'é\u2028😀', number: -1.5e-7 };
    expect((await ask('/api/collect', { body: { event_id: '1', event: 'odd', user_id: 'odd/user %?#', parameters } })).status).toBe(200);
    expect((await ask('/api/collect', { body: { event_id: '2', event: 'none', user_id: 'odd/user %?#' } })).status).toBe(200);
    const told = await untilFound(`/api/event/${encodeURIComponent('odd/user %?#')}`, {}, 2);
    expect(Object.fromEntries(listIn(told).map((each) => [each.event_id, (each as unknown as typeof purchase).parameters]))).toEqual({ 1: parameters, 2: {} });
  });

  test('goes on by pages with either request', async () => {
    for (let n = 0; n < 3; n++) await ask('/api/collect', { body: { event_id: `page-${n}`, event: 'visit', user_id: 'pager' } });
    await untilFound('/api/event/pager', {}, 3);
    for (const [start, options] of [['/api/event/pager?first=2', {}], ['/api/search', { body: { user_id: 'pager', first: 2 } }]] as const) {
      const first = await ask(start, options);
      const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
      const second = await ask(next, options);
      expect([...listIn(first), ...listIn(second)].map(({ event_id }) => event_id).sort(), start).toEqual(['page-0', 'page-1', 'page-2']);
      expect(second.headers.get('link')).not.toContain('next');
    }
  });

  test('says of each mistake what it is, and in the word that clients look for that nothing was taken', async () => {
    const cases = [
      [{ ...purchase, user_id: undefined }, 400, 'BAD_USER_INPUT', 'user_id'],
      [{ ...purchase, event_id: '' }, 400, 'BAD_USER_INPUT', 'event_id'],
      [{ ...purchase, more: 1 }, 400, 'BAD_USER_INPUT', 'more'],
      [{ ...purchase, parameters: 'text' }, 422, 'PARAMETERS_INVALID', 'parameters'],
      [{ ...purchase, parameters: { a: 'x'.repeat(9_000) } }, 422, 'PARAMETERS_TOO_LARGE', 'parameters'],
      [{ ...purchase, parameters: { a: { b: { c: { d: { e: {} } } } } } }, 422, 'PARAMETERS_TOO_DEEP', 'parameters.a.b.c.d.e'],
      [{ ...purchase, hub_event_id: 'no id!' }, 422, 'EVENT_ID_INVALID', 'hub_event_id'],
      [{ ...purchase, event: '\ud800' }, 422, 'NAME_INVALID', 'event'],
    ] as const;
    for (const [body, status, code, field] of cases) {
      const told = await ask('/api/collect', { body });
      expect(told.body, field).toMatchObject({ is_success: false, status, code, field });
      expectAsDocumented('/api/collect', 'post', told);
    }
    expect((await ask('/api/event', { as: key, body: purchase })).body).toMatchObject({ is_success: false, status: 403, code: 'FORBIDDEN' });
    expect((await ask('/api/event', { as: null, body: purchase })).body).toMatchObject({ is_success: false, status: 401 });
    expect((await ask('/api/search', { as: key, body: { user_id: 'user-17' } })).body).toEqual(expect.not.objectContaining({ is_success: expect.anything() }));
  });

  test('refuses an event that the key does not allow', async () => {
    const { body: { apiKey } } = await ask('/api/platform/api-keys/create', { body: { ...crm, permissions: ['collect_activity'] } });
    expect((await ask('/api/collect', { as: apiKey, body: { ...visit, hub_event_id: 'partner-summit-2024' } })).body).toMatchObject({ is_success: false, status: 403, code: 'EVENT_NOT_ALLOWED', field: 'hub_event_id' });
    expect((await ask('/api/collect', { as: apiKey, body: { ...visit, hub_event_id: 'tech-conference-2024' } })).body).toEqual({ is_success: true });
    expect((await ask('/api/event/user-17', { as: apiKey })).status).toBe(403);
  });
});

describe('mistakes are documented problems', () => {
  test('of keys, tiers, events and input', async () => {
    const cases = [
      ['/api/v1/events/{eventId}/attendance', '/api/v1/events/tech-conference-2024/attendance', 'IPK_unknown', 401],
      ['/api/v1/events/{eventId}/attendance', '/api/v1/events/partner-summit-2024/attendance', key, 403],
      ['/api/v1/events/{eventId}/attendance', '/api/v1/events/gts-berlin-2024/attendance', key, 403],
      ['/api/v1/events/{eventId}/attendance', '/api/v1/events/unknown/attendance', null, 401],
      ['/api/premium/events', '/api/premium/events', key, 403],
      ['/api/v1/events', '/api/v1/events?first=0', key, 400],
      ['/api/v1/events', '/api/v1/events?after=nonsense', key, 422],
    ] as const;
    for (const [path, url, as, status] of cases) {
      const told = await ask(url, { as });
      expect([url, told.status]).toEqual([url, status]);
      expectAsDocumented(path, 'get', told);
    }
    const unknown = await ask('/api/v1/events/unknown/attendance');
    expect(unknown.status).toBe(404);
  });

  test('of a registration say the step and the field as it was sent', async () => {
    const body = { ...registration('gts-austin-2024', 'Austin'), serviceEndpoint: 'http://127.0.0.1:1' };
    const told = await ask('/api/platform/events/register', { body });
    expect(told.body).toMatchObject({ status: 422, code: 'UPSTREAM_UNREACHABLE', detail: expect.stringMatching(/^HEALTH_CHECK/) });
    expectAsDocumented('/api/platform/events/register', 'post', told);
    expect((await ask('/api/platform/events/register', { body: registration('tech-conference-2024', 'Again') })).body).toMatchObject({ status: 409, code: 'EVENT_ID_TAKEN', field: 'eventId' });
    expect((await ask('/api/platform/api-keys/create', { body: { ...crm, expiresAt: '2020-01-01T00:00:00Z' } })).body).toMatchObject({ status: 422, code: 'EXPIRY_PAST', field: 'expiresAt' });
    expect((await ask('/api/platform/api-keys/create', { as: key, body: crm })).body).toMatchObject({ status: 403, code: 'FORBIDDEN' });
  });
});

describe('the OpenAPI document', () => {
  test("passes redocly's recommended rules", async () => {
    const config = await createConfig({ extends: ['recommended'] });
    const problems = await lintFromString({ source: JSON.stringify(document), absoluteRef: '/openapi.json', config });
    expect(problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([]);
  });

  test('has an example from a real run for every operation, each as its schema says', async () => {
    if (isRecording) await writeFile(examplesFile, `${JSON.stringify(seen, null, 2)}\n`);
    expect(JSON.parse(await readFile(examplesFile, 'utf8'))).toEqual(seen);
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId.split('_')[0]));
    expect(Object.keys(seen).sort()).toEqual([...new Set(operations)].sort());
  });

  test('is docs/rest.md', async () => {
    const file = join(root, 'docs', 'rest.md');
    const table = tableOf(document, seen);
    const text = await readFile(file, 'utf8');
    const [before = '', rest = ''] = text.split(tableBegin);
    const [, after = ''] = rest.split(tableEnd);
    const expected = `${before}${tableBegin}${table}${tableEnd}${after}`;
    if (isRecording) await writeFile(file, expected);
    expect(await readFile(file, 'utf8')).toBe(expected);
  });
});

const isRecording = process.env.RECORD === 'true';
const tableBegin = '<!-- made by hub/rest.test.ts: RECORD=true npx vitest run hub/rest.test.ts -->\n\n';
const tableEnd = '\n<!-- until here -->\n';
