/**
 * A service reached otherwise than before: other credentials, another address, other settings. What is new is tried
 * first, as at registration; only then is it stored, in one transaction, and what was on its way under the old
 * configuration is not (apply.ts). Calls that were begun with the old credentials end as they end.
 *
 * At another address the upstream gets a secret of its own, as two upstreams must not be able to speak for each other.
 * That secret is good before the upstream is told it. If storing fails after that, the old one is exchanged again; if
 * the process dies, a job that was promised before rotates: whoever was told what, all is known again.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Connector, Credentials } from '#core/connector.ts';
import type { EntityManager } from '#core/database.ts';
import { InputError } from '#core/errors.ts';
import type { Asker, ServiceUpdate } from '#core/ingest-port.ts';
import { enqueue, withdrawJobs } from '#core/jobs.ts';
import { openSettings, sealSettings, secretsForOtherHosts } from '#core/secret-settings.ts';
import { type Secrets, randomToken } from '#core/secrets.ts';
import { type Reachable, Service } from '#core/services.ts';
import { type Done, changeService, noSuchService, pullAtOnce } from './change.ts';
import { compileDataSchema } from '#core/data-schema.ts';
import { mayClaim, refuseNamedEvents, refuseWiderAccess } from './event-access.ts';
import type { Ingest } from './ingest.ts';
import { askResync } from './resync.ts';
import { overlapMs, reachOf, replacing, retireTask, rotateTask } from './rotate.ts';
import { checkSettings, defaultLimits, pushUrlToTell, step, tryOut } from './steps.ts';
import { withdrawFrom } from './withdraw.ts';

/** What follows for the row. `moved`: the upstream is at another address. `anew`: what was read may read otherwise now, so all is read again. */
type Plan = { readonly reach: Reachable; readonly columns: Partial<Service>; readonly changed: readonly string[]; readonly moved: boolean; readonly anew: boolean };

export const updateService = async (ingest: Ingest, serviceId: string, update: ServiceUpdate, asker: Asker): Promise<Done> => {
  const { by } = asker;
  const before = await ingest.hub.database.em().findOne(Service, { id: serviceId });
  const connector = before && ingest.connectors.get(before.product);
  if (!before || before.state === 'REMOVED' || !connector) throw noSuchService();
  const plan = await planUpdate(ingest, connector, before, update, asker);
  // Its own connections: a circuit that is open for what was there before says nothing about what is tried.
  await using calls = ingest.callsApart();
  const context = ingest.pressingContextFor(plan.reach, AbortSignal.timeout(defaultLimits.totalMs), calls);
  const validate = await step('SAMPLE', 'input.syncSettings.dataSchema', () => dataSchemaOf(before, update));
  if (isTried(update)) await tryOut(connector, { context, pressing: context }, validate, defaultLimits.healthMs);
  // Where a person tells the address, nobody was told anything before it is stored.
  const isTold = connector.exchangeKeys !== undefined && (plan.moved || plan.anew) && !connector.needsPushUrl?.(context.service.settings);
  if (isTold) await promiseRestoring(ingest, serviceId, plan, by);
  try {
    if (isTold) await step('KEY_EXCHANGE', 'input.endpoints.api', () => connector.exchangeKeys?.(context));
    await store(ingest, before, plan, by);
  } catch (error) {
    if (isTold) await restoreKeys(ingest, connector, serviceId, plan);
    throw error;
  }
  if (!plan.moved) return { ok: true };
  await withdrawFrom(ingest, reachOf(before), undefined, calls);
  return { ok: true, ...pushUrlToTell(connector, context) };
};

const newestSecret = (service: Service): Reachable => ({ ...reachOf(service), pushSecret: service.nextPushSecret ?? service.pushSecret });

const isTried = ({ endpoints, credentials, settings, dataSchema }: ServiceUpdate): boolean => Boolean(endpoints ?? credentials ?? settings ?? dataSchema);

const dataSchemaOf = (before: Service, { dataSchema = before.dataSchema ?? null }: ServiceUpdate) => (dataSchema ? compileDataSchema(dataSchema) : null);

const planUpdate = async (ingest: Ingest, connector: Connector<unknown>, before: Service, update: ServiceUpdate, asker: Asker): Promise<Plan> => {
  const eventAccess = update.eventAccess === undefined ? (before.eventAccess ?? null) : update.eventAccess;
  refuseWiderAccess(asker, update, eventAccess);
  const { secrets } = ingest.hub;
  const known = openSettings(before.settings, connector.secretSettings, secrets) as Readonly<Record<string, unknown>>;
  const settings = Object.fromEntries(Object.entries({ ...known, ...update.settings }).filter(([, value]) => value !== null));
  const [needed] = secretsForOtherHosts(known, update.settings, settings, connector.secretSettings);
  if (needed) throw new InputError('CREDENTIALS_NEEDED', `input.settings.${needed}`, 'At another host the secrets are to be given anew.');
  if (update.settings) await step('SETTINGS', 'input.settings', () => checkSettings(connector, settings));
  refuseNamedEvents(eventAccess, update.settings ?? {});
  const apiUrl = update.endpoints?.api ?? before.apiUrl;
  const moved = apiUrl !== before.apiUrl;
  const healthUrl = healthUrlOf(before, apiUrl, update.endpoints?.healthCheck);
  if (!update.credentials) refuseOtherHosts(before, [apiUrl, healthUrl], secrets);
  const columns: Partial<Service> = {
    ...(update.serviceName !== undefined && { name: update.serviceName }),
    ...(update.endpoints && { apiUrl, webhookUrl: update.endpoints.webhook === undefined ? before.webhookUrl : update.endpoints.webhook, healthUrl }),
    ...(update.credentials && { credentials: secrets.encrypt(JSON.stringify(update.credentials)) }),
    ...(update.settings && { settings: sealSettings(settings, connector.secretSettings, secrets) }),
    ...(update.dataSchema !== undefined && { dataSchema: update.dataSchema as Record<string, unknown> | null }),
    ...(update.eventAccess !== undefined && { eventAccess: eventAccess && [...eventAccess] }),
    ...(update.syncInterval !== undefined && { syncInterval: update.syncInterval }),
    ...(update.retries !== undefined && { retries: update.retries }),
    ...(moved && { pushSecret: secrets.encrypt(randomToken(32)) }),
  };
  const anew = update.settings !== undefined && !isDeepStrictEqual(connector.settings.safeParse(known).data, connector.settings.safeParse(settings).data);
  // While a new secret is being exchanged it is that one which the upstream is to keep.
  return { reach: { ...newestSecret(before), ...columns }, columns, changed: Object.keys(columns).filter((name) => name !== 'pushSecret'), moved, anew };
};

/** Credentials are never shown: whoever does not know them cannot have them sent to a host of his own either. */
const refuseOtherHosts = ({ apiUrl, healthUrl, credentials }: Service, urls: readonly string[], secrets: Pick<Secrets, 'decrypt'>): void => {
  const known = new Set([apiUrl, healthUrl].map(originOf));
  if (urls.every((url) => known.has(originOf(url)))) return;
  const { type, webhookSecret } = JSON.parse(secrets.decrypt(credentials)) as Credentials;
  if (type === 'none' && webhookSecret === undefined) return;
  throw new InputError('CREDENTIALS_NEEDED', 'input.authentication', 'At another host the credentials are to be given anew.');
};
const originOf = (url: string): string => new URL(url).origin;

/** One that follows from the address moves with it, unless it is given. */
const healthUrlOf = ({ apiUrl: before, healthUrl }: Service, apiUrl: string, given: string | null | undefined): string =>
  given ?? (given === null || healthUrl === `${before}/health` ? `${apiUrl}/health` : healthUrl);

/** From here on the upstream may be told what is not stored. */
const promiseRestoring = (ingest: Ingest, serviceId: string, { moved, reach }: Plan, by: string | null): Promise<Done> =>
  changeService(ingest, serviceId, async (em, service) => {
    if (moved) service.previousPushSecrets = replacing(service, ingest.hub.now(), [reach.pushSecret]);
    await enqueue(em, rotateTask, { serviceId, by, isNew: true }, { key: restoreKey(serviceId), runAt: new Date(Date.now() + 2 * defaultLimits.totalMs) });
    return [];
  });

const restoreKey = (serviceId: string): string => `restore:${serviceId}`;

/** Nothing is to be restored any more. */
const keepPromise = async (em: EntityManager, service: Service, { moved, reach }: Plan): Promise<void> => {
  if (moved) service.previousPushSecrets = service.previousPushSecrets.filter(({ sealed }) => sealed !== reach.pushSecret);
  await withdrawJobs(em, { keys: [restoreKey(service.id)] });
};

const store = (ingest: Ingest, before: Service, plan: Plan, by: string | null): Promise<Done> =>
  changeService(ingest, before.id, async (em, service) => {
    if (service.revision !== before.revision || service.pushSecret !== before.pushSecret || service.nextPushSecret !== before.nextPushSecret) throw new InputError('SERVICE_CHANGED', 'input.serviceId', 'Somebody else changed the service meanwhile. Look at it and try again.');
    const { columns, changed, moved, anew } = plan;
    // Of what was refused for two events under one upstream id, the newest alone was kept.
    if (isWider(columns.eventAccess, service.eventAccess)) await askResync(em, service.id);
    await keepPromise(em, service, plan);
    if (moved) {
      service.previousPushSecrets = replacing(service, ingest.hub.now(), [service.pushSecret, ...(service.nextPushSecret ? [service.nextPushSecret] : [])]);
      service.nextPushSecret = null;
      await enqueue(em, retireTask, { serviceId: service.id }, { key: `retire:${service.id}`, runAt: new Date(Date.now() + overlapMs + 1000) });
    }
    Object.assign(service, columns);
    service.revision += 1;
    if (moved || anew) service.cursor = null;
    // What kept calls from the old address says nothing about the new one.
    if (moved) service.circuit = 'CLOSED';
    if (service.state === 'ACTIVE') await pullAtOnce(em, service);
    return [{ type: 'service.updated', eventId: null, occurredAt: ingest.hub.now(), payload: { name: service.name, product: service.product, by, changed: [...changed] } }];
  });

const isWider = (access: Service['eventAccess'], before: Service['eventAccess']): boolean =>
  access !== undefined && before != null && (access === null || !access.every((id) => mayClaim(before, id)));

/** The configuration stays as it was: so must what the upstream was told. */
const restoreKeys = async (ingest: Ingest, connector: Connector<unknown>, serviceId: string, plan: Plan): Promise<void> => {
  try {
    const service = await ingest.hub.database.em().findOne(Service, { id: serviceId });
    if (!service || service.state === 'REMOVED') return;
    await connector.exchangeKeys?.(ingest.pressingContextFor(newestSecret(service), AbortSignal.timeout(defaultLimits.healthMs)));
    await changeService(ingest, serviceId, async (em, current) => keepPromise(em, current, plan).then(() => []));
  } catch (error) {
    ingest.hub.logger.warn({ err: error, serviceId }, 'the secret for pushes could not be exchanged again after a change that failed: a job will rotate it');
  }
};
