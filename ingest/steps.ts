/** The steps that a service's configuration goes through before it is stored: at registration and at each change. */
import type { ValidateFunction } from 'ajv';
import type { Connector, ConnectorContext } from '#core/connector.ts';
import { EventgraphError, UpstreamError, isPublicError } from '#core/errors.ts';
import type { RegistrationStep } from '#core/ingest-port.ts';
import { mismatchOf } from '#core/data-schema.ts';
import type { Ingest } from './ingest.ts';

/** The whole check of health, and all steps together, may take this long. */
export type StepLimits = { readonly healthMs: number; readonly totalMs: number };
export const defaultLimits: StepLimits = { healthMs: 10_000, totalMs: 60_000 };

export class StepFailed extends Error {
  readonly step: RegistrationStep;
  readonly field: string;

  constructor(step: RegistrationStep, field: string, cause: unknown) {
    super(step, { cause });
    this.step = step;
    this.field = field;
  }
}

/** Does the work of a step; what it throws becomes a StepFailed that names `field`, or the field that the error itself names. */
export const step = async <T>(name: RegistrationStep, field: string, work: () => T | Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw error instanceof StepFailed ? error : new StepFailed(name, fieldOf(error) ?? field, error);
  }
};

/** The field of the input that an error itself names, or that a service finds fault with. */
const fieldOf = (error: unknown): string | undefined => {
  if (error instanceof UpstreamError && error.reason === 'status' && error.facts.status === 401) return 'input.authentication.credentials';
  const field = error instanceof EventgraphError ? error.facts.field : undefined;
  return typeof field === 'string' && field.startsWith('input.') ? field : undefined;
};

export type StepFailure = { readonly ok: false; readonly step: RegistrationStep; readonly code: string; readonly message: string; readonly field: string };

/** For the caller: what failed and why. Faults of the hub itself are for its log. */
export const failureOf = (ingest: Pick<Ingest, 'hub'>, { step: name, field, cause }: StepFailed): StepFailure => {
  if (!isPublicError(cause)) ingest.hub.logger.error({ err: cause, step: name }, 'a step of configuring a service failed');
  const [code, message] = isPublicError(cause) ? [cause.code, cause.message] : ['INTERNAL_SERVER_ERROR', 'The hub failed; its log says why.'];
  return { ok: false, step: name, code, message, field };
};

/** Where the service is to push to, with its token, if a person has to tell it. */
export const pushUrlToTell = (connector: Connector<unknown>, { service }: ConnectorContext): { readonly pushUrl?: string | null } => (connector.needsPushUrl?.(service.settings) ? { pushUrl: service.endpoints.webhook } : {});

export const checkSettings = (connector: Connector<unknown>, settings: unknown): void => {
  const parsed = connector.settings.safeParse(settings);
  if (parsed.success) return;
  const issue = parsed.error.issues[0];
  throw new StepFailed('SETTINGS', ['input.settings', ...(issue?.path ?? [])].join('.'), new EventgraphError('SETTINGS_INVALID', `${issue?.path.join('.') || 'settings'}: ${issue?.message}`));
};

/** Reaches the service, without waiting for its budget, and looks at a sample of its data. */
export const tryOut = async (connector: Connector<unknown>, { context, pressing }: { readonly context: ConnectorContext; readonly pressing: ConnectorContext }, validate: ValidateFunction | null, healthMs: number): Promise<void> => {
  await step('HEALTH_CHECK', 'input.endpoints.healthCheck', () => connector.checkHealth({ ...pressing, signal: AbortSignal.any([context.signal, AbortSignal.timeout(healthMs)]) }));
  await step('SAMPLE', 'input.endpoints.api', async () => checkSample(await connector.fetchSample(context), validate));
};

const checkSample = (sample: unknown, validate: ValidateFunction | null): void => {
  const mismatch = validate && sample !== undefined ? mismatchOf(validate, sample) : null;
  if (mismatch) throw new StepFailed('SAMPLE', 'input.syncSettings.dataSchema', new EventgraphError('SAMPLE_INVALID', `The service's data does not meet the dataSchema: ${mismatch}.`));
};
