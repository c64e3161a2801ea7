/**
 * What caches of clients and on the way are told of an answer to GET (RFC 9111), and whether a client has it already
 * (RFC 9110, 13.1.2). For any door over HTTP.
 */
import { sha256 } from '#core/digest.ts';
import type { Viewer } from '#core/viewer.ts';
import type { Answer } from '../answer.ts';

/** What a response depends on besides its URL; its headers on the page that asks, see `origins.ts`. */
export const vary = 'Authorization, X-API-Key, Accept, Origin';

export type CachingHeaders = { readonly 'cache-control': string; readonly vary: string; readonly etag?: string };

/**
 * `variant` tells apart what has the same bytes and is another answer, such as its media type. Caches that many share are
 * given answers to those alone who said nothing of who they are; many of them do not look at `Vary`.
 */
export const cachingHeaders = (answer: Answer, viewer: Viewer, variant: string): CachingHeaders => {
  if (!answer.hasData || answer.errors.length > 0) return { 'cache-control': 'no-store', vary };
  return { 'cache-control': cacheControlOf(answer, viewer), vary, etag: etagOf(answer.bytes, variant) };
};

const cacheControlOf = ({ freshness }: Answer, { kind }: Viewer): string => {
  if (!freshness) return 'no-store';
  const seconds = Math.max(0, Math.floor((freshness.until - performance.now()) / 1_000));
  return `${freshness.isPrivate || kind !== 'public' ? 'private' : 'public'}, max-age=${seconds}`;
};

/** Of bytes that are sent more than once. */
const digests = new WeakMap<Buffer, string>();

const etagOf = (bytes: Buffer, variant: string): string => {
  let known = digests.get(bytes);
  if (known === undefined) digests.set(bytes, (known = sha256(bytes)));
  return `"${known}.${sha256(variant).slice(0, 6)}"`;
};

/** Whether `If-None-Match` names the answer: then 304 says all. Compared weakly, as the RFC has it. */
export const isKnown = (ifNoneMatch: string | undefined, { etag }: CachingHeaders): boolean =>
  ifNoneMatch !== undefined && etag !== undefined && (ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((each) => each.trim().replace(/^W\//, '') === etag));
