/** Typed client of Eventbrite's API v3, for one organization. */
import type { z } from 'zod';
import type { Rejected } from '#core/connector.ts';
import { UpstreamError } from '#core/errors.ts';
import { explain } from '#core/explain.ts';
import type { UpstreamHttp, UpstreamResponse } from '#core/upstream-http.ts';
import * as payloads from './upstream-payloads.ts';

export type Page<T> = {
  readonly rows: readonly T[];
  readonly rejected: readonly Rejected[];
  /** Token of the next page; null at the end. */
  readonly continuation: string | null;
  /** Eventbrite's clock when it answered; null where it does not say. */
  readonly generated: Date | null;
};

export type EventbriteClientOptions = { /** Signs in. */ readonly http: Pick<UpstreamHttp, 'request'>; readonly signal: AbortSignal; readonly api: string; readonly organizationId: string };
export type EventbriteClient = ReturnType<typeof createEventbriteClient>;

type Query = Readonly<Record<string, string | undefined>>;

/** Far beyond any real list of ticket classes, webhooks or organizations. */
const maxPages = 50;
const expansions = 'venue,organizer,category,format,ticket_availability';

export const createEventbriteClient = ({ http, signal, api, organizationId }: EventbriteClientOptions) => {
  const root = `${api.replace(/\/+$/, '').replace(/\/v3$/, '')}/v3/`;
  const organization = `organizations/${encodeURIComponent(organizationId)}/`;
  const within = (event: string) => `events/${encodeURIComponent(event)}/`;

  const send = (method: 'GET' | 'POST' | 'DELETE', path: string, query: Query = {}, body?: unknown): Promise<UpstreamResponse> =>
    http.request({ method, url: `${root}${path}${search(query)}`, signal, ...(body === undefined ? {} : { body }) });

  const readPage = async <T>(path: string, key: string, schema: z.ZodType<T>, query: Query): Promise<Page<T>> => {
    const answer = await send('GET', path, query);
    const listed = parse(payloads.page(key), answer.json, path);
    const { has_more_items: more, continuation } = listed.pagination;
    if (more && (continuation === null || continuation === query.continuation)) throw new UpstreamError('shape', 'Eventbrite says that there is another page and not where.', { path });
    return { ...parseRows(listed.rows, schema), continuation: more ? continuation : null, generated: momentOf(answer.headers.date) };
  };

  const readAll = async <T>(path: string, key: string, schema: z.ZodType<T>): Promise<{ rows: T[]; rejected: Rejected[] }> => {
    const rows: T[] = [];
    const rejected: Rejected[] = [];
    let continuation: string | undefined;
    for (let number = 1; number <= maxPages; number++) {
      const page = await readPage(path, key, schema, { continuation });
      rows.push(...page.rows);
      rejected.push(...page.rejected);
      if (page.continuation === null) return { rows, rejected };
      continuation = page.continuation;
    }
    throw new UpstreamError('shape', `Eventbrite says that a list has more than ${maxPages} pages.`, { path });
  };

  return {
    me: async () => parse(payloads.user, (await send('GET', 'users/me/')).json, 'users/me/'),
    organizations: () => readAll('users/me/organizations/', 'organizations', payloads.organization),
    /** Events as they come, for a look at what there is. */
    sample: async () => (await send('GET', `${organization}events/`, { page_size: '5' })).json,
    /** `current`: those that are not over. Eventbrite may tell more than that. */
    events: ({ current, continuation }: { readonly current: boolean; readonly continuation: string | null }) =>
      readPage(`${organization}events/`, 'events', payloads.event, { status: 'all', order_by: 'start_desc', time_filter: current ? 'current_future' : 'all', expand: expansions, page_size: '50', continuation: continuation ?? undefined }),
    event: async (event: string) => parse(payloads.event, (await send('GET', within(event), { expand: expansions })).json, within(event)),
    /** Attendees that changed then or later, of one event or of the whole organization. */
    attendees: ({ event, since, continuation }: { readonly event: string | null; readonly since: Date | null; readonly continuation: string | null }) =>
      readPage(`${event === null ? organization : within(event)}attendees/`, 'attendees', payloads.attendee, { changed_since: since === null ? undefined : stampOf(since), continuation: continuation ?? undefined }),
    ticketClasses: (event: string) => readAll(`${within(event)}ticket_classes/`, 'ticket_classes', payloads.ticketClass),
    webhooks: () => readAll(`${organization}webhooks/`, 'webhooks', payloads.webhook),
    createWebhook: (endpointUrl: string, actions: readonly string[]) => send('POST', `${organization}webhooks/`, {}, { endpoint_url: endpointUrl, actions: actions.join(','), event_id: '' }),
    deleteWebhook: (webhook: string) => send('DELETE', `webhooks/${encodeURIComponent(webhook)}/`),
  };
};

/** To the second: Eventbrite's own precision. Earlier rather than later. */
const stampOf = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;

const momentOf = (header: string | undefined): Date | null => {
  const at = Date.parse(header ?? '');
  return Number.isNaN(at) ? null : new Date(at);
};

const search = (query: Query): string => {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.append(name, value);
  return parameters.size > 0 ? `?${parameters}` : '';
};

const parse = <T>(schema: z.ZodType<T>, json: unknown, path: string): T => {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new UpstreamError('shape', `Eventbrite answered something that it does not document: ${explain(result.error)}`, { path });
};

/** The good rows, and for each bad one why it is bad, with as much of it as is no person's. */
export const parseRows = <T>(rows: readonly unknown[], schema: z.ZodType<T>): { rows: T[]; rejected: Rejected[] } => {
  const good: T[] = [];
  const rejected: Rejected[] = [];
  for (const raw of rows) {
    const result = schema.safeParse(raw);
    if (result.success) good.push(result.data);
    else rejected.push({ upstreamId: payloads.nameOf(raw), reason: explain(result.error), raw: payloads.leanRow(raw) });
  }
  return { rows: good, rejected };
};
