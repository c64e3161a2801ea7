import { needs } from '#core/permissions.ts';

export const permissions = { Query: { activities: needs('read_participants') }, Mutation: { collectActivity: needs('collect_activity') } };

/** It refers to events and resolves none. */
export const references = {};
