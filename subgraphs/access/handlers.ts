/** Domain events that belong into the audit log. */
import type { EntityManager } from '#core/database.ts';
import type { DomainEvent } from '#core/domain-events.ts';
import type { Handlers } from '#core/subgraph.ts';
import { audit } from './audit.ts';

type OfServices = 'service.registered' | 'service.updated' | 'service.paused' | 'service.resumed' | 'service.removed' | 'service.sync_requested' | 'service.push_secret_rotated' | 'service.retry_requested';

/** Who did what to a service. What their payloads hold is never secret. */
const ofService = async (em: EntityManager, event: DomainEvent<OfServices>): Promise<void> => {
  const { by, ...details } = event.payload;
  audit(em, { at: event.occurredAt, actor: by, action: event.type, subject: event.serviceId ?? '', details });
};

const ofProgramme = async (em: EntityManager, { occurredAt, type, eventId, payload }: DomainEvent<'programme.event_added'>): Promise<void> => {
  const { by, programmeId, ...details } = payload;
  audit(em, { at: occurredAt, actor: by, action: type, subject: programmeId, details: { eventId, ...details } });
};

export const on: Handlers = {
  'service.registered': ofService,
  'service.updated': ofService,
  'service.paused': ofService,
  'service.resumed': ofService,
  'service.removed': ofService,
  'service.sync_requested': ofService,
  'service.push_secret_rotated': ofService,
  'service.retry_requested': ofService,
  'programme.event_added': ofProgramme,
};
