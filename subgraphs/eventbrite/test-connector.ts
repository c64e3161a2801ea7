/** A simulated Eventbrite and a connector beside it, for tests. */
import type { Batch, ConnectorContext } from '#core/connector.ts';
import { type Fact, factsOf } from '#core/facts.ts';
import { createUpstreamHttp } from '#core/upstream-http.ts';
import { createManualClock } from '#simulators/gatekeeper/clock.ts';
import { type EventbriteSimulatorOptions, createEventbriteSimulator } from '#simulators/eventbrite/index.ts';
import { contractPlan } from '#simulators/eventbrite/plans.ts';
import { type EventbriteSettings, settings } from './connector-settings.ts';
import { connector } from './connector.ts';

export const begin = Date.UTC(2024, 5, 1, 9);
export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;
/** The events of the plan: one that is on, one to come, one that is over. */
export const [conference, webinar, meetup] = contractPlan(new Date(begin)).events.map(({ id }) => id) as [string, string, string];

export type StartOptions = Omit<EventbriteSimulatorOptions, 'clock' | 'port'> & { readonly timeoutMs?: number; readonly token?: string };

/** An Eventbrite, and what ingestion would hand to the connector. */
export const start = async (wanted: object = {}, { timeoutMs = 10_000, token, ...options }: StartOptions = {}) => {
  const clock = createManualClock(begin);
  const eventbrite = await createEventbriteSimulator({ plan: contractPlan, clock, callsPerHour: null, webhookRetryMs: [], ...options });
  const http = createUpstreamHttp({ allowPrivateAddresses: true, timeoutMs, retries: 0 });
  const api = `${eventbrite.url}/v3`;
  const context: ConnectorContext<EventbriteSettings> = {
    service: { serviceId: 's1', serviceName: 'Eventbrite', endpoints: { api, webhook: null, healthCheck: api }, credentials: { type: 'api_key', apiKey: token ?? eventbrite.token }, settings: settings.parse({ organizationId: eventbrite.organizationId, ...wanted }), pushSecret: 'x', pushSecrets: ['x'] },
    http, httpFor: () => http, hashParticipant: (raw) => `hash of ${raw}`, now: () => new Date(clock.now()), signal: new AbortController().signal,
  };
  let cursor: unknown = null;
  const pull = async ({ batches: most = Infinity } = {}) => {
    const batches: Batch[] = [];
    const before = eventbrite.requests.length;
    for await (const batch of connector.pull(context, cursor)) {
      batches.push(batch);
      cursor = JSON.parse(JSON.stringify(batch.cursor));
      // As killed after so many were stored.
      if (batches.length >= most) break;
    }
    return { batches, facts: batches.flatMap(({ facts }) => facts), rejected: batches.flatMap(({ rejected }) => rejected), calls: eventbrite.requests.slice(before) };
  };
  return { clock, eventbrite, world: eventbrite.world, context, pull, cursor: () => cursor, [Symbol.asyncDispose]: async () => void (await Promise.all([http.close(), eventbrite[Symbol.asyncDispose]()])) };
};

export const record = (facts: readonly Fact[], type: string) => factsOf(facts, 'record').filter((each) => each.type === type);
