/** A hub in a process of its own, as a user starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '#core/embedded-postgres.ts';

const root = join(import.meta.dirname, '..');

/** What was compiled for one hub serves the next: most tests start many. Node keeps it by the text of each file. */
const compiled = join(root, 'node_modules/.cache/eventgraph-compiled');

/** What `npm start` tells Node. */
const nodeFlags = (): string[] => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } };
  return scripts.start.split(' ').filter((word) => word.startsWith('--'));
};

export type HubProcess = AsyncDisposable & {
  readonly url: string;
  readonly adminKey: string;
  readonly pid: number;
  /** Everything said so far, on both outputs. */
  said(): string;
  /** Ends the process and answers its exit code; null for a signal that it did not survive. */
  stop(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | null>;
};

export type HubEnvironment = Readonly<Record<string, string>>;

const spawnHub = (env: HubEnvironment, args: readonly string[]): { child: ChildProcess; said: () => string } => {
  const child = spawn(process.execPath, [...nodeFlags(), 'main.ts', ...args], { cwd: root, env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', NODE_COMPILE_CACHE: compiled, LOG_LEVEL: 'warn', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  return { child, said: () => said };
};

/** Runs a hub that is expected to refuse to start. */
export const runToEnd = async (env: HubEnvironment, args: readonly string[] = []): Promise<{ code: number | null; said: string }> => {
  const { child, said } = spawnHub(env, args);
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, said: said() };
};

/** Starts a hub and waits until it says that it runs. */
export const startHubProcess = async (env: HubEnvironment, args: readonly string[] = []): Promise<HubProcess> => {
  const { child, said } = spawnHub(env, args);
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', () => (said().includes('Ctrl-C stops everything') || said().includes('eventgraph: running at')) && resolve());
    child.once('exit', (code) => reject(new Error(`the hub ended with ${code}: ${said()}`)));
  });
  const gone = once(child, 'exit') as Promise<[number | null]>;
  const stop = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return (await gone)[0];
  };
  return {
    url: /(?:GraphQL and WebSocket|running at) +(http:\/\/[^/\s]+)/.exec(said())?.[1] ?? '',
    adminKey: await adminKeyIn(said()),
    pid: child.pid ?? 0,
    said,
    stop,
    async [Symbol.asyncDispose]() {
      await stop('SIGTERM');
    },
  };
};

/** The key of a demo is shown, that of any other hub is in its file. */
const adminKeyIn = async (said: string): Promise<string> => {
  const file = /Admin key +in (\S+)/.exec(said)?.[1];
  return file ? (await readFile(file, 'utf8')).trim() : (/Admin key +(IPK_\S+)/.exec(said)?.[1] ?? '');
};

export type DataDir = AsyncDisposable & { readonly path: string };

/** A data folder that the embedded PostgreSQL's own user may enter. */
export const makeDataDir = async (): Promise<DataDir> => {
  const path = await mkdtemp(join(tmpdir(), 'eventgraph-e2e-'));
  await chmod(path, 0o755);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};

/** The environment of a hub without a demo, on a free port, that may call simulators on loopback. */
export const plainHub = async (dataDir: string): Promise<HubEnvironment> => ({ PORT: String(await freePort()), EVENTGRAPH_DATA_DIR: dataDir, EVENTGRAPH_DEMO: 'false', EVENTGRAPH_ALLOW_PRIVATE_UPSTREAMS: 'true' });

export type Answer<Data> = { readonly data: Data; readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[] };

/** One GraphQL request, as a client sends it. */
export const ask = async <Data = Record<string, unknown>>(url: string, key: string | null, query: string, variables: Record<string, unknown> = {}): Promise<Answer<Data>> => {
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}) }, body: JSON.stringify({ query, variables }) });
  return (await response.json()) as Answer<Data>;
};

/** Between two questions the hub has time for what is waited for. */
const pauseMs = 25;

/** Asks until the answer is as wanted; bounded. */
export const askUntil = async <Data>(read: () => Promise<Data>, isWanted: (data: Data) => boolean, withinMs = 60_000): Promise<Data> => {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const data = await read();
    if (isWanted(data)) return data;
    if (performance.now() > deadline) throw new Error(`not so within ${withinMs} ms: ${JSON.stringify(data)}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
};

const registration = `mutation ($input: RegisterEventServiceInput!) { registerEventService(input: $input) { service { id endpoints { push } } userErrors { code field message } } }`;

type Registered = { registerEventService: { service: { id: string; endpoints: { push: string } } | null; userErrors: { code: string; field: string; message: string }[] } };

/** Registers a gate system's event with a running hub, through the public API. */
export const registerGates = async (hub: { url: string; adminKey: string }, gates: { endpoint(eventId: string): string; apiKey: string }, eventId: string, interval = 5): Promise<Registered['registerEventService']> => {
  const input = { product: 'gatekeeper', serviceName: `gates of ${eventId}`, eventId, endpoints: { api: gates.endpoint(eventId) }, authentication: { type: 'API_KEY', credentials: { apiKey: gates.apiKey } }, syncSettings: { interval } };
  const { data } = await ask<Registered>(hub.url, hub.adminKey, registration, { input });
  return data.registerEventService;
};
