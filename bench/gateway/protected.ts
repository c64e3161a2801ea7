/** Program: our gateway with every protection on, for clients with a JWT of an issuer that it asks for its keys. */
import { readFileSync } from 'node:fs';
import { createLogger } from '#core/logging.ts';
import { createBudgets } from '#gateway/budgets/budgets.ts';
import { createMemoryLedger } from '#gateway/budgets/ledger.ts';
import { createAdmission } from '#gateway/doors/admission.ts';
import { createHttpServer } from '#gateway/doors/http.ts';
import { createJwtIdentify } from '#gateway/identity/jwt.ts';
import { readJwtIssuers } from '#gateway/identity/jwt-issuers.ts';
import { startIssuer } from '#gateway/identity/test-issuer.ts';
import { createGateway } from '#gateway/index.ts';
import { createMetrics } from '#gateway/observe/metrics.ts';
import { createRemoteDataSource } from '#gateway/sources/remote-data-source.ts';
import { ready, settings } from './processes.ts';
import { profiling } from './profiling.ts';
import { guarded } from './schemas.ts';

export type ProtectedSettings = { readonly supergraphFile: string };

const { supergraphFile } = settings() as ProtectedSettings;
const issuer = await startIssuer();
const jwt = createJwtIdentify({ issuers: readJwtIssuers(JSON.stringify([{ issuer: issuer.issuer, audience: 'eventgraph', documents: 'any' }])), logger: createLogger('warn') });
const token = await issuer.sign({ scope: 'read_events read_attendance', exp: Math.floor(Date.now() / 1000) + 3600 });
const gateway = createGateway({
  supergraph: guarded(readFileSync(supergraphFile, 'utf8')),
  dataSources: (_, url) => createRemoteDataSource({ url, signViewer: () => 'signed', shareFetches: false }),
  shareAnswers: false,
});
// Large enough never to be used up, small enough to be counted.
const budget = { units: 1e12, seconds: 60 };
const budgets = createBudgets({ gateway, ledger: createMemoryLedger(), tiers: { public: budget, partner: budget, premium: budget, internal: budget }, maxCost: 1e9 });
const { app } = await createHttpServer({ gateway, identify: async (credential) => jwt.identify(credential ?? ''), admission: createAdmission({ gateway, budgets }), logger: createLogger('warn') });
const metrics = createMetrics({ gateway });
// As Prometheus asks.
setInterval(() => void metrics.text(), 5_000).unref();
const origin = await app.listen({ host: '127.0.0.1', port: 0 });
ready(`${origin}/graphql`, { ...profiling, token: () => token });
