/** The public door: the gateway over local or remote subgraphs, pushes, and the explorer. */
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import fastifyStatic from '@fastify/static';
import type { Config } from '#core/config.ts';
import { ConfigError, UnauthenticatedError } from '#core/errors.ts';
import { buildSubgraph } from '#core/subgraph.ts';
import { registeredTracer } from '#core/tracing.ts';
import { type Viewer, dependsOn, publicViewer } from '#core/viewer.ts';
import { createAdmission } from '#gateway/doors/admission.ts';
import type { Identify } from '#gateway/doors/credentials.ts';
import { createClosing } from '#gateway/documents/closing.ts';
import type { DataSource } from '#gateway/sources/data-source.ts';
import { createHttpServer } from '#gateway/doors/http.ts';
import { type JwtIdentify, createJwtIdentify, isJwt } from '#gateway/identity/jwt.ts';
import { readJwtIssuers } from '#gateway/identity/jwt-issuers.ts';
import { type Gateway, createGateway } from '#gateway/index.ts';
import { createLocalDataSource } from '#gateway/sources/local-data-source.ts';
import { GatewayCounts } from '#gateway/observe/counts.ts';
import { metricsRoute } from '#gateway/observe/metrics-route.ts';
import { createMetrics } from '#gateway/observe/metrics.ts';
import { createRemoteDataSource } from '#gateway/sources/remote-data-source.ts';
import { pushRoutes } from '#ingest/push.ts';
import { oauthRoutes } from '#subgraphs/access/oauth/server.ts';
import { openDocuments } from './documents.ts';
import { openBudgets } from './budgets.ts';
import type { Foundation } from './foundation.ts';
import { startRequestRecords } from './request-records.ts';
import { followInvalidations } from './follow-invalidations.ts';
import { addRest } from './rest.ts';
import { listSubgraphs, supergraphFile } from './subgraphs.ts';

export type GatewayRoleOptions = {
  readonly foundation: Foundation;
  readonly config: Config;
  readonly port: number;
  /** `local`: subgraphs run in this process; `remote`: each behind its routing URL. */
  readonly subgraphs: 'local' | 'remote';
  /** Folder of the built explorer; null serves none. */
  readonly explorer: string | null;
  readonly supergraphFile?: string;
};

export type GatewayRole = AsyncDisposable & { readonly gateway: Gateway };

export const startGateway = async (options: GatewayRoleOptions): Promise<GatewayRole> => {
  const { foundation, config } = options;
  const { hub } = foundation;
  await using stack = new AsyncDisposableStack();
  const file = options.supergraphFile ?? supergraphFile;
  const report = (error: unknown, requestId: string) => hub.logger.error({ err: error, requestId }, 'request failed');
  const counts = new GatewayCounts();
  const tracer = registeredTracer();
  const closing = createClosing(config);
  const gateway = createGateway({ supergraph: readFileSync(file, 'utf8'), dataSources: dataSourcesOf(options, report, counts), explain: closing.explain, report, counts, tracer, denied: config.denied, allowsPolicy, limits: config.limits.document, listSize: config.limits.listSize, ...(config.cacheMegabytes === null ? {} : { cache: hub.answers }) });
  stack.defer(() => gateway.dispose());
  const { documents, reportBroken } = stack.use(openDocuments(foundation, config, gateway, closing));
  stack.use(startRequestRecords(hub, counts));
  if (config.redisUrl && config.cacheMegabytes !== null) stack.use(followInvalidations(foundation));
  await reportBroken();
  stack.defer(reloadOnChange(file, gateway, options, reportBroken));
  const jwt = config.jwtIssuers === undefined ? null : stack.use(createJwtIdentify({ issuers: readJwtIssuers(config.jwtIssuers), logger: hub.logger }));
  const identify = identifyWith(foundation, jwt);
  const budgets = await openBudgets(gateway, config, hub.logger, stack);
  const admission = createAdmission({ gateway, documents, budgets });
  const { app, endViewers, connections } = await createHttpServer({ gateway, identify, admission, logger: hub.logger, readiness: { database: hub.database.ping }, maxRequests: config.maxRequests, limits: config.limits.doors, origins: config.corsOrigins, publicUrl: hub.publicUrl, tracer });
  const unsubscribe = hub.bus.subscribe('key.changed', ({ keyId }) => endViewers((viewer) => dependsOn(viewer, keyId)));
  stack.defer(unsubscribe);
  await app.register(metricsRoute({ metrics: createMetrics({ gateway, connections, invalidatedTags: () => hub.answers.counts.invalidated }), identify, isPublic: config.metricsPublic }));
  await app.register(pushRoutes(foundation.ingest));
  await app.register(oauthRoutes(hub));
  await addRest({ app, gateway, identify, budgets, foundation });
  if (options.explorer) await app.register(fastifyStatic, { root: options.explorer, prefix: '/explorer/', redirect: true });
  stack.defer(() => app.close());
  await app.listen({ host: config.host, port: options.port }).catch(portProblem(options.port));
  const running = stack.move();
  return { gateway, [Symbol.asyncDispose]: () => running.disposeAsync() };
};

export const portProblem =
  (port: number) =>
  (error: unknown): never => {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE' || code === 'EACCES') throw new ConfigError(`The port ${port} ${code === 'EACCES' ? 'may not be used by this user' : 'is taken'}. Set PORT to another one.`, { variable: 'PORT' });
    throw error;
  };

const dataSourcesOf = ({ foundation, config, subgraphs }: GatewayRoleOptions, report: (error: unknown, requestId: string) => void, counts: GatewayCounts): ((name: string, url: string) => DataSource) => {
  const { hub } = foundation;
  if (subgraphs === 'local') {
    const built = new Map(foundation.subgraphs.map((definition) => [definition.name, buildSubgraph(definition, hub)]));
    return (name) => {
      const subgraph = built.get(name);
      if (!subgraph) throw new ConfigError(`The supergraph names the subgraph ${name}, which this hub does not have. Run \`npm run compose\`.`);
      return createLocalDataSource({ schema: subgraph.schema, contextFor: subgraph.contextFor, report });
    };
  }
  const urls = new Map(listSubgraphs().map(({ name, routingUrl }) => [name, routingUrl]));
  const settings = { signViewer: hub.secrets.signViewer, timeoutMs: config.subgraphTimeoutMs, maxConcurrent: config.subgraphConcurrency, retries: config.subgraphRetries, hedgeAfterMs: config.subgraphHedgeMs };
  return (name, url) => createRemoteDataSource({ ...settings, url: urls.get(name) ?? url, observe: counts.subgraph(name).observer });
};

const identifyWith = ({ subgraphs, hub }: Foundation, jwt: JwtIdentify | null): Identify => {
  const lookUp = subgraphs.flatMap(({ identify }) => (identify ? [identify(hub)] : []))[0];
  return async (credential) => {
    if (credential === null) return publicViewer;
    if (isJwt(credential)) {
      if (!jwt) throw new UnauthenticatedError('This hub takes no JWTs: no issuer is configured.', { reason: 'issuer' });
      return jwt.identify(credential);
    }
    const viewer = await lookUp?.(credential);
    if (!viewer) throw new UnauthenticatedError('This credential is not known, has expired or was revoked.');
    return viewer;
  };
};

/** `@policy` is fulfilled by whom an issuer of JWTs says so. */
const allowsPolicy = (viewer: Viewer, policy: string): boolean => viewer.policies?.has(policy) ?? false;

/** Polled, as editors and deployments replace files in ways that watching by inode misses. */
const reloadOnChange = (file: string, gateway: Gateway, { foundation }: GatewayRoleOptions, reloaded: () => unknown): (() => void) => {
  const { logger } = foundation.hub;
  watchFile(file, { interval: 500, persistent: false }, () => {
    try {
      gateway.reload(readFileSync(file, 'utf8'));
      logger.info({ file }, 'supergraph reloaded');
      reloaded();
    } catch (error) {
      logger.error({ err: error, file }, 'the changed supergraph cannot be used; the old one stays');
    }
  });
  return () => unwatchFile(file);
};
