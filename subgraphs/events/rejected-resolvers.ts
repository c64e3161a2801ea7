/** The quarantine of services in the graph: what is in it, and trying it again. */
import { InputError } from '#core/errors.ts';
import { pageOf } from '#core/pagination.ts';
import type { EventServiceResolvers, MutationResolvers, RejectedRecordResolvers } from './generated/types.ts';
import { assertAdministers } from './store.ts';

const mostIds = 1_000;

export const rejected: NonNullable<EventServiceResolvers['rejected']> = (service, args, context) => context.loaders.rejectedOf(pageOf(args, 2)).load(service.id);

export const rejectedRecord: RejectedRecordResolvers = {
  isKept: ({ sealed }) => sealed !== null,
  raw({ id, serviceId, sealed }, _args, { hub, viewer }) {
    if (sealed === null) return null;
    // It may name a person: who looked is told.
    hub.logger.info({ keyId: viewer.keyId, serviceId, rejectedId: id }, 'a rejected record was read');
    return JSON.parse(hub.secrets.decrypt(sealed)) as unknown;
  },
};

export const retryRejected: NonNullable<MutationResolvers['retryRejected']> = async (_parent, { input }, context) => {
  const nothing = { service: null, recovered: 0, rejected: 0, resync: false };
  try {
    if ((input.ids?.length ?? 0) > mostIds) throw new InputError('IDS_TOO_MANY', 'input.ids', `At most ${mostIds} records are named at once; leave \`ids\` out for all.`, { maximum: mostIds });
    const service = await assertAdministers(context.loaders, input.serviceId);
    const report = await context.hub.ingest.retryRejected(service.id, input.ids ?? null, context.viewer.keyId);
    return { service, ...report, userErrors: [] };
  } catch (error) {
    if (error instanceof InputError) return { ...nothing, userErrors: [{ code: error.code, field: error.field, message: error.message }] };
    throw error;
  }
};
