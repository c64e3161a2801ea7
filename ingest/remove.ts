/**
 * Removing a service. With its data: every row of it and of its events goes in one transaction, and its event ids are
 * free again. Without: its events and their history stay readable as they were last known, and keep their ids;
 * credentials and secrets are wiped, and nobody calls it any more. Later it can be removed with its data. While a subgraph
 * has something under way with it, it is removed by force alone.
 */
import { LockMode } from '@mikro-orm/core';
import type { Connector } from '#core/connector.ts';
import type { EntityManager } from '#core/database.ts';
import type { DomainEvent, NewDomainEvent } from '#core/domain-events.ts';
import { InputError } from '#core/errors.ts';
import { tags } from '#core/invalidation.ts';
import { randomToken } from '#core/secrets.ts';
import { Service } from '#core/services.ts';
import { query } from '#core/sql.ts';
import { noSuchService, withdrawWork } from './change.ts';
import { announce, lockService, recordEvents } from './apply.ts';
import type { Ingest } from './ingest.ts';
import { reachOf } from './rotate.ts';
import { defaultLimits } from './steps.ts';
import { withdrawFrom } from './withdraw.ts';

type Request = { readonly withData: boolean; readonly force?: boolean; readonly by: string | null };
type Removed = { readonly ok: true; readonly keysWithdrawn: boolean | null };

export const removeService = async (ingest: Ingest, serviceId: string, request: Request): Promise<Removed> => {
  const service = await ingest.hub.database.em().findOne(Service, { id: serviceId });
  if (!service || (service.state === 'REMOVED' && !request.withData)) throw noSuchService();
  // Before anybody is told: a refusal changes nothing.
  if (!request.force) await assertRemovable(ingest, ingest.hub.database.em(), serviceId);
  // While there are credentials to do it with. Should the hub end here, the service is as it was, and told of news by its pulls.
  const keysWithdrawn = service.state === 'REMOVED' ? null : await withdrawAll(ingest, service);
  const events = await ingest.hub.database.em().transactional((em) => removeWithin(ingest, em, serviceId, request)).catch(async (error: unknown) => {
    if (keysWithdrawn !== null) await restoreKeys(ingest, serviceId);
    throw error;
  });
  await ingest.forget(serviceId);
  await ingest.hub.answers.invalidate(ingest.subgraphs.map(({ name }) => tags.subgraph(name)));
  await announce(ingest, events);
  return { ok: true, keysWithdrawn };
};

/** Whatever the upstream was told with any secret that is still good. */
const withdrawAll = async (ingest: Ingest, service: Service): Promise<boolean | null> => {
  const sealed = [service.pushSecret, ...(service.nextPushSecret ? [service.nextPushSecret] : []), ...service.previousPushSecrets.map((each) => each.sealed)];
  const outcomes: (boolean | null)[] = [];
  for (const pushSecret of sealed) outcomes.push(await withdrawFrom(ingest, { ...reachOf(service), pushSecret }));
  return outcomes.includes(false) ? false : (outcomes[0] ?? null);
};

/** The service stays after all: it is told of news as before. */
const restoreKeys = async (ingest: Ingest, serviceId: string): Promise<void> => {
  try {
    const service = await ingest.hub.database.em().findOne(Service, { id: serviceId });
    if (!service || service.state === 'REMOVED') return;
    const connector = ingest.connectors.get(service.product) as Connector<unknown> | undefined;
    // While a new secret is being exchanged it is that one which the upstream is to keep.
    await connector?.exchangeKeys?.(ingest.pressingContextFor({ ...reachOf(service), pushSecret: service.nextPushSecret ?? service.pushSecret }, AbortSignal.timeout(defaultLimits.healthMs)));
  } catch (error) {
    ingest.hub.logger.warn({ err: error, serviceId }, 'the secret for pushes could not be exchanged again after a removal that was refused: until it is rotated, news come by pulls alone');
  }
};

const removeWithin = async (ingest: Ingest, em: EntityManager, serviceId: string, request: Request): Promise<DomainEvent[]> => {
  await lockService(em, serviceId);
  const service = await em.findOne(Service, { id: serviceId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (!service || (service.state === 'REMOVED' && !request.withData)) throw noSuchService();
  const { name, product } = service;
  // Again, now that nothing new can begin: what a forced removal gives up is for whoever forces it to see to.
  const objection = await assertRemovable(ingest, em, serviceId).then(() => null, asObjection);
  if (objection && !request.force) throw objection;
  if (objection) ingest.hub.logger.warn({ serviceId, by: request.by, code: objection.code, facts: objection.facts }, 'a service is removed by force');
  const rows = await query<{ id: string }>(em, 'select event_id as id from hub.event_ids where service_id = $1 order by event_id', [serviceId]);
  const eventIds = rows.map(({ id }) => id);
  await withdrawWork(em, serviceId);
  if (request.withData) await deleteData(ingest, em, service, eventIds);
  else await keepData(ingest, em, service, eventIds);
  const occurredAt = ingest.hub.now();
  const removed: NewDomainEvent[] = eventIds.map((eventId) => ({ type: 'event.removed', eventId, occurredAt, payload: { withData: request.withData } }));
  return recordEvents(ingest, em, serviceId, [...removed, { type: 'service.removed', eventId: null, occurredAt, payload: { name, product, by: request.by, withData: request.withData, forced: objection !== null } }]);
};

const assertRemovable = async (ingest: Ingest, em: EntityManager, serviceId: string): Promise<void> => {
  for (const subgraph of ingest.subgraphs) await subgraph.assertRemovable?.(em, serviceId);
};

const asObjection = (error: unknown): InputError => {
  if (error instanceof InputError) return error;
  throw error;
};

/** What the audit log is written from stays in the event log, for as long as that is kept. */
const audited = ['service.registered', 'service.updated', 'service.paused', 'service.resumed', 'service.removed', 'service.sync_requested', 'service.push_secret_rotated', 'service.retry_requested', 'programme.event_added'];

const deleteData = async (ingest: Ingest, em: EntityManager, service: Service, eventIds: readonly string[]): Promise<void> => {
  for (const subgraph of ingest.subgraphs) await subgraph.forgetEvents?.(em, eventIds, service.id);
  for (const table of ['known_facts', 'sync_minutes']) await query(em, `delete from hub.${table} where service_id = $1`, [service.id]);
  await query(em, 'delete from hub.domain_events where (service_id = $1 or event_id = any($2::text[])) and type <> all($3::text[])', [service.id, eventIds, audited]);
  // Its event ids and what could not be understood of it go with it.
  await em.remove(service).flush();
};

const keepData = async (ingest: Ingest, em: EntityManager, service: Service, eventIds: readonly string[]): Promise<void> => {
  const { secrets } = ingest.hub;
  Object.assign(service, {
    state: 'REMOVED',
    health: 'DOWN',
    revision: service.revision + 1,
    credentials: secrets.encrypt(JSON.stringify({ type: 'none' })),
    pushSecret: secrets.encrypt(randomToken(32)),
    nextPushSecret: null,
    previousPushSecrets: [],
    // They may hold secrets of their own.
    settings: {},
    cursor: null,
  } satisfies Partial<Service>);
  // Records that were not understood are encrypted and for nobody any more.
  await query(em, 'delete from hub.rejected_facts where service_id = $1', [service.id]);
  for (const subgraph of ingest.subgraphs) await subgraph.retireEvents?.(em, eventIds);
};
