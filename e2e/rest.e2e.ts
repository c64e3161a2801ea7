import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '#scripts/chromium.ts';
import { createGatekeeperSimulator } from '#simulators/gatekeeper/index.ts';
import { type HubProcess, ask, makeDataDir, plainHub, startHubProcess } from './hub-process.ts';

/** What is looked at of whatever was answered. */
type Body = { readonly code: string; readonly apiKey: string; readonly metrics: { readonly totalRegistered: number } };
type Options = { readonly key?: string; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> };
const call = async (url: string, { key, body, headers = {} }: Options = {}) => {
  const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(url, { ...sent, headers: { ...(key ? { authorization: `Bearer ${key}` } : {}), ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers } });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: JSON.parse(text === '' ? 'null' : text) as Body };
};

const registration = (endpoint: string, apiKey: string) => ({ eventName: 'Tech Conference 2024', eventId: 'tech-conference-2024', serviceEndpoint: endpoint, organizerInfo: { organization: 'Tech Association', contact: 'office@tech-association.example' }, eventPeriod: { start: '2024-10-15T09:00:00Z', end: '2024-10-15T18:00:00Z' }, authentication: { type: 'api_key', credentials: { apiKey } } });
const crm = { clientName: 'CRM System', permissions: ['read_events', 'read_attendance'], eventAccess: ['tech-conference-2024'] };

test('an organiser registers an event and gives a partner a key, who reads attendance within its rate, all over REST', async () => {
  await using folder = await makeDataDir();
  await using gates = await createGatekeeperSimulator({ clock: { speed: 0.001 } });
  await using hub = await startHubProcess({ ...(await plainHub(folder.path)), EVENTGRAPH_BUDGET_PARTNER: '60/1h' });
  const registered = await call(`${hub.url}/api/platform/events/register`, { key: hub.adminKey, body: registration(gates.endpoint('tech-conference-2024'), gates.apiKey) });
  expect([registered.status, registered.body.code]).toEqual([201, undefined]);
  const { apiKey: key } = (await call(`${hub.url}/api/platform/api-keys/create`, { key: hub.adminKey, body: crm })).body;

  const attendance = `${hub.url}/api/v1/events/tech-conference-2024/attendance`;
  const first = await call(attendance, { key });
  expect([first.status, first.body.metrics.totalRegistered]).toEqual([200, 500]);
  expect(first.headers.get('ratelimit-policy')).toBe('"partner";q=60;w=3600');
  expect(await call(attendance, { key, headers: { 'if-none-match': first.headers.get('etag') ?? '' } })).toMatchObject({ status: 304, body: null });

  // A partner sends persisted operations only; what is served over REST is one.
  expect((await ask(hub.url, key, '{ events { totalCount } }')).errors?.[0]?.extensions.code).toBe('PERSISTED_OPERATIONS_ONLY');
  expect((await call(attendance, { headers: { 'x-api-key': 'IPK_unknown' } })).status).toBe(401);
  expect((await call(`${hub.url}/api/v1/events/another/attendance`, { key })).status).toBe(403);
  expect((await call(`${hub.url}/api/v1/events/another/attendance`, { key: hub.adminKey })).status).toBe(404);

  let told = await call(attendance, { key });
  for (let asked = 0; told.status === 200 && asked < 60; asked++) told = await call(attendance, { key });
  expect([told.status, told.body.code, Number(told.headers.get('retry-after')) > 0, told.headers.get('ratelimit')]).toEqual([429, 'RATE_LIMITED', true, expect.stringContaining('"partner";r=')]);
});

test('a request that was answered, or under way, when the hub was killed is not carried out again', async () => {
  await using folder = await makeDataDir();
  const environment = await plainHub(folder.path);
  const hanging = createServer();
  hanging.listen(0, '127.0.0.1');
  await once(hanging, 'listening');
  const endpoint = `http://127.0.0.1:${(hanging.address() as AddressInfo).port}`;
  const again = { headers: { 'idempotency-key': 'first' } };
  const underWay = { headers: { 'idempotency-key': 'second' }, body: registration(endpoint, 'key') };

  const killed = await startHubProcess(environment);
  const { adminKey: key } = killed;
  const created = await call(`${killed.url}/api/platform/api-keys/create`, { key, body: crm, ...again });
  const reached = once(hanging, 'request');
  const lost = call(`${killed.url}/api/platform/events/register`, { key, ...underWay }).catch(() => 'lost');
  await reached;
  await killed.stop('SIGKILL');
  expect(await lost).toBe('lost');

  await using hub = await startHubProcess(environment);
  const repeated = await call(`${hub.url}/api/platform/api-keys/create`, { key, body: crm, ...again });
  expect([repeated.status, repeated.headers.get('idempotency-replayed'), repeated.body.apiKey]).toEqual([201, 'true', created.body.apiKey]);
  let calls = 0;
  hanging.on('request', () => calls++);
  expect(await call(`${hub.url}/api/platform/events/register`, { key, ...underWay })).toMatchObject({ status: 409 });
  expect(calls).toBe(0);
  const { data } = await ask<{ apiKeys: { totalCount: number }; eventServices: { totalCount: number } }>(hub.url, key, '{ apiKeys { totalCount } eventServices { totalCount } }');
  expect(data).toEqual({ apiKeys: { totalCount: 2 }, eventServices: { totalCount: 0 } });
  hanging.closeAllConnections();
  hanging.close();
});

/** An empty page of an origin of its own. */
const servePage = async (stack: AsyncDisposableStack): Promise<string> => {
  const server = createServer((_, response) => void response.setHeader('content-type', 'text/html').end('<!doctype html><title>App</title>')).listen(0, '127.0.0.1');
  stack.defer(() => (server.closeAllConnections(), void server.close()));
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** Runs in the page: what its script can do with a hub, each as what came of it. */
const useHub = async ({ url, key }: { url: string; key: string }): Promise<Record<string, unknown>> => {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'apollographql-client-name': 'app' };
  const body = (query: string) => JSON.stringify({ query });
  const said = (what: Promise<unknown>) => what.catch((error: unknown) => String(error).split(':')[0]);
  const socket = () => new Promise((resolve) => {
    const opened = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    opened.onopen = () => opened.send('{"type":"connection_init"}');
    opened.onerror = () => resolve('error');
    opened.onmessage = ({ data }) => resolve(JSON.parse(String(data)).type);
  });
  return {
    rest: await said(fetch(`${url}/api/v1/events?first=1`, { headers: { authorization: headers.authorization } }).then(async (response) => [await response.json(), response.headers.get('link'), response.headers.get('x-request-id') !== null])),
    graphql: await said(fetch(`${url}/graphql`, { method: 'POST', headers, body: body('{ events { totalCount } }') }).then((response) => response.json())),
    publicly: await said(fetch(`${url}/graphql?query={__typename}`).then((response) => response.json())),
    stream: await said(fetch(`${url}/graphql`, { method: 'POST', headers: { ...headers, accept: 'text/event-stream' }, body: body('{ __typename }') }).then((response) => response.text())),
    refused: await said(fetch(`${url}/graphql`, { method: 'POST', headers: { ...headers, authorization: 'Bearer IPK_x' }, body: body('{ __typename }') }).then((response) => response.status)),
    socket: await socket(),
  };
};

describe('in a browser', () => {
  const stack = new AsyncDisposableStack();
  let hub: HubProcess;
  let browser: Browser;
  let app: string;
  beforeAll(async () => {
    const folder = stack.use(await makeDataDir());
    app = await servePage(stack);
    hub = stack.use(await startHubProcess({ ...(await plainHub(folder.path)), EVENTGRAPH_CORS_ORIGINS: app }));
    browser = await launchChromium();
    stack.defer(() => browser.close());
  });
  afterAll(() => stack.disposeAsync());

  test('a page of an origin that is allowed uses every door, and one of another origin none', async () => {
    const usedBy = async (origin: string) => {
      const page = await browser.newPage();
      await page.goto(origin);
      return page.evaluate(useHub, { url: hub.url, key: hub.adminKey });
    };
    const typename = { data: { __typename: 'Query' } };
    expect(await usedBy(app)).toEqual({ rest: [{ events: [], totalCount: 0 }, expect.stringContaining('rel="first"'), true], graphql: { data: { events: { totalCount: 0 } } }, publicly: typename, stream: expect.stringContaining('event: next'), refused: 401, socket: 'connection_ack' });
    const nothing = { rest: 'TypeError', graphql: 'TypeError', publicly: 'TypeError', stream: 'TypeError', refused: 'TypeError', socket: 'error' };
    expect(await usedBy(await servePage(stack))).toEqual(nothing);
  });

  test('the page to try it sends requests, and asks nobody but the hub', async () => {
    const page = await browser.newPage({ viewport: { width: 1200, height: 1400 } });
    const elsewhere: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => void (request.url().startsWith(hub.url) || request.url().startsWith('data:') || elsewhere.push(request.url())));
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
    page.on('pageerror', (error) => void complaints.push(error.message));
    await page.goto(`${hub.url}/api/docs`);
    await page.locator('#operations-public-EventList_public .opblock-summary-control').click();
    await page.getByRole('button', { name: 'Execute' }).click();
    const body = await page.locator('.live-responses-table .microlight').first().textContent();
    expect(JSON.parse(body ?? '')).toEqual({ events: [], totalCount: 0 });
    if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT });
    expect([elsewhere, complaints]).toEqual([[], []]);
  });
});
