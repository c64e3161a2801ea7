/** A simulated pretix and a connector beside it, for tests. */
import type { Batch, ConnectorContext } from '#core/connector.ts';
import { type Fact, factsOf } from '#core/facts.ts';
import { createUpstreamHttp } from '#core/upstream-http.ts';
import { createApi } from '#scripts/pretix/api.ts';
import { createManualClock } from '#simulators/gatekeeper/clock.ts';
import { createPretixSimulator } from '#simulators/pretix/index.ts';
import { contractPlan } from '#simulators/pretix/plans.ts';
import { createVisitor } from '#simulators/pretix/visitor.ts';
import { type PretixSettings, settings } from './connector-settings.ts';
import { connector } from './connector.ts';

/** Longer than the overlap of two pulls: what is older is not read again. */
export const longAgo = 20_000;
export const begin = Date.UTC(2024, 5, 1, 9);

/** A pretix, somebody who buys and scans there, and what ingestion would hand to the connector. */
export const start = async (wanted: object = {}, { timeoutMs = 10_000, apiKey = undefined as string | undefined, requestsPerMinute = null as number | null, plan = contractPlan } = {}) => {
  const clock = createManualClock(begin);
  const pretix = await createPretixSimulator({ plan, clock, requestsPerMinute, webhookRetryMs: [] });
  const parsed = settings.parse({ organizer: 'acme', ...wanted });
  const http = createUpstreamHttp({ allowPrivateAddresses: true, timeoutMs, retries: 0, budget: () => connector.budget?.(parsed) ?? null });
  const context: ConnectorContext<PretixSettings> = {
    service: { serviceId: 's1', serviceName: 'pretix', endpoints: { api: pretix.url, webhook: null, healthCheck: pretix.url }, credentials: { type: 'api_key', apiKey: apiKey ?? pretix.token }, settings: parsed, pushSecret: 'x', pushSecrets: ['x'] },
    http, httpFor: () => http, hashParticipant: (raw) => `hash of ${raw}`, now: () => new Date(clock.now()), signal: new AbortController().signal,
  };
  let cursor: unknown = null;
  const pull = async (from = cursor) => {
    cursor = from;
    const batches: Batch[] = [];
    const before = pretix.requests.length;
    for await (const batch of connector.pull(context, cursor)) {
      batches.push(batch);
      cursor = JSON.parse(JSON.stringify(batch.cursor));
    }
    return { facts: batches.flatMap(({ facts }) => facts), rejected: batches.flatMap(({ rejected }) => rejected), complete: batches.at(-1)?.complete, calls: pretix.requests.slice(before) };
  };
  const api = createApi(pretix);
  return { clock, pretix, api, visitor: await createVisitor(api), context, pull, [Symbol.asyncDispose]: async () => void (await Promise.all([http.close(), pretix[Symbol.asyncDispose]()])) };
};

export const record = (facts: readonly Fact[], type: string) => factsOf(facts, 'record').filter((each) => each.type === type);
