/** Checks of what is to be otherwise with a service, before anybody is called. */
import { InputError } from '#core/errors.ts';
import { eventId } from '#core/facts.ts';
import type { ServiceUpdate } from '#core/ingest-port.ts';
import { isHttpUrl, isRecord } from './domain.ts';
import { parseAuthentication } from './domain-authentication.ts';
import type { UpdateEventServiceInput } from './generated/types.ts';

/** Throws an InputError that names the first field at fault. */
export const parseUpdate = (input: UpdateEventServiceInput): ServiceUpdate => {
  const check = (ok: boolean, code: string, field: string, message: string): void => {
    if (!ok) throw new InputError(code, `input.${field}`, message);
  };
  const { serviceName: name, endpoints, syncSettings } = input;
  check(name == null || (name.trim() !== '' && name.length <= 200), 'NAME_INVALID', 'serviceName', 'A name has 1 to 200 characters.');
  for (const field of ['api', 'webhook', 'healthCheck'] as const) check(endpoints?.[field] == null || isHttpUrl(endpoints[field]), 'URL_INVALID', `endpoints.${field}`, 'This is not an http or https URL, or has a name or password in it.');
  check(syncSettings?.interval == null || (syncSettings.interval >= 5 && syncSettings.interval <= 86_400), 'INTERVAL_INVALID', 'syncSettings.interval', 'An interval is 5 to 86400 seconds.');
  const retries = syncSettings?.retryPolicy?.retries;
  check(retries == null || (retries >= 0 && retries <= 5), 'RETRIES_INVALID', 'syncSettings.retryPolicy.retries', 'Retries are 0 to 5.');
  const dataSchema: unknown = syncSettings?.dataSchema;
  check(dataSchema == null || isRecord(dataSchema), 'DATA_SCHEMA_INVALID', 'syncSettings.dataSchema', 'A JSON Schema is a JSON object.');
  const given: unknown = input.settings ?? {};
  check(isRecord(given), 'SETTINGS_INVALID', 'settings', 'Settings are a JSON object.');
  const { eventAccess } = input;
  check(eventAccess?.every((id) => eventId.safeParse(id).success) ?? true, 'EVENT_ID_INVALID', 'eventAccess', 'An event id has up to 128 letters, digits, dots, dashes and underscores.');
  const settings = { ...present({ organizer: input.organizerInfo?.organization, contact: input.organizerInfo?.contact, region: input.region }), ...(given as Record<string, unknown>) };
  const update: ServiceUpdate = {
    ...(name != null && { serviceName: name.trim() }),
    ...(endpoints && { endpoints: { ...present({ webhook: endpoints.webhook, healthCheck: endpoints.healthCheck }), ...(endpoints.api != null && { api: endpoints.api.replace(/\/+$/, '') }) } }),
    ...(input.authentication && { credentials: parseAuthentication(input.authentication) }),
    ...(syncSettings?.interval != null && { syncInterval: syncSettings.interval }),
    ...(retries != null && { retries }),
    ...(dataSchema !== undefined && { dataSchema: dataSchema as Record<string, unknown> | null }),
    ...(Object.keys(settings).length > 0 && { settings }),
    ...(eventAccess !== undefined && { eventAccess }),
  };
  if (Object.keys(update).length === 0) throw new InputError('NOTHING_TO_UPDATE', 'input', 'Name what is to be otherwise.');
  return update;
};

/** Without what was not given; null was. */
const present = (values: Record<string, unknown>): Record<string, unknown> => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
