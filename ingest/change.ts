/** Changes of a service's row: each one transaction with its domain event, from which the audit log is written. */
import { LockMode } from '@mikro-orm/core';
import type { EntityManager } from '#core/database.ts';
import type { NewDomainEvent } from '#core/domain-events.ts';
import { InputError } from '#core/errors.ts';
import { enqueue, withdrawJobs } from '#core/jobs.ts';
import { Service } from '#core/services.ts';
import { announce, lockService, recordEvents } from './apply.ts';
import type { Ingest } from './ingest.ts';
import { pullSpec, pullTask } from './pull-jobs.ts';

const done = { ok: true } as const;
export type Done = typeof done & { readonly pushUrl?: string | null };

export const noSuchService = (): InputError => new InputError('SERVICE_UNKNOWN', 'input.serviceId', 'There is no such service.');

export type Change = (em: EntityManager, service: Service) => Promise<readonly NewDomainEvent[]>;

/**
 * Changes a service's row, and what hangs on it, in one transaction that holds off its batches; answers when no cached
 * answer is older. Throws SERVICE_UNKNOWN, also for one that is removed.
 */
export const changeService = async (ingest: Ingest, serviceId: string, change: Change): Promise<Done> => {
  const events = await ingest.hub.database.em().transactional(async (em) => {
    await lockService(em, serviceId);
    const service = await em.findOne(Service, { id: serviceId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (!service || service.state === 'REMOVED') throw noSuchService();
    return recordEvents(ingest, em, serviceId, await change(em, service));
  });
  await announce(ingest, events);
  return done;
};

/** Takes back all that waits to be done for the service. */
export const withdrawWork = (em: EntityManager, serviceId: string): Promise<void> =>
  withdrawJobs(em, { queue: pullSpec(serviceId).queue, keys: ['pull', 'health', 'rotate', 'restore', 'retire'].map((what) => `${what}:${serviceId}`) });

export const pullAtOnce = (em: EntityManager, { id }: Service): Promise<void> => enqueue(em, pullTask, { serviceId: id }, pullSpec(id));
