/** Calls to a service as its settings declare them: one page of a list, its health, where it is told to push. */
import LinkHeader from 'http-link-header';
import { UpstreamError } from '#core/errors.ts';
import { signedIn } from '#core/upstream-credentials.ts';
import type { UpstreamRequest, UpstreamResponse } from '#core/upstream-http.ts';
import type { Mark, Position } from './connector-cursor.ts';
import type { KnownEvent } from './connector-facts.ts';
import type { CustomContext, DeclaredCall, Resource } from './connector-settings.ts';

/** One list, of one event where it is read for each. */
export type List = { readonly resource: Resource; readonly event: KnownEvent | null };

type Values = Readonly<Record<string, string | number | boolean>>;

const send = (context: CustomContext, request: UpstreamRequest): Promise<UpstreamResponse> =>
  signedIn(context).request({ ...request, headers: { ...context.service.settings.headers, ...request.headers }, signal: context.signal });

export const fetchHealth = async (context: CustomContext): Promise<unknown> => (await send(context, { url: context.service.endpoints.healthCheck })).json;

export const fetchPage = (context: CustomContext, list: List, position: Position, since: Mark | null): Promise<UpstreamResponse & { readonly url: URL }> => {
  const { resource } = list;
  const next = resource.paging.style === 'link' && typeof position === 'string' ? withinService(context, new URL(position)) : null;
  const url = next ?? addressOf(context, resource.path, list.event);
  const given = { ...(since !== null && resource.since ? { [resource.since.parameter]: since } : {}), ...pageValues(resource, position) };
  if (!next) setAll(url, Object.fromEntries(Object.entries(resource.query).map(([name, value]) => [name, typeof value === 'string' ? fill(value, list.event, (text) => text) : value])));
  if (resource.method === 'GET' && !next) setAll(url, given);
  const request: UpstreamRequest = resource.method === 'GET' ? { url } : { method: 'POST', url, body: { ...resource.body, ...given } };
  return send(context, request).then((answer) => ({ ...answer, url }));
};

export const callDeclared = async (context: CustomContext, { method, path }: DeclaredCall, body: unknown): Promise<void> => {
  await send(context, { method, url: addressOf(context, path, null), ...(body == null ? {} : { body }) });
};

const setAll = (url: URL, values: Values): void => {
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, String(value));
};

const pageValues = ({ paging }: Resource, position: Position): Values => {
  switch (paging.style) {
    case 'page':
      return { [paging.parameter]: position ?? paging.first, ...(paging.sizeParameter && paging.size ? { [paging.sizeParameter]: paging.size } : {}) };
    case 'offset':
      return { [paging.parameter]: position ?? 0, ...(paging.limitParameter && paging.limit ? { [paging.limitParameter]: paging.limit } : {}) };
    case 'cursor':
      return position === null ? {} : { [paging.parameter]: position };
    case 'none':
    case 'link':
      return {};
  }
};

const fill = (template: string, event: KnownEvent | null, encode: (text: string) => string): string => template.replaceAll(/\{(eventId|upstreamId)\}/g, (whole, name: keyof KnownEvent) => (event ? encode(event[name]) : whole));

const addressOf = (context: CustomContext, path: string, event: KnownEvent | null): URL => {
  const filled = fill(path, event, encodeURIComponent).replace(/^\/+/, '');
  return withinService(context, new URL(`${context.service.endpoints.api.replace(/\/+$/, '')}/${filled}`));
};

/** Whatever an id or an answer says, credentials go to the registered host and below the registered path alone. */
const withinService = ({ service }: CustomContext, url: URL): URL => {
  const api = new URL(service.endpoints.api);
  const root = api.pathname.replace(/\/*$/, '/');
  if (url.origin !== api.origin || !`${url.pathname}/`.startsWith(root)) throw new UpstreamError('shape', 'The next address leads away from the registered one, and is not followed.', { origin: url.origin, path: url.pathname });
  return url;
};

/** The address of the next page by the `Link` header (RFC 8288), or as the answer itself told it; null on the last. */
export const linkedPage = (context: CustomContext, answer: UpstreamResponse & { readonly url: URL }, told: string | null): string | null => {
  const target = told ?? linkIn(answer.headers.link);
  if (target === null) return null;
  if (!URL.canParse(target, answer.url.href)) throw new UpstreamError('shape', 'The next address is no URL.', { path: answer.url.pathname });
  return withoutKey(context, withinService(context, new URL(target, answer.url))).href;
};

/** Some repeat the whole query in the next address, the key in it too: where a pull goes on is stored in clear, and each call signs in anew. */
const withoutKey = ({ service: { credentials } }: CustomContext, url: URL): URL => {
  if (credentials.type === 'api_key' && credentials.parameter !== undefined) url.searchParams.delete(credentials.parameter);
  return url;
};

const linkIn = (header: string | undefined): string | null => {
  if (!header) return null;
  try {
    return LinkHeader.parse(header).rel('next')[0]?.uri ?? null;
  } catch {
    throw new UpstreamError('shape', 'The Link header is not as RFC 8288 has it.');
  }
};
