/** How well a service answers, from the outcomes of its contacts. */
import { LockMode } from '@mikro-orm/core';
import { EventgraphError, UpstreamError } from '#core/errors.ts';
import type { ServiceHealth } from '#core/domain-events.ts';
import { Service, type ServiceError } from '#core/services.ts';
import { announce, recordEvents } from './apply.ts';
import type { Ingest } from './ingest.ts';

/** Failed contacts in a row that make a service DOWN; fewer make it DEGRADED. */
const failuresUntilDown = 3;

export const healthAfter = (failures: number): ServiceHealth => (failures === 0 ? 'HEALTHY' : failures < failuresUntilDown ? 'DEGRADED' : 'DOWN');

/** A pull is the whole contact; a health check only tells that something answers. */
export type Contact = { readonly source: 'pull' | 'health'; readonly error: unknown };

/** A health check that goes well does not make up for a pull that failed. */
const clears = (contact: Contact, last: ServiceError | null): boolean => contact.source === 'pull' || last === null || last.source === 'health';

/** An upstream that asks to be left alone answers: however often it does, it is not down. */
const isAskingForPatience = (error: unknown): boolean => error instanceof UpstreamError && error.reason === 'rate_limited';

/** Records the outcome of a contact (`error` null: it went well) and tells when the health changed. */
export const recordContact = async (ingest: Ingest, serviceId: string, contact: Contact): Promise<void> => {
  const measured = await ingest.measured(serviceId);
  const events = await ingest.hub.database.em().transactional(async (em) => {
    const service = await em.findOne(Service, { id: serviceId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (!service) return [];
    const now = ingest.hub.now();
    service.budget = measured.budget;
    service.clockSkewMs = measured.clockSkewMs;
    const before = service.health;
    if (contact.error === null) {
      service.lastContactAt = now;
      if (!clears(contact, service.lastError ?? null)) return [];
      service.failures = 0;
      service.lastError = null;
    } else {
      service.failures = isAskingForPatience(contact.error) ? Math.max(1, service.failures) : service.failures + 1;
      service.lastError = { ...describe(contact.error), at: now.toISOString(), source: contact.source };
    }
    service.health = healthAfter(service.failures);
    if (service.health === before) return [];
    const error = service.lastError && { code: service.lastError.code, message: service.lastError.message };
    return recordEvents(ingest, em, serviceId, [{ type: 'service.health_changed', eventId: null, occurredAt: now, payload: { from: before, to: service.health, error } }]);
  });
  await announce(ingest, events);
};

export const describe = (error: unknown): { code: string; message: string } =>
  error instanceof EventgraphError ? { code: error.code, message: error.message } : { code: 'INTERNAL_SERVER_ERROR', message: 'The hub failed to take in the data; its log says why.' };
