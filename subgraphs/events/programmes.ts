/** Programmes: what is checked before anybody is called, and what they and their regions are known by. No I/O. */
import { InputError } from '#core/errors.ts';
import { timezone } from '#core/facts.ts';
import type { Registration } from '#core/ingest-port.ts';
import type { Viewer } from '#core/viewer.ts';
import { parseRegistration } from './domain.ts';
import type { ProgrammeEventInput, RegisterProgrammeInput, UserError } from './generated/types.ts';

export type Programme = { readonly id: string; readonly name: string };

/** Events of a programme, of all its regions where `region` is null; without a programme those that have the region and no programme. */
export type EventGroup = { readonly programmeId: string | null; readonly region: string | null };

export const groupName = ({ programmeId, region }: EventGroup): string => JSON.stringify([programmeId, region]);

/** The id of a region, opaque to clients; no programme's id has a colon. */
export const regionId = ({ programmeId, region }: EventGroup): string => `${programmeId ?? ''}:${region ?? ''}`;

/** Null for what is no id of a region. */
export const groupOfRegion = (id: string): EventGroup | null => {
  const colon = id.indexOf(':');
  return colon < 0 || colon === id.length - 1 ? null : { programmeId: id.slice(0, colon) || null, region: id.slice(colon + 1) };
};

/** One event of a programme, and where it was given: `input.regions.0.events.1`. */
export type ProgrammeEntry = { readonly region: string; readonly eventId: string; readonly timezone: string; readonly field: string; /** Of its registration. */ readonly plan: Registration | InputError };

export type ProgrammePlan = { readonly name: string; readonly entries: readonly ProgrammeEntry[] };

/** In one call, and in one programme. */
export const largestCall = 500;
export const mostRegions = 100;

export type RegistrationRules = { readonly products: readonly string[]; readonly by: string | null; readonly events: Viewer['events'] };

/** Throws an InputError for what concerns the programme as a whole; a mistake in an event is its own entry's. */
export const parseProgramme = (input: RegisterProgrammeInput, rules: RegistrationRules): ProgrammePlan => {
  const name = nameOf(input.globalEvent, 200, 'input.globalEvent');
  const given = input.regions.flatMap(({ region, events }, r) => {
    const regionName = nameOf(region, 100, `input.regions.${r}.region`);
    return events.map((event, e) => ({ region: regionName, event, field: `input.regions.${r}.events.${e}` }));
  });
  if (given.length === 0) throw new InputError('PROGRAMME_EMPTY', 'input.regions', 'A programme has at least one event.');
  if (given.length > largestCall) throw new InputError('PROGRAMME_TOO_LARGE', 'input.regions', `One call registers ${largestCall} events at most, and this has ${given.length}. Register the same programme in several calls.`);
  checkRegions(given.map(({ region }) => region));
  const first = new Map(given.toReversed().map(({ event, field }) => [event.eventId, field]));
  return { name, entries: given.map(({ region, event, field }) => ({ region, eventId: event.eventId, timezone: event.timezone, field, plan: planOf(event, region, field, first.get(event.eventId) ?? field, rules) })) };
};

/** Throws an InputError for more regions than a programme may have. */
export const checkRegions = (names: readonly string[]): void => {
  const count = new Set(names).size;
  if (count > mostRegions) throw new InputError('REGIONS_TOO_MANY', 'input.regions', `A programme has ${mostRegions} regions at most; this would make ${count}.`);
};

const nameOf = (text: string, longest: number, field: string): string => {
  const name = text.trim();
  if (name === '' || name.length > longest || !name.isWellFormed()) throw new InputError('NAME_INVALID', field, `A name has 1 to ${longest} characters.`);
  return name;
};

const planOf = (event: ProgrammeEventInput, region: string, field: string, first: string, { products, by, events }: RegistrationRules): Registration | InputError => {
  if (first !== field) return new InputError('EVENT_ID_REPEATED', `${field}.eventId`, `The event ${event.eventId} is given twice: first as ${first}.`);
  const { serviceEndpoint, eventName, ...more } = event;
  try {
    return parseRegistration({ ...more, eventName, serviceName: eventName ?? event.eventId, endpoints: { api: serviceEndpoint }, region }, products, by, events);
  } catch (error) {
    if (error instanceof InputError) return new InputError(error.code, fieldIn(field, error.field), error.message);
    throw error;
  }
};

const places: Readonly<Record<string, string>> = { 'input.endpoints.api': 'serviceEndpoint', 'input.endpoints.healthCheck': 'serviceEndpoint', 'input.serviceName': 'eventName' };

/** Where a mistake in a registration's input is in the programme's. */
export const fieldIn = (entry: string, field: string): string => `${entry}.${places[field] ?? field.replace(/^input\./, '')}`;

/** How an event differs from what was given; what is there stays. */
export const mismatches = (entry: ProgrammeEntry, known: { readonly region: string | null; readonly timezone: string; readonly isElsewhere: boolean }): UserError[] => [
  ...(known.isElsewhere ? [{ code: 'ENDPOINT_MISMATCH', field: `${entry.field}.serviceEndpoint`, message: `The event ${entry.eventId} is registered at another endpoint, and stays there.` }] : []),
  ...(known.region !== entry.region ? [{ code: 'REGION_MISMATCH', field: `${entry.field}.eventId`, message: `In this programme the event ${entry.eventId} is in the region ${known.region ?? ''}, and stays there.` }] : []),
  ...(!isSameZone(known.timezone, entry.timezone) ? [{ code: 'TIMEZONE_MISMATCH', field: `${entry.field}.timezone`, message: `The service says ${known.timezone}, which is served; given was ${entry.timezone}.` }] : []),
];

/** Zones have several names: Asia/Calcutta is Asia/Kolkata. */
const isSameZone = (a: string, b: string): boolean => a === b || (timezone.safeParse(a).success && timezone.safeParse(b).success && canonical(a) === canonical(b));
const canonical = (zone: string): string => new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
