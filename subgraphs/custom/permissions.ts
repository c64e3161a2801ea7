import { needs, visibleEvent } from '#core/permissions.ts';

export const permissions = { CustomEvent: { attributes: needs('read_events') } };

export const references = { CustomEvent: visibleEvent };
