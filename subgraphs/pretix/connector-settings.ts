/** What a registered pretix is set to, and the client that follows from it. */
import { z } from 'zod';
import type { ConnectorContext } from '#core/connector.ts';
import { UpstreamError } from '#core/errors.ts';
import { eventId, timezone } from '#core/facts.ts';
import { signedIn } from '#core/upstream-credentials.ts';
import { type PretixClient, createPretixClient } from './upstream.ts';
import { slug } from './upstream-payloads.ts';

export const settings = z.object({
  /** Slug of the organizer. */
  organizer: slug,
  /** Slugs of the events that are wanted; null or absent: all that the token sees. */
  events: z.array(slug).min(1).max(1000).nullish().transform((value) => value ?? null),
  /** For pretix versions that do not tell an event's time zone. */
  timezone: timezone.default('UTC'),
  region: z.string().min(1).max(100).nullish().transform((value) => value ?? null),
  /** Which of the organizer's event properties (`meta_data`) says what type an event is. */
  typeProperty: z.string().default('type'),
  /** Hub-wide ids given by hand, by `slug` or `slug/date`. */
  eventIds: z.record(z.string(), eventId).default({}),
  /** Whether the hub adds a webhook to pretix, so that it learns of changes at once. The token needs the right to change the organizer's settings. */
  webhooks: z.boolean().default(true),
  /** pretix Hosted allows 360 to an organizer, and others may hold tokens too. */
  requestsPerMinute: z.number().int().min(1).max(6000).default(300),
});
export type PretixSettings = z.infer<typeof settings>;

export type PretixContext = ConnectorContext<PretixSettings>;

export const clientOf = (context: PretixContext): PretixClient => {
  const { service, signal } = context;
  if (service.credentials.type !== 'api_key') throw new UpstreamError('status', 'pretix needs credentials of type api_key: the API token of a team.', { status: 401 });
  return createPretixClient({ http: signedIn(context, { prefix: 'Token' }), signal, api: service.endpoints.api, organizer: service.settings.organizer });
};

/** Calls that are left of the budget; any number where nobody counts. */
export const roomOf = async ({ http }: PretixContext): Promise<number> => {
  const budget = await http.budget();
  return budget ? budget.limit - budget.used : Infinity;
};
