/**
 * Registering a service, in order: settings, health check within 10 s, a sample against `dataSchema`, initial sync
 * into memory, exchange of keys. Only when all went well, one transaction stores the service with what the sync
 * brought, so a failure at any step, or a crash, leaves nothing half registered.
 *
 * Keys are exchanged last, since from then on the upstream pushes here and nowhere else: a registration that must fail,
 * as its events are another service's, has to fail before it. If storing fails after the exchange, nothing more can be
 * done: the upstream pushes to an id that is not there until it is registered anew.
 */
import type { Batch, Connector, ConnectorContext } from '#core/connector.ts';
import { EventgraphError, UpstreamError } from '#core/errors.ts';
import { eventId } from '#core/facts.ts';
import type { Registration, RegistrationResult } from '#core/ingest-port.ts';
import { randomToken } from '#core/secrets.ts';
import { sealSettings } from '#core/secret-settings.ts';
import { Service } from '#core/services.ts';
import { query } from '#core/sql.ts';
import { announce, recordEvents, writeBatch } from './apply.ts';
import { compileDataSchema } from '#core/data-schema.ts';
import { mayClaim, refuseNamedEvents } from './event-access.ts';
import type { Ingest } from './ingest.ts';
import { type StepLimits, StepFailed, checkSettings, defaultLimits, failureOf, pushUrlToTell, step, tryOut } from './steps.ts';

/** The initial sync takes in so many facts (and as much as JSON) and so long at the most; the rest comes with the scheduled pulls, at once. */
const initialFacts = 20_000;
const initialCharacters = 16_000_000;
const initialSyncMs = 20_000;

export const register = async (ingest: Ingest, registration: Registration, limits: StepLimits = defaultLimits): Promise<RegistrationResult> => {
  try {
    return { ok: true, ...(await runSteps(ingest, registration, limits)) };
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    return failureOf(ingest, error);
  }
};

type Registered = Omit<Extract<RegistrationResult, { ok: true }>, 'ok'>;

const runSteps = async (ingest: Ingest, registration: Registration, limits: StepLimits): Promise<Registered> => {
  const connector = ingest.connectors.get(registration.product) as Connector<unknown>;
  await step('SETTINGS', 'input.settings', () => checkSettings(connector, registration.settings));
  refuseNamedEvents(registration.eventAccess, registration.settings);
  const validate = await step('SAMPLE', 'input.syncSettings.dataSchema', () => registration.dataSchema && compileDataSchema(registration.dataSchema));
  const service = newService(ingest, registration);
  try {
    const signal = AbortSignal.timeout(limits.totalMs);
    const [context, pressing] = [ingest.contextFor(service, signal), ingest.pressingContextFor(service, signal)];
    await tryOut(connector, { context, pressing }, validate, limits.healthMs);
    const first = await step('INITIAL_SYNC', 'input.endpoints.api', async () => {
      const synced = await firstBatches(connector, context);
      refuseTakenEvents(registration, synced.batches, await takenOf(ingest, synced.batches));
      return synced;
    });
    await step('KEY_EXCHANGE', 'input.endpoints.api', () => connector.exchangeKeys?.(pressing));
    await step('INITIAL_SYNC', 'input.endpoints.api', () => store(ingest, service, registration, first));
    return { serviceId: service.id, pushUrl: null, ...pushUrlToTell(connector, pressing) };
  } catch (error) {
    await ingest.forget(service.id);
    throw error;
  }
};

/** As it would be stored. */
export const newService = (ingest: Ingest, registration: Registration): Service => {
  const { secrets, now } = ingest.hub;
  const api = registration.endpoints.api;
  return ingest.hub.database.em().create(
    Service,
    {
      id: `svc_${randomToken(12)}`,
      product: registration.product,
      name: registration.serviceName,
      apiUrl: api,
      webhookUrl: registration.endpoints.webhook,
      healthUrl: registration.endpoints.healthCheck ?? `${api}/health`,
      credentials: secrets.encrypt(JSON.stringify(registration.credentials)),
      pushSecret: secrets.encrypt(randomToken(32)),
      settings: sealSettings(registration.settings, ingest.connectors.get(registration.product)?.secretSettings, secrets),
      dataSchema: registration.dataSchema,
      eventAccess: registration.eventAccess && [...registration.eventAccess],
      syncInterval: registration.syncInterval,
      retries: registration.retries,
      lastError: null,
      syncStartedAt: null,
      syncFinishedAt: null,
      syncFacts: null,
      syncRejected: null,
      cursor: null,
      state: 'ACTIVE',
      health: 'HEALTHY',
      failures: 0,
      lastContactAt: now(),
      nextSyncAt: new Date(now().getTime() + registration.syncInterval * 1000),
      nextHealthAt: now(),
      createdAt: now(),
      createdBy: registration.by,
    },
    { persist: false },
  );
};

const firstBatches = async (connector: Connector<unknown>, context: ConnectorContext): Promise<{ batches: Batch[]; complete: boolean }> => {
  const batches: Batch[] = [];
  const until = performance.now() + initialSyncMs;
  let [facts, characters] = [0, 0];
  try {
    for await (const batch of connector.pull(context, null)) {
      batches.push(batch);
      facts += batch.facts.length;
      characters += JSON.stringify([batch.facts, batch.rejected]).length;
      if (facts >= initialFacts || characters >= initialCharacters || performance.now() > until) return { batches, complete: false };
    }
  } catch (error) {
    if (batches.length === 0 || !(error instanceof UpstreamError) || error.reason !== 'budget_spent') throw error;
    return { batches, complete: false };
  }
  return { batches, complete: true };
};

const store = async (ingest: Ingest, service: Service, registration: Registration, { batches, complete }: { batches: readonly Batch[]; complete: boolean }): Promise<void> => {
  const { database, now } = ingest.hub;
  const started = now();
  const { events, facts } = await database.em().transactional(async (em) => {
    em.persist(service);
    await em.flush();
    const applied = [];
    for (const batch of batches) applied.push(await writeBatch(ingest, em, { serviceId: service.id, facts: batch.facts, rejected: batch.rejected, cursor: batch.cursor, isPulled: true }));
    // Somebody else may have named them since.
    refuseTakenEvents(registration, batches, applied.flatMap((each) => each.rejected.flatMap(({ reason }) => /^EVENT_NOT_OWNED: the event (\S+) /.exec(reason)?.[1] ?? [])));
    service.syncStartedAt = started;
    service.syncFinishedAt = now();
    service.syncFacts = applied.reduce((sum, each) => sum + each.facts, 0);
    service.syncRejected = applied.reduce((sum, each) => sum + each.rejected.length, 0);
    if (!complete) service.nextSyncAt = now();
    const registered = await recordEvents(ingest, em, service.id, [{ type: 'service.registered', eventId: null, occurredAt: now(), payload: { name: service.name, product: service.product, by: registration.by } }]);
    return { events: [...applied.flatMap((each) => each.events), ...registered], facts: applied.flatMap(({ fresh }) => fresh) };
  });
  await announce(ingest, events, facts);
};

const namedBy = (batches: readonly Batch[]): string[] => [...new Set(batches.flatMap(({ facts }) => facts.flatMap((fact) => (fact.kind === 'event' ? [fact.eventId] : []))))];

/** Those of the events named that belong to another service. */
export const takenOf = async (ingest: Ingest, batches: readonly Batch[]): Promise<string[]> => {
  // Ids are not checked yet; what is no text that PostgreSQL can hold belongs to nobody.
  const named = namedBy(batches).filter((id) => eventId.safeParse(id).success);
  const rows = await query<{ id: string }>(ingest.hub.database.em(), 'select event_id as id from hub.event_ids where event_id = any($1::text[])', [named]);
  return rows.map(({ id }) => id);
};

/** A service none of whose events may be its own is a mistake of the caller's, not a service. */
export const refuseTakenEvents = ({ eventAccess }: Pick<Registration, 'eventAccess'>, batches: readonly Batch[], taken: readonly string[]): void => {
  const named = namedBy(batches);
  if (named.length === 0) return;
  const allowed = named.filter((id) => mayClaim(eventAccess, id));
  // Of others it is not even said whether somebody has them.
  if (allowed.length === 0) throw new StepFailed('INITIAL_SYNC', 'input.endpoints.api', new EventgraphError('EVENT_NOT_ALLOWED', `The service tells of ${named[0]}, and of no event that the key allows: let a key that allows it register the service.`));
  const others = new Set(taken);
  if (allowed.every((id) => others.has(id))) throw new StepFailed('INITIAL_SYNC', 'input.eventId', new EventgraphError('EVENT_ID_TAKEN', `The event ${allowed[0]} belongs to a service that is registered already: change that one, or remove it with its data.`));
};
