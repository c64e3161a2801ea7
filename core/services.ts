/**
 * Registered instances of upstream products. Ingestion runs them, the `events` subgraph shows them; both read them
 * here. Credentials and the push secret are encrypted in the row and decrypted only for a call.
 */
import { defineEntity, p } from '@mikro-orm/core';
import type { Credentials, ServiceConnection } from './connector.ts';
import type { ServiceHealth } from './domain-events.ts';
import { type Secrets, pushToken } from './secrets.ts';

/** Why the last contact or sync failed; written for the operator, without secrets. */
export type ServiceError = { readonly code: string; readonly message: string; readonly at: string; readonly source: 'pull' | 'health' };

/** `CLOSED` lets calls through, `OPEN` refuses them, `HALF_OPEN` tries one. */
export type CircuitState = 'CLOSED' | 'OPEN' | 'HALF_OPEN';

/** Calls that count at the moment, of those that the budget allows; `resetsAt` (ISO 8601) is when none of them counts any more. */
export type BudgetReport = { readonly limit: number; readonly used: number; readonly resetsAt: string | null };

/** `PAUSED` is not called until it is resumed. `REMOVED` is never called again; its events are kept as they were last known. */
export type ServiceState = 'ACTIVE' | 'PAUSED' | 'REMOVED';

/** Encrypted, and until when (ISO 8601) a push may be signed with it. */
export type PreviousPushSecret = { readonly sealed: string; readonly until: string };

const ServiceSchema = defineEntity({
  name: 'Service',
  schema: 'hub',
  tableName: 'services',
  properties: {
    id: p.string().primary(),
    product: p.string(),
    name: p.string(),
    apiUrl: p.string(),
    webhookUrl: p.string().nullable(),
    healthUrl: p.string(),
    /** Encrypted JSON of `Credentials`. */
    credentials: p.string(),
    /** Encrypted. What the upstream was told when keys were exchanged. */
    pushSecret: p.string(),
    /** Encrypted. Being exchanged: whether the upstream has it already is not known, so both are good. */
    nextPushSecret: p.string().nullable(),
    /** Those before: the upstream may have pushes on the way. */
    previousPushSecrets: p.json<PreviousPushSecret[]>().default([]),
    /** As registered; what the connector calls secret is sealed (secret-settings.ts). */
    settings: p.json<unknown>(),
    dataSchema: p.json<Record<string, unknown> | null>().nullable(),
    /** Hub-wide ids of events that it may claim: the event list of the key that registered it, unless changed; null for any. */
    eventAccess: p.array().$type<string[]>().nullable(),
    /** Seconds. */
    syncInterval: p.integer(),
    retries: p.integer(),
    state: p.string().$type<ServiceState>(),
    /** Grows with every change of how the service is reached; what was read or pushed under another is not stored. */
    revision: p.integer().default(0),
    health: p.string().$type<ServiceHealth>(),
    /** Failed contacts in a row. */
    failures: p.integer(),
    lastError: p.json<ServiceError | null>().nullable(),
    lastContactAt: p.datetime().nullable(),
    /** The last pull: when it began; when it ended, null while it runs. */
    syncStartedAt: p.datetime().nullable(),
    syncFinishedAt: p.datetime().nullable(),
    /** Why it ended early; null when it came to its end or still runs. */
    syncError: p.json<ServiceError | null>().nullable(),
    syncFacts: p.integer().nullable(),
    syncRejected: p.integer().nullable(),
    cursor: p.json<unknown>().nullable(),
    circuit: p.string().$type<CircuitState>().default('CLOSED'),
    /** When the circuit came to be so; null when it never changed. */
    circuitSince: p.datetime().nullable(),
    /** As of the last contact; null where the product has no budget. */
    budget: p.json<BudgetReport | null>().nullable(),
    /** How far the service's clock is ahead of the hub's, in milliseconds, as of the last contact; null where it does not tell. */
    clockSkewMs: p.integer().nullable(),
    /** A reading of everything that is asked for, or is on its way. */
    resync: p.string().$type<'ASKED' | 'RUNNING'>().nullable(),
    resyncSince: p.datetime().nullable(),
    nextSyncAt: p.datetime(),
    nextHealthAt: p.datetime(),
    createdAt: p.datetime(),
    createdBy: p.string().nullable(),
  },
});

export class Service extends ServiceSchema.class {}
ServiceSchema.setClass(Service);

export const coreEntities = [ServiceSchema];

/** As much of a service as its connector needs. */
export type Reachable = Pick<Service, 'id' | 'product' | 'name' | 'apiUrl' | 'healthUrl' | 'credentials' | 'pushSecret' | 'nextPushSecret' | 'previousPushSecrets' | 'settings' | 'dataSchema' | 'retries' | 'circuit'>;

/** The row as connectors see it. `pushUrl` is the hub's own door for this service, to which its token is added here. */
export const connectionOf = <Settings>(service: Reachable, settings: Settings, { secrets, pushUrl, now }: { readonly secrets: Secrets; readonly pushUrl: string; readonly now: Date }): ServiceConnection<Settings> => {
  const pushSecret = secrets.decrypt(service.pushSecret);
  const others = [service.nextPushSecret, ...service.previousPushSecrets.filter(({ until }) => new Date(until) > now).map(({ sealed }) => sealed)];
  return {
    serviceId: service.id,
    serviceName: service.name,
    endpoints: { api: service.apiUrl, webhook: `${pushUrl}?token=${pushToken(pushSecret)}`, healthCheck: service.healthUrl },
    credentials: JSON.parse(secrets.decrypt(service.credentials)) as Credentials,
    settings,
    pushSecret,
    dataSchema: service.dataSchema ?? null,
    pushSecrets: [pushSecret, ...others.flatMap((sealed) => (sealed ? [secrets.decrypt(sealed)] : []))],
  };
};
