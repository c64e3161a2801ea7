/** Typed client of the platform's API. */
import { z } from 'zod';
import type { Rejected } from '#core/connector.ts';
import { UpstreamError } from '#core/errors.ts';
import { explain } from '#core/explain.ts';
import type { UpstreamHttp } from '#core/upstream-http.ts';
import * as payloads from './upstream-payloads.ts';

export type PlatformClientOptions = { readonly http: UpstreamHttp; readonly api: string; readonly token: string; readonly signal: AbortSignal };

/** The platform understood and will not: what it says, for whoever asked. */
export type Refusal = { readonly ok: false; readonly status: number; readonly code: string; readonly message: string; readonly field: string | null; readonly ticketIds: readonly string[] };
export type Answer<T> = { readonly ok: true; readonly value: T } | Refusal;
export type Row<K extends payloads.ResourceKind> = z.infer<(typeof payloads.resources)[K]>;
export type Page<K extends payloads.ResourceKind> = { readonly rows: readonly Row<K>[]; readonly rejected: readonly Rejected[]; readonly nextCursor: string | null };

/** Answers that say no for good; the others (401, 429, 5xx) say nothing about the request itself. */
const refusals = [400, 404, 409, 410, 422];
const pageSize = 100;

export type PlatformClient = ReturnType<typeof createPlatformClient>;

export const createPlatformClient = ({ http, api, token, signal }: PlatformClientOptions) => {
  const root = api.replace(/\/+$/, '');
  const headers = { authorization: `Bearer ${token}` };
  const get = async (path: string) => (await http.request({ url: `${root}/${path}`, headers, signal })).json;

  const send = async <T>(method: 'POST' | 'PATCH' | 'DELETE', path: string, schema: z.ZodType<T>, body?: unknown, idempotencyKey?: string): Promise<Answer<T>> => {
    const answer = await http.request({ method, url: `${root}/${path}`, headers: { ...headers, ...(idempotencyKey ? { 'idempotency-key': idempotencyKey } : {}) }, ...(body === undefined ? {} : { body }), accept: refusals, signal });
    return answer.status < 300 ? { ok: true, value: parse(schema, answer.json, path) } : refusalOf(answer.status, answer.json);
  };

  return {
    health: async (address: string) => (await http.request({ url: address, headers, signal })).json,
    /** A page of a list as it comes, for a look at what there is. */
    sample: () => get('events?limit=5'),
    /** Changes since then, deletions among them; without `changedSince` everything that is there. In the order of change. */
    async list<K extends payloads.ResourceKind>(kind: K, query: { readonly changedSince?: string; readonly cursor?: string }): Promise<Page<K>> {
      const search = new URLSearchParams({ limit: String(pageSize), ...query });
      const { items, nextCursor } = parse(payloads.page, await get(`${kind}?${search}`), kind);
      if (nextCursor !== null && items.length === 0) throw new UpstreamError('shape', 'The platform says that there is another page after an empty one.', { path: kind });
      return { ...parseRows<K>(kind, items), nextCursor };
    },
    create: <K extends 'artists' | 'venues' | 'events' | 'tickets'>(kind: K, input: object) => send(`POST`, kind, payloads.resources[kind] as unknown as z.ZodType<Row<K>>, input),
    update: <K extends 'artists' | 'venues' | 'events' | 'tickets'>(kind: K, id: string, input: object) => send('PATCH', `${kind}/${encodeURIComponent(id)}`, payloads.resources[kind] as unknown as z.ZodType<Row<K>>, input),
    remove: (kind: 'artists' | 'venues' | 'events' | 'tickets', id: string) => send('DELETE', `${kind}/${encodeURIComponent(id)}`, anything),
    /** The same key gets the same reservation, however often it is asked for. */
    reserve: (input: { readonly eventId: string; readonly ticketIds: readonly string[]; readonly reference: string }) => send('POST', 'bookings', payloads.booking, input, input.reference),
    booking: async (id: string) => parse(payloads.booking, await get(`bookings/${encodeURIComponent(id)}`), 'bookings'),
    confirm: (id: string) => send('POST', `bookings/${encodeURIComponent(id)}/confirm`, payloads.booking),
    cancel: (id: string) => send('POST', `bookings/${encodeURIComponent(id)}/cancel`, payloads.booking),
    async addWebhook(url: string, secret: string): Promise<void> {
      await http.request({ method: 'POST', url: `${root}/webhooks`, headers, body: { url, secret }, signal });
    },
    async removeWebhook(url: string): Promise<void> {
      const { items } = parse(payloads.page, await get('webhooks'), 'webhooks');
      for (const each of items as { id?: unknown; url?: unknown }[]) if (each.url === url) await http.request({ method: 'DELETE', url: `${root}/webhooks/${encodeURIComponent(String(each.id))}`, headers, signal });
    },
  };
};

const anything = z.unknown();

const refusalOf = (status: number, json: unknown): Refusal => {
  const read = payloads.refusal.safeParse(json);
  // A proxy before the platform may have said it: then it is no word of the platform's.
  if (!read.success) throw new UpstreamError('status', `The upstream answered ${status}.`, { status });
  const { code, message, field, ticketIds } = read.data.error;
  return { ok: false, status, code, message, field: field ?? null, ticketIds: ticketIds ?? [] };
};

const parse = <T>(schema: z.ZodType<T>, json: unknown, path: string): T => {
  const read = schema.safeParse(json);
  if (read.success) return read.data;
  throw new UpstreamError('shape', `The platform answered something that it does not document: ${explain(read.error)}`, { path });
};

/** The good rows, and for each bad one why it is bad. */
export const parseRows = <K extends payloads.ResourceKind>(kind: K, items: readonly unknown[]): { readonly rows: Row<K>[]; readonly rejected: Rejected[] } => {
  const rows: Row<K>[] = [];
  const rejected: Rejected[] = [];
  for (const raw of items) {
    const read = payloads.resources[kind].safeParse(raw);
    if (read.success) rows.push(read.data as Row<K>);
    else rejected.push({ upstreamId: `${kind}:${nameOf(raw)}`, reason: explain(read.error), raw });
  }
  return { rows, rejected };
};

const nameOf = (raw: unknown): string => (typeof raw === 'object' && raw !== null && 'id' in raw && (typeof raw.id === 'string' || typeof raw.id === 'number') ? String(raw.id).slice(0, 100) : 'unknown');
