/** What the replay asks of the hub, through its public API alone. */
import { z } from 'zod';
import { EventgraphError } from '#core/errors.ts';
import type { SessionCount } from './scan-file.ts';

export type HubClient = {
  register(service: { eventId: string; eventName: string; api: string; apiKey: string }): Promise<void>;
  /** What the graph shows of an event; undefined where it shows nothing. */
  counts(eventId: string): Promise<SessionCount | undefined>;
};

const answer = z.object({ data: z.unknown().optional(), errors: z.array(z.object({ message: z.string() })).optional() });
const registered = z.object({ registerEventService: z.object({ userErrors: z.array(z.object({ code: z.string(), field: z.string().nullish(), message: z.string() })) }) });
const counted = z.object({ event: z.object({ attendance: z.object({ currentAttendees: z.number() }).nullable(), checkIns: z.object({ totalCount: z.number() }) }).nullable() });

export const createHubClient = (url: string, key: string): HubClient => {
  const ask = async <T>(schema: z.ZodType<T>, query: string, variables: object): Promise<T> => {
    const response = await fetch(`${url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` }, body: JSON.stringify({ query, variables }) }).catch((error: unknown) => {
      throw new EventgraphError('HUB_UNREACHABLE', `There is no hub at ${url}. Start it with npm start, or name it with --hub.`, { url }, { cause: error });
    });
    const { data, errors } = answer.parse(await response.json());
    if (errors?.[0]) throw new EventgraphError('HUB_REFUSED', `The hub refused: ${errors[0].message}`);
    return schema.parse(data);
  };
  return {
    async register({ eventId, eventName, api, apiKey }) {
      const input = { product: 'gatekeeper', eventId, eventName, serviceName: `Replay of ${eventId}`, endpoints: { api, healthCheck: `${api}/health` }, authentication: { type: 'API_KEY', credentials: { apiKey } }, syncSettings: { interval: 5 }, settings: { eventId } };
      const result = await ask(registered, 'mutation ($input: RegisterEventServiceInput!) { registerEventService(input: $input) { userErrors { code field message } } }', { input });
      const error = result.registerEventService.userErrors[0];
      if (error) throw new EventgraphError('REGISTRATION_FAILED', `${eventId} cannot be registered (${error.code}): ${error.message} To replay the file once more, choose another --prefix.`, { eventId });
    },
    async counts(eventId) {
      const { event } = await ask(counted, 'query ($id: ID!) { event(id: $id) { attendance { currentAttendees } checkIns(first: 1) { totalCount } } }', { id: eventId });
      return event?.attendance ? { checkIns: event.checkIns.totalCount, attendees: event.attendance.currentAttendees } : undefined;
    },
  };
};
