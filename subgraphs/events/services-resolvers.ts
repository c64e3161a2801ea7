/** Mutations that administer registered services. */
import { InputError } from '#core/errors.ts';
import type { AdministrationResult } from '#core/ingest-port.ts';
import { Service } from '#core/services.ts';
import type { MutationResolvers } from './generated/types.ts';
import type { Context } from './resolvers.ts';
import { parseUpdate } from './services-update.ts';
import { assertAdministers } from './store.ts';

type Administration = Required<Pick<MutationResolvers, 'syncNow' | 'pauseEventService' | 'resumeEventService' | 'updateEventService' | 'rotatePushSecret' | 'removeEventService'>>;

type UserError = { readonly code: string; readonly field: string; readonly message: string };
type Failure = Exclude<AdministrationResult, { readonly ok: true }>;
type Answer<Done> = { readonly done: Done; readonly userErrors: UserError[] } | { readonly done: null; readonly userErrors: UserError[] };

const told = ({ step, code, field, message }: Failure): UserError => ({ code, field, message: step === null ? message : `${step}: ${message}` });

/** Does it, if the service is one that the viewer may change. */
const administer = async <Done extends { readonly ok: true }>(context: Context, serviceId: string, work: (context: Context) => Promise<Done | Failure>): Promise<Answer<Done>> => {
  try {
    await assertAdministers(context.loaders, serviceId);
    const result = await work(context);
    return result.ok ? { done: result, userErrors: [] } : { done: null, userErrors: [told(result)] };
  } catch (error) {
    if (error instanceof InputError) return { done: null, userErrors: [{ code: error.code, field: error.field, message: error.message }] };
    throw error;
  }
};

/** As it is after the change; what this request read before is out of date. */
const readAnew = (context: Context, id: string): Promise<Service | null> => context.hub.database.em().findOne(Service, { id });

const answered = async (context: Context, serviceId: string, work: (context: Context) => Promise<AdministrationResult>) => {
  const { done, userErrors } = await administer(context, serviceId, work);
  return { service: done && (await readAnew(context, serviceId)), pushUrl: done?.pushUrl ?? null, userErrors };
};

export const administration: Administration = {
  syncNow: (_parent, { input: { serviceId, full } }, context) => answered(context, serviceId, ({ hub, viewer }) => hub.ingest.administration.requestSync(serviceId, { full, by: viewer.keyId })),
  pauseEventService: (_parent, { input: { serviceId } }, context) => answered(context, serviceId, ({ hub, viewer }) => hub.ingest.administration.pause(serviceId, viewer.keyId)),
  resumeEventService: (_parent, { input: { serviceId } }, context) => answered(context, serviceId, ({ hub, viewer }) => hub.ingest.administration.resume(serviceId, viewer.keyId)),
  updateEventService: (_parent, { input }, context) => answered(context, input.serviceId, ({ hub, viewer }) => hub.ingest.administration.update(input.serviceId, parseUpdate(input), { by: viewer.keyId, events: viewer.events })),
  rotatePushSecret: (_parent, { input: { serviceId } }, context) => answered(context, serviceId, ({ hub, viewer }) => hub.ingest.administration.rotatePushSecret(serviceId, { by: viewer.keyId, events: viewer.events })),
  async removeEventService(_parent, { input: { serviceId, withData, force } }, context) {
    const { done, userErrors } = await administer(context, serviceId, ({ hub, viewer }) => hub.ingest.administration.remove(serviceId, { withData, force, by: viewer.keyId }));
    if (!done) return { removedServiceId: null, service: null, keysWithdrawn: null, userErrors };
    return { removedServiceId: serviceId, service: await readAnew(context, serviceId), keysWithdrawn: done.keysWithdrawn, userErrors };
  },
};
