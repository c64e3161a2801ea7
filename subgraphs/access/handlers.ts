/** Domain events that belong into the audit log. */
import type { Handlers } from '#core/subgraph.ts';
import { audit } from './audit.ts';

export const on: Handlers = {
  async 'service.registered'(em, event) {
    const { by, ...details } = event.payload;
    audit(em, { at: event.occurredAt, actor: by, action: event.type, subject: event.serviceId ?? '', details });
  },
};
