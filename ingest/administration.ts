/** What is done to registered services. */
import { InputError } from '#core/errors.ts';
import type { AdministrationResult, ServiceAdministration } from '#core/ingest-port.ts';
import { withdrawJobs } from '#core/jobs.ts';
import { type Done, changeService, pullAtOnce } from './change.ts';
import type { Ingest } from './ingest.ts';
import { pullSpec } from './pull-jobs.ts';
import { removeService } from './remove.ts';
import { askResync } from './resync.ts';
import { rotatePushSecret } from './rotate.ts';
import { StepFailed, failureOf } from './steps.ts';
import { updateService } from './update.ts';

export const createAdministration = (ingest: Ingest): ServiceAdministration => ({
  requestSync: (serviceId, { full, by }) => answering(ingest, () => requestSync(ingest, serviceId, full, by)),
  pause: (serviceId, by) => answering(ingest, () => pause(ingest, serviceId, by)),
  resume: (serviceId, by) => answering(ingest, () => resume(ingest, serviceId, by)),
  update: (serviceId, update, asker) => answering(ingest, () => updateService(ingest, serviceId, update, asker)),
  rotatePushSecret: (serviceId, asker) => answering(ingest, () => rotatePushSecret(ingest, serviceId, asker)),
  remove: (serviceId, request) => answering(ingest, () => removeService(ingest, serviceId, request)),
});

type Failure = Exclude<AdministrationResult, { readonly ok: true }>;
const answering = async <D extends Done>(ingest: Ingest, work: () => Promise<D>): Promise<D | Failure> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StepFailed) return failureOf(ingest, error);
    if (error instanceof InputError) return { ok: false, step: null, code: error.code, message: error.message, field: error.field };
    throw error;
  }
};

const requestSync = (ingest: Ingest, serviceId: string, full: boolean, by: string | null): Promise<Done> =>
  changeService(ingest, serviceId, async (em, service) => {
    if (service.state === 'PAUSED') throw new InputError('SERVICE_PAUSED', 'input.serviceId', 'The service is paused. Resume it first.');
    if (full) await askResync(em, serviceId);
    await pullAtOnce(em, service);
    return [{ type: 'service.sync_requested', eventId: null, occurredAt: ingest.hub.now(), payload: { name: service.name, by, full } }];
  });

const pause = (ingest: Ingest, serviceId: string, by: string | null): Promise<Done> =>
  changeService(ingest, serviceId, async (em, service) => {
    if (service.state === 'PAUSED') return [];
    service.state = 'PAUSED';
    // A pull on its way ends with the call that it is at.
    service.revision += 1;
    await withdrawJobs(em, { queue: pullSpec(serviceId).queue, keys: [`pull:${serviceId}`, `health:${serviceId}`] });
    return [{ type: 'service.paused', eventId: null, occurredAt: ingest.hub.now(), payload: { name: service.name, by } }];
  });

const resume = (ingest: Ingest, serviceId: string, by: string | null): Promise<Done> =>
  changeService(ingest, serviceId, async (em, service) => {
    if (service.state === 'ACTIVE') return [];
    service.state = 'ACTIVE';
    service.revision += 1;
    service.nextHealthAt = ingest.hub.now();
    await pullAtOnce(em, service);
    return [{ type: 'service.resumed', eventId: null, occurredAt: ingest.hub.now(), payload: { name: service.name, by } }];
  });
