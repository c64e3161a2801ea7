/**
 * The rules of GraphQL over HTTP (https://graphql.github.io/graphql-over-http/draft/): parameters, media types and
 * status numbers. Pure: no server in sight.
 */
import { LRUCache } from 'lru-cache';
import type { Answer } from '../answer.ts';
import { type Reference, referenceOf } from '../documents/reference.ts';
import { refuse } from '../errors.ts';

export type Parameters = {
  /** Null where the document is named by `reference` alone. */
  readonly query: string | null;
  /** The document's name, where the request has one; see `documents/reference.ts`. */
  readonly reference?: Reference | null;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>> | null;
  readonly extensions: Readonly<Record<string, unknown>> | null;
};

export const mediaTypes = { response: 'application/graphql-response+json', json: 'application/json' } as const;
export type MediaType = (typeof mediaTypes)[keyof typeof mediaTypes];

/** A request that is not well-formed is 400 whatever the media type; the code tells it from one that is refused later. */
const malformed = (field: string, message: string) => refuse('BAD_REQUEST', message, { field });

export const parametersOfBody = (body: unknown): Parameters => {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw malformed('body', 'The body must be one JSON object.');
  const { query, documentId, operationName, variables, extensions } = body as Record<string, unknown>;
  return checked({ query, documentId, operationName, variables, extensions });
};

/** In a query string `variables` and `extensions` are JSON texts. */
export const parametersOfQuery = (query: Readonly<Record<string, unknown>>): Parameters =>
  checked({ query: query['query'], documentId: query['documentId'], operationName: query['operationName'], variables: fromJson('variables', query['variables']), extensions: fromJson('extensions', query['extensions']) });

const fromJson = (field: string, text: unknown): unknown => {
  if (text === undefined || text === '') return null;
  if (typeof text !== 'string') throw malformed(field, `\`${field}\` must be given once.`);
  try {
    return JSON.parse(text);
  } catch {
    throw malformed(field, `\`${field}\` must be a JSON object.`);
  }
};

const checked = ({ query: text, documentId, operationName, variables, extensions: extra }: Readonly<Record<'query' | 'documentId' | 'operationName' | 'variables' | 'extensions', unknown>>): Parameters => {
  const extensions = mapOrNull('extensions', extra);
  // Clients of `graphql-transport-ws` must send a text: where a document is named, an empty one is none.
  const query = typeof text === 'string' && text !== '' ? text : null;
  const reference = referenceOf(query, documentId, extensions);
  if (query === null && !(reference && (text === undefined || text === null || text === ''))) throw malformed('query', '`query` must be a text.');
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string') throw malformed('operationName', '`operationName` must be a text.');
  return { query, reference, operationName: operationName ?? null, variables: mapOrNull('variables', variables), extensions };
};

const mapOrNull = (field: string, value: unknown): Readonly<Record<string, unknown>> | null => {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'object' || Array.isArray(value)) throw malformed(field, `\`${field}\` must be an object.`);
  return value as Record<string, unknown>;
};

/** Clients send one of a few texts with every request. */
const known = new LRUCache<string, readonly Wish[]>({ max: 200 });

/** What a client accepts, best first. */
const wishesOf = (accept: string): readonly Wish[] => {
  let wishes = known.get(accept);
  if (!wishes) known.set(accept, (wishes = readWishes(accept)));
  return wishes;
};

const readWishes = (accept: string): readonly Wish[] =>
  accept
    .split(',')
    .map((part) => {
      const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
      const weight = parameters.find((text) => text.startsWith('q='));
      return { type, parameters, quality: weight ? Number(weight.slice(2)) : 1 };
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality);

type Wish = { readonly type: string; readonly parameters: readonly string[]; readonly quality: number };

const isJson = ({ type }: Wish): boolean => type === mediaTypes.json || type === 'application/*' || type === '*/*';

/** What to answer with; null when the client accepts neither. Without a wish it is `application/json`, as it was before the specification. */
export const negotiate = (accept: string | undefined): MediaType | null => {
  if (accept === undefined || accept.trim() === '') return mediaTypes.json;
  const wishes = wishesOf(accept);
  for (const wish of wishes) {
    if (wish.type === mediaTypes.response) return mediaTypes.response;
    if (isJson(wish)) return mediaTypes.json;
  }
  // What refuses a stream is told in one piece.
  return wishes.some(streamTypeOf) || takesParts(accept) ? mediaTypes.json : null;
};

/** Whether the client takes an answer in parts (`@defer`) as multipart; as Server-Sent Events, whoever likes those best does. */
export const takesParts = (accept: string | undefined): boolean =>
  accept !== undefined && wishesOf(accept).some(({ type, parameters }) => type === 'multipart/mixed' && !parameters.some((text) => text.startsWith('subscriptionspec')) && parameters.every((text) => !text.startsWith('deferspec') || /^deferspec="?20220824"?$/.test(text)));

/** Server-Sent Events, or Apollo's multipart subscriptions. */
export type StreamType = 'sse' | 'multipart';

const streamTypeOf = ({ type, parameters }: Wish): StreamType | null => {
  if (type === 'text/event-stream') return 'sse';
  return type === 'multipart/mixed' && parameters.some((text) => /^subscriptionspec="?1\.0"?$/.test(text)) ? 'multipart' : null;
};

/**
 * What to stream the answer as; null where it comes in one piece. A subscription is streamed in whatever way the client
 * takes; everything else only where the client likes Server-Sent Events better than JSON.
 */
export const negotiateStream = (accept: string | undefined, kind: 'query' | 'mutation' | 'subscription'): StreamType | null => {
  for (const wish of wishesOf(accept ?? '')) {
    const stream = streamTypeOf(wish);
    if (stream && (kind === 'subscription' || stream === 'sse')) return stream;
    if (kind !== 'subscription' && (wish.type === mediaTypes.response || isJson(wish))) return null;
  }
  return null;
};

const statusByCode: Readonly<Record<string, number>> = { UNAUTHENTICATED: 401, UNAUTHORIZED_FIELD_OR_TYPE: 403, PERSISTED_OPERATIONS_ONLY: 403, INTROSPECTION_DISABLED: 403, PAYLOAD_TOO_LARGE: 413, INTERNAL_SERVER_ERROR: 500, QUERY_PLANNING_FAILED: 500, TOO_MANY_OPERATIONS: 429, RATE_LIMITED: 429, SERVER_GOING_AWAY: 503 };

/** Told to whatever lies between client and server, too: it must not come again, or not yet. */
const always = new Set(['UNAUTHENTICATED', 'RATE_LIMITED', 'COST_EXCEEDED', 'MAX_BATCH_EXCEEDED']);

/**
 * `application/json` answers 200 to everything that was well-formed, as old clients expect; with
 * `application/graphql-response+json` a result without `data` is 400 or what its code says (section 6.4).
 */
export const statusOf = (answer: Answer, type: MediaType): number => {
  if (answer.hasData) return 200;
  const code = String(answer.errors[0]?.extensions?.['code'] ?? '');
  if (code === 'BAD_REQUEST') return 400;
  if (type === mediaTypes.json && !always.has(code)) return 200;
  return statusByCode[code] ?? 400;
};
