import { visibleEvent } from '#core/permissions.ts';

export const permissions = {};

export const references = { CustomEvent: visibleEvent };
