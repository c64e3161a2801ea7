/**
 * Typed client of pretix's REST API (`/api/v1/`), for one organizer.
 *
 * It never follows the `next` address of a page: an upstream that lies there would be sent the token. Pages are
 * asked for by number, below the registered address alone.
 */
import { z } from 'zod';
import type { Rejected } from '#core/connector.ts';
import { UpstreamError } from '#core/errors.ts';
import { explain } from '#core/explain.ts';
import type { UpstreamHttp } from '#core/upstream-http.ts';
import * as payloads from './upstream-payloads.ts';

/** pretix gives no more than this many rows a page, whatever is asked for. */
export const pageSize = 50;
/** Far beyond any real list; an upstream that always says there is more ends here. */
const maxPages = 10_000;

export type Page<T> = {
  readonly rows: readonly T[];
  readonly rejected: readonly Rejected[];
  readonly more: boolean;
  /** Rows in the whole list. */
  readonly count: number;
  /** pretix's own clock when it began to make the page, if it says so. */
  readonly generated: string | null;
};

export type All<T> = { readonly rows: readonly T[]; readonly rejected: readonly Rejected[] };

type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

export type PretixClientOptions = {
  /** Signs in, with the token of a team. */
  readonly http: Pick<UpstreamHttp, 'request'>;
  /** `https://pretix.eu`, with or without `/api/v1`. */
  readonly api: string;
  readonly organizer: string;
  readonly signal: AbortSignal;
};

export type PretixClient = ReturnType<typeof createPretixClient>;

export const createPretixClient = (options: PretixClientOptions) => {
  const root = `${options.api.replace(/\/+$/, '').replace(/\/api\/v1$/, '')}/api/v1/organizers/${encodeURIComponent(options.organizer)}/`;

  const get = (path: string, query: Query = {}) => options.http.request({ url: `${root}${path}${search(query)}`, signal: options.signal });

  const one = async <T>(path: string, schema: z.ZodType<T>): Promise<T> => parse(schema, (await get(path)).json, path);

  const readPage = async <T>(path: string, kind: RowKind<T>, query: Query): Promise<Page<T>> => {
    const answer = await get(path, { page_size: pageSize, ...query });
    const { results, next, count } = parse(payloads.page, answer.json, path);
    if (next !== null && results.length === 0) throw new UpstreamError('shape', 'pretix says that there is another page after an empty one.', { path });
    return { ...parseRows(results, kind), more: next !== null, count, generated: answer.headers['x-page-generated'] ?? null };
  };

  const readAll = async <T>(path: string, kind: RowKind<T>, query: Query = {}): Promise<All<T>> => {
    const rows: T[] = [];
    const rejected: Rejected[] = [];
    for (let number = 1; number <= maxPages; number++) {
      const page = await readPage(path, kind, { ...query, page: number });
      rows.push(...page.rows);
      rejected.push(...page.rejected);
      if (!page.more) return { rows, rejected };
    }
    throw new UpstreamError('shape', `pretix says that a list has more than ${maxPages} pages.`, { path });
  };

  const within = (event: string) => `events/${encodeURIComponent(event)}/`;

  return {
    organizer: () => one('', payloads.organizer),
    events: () => readAll('events/', rows.event, { ordering: 'slug' }),
    event: (slug: string) => one(within(slug), payloads.event),
    /** Events as they come, for a look at what there is. */
    sample: async () => (await get('events/', { page_size: 5 })).json,
    /** Dates of all series. */
    subevents: () => readAll('subevents/', rows.subevent, { ordering: 'id' }),
    subeventsOf: (event: string) => readAll(`${within(event)}subevents/`, rows.subevent, { ordering: 'id' }),
    /** Orders by the time of their last change, of one event or of all. `since` is part of the result. */
    orders: (scope: { readonly event: string | null; readonly since: string | null; readonly page: number }) =>
      readPage(`${scope.event === null ? '' : within(scope.event)}orders/`, rows.order, {
        ordering: 'last_modified',
        modified_since: scope.since ?? undefined,
        page: scope.page,
        include_canceled_positions: 'true',
        include: payloads.orderFields,
      }),
    /** All scans that pretix took in since then (by its own clock, not the scanner's), failed ones included. */
    checkIns: (event: string, filter: { readonly createdSince?: string; readonly errorReason?: string } = {}) =>
      readAll(`${within(event)}checkins/`, rows.checkIn, { created_since: filter.createdSince, error_reason: filter.errorReason, ordering: 'id' }),
    items: (event: string) => readAll(`${within(event)}items/`, rows.item, { ordering: 'id' }),
    quotas: (event: string) => readAll(`${within(event)}quotas/`, rows.quota, { ordering: 'id', with_availability: 'true' }),
    checkInLists: (event: string) => readAll(`${within(event)}checkinlists/`, rows.checkInList, { ordering: 'id' }),
    checkInListStatus: (event: string, list: number) => one(`${within(event)}checkinlists/${list}/status/`, payloads.checkInListStatus),
    webhooks: () => readAll('webhooks/', rows.webhook),
    async createWebhook(targetUrl: string, actions: readonly string[]) {
      const body = { enabled: true, target_url: targetUrl, all_events: true, limit_events: [], action_types: actions };
      const answer = await options.http.request({ method: 'POST', url: `${root}webhooks/`, body, signal: options.signal });
      return parse(payloads.webhook, answer.json, 'webhooks/');
    },
    /** pretix keeps it, and its log, as disabled. */
    async deleteWebhook(id: number) {
      await options.http.request({ method: 'DELETE', url: `${root}webhooks/${id}/`, signal: options.signal });
    },
  };
};

const search = (query: Query): string => {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const each of Array.isArray(value) ? (value as readonly string[]) : [value]) parameters.append(name, String(each));
  }
  return parameters.size > 0 ? `?${parameters}` : '';
};

const parse = <T>(schema: z.ZodType<T>, json: unknown, path: string): T => {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new UpstreamError('shape', `pretix answered something that it does not document: ${explain(result.error)}`, { path });
};

/** Rows of one kind: what they must be, and what the hub calls a bad one. */
export type RowKind<T> = {
  readonly schema: z.ZodType<T>;
  /** As `rejectedName` calls the facts that a row becomes. */
  readonly name: string;
  /** What of a bad row is kept, so that it can be tried again; nothing unless given, as it may hold personal data. */
  readonly keep?: (raw: unknown) => unknown;
};

/** Of an order, exactly what is asked for. */
const keepOrder = (raw: unknown): unknown => {
  const order = z.looseObject({ positions: z.array(z.looseObject({})) }).safeParse(raw);
  if (!order.success) return null;
  const pick = (from: Readonly<Record<string, unknown>>, names: readonly string[]) => Object.fromEntries(names.flatMap((name) => (name in from ? [[name, from[name]]] : [])));
  return { ...pick(order.data, Object.keys(payloads.order.shape)), positions: order.data.positions.map((position) => pick(position, Object.keys(payloads.position.shape))) };
};

export const rows = {
  event: { schema: payloads.event, name: 'event' },
  subevent: { schema: payloads.subevent, name: 'pretix.date' },
  order: { schema: payloads.order, name: 'pretix.order', keep: keepOrder },
  checkIn: { schema: payloads.checkIn, name: 'checkIn' },
  item: { schema: payloads.item, name: 'pretix.product' },
  quota: { schema: payloads.quota, name: 'pretix.quota' },
  checkInList: { schema: payloads.checkInList, name: 'pretix.checkInList' },
  webhook: { schema: payloads.webhook, name: 'pretix.webhook' },
};

/** The good rows, and for each bad one why it is bad. */
export const parseRows = <T>(raws: readonly unknown[], { schema, name, keep }: RowKind<T>): All<T> => {
  const good: T[] = [];
  const rejected: Rejected[] = [];
  for (const raw of raws) {
    const result = schema.safeParse(raw);
    if (result.success) good.push(result.data);
    else rejected.push({ upstreamId: `${name}:${nameOf(raw)}`, reason: explain(result.error), raw: keep?.(raw) ?? null });
  }
  return { rows: good, rejected };
};

const nameOf = (raw: unknown): string => {
  const named = z.object({ code: z.unknown(), slug: z.unknown(), id: z.unknown() }).partial().safeParse(raw);
  const name = named.success ? (named.data.code ?? named.data.slug ?? named.data.id) : undefined;
  return typeof name === 'string' || typeof name === 'number' ? String(name).slice(0, 100) : 'unknown';
};
