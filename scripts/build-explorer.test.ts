import { readFile, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import fastifyStatic from '@fastify/static';
import fastify from 'fastify';
import { buildSchema, execute, graphql, parse, subscribe, validate } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { ensureExplorer } from './build-explorer.ts';
import { launchChromium } from './chromium.ts';

const schema = buildSchema(`
  interface Event { id: ID! name: String! status: String! attendance: Attendance }
  type GateEvent implements Event { id: ID! name: String! status: String! attendance: Attendance gates: [Gate!] }
  type Gate { id: ID! name: String! status: String! throughput: Float! }
  type PretixEvent implements Event { id: ID! name: String! status: String! attendance: Attendance quotas: [Quota!] }
  type Quota { name: String! availableNumber: Int }
  type EventbriteEvent implements Event { id: ID! name: String! status: String! attendance: Attendance ticketClasses: [TicketClass!] }
  type TicketClass { name: String! quantitySold: Int quantityTotal: Int }
  type TicketedEvent implements Event { id: ID! name: String! status: String! attendance: Attendance availability: [TicketAvailability!] }
  type TicketAvailability { category: String! available: Int! total: Int! }
  type CustomEvent implements Event { id: ID! name: String! status: String! attendance: Attendance attributes: String }
  type Attendance { totalRegistered: Int! currentAttendees: Int! attendanceRate: Float! stale: Boolean! }
  type EventEdge { node: Event! }
  type EventConnection { edges: [EventEdge!]! }
  type AttendanceChange { cursor: String! event: Event! attendance: Attendance! }
  enum EventStatus { PRE_EVENT ONGOING ENDED }
  input EventFilter { status: EventStatus }
  type Query { events(first: Int, filter: EventFilter): EventConnection! }
  type Subscription { attendanceChanged: AttendanceChange! }
`);
const attendance = (currentAttendees: number) => ({ totalRegistered: 500, currentAttendees, attendanceRate: currentAttendees / 5, stale: false });
const event = { __typename: 'GateEvent', id: 'tech-conference-2024', name: 'Tech Conference 2024', status: 'ONGOING', attendance: attendance(234), gates: [{ id: 'gate-1', name: 'Main entrance', status: 'OPEN', throughput: 12 }] };

/** A hub as small as can be, that remembers who asked; it allows the page nothing but itself. */
const createTinyHub = async () => {
  const asked: (string | undefined)[] = [];
  const app = fastify();
  app.addHook('onSend', async (_request, reply) => void reply.header('content-security-policy', "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self' ws:"));
  await app.register(fastifyStatic, { root: await ensureExplorer(), prefix: '/explorer/' });
  app.post('/graphql', async ({ body, headers }) => {
    asked.push(headers.authorization);
    const { query, operationName } = body as { query: string; operationName?: string };
    return graphql({ schema, source: query, operationName, rootValue: { events: () => ({ edges: [{ node: event }] }) } });
  });
  async function* changes() {
    for (const [index, current] of [234, 235, 236].entries()) yield { attendanceChanged: { cursor: `c${index}`, event, attendance: attendance(current) } };
    await new Promise(() => undefined);
  }
  const sockets = new WebSocketServer({ server: app.server, path: '/graphql' });
  sockets.on('connection', (_socket: unknown, { url }: IncomingMessage) => expect(url).toBe('/graphql'));
  const onSubscribe = (_context: unknown, _id: string, { query }: { query: string }) => ({ schema, document: parse(query), rootValue: { attendanceChanged: changes } });
  useServer({ execute, subscribe, onSubscribe, onConnect: ({ connectionParams }) => void asked.push(connectionParams?.authorization as string | undefined) }, sockets);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { url, asked, [Symbol.asyncDispose]: async () => void (sockets.clients.forEach((client) => client.terminate()), sockets.close(), app.server.closeAllConnections(), await app.close()) };
};

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
}, 120_000);
afterAll(() => browser.close());

/** Opens the explorer, and notes whatever it wanted from elsewhere and whatever it complained about. */
const open = async (url: string, hash = '') => {
  const page = await browser.newPage({ viewport: { width: 1400, height: 800 } });
  // Before the test's own time is up, so that a failure says what was waited for.
  page.setDefaultTimeout(90_000);
  const outside: string[] = [];
  const complaints: string[] = [];
  await page.route('**/*', (route) => {
    if (route.request().url().startsWith(url) || route.request().url().startsWith('data:') || route.request().url().startsWith('blob:')) return route.continue();
    outside.push(route.request().url());
    return route.abort();
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  await page.goto(`${url}/explorer/${hash}`);
  await ready(page, 'query Now');
  return { page, outside, complaints };
};

/** The editor shows the operation, so that it can be pressed. */
const ready = (page: Page, text: string) => page.locator('.graphiql-query-editor .view-lines').getByText(text).first().waitFor();
const answer = (page: Page) => page.locator('.result-window');

test('a query and a subscription are ready to press, and nothing comes from elsewhere', async () => {
  await using hub = await createTinyHub();
  const { page, outside, complaints } = await open(hub.url);
  await page.getByRole('button', { name: /execute query/i }).click();
  await answer(page).getByText('Tech Conference 2024').waitFor();
  if (process.env.SCREENSHOT_DIR) await page.screenshot({ path: `${process.env.SCREENSHOT_DIR}/query.png` });
  await page.getByRole('tab', { name: /Live/ }).click();
  await ready(page, 'subscription Live');
  await page.getByRole('button', { name: /execute query/i }).click();
  await answer(page).getByText('236').waitFor();
  if (process.env.SCREENSHOT_DIR) await page.screenshot({ path: `${process.env.SCREENSHOT_DIR}/subscription.png` });
  expect({ outside, complaints }).toEqual({ outside: [], complaints: [] });
  // The placeholder is no key: nobody was asked with it.
  expect(new Set(hub.asked)).toEqual(new Set([undefined]));
  await page.close();
});

test('a key in the link is sent with queries and subscriptions, and leaves the address', async () => {
  await using hub = await createTinyHub();
  const { page } = await open(hub.url, '#key=IPK_of_a_test');
  await page.getByRole('tab', { name: /Live/ }).click();
  await ready(page, 'subscription Live');
  await page.getByRole('button', { name: /execute query/i }).click();
  await answer(page).getByText('236').waitFor();
  expect(new Set(hub.asked)).toEqual(new Set(['Bearer IPK_of_a_test']));
  expect(page.url()).toBe(`${hub.url}/explorer/`);
  await page.close();
});

test('what is ready to press can be asked of the hub', async () => {
  const supergraph = buildSchema(await readFile('supergraph.graphql', 'utf8'));
  const documents = [...(await readFile('explorer/main.js', 'utf8')).matchAll(/^const \w+ = `(#[^`]+)`/gm)].map(([, document]) => parse(document ?? ''));
  expect(documents).toHaveLength(2);
  expect(documents.flatMap((document) => validate(supergraph, document))).toEqual([]);
});

test('a second build of the same does nothing', async () => {
  const built = async () => (await stat(`${await ensureExplorer()}/index.html`)).mtimeMs;
  expect(await built()).toBe(await built());
});
