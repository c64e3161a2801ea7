/** Which event ids a service may claim: those that the key allows which registered it. docs/decisions/claimed-events.md says why. */
import { EventgraphError, InputError } from '#core/errors.ts';
import type { Asker, ServiceUpdate } from '#core/ingest-port.ts';
import { StepFailed } from './steps.ts';

/** Null for any. */
type EventAccess = readonly string[] | null;

export const mayClaim = (access: EventAccess, eventId: string): boolean => access === null || access.includes(eventId);

/** Throws a StepFailed where settings name an event (`eventId`, or one of `eventIds`) that the service may not claim: before anybody is called. */
export const refuseNamedEvents = (access: EventAccess, settings: Readonly<Record<string, unknown>>): void => {
  const { eventId, eventIds } = settings;
  const byName = typeof eventIds === 'object' && eventIds !== null ? Object.entries(eventIds).map(([name, id]) => [`eventIds.${name}`, id as unknown] as const) : [];
  for (const [name, id] of [['eventId', eventId] as const, ...byName])
    if (typeof id === 'string' && !mayClaim(access, id)) throw new StepFailed('SETTINGS', `input.settings.${name}`, new EventgraphError('EVENT_NOT_ALLOWED', `The event ${id} is not one that the service may bring: the key that registers it, or its \`eventAccess\`, has to name it.`));
};

const isWithin = (events: Asker['events'], access: EventAccess): boolean => events === 'all' || (access?.every((id) => events.has(id)) ?? false);

/** Whoever is told where to push can say whatever the service may. Throws an InputError where that is more than the key allows. */
export const refuseWiderPushes = ({ events }: Asker, access: EventAccess): void => {
  if (!isWithin(events, access)) throw new InputError('EVENT_ACCESS_NEEDED', 'input.serviceId', 'The service may bring events that the key does not allow. Let a key that allows all of them rotate its secret, or name in its `eventAccess` first those that it may bring from now on, of the events of the key.');
};

/**
 * Whoever says how a service is reached or set says what it claims. With a key for some events that is never more than
 * the key allows. Throws an InputError otherwise.
 */
export const refuseWiderAccess = ({ events }: Asker, { endpoints, credentials, settings, eventAccess: given }: ServiceUpdate, access: EventAccess): void => {
  const decides = endpoints !== undefined || credentials !== undefined || settings !== undefined || given !== undefined;
  if (!decides || isWithin(events, access)) return;
  if (given !== undefined) throw new InputError('EVENT_NOT_ALLOWED', 'input.eventAccess', 'The key does not allow all of these events.');
  throw new InputError('EVENT_ACCESS_NEEDED', 'input.eventAccess', 'The service may bring events that the key does not allow. Name in `eventAccess` those that it may bring from now on, of the events of the key; or let a key that allows all of them change it.');
};
