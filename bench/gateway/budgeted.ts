/** Program: our gateway with budgets, for a partner, counted in this process or in Redis. */
import { readFileSync } from 'node:fs';
import { connectRedis } from '#core/bus.ts';
import { createLogger } from '#core/logging.ts';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { createBudgets } from '#gateway/budgets/budgets.ts';
import { createInsuredLedger, createMemoryLedger, createRedisLedger } from '#gateway/budgets/ledger.ts';
import { createLeasingLedger } from '#gateway/budgets/leases.ts';
import { createAdmission } from '#gateway/doors/admission.ts';
import { createHttpServer } from '#gateway/doors/http.ts';
import { createGateway } from '#gateway/index.ts';
import { createRemoteDataSource } from '#gateway/sources/remote-data-source.ts';
import { ready, settings } from './processes.ts';

/** Without `redisUrl` the process counts by itself. The window is a day. */
export type BudgetedSettings = { readonly supergraphFile: string; readonly redisUrl: string | null; readonly client: string; readonly units: number };

const { supergraphFile, redisUrl, client, units } = settings() as BudgetedSettings;
const logger = createLogger('warn');
const gateway = createGateway({ supergraph: readFileSync(supergraphFile, 'utf8'), dataSources: (_, url) => createRemoteDataSource({ url, signViewer: () => 'public', shareFetches: false }), shareAnswers: false });
const memory = createMemoryLedger();
const ledger = redisUrl === null ? memory : createInsuredLedger(createLeasingLedger(createRedisLedger(await connectRedis(redisUrl, logger, { commandTimeout: 250 }))), memory, logger);
const budget = { units, seconds: 86_400 };
const budgets = createBudgets({ gateway, ledger, tiers: { public: budget, partner: budget, premium: budget, internal: null }, maxCost: 1e12 });
const viewer: Viewer = { ...publicViewer, kind: 'key', keyId: client, terms: { client, tier: 'partner', documents: 'any' } };
const { app } = await createHttpServer({ gateway, identify: async () => viewer, admission: createAdmission({ gateway, budgets }), logger });
const origin = await app.listen({ host: '127.0.0.1', port: 0 });
ready(`${origin}/graphql`);
