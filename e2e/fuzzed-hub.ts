/** A hub to be fuzzed: generous limits, an issuer of JWTs, one event; and what is claimed of every answer of it. */
import { type IncomingHttpHeaders, Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { expect, vi } from 'vitest';
import { readConfig } from '#core/config.ts';
import { cloneDatabase, silentLogger } from '#core/testing.ts';
import { type TestIssuer, startIssuer } from '#gateway/identity/test-issuer.ts';
import { startHub } from '../hub/hub.ts';
import { ask, makeDataDir, registerGates } from './hub-process.ts';
import { type PushingUpstream, startPushingUpstream } from './pushing-upstream.ts';

export type FuzzedHub = AsyncDisposable & {
  readonly url: string;
  readonly port: number;
  readonly adminKey: string;
  readonly issuer: TestIssuer;
  readonly upstream: PushingUpstream;
  /** One request, over a connection that is kept. */
  send(request: Sent): Promise<Received>;
  /** A key that an admin made. */
  key(input: Readonly<Record<string, unknown>>): Promise<string>;
  /** The hub is ready, and an ordinary query is answered right. */
  isWell(): Promise<void>;
};

export type Sent = { readonly method?: string; readonly path: string; readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Buffer };
export type Received = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string };

const secret = 'a secret that no answer may tell, as it is secret';
const generous = { EVENTGRAPH_BUDGET_PUBLIC: 'unlimited', EVENTGRAPH_BUDGET_PARTNER: 'unlimited', EVENTGRAPH_BUDGET_PREMIUM: 'unlimited', EVENTGRAPH_MAX_SOCKETS: '100000', EVENTGRAPH_MAX_SUBSCRIPTIONS: '100000' };

/** `settings` are variables of the environment. */
export const startFuzzedHub = async (settings: Readonly<Record<string, string>> = {}): Promise<FuzzedHub> => {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await cloneDatabase());
  const folder = stack.use(await makeDataDir());
  const issuer = stack.use(await startIssuer());
  const upstream = stack.use(await startPushingUpstream());
  const issuers = JSON.stringify([{ issuer: issuer.issuer, audience: 'eventgraph', documents: 'any' }]);
  const config = readConfig({ PORT: '0', DATABASE_URL: database.url, EVENTGRAPH_DATA_DIR: folder.path, EVENTGRAPH_DEMO: 'false', EVENTGRAPH_ALLOW_PRIVATE_UPSTREAMS: 'true', EVENTGRAPH_SECRET: secret, EVENTGRAPH_JWT_ISSUERS: issuers, EVENTGRAPH_METRICS_PUBLIC: 'true', ...generous, ...settings });
  const hub = stack.use(await startHub({ config, role: { kind: 'all' }, logger: silentLogger, explorer: null }));
  const adminKey = hub.adminKey ?? '';
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  stack.defer(() => agent.destroy());
  expect((await registerGates({ url: hub.url, adminKey }, upstream, 'fair', 86_400)).userErrors).toEqual([]);
  const send = (sent: Sent) => receive(hub.url, agent, sent);
  const running = stack.move();
  return {
    url: hub.url,
    port: Number(new URL(hub.url).port),
    adminKey,
    issuer,
    upstream,
    send,
    async key(input) {
      const made = await ask<{ createApiKey: { apiKey: string } }>(hub.url, adminKey, 'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey userErrors { code } } }', { input });
      return made.data.createApiKey.apiKey;
    },
    async isWell() {
      expect((await send({ path: '/health/ready' })).status).toBe(200);
      expect(await ask(hub.url, adminKey, '{ event(id: "fair") { name } }')).toEqual({ data: { event: { name: 'fair' } } });
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
};

const receive = (url: string, agent: Agent, { method = 'GET', path, headers = {}, body }: Sent): Promise<Received> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const request = httpRequest({ hostname, port, agent, method, path, headers: { ...length, ...headers } }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(parts).toString('utf8') }));
      response.once('error', reject);
    });
    request.once('error', reject);
    request.end(body);
  });

/** What comes back for these bytes, until the server closes the connection. */
export const sendBytes = (port: number, bytes: Buffer | string): Promise<string> =>
  new Promise((resolve) => {
    const parts: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    socket.on('data', (part: Buffer) => parts.push(part));
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(Buffer.concat(parts).toString('latin1')));
  });

/** Stacks, files, SQL, what drivers and libraries say of themselves. */
const insides = /\n\s+at |node_modules|node:internal|\/(core|gateway|subgraphs|hub|ingest)\/[\w/-]+\.ts|file:\/\/|\bECONN|SQLSTATE|\binvalid byte sequence|\bselect .+ from |\binsert into |DriverException|TypeError|RangeError|ReferenceError|FST_ERR|HPE_/i;
const codePattern = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/;
/** Our own faults, whatever was sent. */
const faults = new Set(['INTERNAL_SERVER_ERROR', 'QUERY_PLANNING_FAILED']);

const checkCode = (code: unknown, text: string): void => {
  expect(code, text).toMatch(codePattern);
  expect(faults.has(String(code)), text).toBe(false);
};

export const checkTold = (text: string): void => {
  expect(text).not.toMatch(insides);
  expect(text).not.toContain(secret);
};

type Result = { readonly error?: { readonly code?: unknown }; readonly data?: unknown; readonly errors?: readonly Coded[] };
type Coded = { readonly extensions?: { readonly code?: unknown } };

/** An answer of GraphQL, or a batch of them: data, or errors with codes; never ours. */
export const checkResult = (text: string): void => {
  checkTold(text);
  for (const result of [JSON.parse(text) as Result].flat()) {
    // As pushes are answered.
    if (result.error) return checkCode(result.error.code, text);
    expect(result.data !== undefined || (result.errors?.length ?? 0) > 0, text).toBe(true);
    for (const { extensions } of result.errors ?? []) checkCode(extensions?.code, text);
  }
};

/** Any answer over HTTP: no fault of ours, JSON, and a code where something was refused. */
export const checkAnswer = ({ status, headers, text }: Received): void => {
  expect(status < 500 || (status === 503 && headers['retry-after'] !== undefined), `${status} ${text}`).toBe(true);
  checkTold(text);
  if (status === 304 || text === '') return;
  const type = String(headers['content-type']).split(';')[0];
  if (type === 'text/event-stream') return [...text.matchAll(/^data: (.+)$/gm)].forEach(([, result = '']) => checkResult(result));
  expect(['application/json', 'application/graphql-response+json', 'application/problem+json'], text).toContain(type);
  if (type === 'application/problem+json') return checkCode((JSON.parse(text) as { code?: unknown }).code, text);
  if (status >= 400) return checkResult(text);
  JSON.parse(text);
};

const manyTimes = Number(process.env['PROPERTY_RUNS'] ?? 1);
/** How often a property is tried; `PROPERTY_RUNS` multiplies. */
export const runs = (count: number): { numRuns: number } => ({ numRuns: Math.ceil(count * manyTimes) });

vi.setConfig({ testTimeout: 240_000 * Math.max(1, manyTimes) });
