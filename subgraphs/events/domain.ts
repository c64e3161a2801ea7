/**
 * Glossary
 * - event: a conference, a concert, one date of a series: what people check in to.
 * - programme: events in many regions that are registered under one name; an event is in one programme at most.
 * - told status: the status that the upstream itself reported; it wins over the period.
 */
import type { Viewer } from '#core/viewer.ts';
import { InputError } from '#core/errors.ts';
import { type EventStatus, eventId, timezone } from '#core/facts.ts';
import type { Registration } from '#core/ingest-port.ts';
import { parseAuthentication } from './domain-authentication.ts';
import type { RegisterEventServiceInput } from './generated/types.ts';

export type { EventStatus } from '#core/facts.ts';

/** An event without an end is taken to last this long. */
const assumedLengthMs = 24 * 3_600_000;

export const statusAt = (period: { readonly start: Date; readonly end: Date | null }, told: EventStatus | null, now: Date): EventStatus => {
  if (told) return told;
  const end = period.end ?? new Date(period.start.getTime() + assumedLengthMs);
  if (now < period.start) return 'PRE_EVENT';
  return now < end ? 'ONGOING' : 'ENDED';
};

/** Checks a registration before anybody is called. `events` are those that the caller's key allows, and all that the service may claim. Throws an InputError that names the first field at fault. */
export const parseRegistration = (input: RegisterEventServiceInput, products: readonly string[], by: string | null, events: Viewer['events'] = 'all'): Registration => {
  const check = (ok: boolean, code: string, field: string, message: string): void => {
    if (!ok) throw new InputError(code, `input.${field}`, message);
  };
  check(products.includes(input.product), 'PRODUCT_UNKNOWN', 'product', `There is no upstream product ${JSON.stringify(input.product)}. Known: ${products.join(', ')}.`);
  check(input.serviceName.trim() !== '' && input.serviceName.length <= 200, 'NAME_INVALID', 'serviceName', 'A name has 1 to 200 characters.');
  check(input.eventId == null || eventId.safeParse(input.eventId).success, 'EVENT_ID_INVALID', 'eventId', 'An event id has up to 128 letters, digits, dots, dashes and underscores.');
  check(events === 'all' || input.eventId == null || events.has(input.eventId), 'EVENT_NOT_ALLOWED', 'eventId', 'The key does not allow this event.');
  for (const name of ['api', 'webhook', 'healthCheck'] as const) check(input.endpoints[name] == null || isHttpUrl(input.endpoints[name]), 'URL_INVALID', `endpoints.${name}`, 'This is not an http or https URL, or has a name or password in it.');
  const interval = input.syncSettings?.interval ?? 300;
  check(interval >= 5 && interval <= 86_400, 'INTERVAL_INVALID', 'syncSettings.interval', 'An interval is 5 to 86400 seconds.');
  const retries = input.syncSettings?.retryPolicy?.retries ?? 2;
  check(retries >= 0 && retries <= 5, 'RETRIES_INVALID', 'syncSettings.retryPolicy.retries', 'Retries are 0 to 5.');
  const { eventPeriod: period } = input;
  check(!period?.end || period.end > period.start, 'PERIOD_INVALID', 'eventPeriod.end', 'An event ends after its start.');
  check(input.timezone == null || timezone.safeParse(input.timezone).success, 'TIMEZONE_INVALID', 'timezone', 'This is not an IANA time zone such as Asia/Seoul.');
  check(input.settings == null || isRecord(input.settings), 'SETTINGS_INVALID', 'settings', 'Settings are a JSON object.');
  check(input.syncSettings?.dataSchema == null || isRecord(input.syncSettings.dataSchema), 'DATA_SCHEMA_INVALID', 'syncSettings.dataSchema', 'A JSON Schema is a JSON object.');
  return {
    product: input.product,
    serviceName: input.serviceName.trim(),
    endpoints: { api: input.endpoints.api.replace(/\/+$/, ''), webhook: input.endpoints.webhook ?? null, healthCheck: input.endpoints.healthCheck ?? null },
    credentials: parseAuthentication(input.authentication),
    syncInterval: interval,
    retries,
    dataSchema: (input.syncSettings?.dataSchema as Record<string, unknown> | null | undefined) ?? null,
    settings: {
      ...defined({ eventId: input.eventId, eventName: input.eventName, organizer: input.organizerInfo?.organization, contact: input.organizerInfo?.contact, start: period?.start.toISOString(), end: period?.end?.toISOString(), region: input.region, timezone: input.timezone }),
      ...((input.settings as Record<string, unknown> | null | undefined) ?? {}),
    },
    eventAccess: events === 'all' ? null : [...events],
    by,
  };
};

const defined = (values: Record<string, unknown>): Record<string, unknown> => Object.fromEntries(Object.entries(values).filter(([, value]) => value != null));

export const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Without a name and password: addresses are stored and shown in clear, and credentials have a place of their own. */
export const isHttpUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return ['http:', 'https:'].includes(protocol) && username === '' && password === '';
};
