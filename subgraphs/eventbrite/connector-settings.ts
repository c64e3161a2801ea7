/** What a registered Eventbrite organization is set to, and the client that follows from it. */
import { z } from 'zod';
import type { CallBudget, ConnectorContext } from '#core/connector.ts';
import { UpstreamError } from '#core/errors.ts';
import { eventId } from '#core/facts.ts';
import { signedIn } from '#core/upstream-credentials.ts';
import { type EventbriteClient, createEventbriteClient } from './upstream.ts';
import { id } from './upstream-payloads.ts';

export const settings = z.object({
  /** The organization's number: see the README for where it is found. */
  organizationId: id,
  /** Numbers of the events that are wanted; null or absent: all of the organization. */
  events: z.array(id).min(1).max(1000).nullish().transform((value) => value ?? null),
  /** Hub-wide ids given by hand, by the number of the event. */
  eventIds: z.record(z.string(), eventId).default({}),
  region: z.string().min(1).max(100).nullish().transform((value) => value ?? null),
  /** Whether the hub adds a webhook to the organization, so that it learns of changes soon. */
  webhooks: z.boolean().default(true),
  /** What Eventbrite allows the token. Who is allowed more by Eventbrite says so here. */
  callsPerHour: z.number().int().min(60).max(1_000_000).default(2000),
});
export type EventbriteSettings = z.infer<typeof settings>;

export type EventbriteContext = ConnectorContext<EventbriteSettings>;

export const budget = ({ callsPerHour }: EventbriteSettings): CallBudget => ({ calls: callsPerHour, seconds: 3600 });

export const clientOf = (context: EventbriteContext): EventbriteClient => {
  const { service, signal } = context;
  if (service.credentials.type === 'none') throw new UpstreamError('status', 'Eventbrite needs credentials of type api_key: the private token.', { status: 401, field: 'input.authentication.credentials' });
  return createEventbriteClient({ http: signedIn(context), signal, api: service.endpoints.api, organizationId: service.settings.organizationId });
};
