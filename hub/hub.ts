/** Starts a process of the hub: all roles by default, or one. */
import { createServer } from 'node:net';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fastify } from 'fastify';
import type { Config } from '#core/config.ts';
import { openDataFolder, writePrivateFile } from '#core/data-folder.ts';
import { freePort } from '#core/embedded-postgres.ts';
import { drainWithin } from '#core/drain.ts';
import { ConfigError } from '#core/errors.ts';
import type { Logger } from '#core/logging.ts';
import { buildSubgraph } from '#core/subgraph.ts';
import { serveSubgraph } from '#core/subgraph-server.ts';
import { registeredTracer } from '#core/tracing.ts';
import { startIngestWorker } from '#ingest/worker.ts';
import { createIdentify } from '#subgraphs/access/identify.ts';
import { issueAdminKey } from '#subgraphs/access/store.ts';
import { type Demo, startDemo } from './demo.ts';
import { type Foundation, adminKeyFile, openFoundation } from './foundation.ts';
import { portProblem, startGateway } from './gateway-role.ts';
import { listSubgraphs, loadSubgraphs } from './subgraphs.ts';

export type Role = { readonly kind: 'all' } | { readonly kind: 'gateway' } | { readonly kind: 'worker' } | { readonly kind: 'subgraph'; readonly name: string };

export type HubProcess = AsyncDisposable & { readonly url: string; readonly dataDir: string | null; readonly adminKey: string | null; readonly demo: Demo | null; readonly foundation: Foundation };

export type HubOptions = {
  readonly config: Config;
  readonly role: Role;
  readonly logger: Logger;
  /** Folder of the built explorer; null serves none. */
  readonly explorer: string | null;
  readonly supergraphFile?: string;
  readonly now?: () => Date;
};

export const startHub = async (options: HubOptions): Promise<HubProcess> => {
  await using stack = new AsyncDisposableStack();
  const started = options.role.kind === 'all' ? await startWhole(options, stack) : await startRole(options, options.role, stack);
  const running = stack.move();
  return { ...started, [Symbol.asyncDispose]: () => running.disposeAsync() };
};

type Started = Omit<HubProcess, typeof Symbol.asyncDispose>;

const startWhole = async (options: HubOptions, stack: AsyncDisposableStack): Promise<Started> => {
  const { config } = options;
  const port = await choosePort(config);
  const folder = stack.use(await openDataFolder(config.dataDir));
  const url = urlOf(config, port);
  const withDemo = config.demo ?? config.databaseUrl === undefined;
  const foundation = await openFoundation({ ...options, dataDir: folder.path, publicUrl: url, allowPrivateUpstreams: config.allowPrivateUpstreams ?? withDemo, subgraphs: await loadSubgraphs() }, stack);
  const adminKey = await ensureAdminKey(foundation, folder.path);
  stack.use(await startGateway({ ...options, foundation, port, subgraphs: 'local' }));
  const demo = withDemo ? stack.use(await startDemo({ foundation, config, dataDir: folder.path, url: urlOf({ host: config.host, publicUrl: undefined }, port), adminKey })) : null;
  // Last to start and first to stop: it must not take the end of the demo for upstreams that went down.
  stack.use(await startIngestWorker({ ingest: foundation.ingest, hub: foundation.hub }));
  return { url, dataDir: folder.path, adminKey, demo, foundation };
};

const startRole = async (options: HubOptions, role: Exclude<Role, { kind: 'all' }>, stack: AsyncDisposableStack): Promise<Started> => {
  const { config } = options;
  if (!config.redisUrl) throw new ConfigError('A role of its own needs REDIS_URL, the same for every role.', { variable: 'REDIS_URL' });
  const listed = role.kind === 'subgraph' ? listSubgraphs().find(({ name }) => name === role.name) : undefined;
  if (role.kind === 'subgraph' && !listed) throw new ConfigError(`There is no subgraph ${role.name}. There are: ${listSubgraphs().map(({ name }) => name).join(', ')}.`);
  const port = listed ? Number(new URL(listed.routingUrl).port || 80) : await choosePort(config);
  const publicUrl = config.publicUrl ?? urlOf(config, port);
  const foundation = await openFoundation({ ...options, dataDir: null, publicUrl, allowPrivateUpstreams: config.allowPrivateUpstreams ?? false, subgraphs: await loadSubgraphs() }, stack);
  if (role.kind === 'gateway') stack.use(await startGateway({ ...options, foundation, port, subgraphs: 'remote' }));
  else if (role.kind === 'worker') {
    stack.use(await startIngestWorker({ ingest: foundation.ingest, hub: foundation.hub }));
    stack.use(await serveHealth(foundation, config, port));
  } else {
    const definition = foundation.subgraphs.find(({ name }) => name === role.name);
    if (!definition) throw new ConfigError(`There is no subgraph ${role.name}.`);
    const { hub } = foundation;
    stack.use(await serveSubgraph({ subgraph: buildSubgraph(definition, hub), secrets: hub.secrets, logger: hub.logger, host: config.host, port, ready: hub.database.ping, tracer: registeredTracer() }).catch(portProblem(port)));
  }
  return { url: urlOf(config, port), dataDir: null, adminKey: null, demo: null, foundation };
};

const urlOf = (config: Pick<Config, 'host' | 'publicUrl'>, port: number): string => config.publicUrl ?? `http://${config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host}:${port}`;

/** A taken port is told before anything is started. */
const choosePort = async (config: Config): Promise<number> => {
  if (config.port === 0) return freePort();
  const probe = createServer();
  try {
    probe.listen(config.port, config.host);
    await once(probe, 'listening');
  } catch (error) {
    portProblem(config.port)(error);
  }
  probe.close();
  await once(probe, 'close');
  return config.port;
};

/** The operator's key: the one in the folder while it holds, or a new one, whose only copy is in the folder. */
const ensureAdminKey = async ({ hub }: Foundation, dataDir: string): Promise<string> => {
  const file = adminKeyFile(dataDir);
  const kept = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (await createIdentify(hub)(kept)) return kept;
  const { apiKey } = await issueAdminKey(hub.database.em(), hub);
  await writePrivateFile(file, `${apiKey}\n`);
  return apiKey;
};

/** A worker has no other door. */
const serveHealth = async ({ hub }: Foundation, config: Config, port: number): Promise<AsyncDisposable> => {
  const app = fastify({ logger: false });
  drainWithin(app);
  app.get('/health/live', async () => ({ status: 'ok' }));
  app.get('/health/ready', async (_request, reply) => hub.database.ping().then(() => ({ status: 'ok' }), () => reply.code(503).send({ status: 'unavailable' })));
  await app.listen({ host: config.host, port }).catch(portProblem(port));
  return { [Symbol.asyncDispose]: () => app.close() };
};
