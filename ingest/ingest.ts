/**
 * Ingestion: upstream facts in. `createIngest` gives a process what it needs to register services and to take pushes;
 * `startIngestWorker` besides runs schedules, pulls and handlers.
 */
import { type IPolicy, bulkhead } from 'cockatiel';
import { type CallLedger, createMemoryCallLedger } from '#core/call-ledger.ts';
import { type Connector, type ConnectorContext } from '#core/connector.ts';
import { EventgraphError } from '#core/errors.ts';
import { enqueue } from '#core/jobs.ts';
import type { IngestPort } from '#core/ingest-port.ts';
import { openSettings } from '#core/secret-settings.ts';
import { type Reachable, Service, connectionOf } from '#core/services.ts';
import { query } from '#core/sql.ts';
import type { AnySubgraph, Hub } from '#core/subgraph.ts';
import { pressing } from '#core/upstream-http.ts';
import { createAdministration } from './administration.ts';
import { announce, applyBatch, recordEvents } from './apply.ts';
import { pullSpec, pullTask } from './pull-jobs.ts';
import { askResync } from './resync.ts';
import { retryRejected } from './retry-rejected.ts';
import { preview } from './preview.ts';
import { register } from './register.ts';
import { type Measured, type ServiceCalls, createServiceCalls } from './service-calls.ts';

export type Ingest = AsyncDisposable &
  IngestPort & {
    readonly hub: Omit<Hub, 'ingest'>;
    readonly subgraphs: readonly AnySubgraph[];
    readonly connectors: ReadonlyMap<string, Connector<unknown>>;
    /** Lets some batches be written at once, and the others wait. */
    readonly writes: IPolicy;
    /** What a connector needs to call this service. Throws when the product or its settings are not known any more. `over`: other ways to call it than those that are kept. */
    contextFor(service: Reachable, signal: AbortSignal, over?: ServiceCalls): ConnectorContext;
    /** The same for the few calls that cannot wait for the service's budget: its health, its pushes, keys. */
    pressingContextFor(service: Reachable, signal: AbortSignal, over?: ServiceCalls): ConnectorContext;
    /** Ways to call services that share the budgets with those that are kept, and nothing else. */
    callsApart(): ServiceCalls;
    /** What this process measured of its calls to a service. */
    measured(serviceId: string): Promise<Measured>;
    /** Asks for a pull because the service hinted at news: soon, and however many hint, at most one a second: pushed news is live within that. */
    syncSoon(serviceId: string): Promise<void>;
    /** Ends the connections to a service that is not to be called again. */
    forget(serviceId: string): Promise<void>;
  };

export type IngestOptions = {
  readonly hub: Omit<Hub, 'ingest'>;
  /** In the order in which they write a batch. */
  readonly subgraphs: readonly AnySubgraph[];
  readonly allowPrivateUpstreams: boolean;
  /** Where calls to upstreams are counted; in this process alone unless given. */
  readonly ledger?: CallLedger;
};

/** Between the beginnings of pulls that hints cause. A pull that failed counts from its end. */
const betweenHintsMs = 1_000;

/** Half of the database's connections: those who ask for what is known do not wait for those who write. */
const writesAtOnce = 10;

export const createIngest = (options: IngestOptions): Ingest => {
  const connectors = new Map(options.subgraphs.flatMap(({ connector }) => (connector ? [[connector.product, connector as unknown as Connector<unknown>]] : [])));
  const wayOut = { hub: options.hub, ledger: options.ledger ?? createMemoryCallLedger(), allowPrivateAddresses: options.allowPrivateUpstreams };
  const calls = createServiceCalls(wayOut);
  const ingest: Ingest = {
    hub: options.hub,
    subgraphs: options.subgraphs,
    writes: bulkhead(writesAtOnce, Infinity),
    connectors,
    products: [...connectors.keys()],
    contextFor(service, signal, over = calls) {
      const connector = connectors.get(service.product);
      const settings = connector?.settings.safeParse(openSettings(service.settings, connector.secretSettings, options.hub.secrets));
      if (!settings?.success) throw new EventgraphError('SERVICE_MISCONFIGURED', `The settings of the service ${service.id} do not fit the product ${service.product}.`, { serviceId: service.id });
      const { secrets, now } = options.hub;
      const { http, httpFor } = over.of(service, connector?.budget?.(settings.data) ?? null);
      const connection = connectionOf(service, settings.data, { secrets, pushUrl: `${options.hub.publicUrl}/ingest/${service.id}`, now: now() });
      return { service: connection, http, httpFor, hashParticipant: (raw) => secrets.hashParticipant(service.id, raw), now, signal };
    },
    pressingContextFor(service, signal, over) {
      const context = ingest.contextFor(service, signal, over);
      return { ...context, http: pressing(context.http), httpFor: (name) => pressing(context.httpFor(name)) };
    },
    callsApart: () => createServiceCalls({ ...wayOut, isApart: true }),
    measured: calls.measured,
    forget: calls.forget,
    async connect(serviceId, signal) {
      const service = await options.hub.database.em().findOne(Service, { id: serviceId });
      if (!service || service.state === 'REMOVED') throw new EventgraphError('SERVICE_UNKNOWN', 'There is no such service any more.', { serviceId });
      if (service.state === 'PAUSED') throw new EventgraphError('SERVICE_PAUSED', 'The service is paused: it is not called until it is resumed.', { serviceId });
      return ingest.contextFor(service, signal);
    },
    async takeIn(serviceId, facts) {
      await applyBatch(ingest, { serviceId, facts, rejected: [] });
    },
    register: (registration) => register(ingest, registration),
    preview: (registration) => preview(ingest, registration),
    record: (em, happened, serviceId = null) => recordEvents(ingest, em, serviceId, happened),
    announce: (events) => announce(ingest, events),
    get administration() {
      return administration;
    },
    async syncNow(serviceId, { full = false } = {}) {
      await options.hub.database.em().transactional(async (em) => {
        if (full) await askResync(em, serviceId);
        await enqueue(em, pullTask, { serviceId }, pullSpec(serviceId));
      });
    },
    retryRejected: (serviceId, ids, by) => retryRejected(ingest, serviceId, ids, by),
    async syncSoon(serviceId) {
      const em = options.hub.database.em();
      const [last] = await query<{ at: Date | null }>(em, `select greatest(sync_started_at, (last_error ->> 'at')::timestamptz) as at from hub.services where id = $1`, [serviceId]);
      const runAt = new Date(Math.max(Date.now(), last?.at ? new Date(last.at).getTime() + betweenHintsMs : 0));
      await enqueue(em, pullTask, { serviceId }, { ...pullSpec(serviceId), runAt });
    },
    async [Symbol.asyncDispose]() {
      await calls.close();
    },
  };
  const administration = createAdministration(ingest);
  return ingest;
};
