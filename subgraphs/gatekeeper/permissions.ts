import { needs, visibleEvent } from '#core/permissions.ts';

export const permissions = { GateEvent: { gates: needs('read_attendance') } };

export const references = { GateEvent: visibleEvent };
