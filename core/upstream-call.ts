/** One call to an upstream: bounded in time and size, never led elsewhere, answered with JSON or an UpstreamError. */
import type { Agent, Dispatcher } from 'undici';
import { UpstreamError } from './errors.ts';
import { refuseForbiddenAddress } from './network-guard.ts';

export type UpstreamRequest = {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly url: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as `application/x-www-form-urlencoded`, instead of `body`. */
  readonly form?: Readonly<Record<string, string>>;
  /** For connecting, headers and the whole body together; a minute at most. */
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  /** Statuses besides 2xx that are answers and no faults: a 409 that says what is taken. With their JSON, as 2xx. */
  readonly accept?: readonly number[];
  readonly signal?: AbortSignal;
  /** Of the few that cannot wait for the budget of calls: counted like any other, sent at once. */
  readonly isPressing?: boolean;
};

export type UpstreamResponse = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly json: unknown };

export type CallSettings = {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly allowPrivateAddresses: boolean;
  /** Told, for every answer with a `Date`, how far the upstream's clock is ahead of this one, in milliseconds. */
  readonly onClockSkew?: (ms: number) => void;
};

/** No call takes longer, whatever is asked for: the one that tries an open circuit would hold it up. */
export const longestCallMs = 60_000;

export const sendCall = async (agent: Agent, request: UpstreamRequest, settings: CallSettings): Promise<UpstreamResponse> => {
  const url = new URL(request.url);
  refuseForbiddenAddress(url, settings.allowPrivateAddresses);
  const timeoutMs = Math.min(longestCallMs, request.timeoutMs ?? settings.timeoutMs);
  // One clock over connecting, headers and body: an upstream that drips bytes for ever is as gone as one that hangs.
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = request.signal ? AbortSignal.any([deadline, request.signal]) : deadline;
  const where = { origin: url.origin, path: url.pathname };
  const content = contentOf(request);
  let response: Dispatcher.ResponseData;
  let body: Buffer;
  try {
    const sentAt = Date.now();
    response = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: request.method ?? 'GET',
      // Nothing is decompressed, so nothing is asked for compressed: a small answer cannot become a large one.
      headers: { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'eventgraph', ...content.headers, ...request.headers },
      body: content.body,
      signal,
    });
    tellClockSkew(response, sentAt, settings);
    body = await readBounded(response.body, request.maxBytes ?? settings.maxBytes, where);
  } catch (error) {
    if (error instanceof UpstreamError) throw error;
    if (deadline.aborted) throw new UpstreamError('timeout', `The upstream did not answer within ${timeoutMs} ms.`, { ...where, timeoutMs });
    if (isTimeLimit(request.signal)) throw new UpstreamError('timeout', 'The upstream did not answer in time.', where);
    // The caller gave up: that is no fault of the upstream.
    request.signal?.throwIfAborted();
    throw new UpstreamError('unreachable', 'The upstream cannot be reached.', { ...where, cause: causeOf(error) }, { cause: error });
  }
  return interpret(response, body, where, request.accept ?? []);
};

const contentOf = ({ body, form }: UpstreamRequest): { headers: Record<string, string>; body: string | null } => {
  if (form) return { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams(form).toString() };
  return body === undefined ? { headers: {}, body: null } : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
};

/** Whether this signal ended because of `AbortSignal.timeout`. */
export const isTimeLimit = (signal: AbortSignal | undefined): boolean => signal?.aborted === true && signal.reason instanceof Error && signal.reason.name === 'TimeoutError';

const causeOf = (error: unknown): string => (error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.name) : 'unknown');

/** `Date` is the upstream's clock within a second, somewhere between the request and now. */
const tellClockSkew = ({ headers }: Dispatcher.ResponseData, sentAt: number, { onClockSkew }: CallSettings): void => {
  const told = Date.parse(String(headers.date));
  if (!Number.isNaN(told)) onClockSkew?.(Math.round(told + 500 - (sentAt + Date.now()) / 2));
};

const readBounded = async (stream: Dispatcher.ResponseData['body'], maxBytes: number, where: Record<string, string>): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      stream.destroy();
      throw new UpstreamError('too_large', `The upstream's answer is larger than ${maxBytes} bytes.`, { ...where, maxBytes });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
};

/** What whoever registered the service can do something about. */
const meaning: Readonly<Record<number, string>> = { 401: ': it does not take these credentials', 403: ': these credentials do not allow this there' };

const interpret = (response: Dispatcher.ResponseData, body: Buffer, where: Record<string, string>, accept: readonly number[]): UpstreamResponse => {
  const headers = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]));
  const status = response.statusCode;
  const wait = retryAfter(headers['retry-after']);
  if (status === 429) throw new UpstreamError('rate_limited', "The upstream's rate limit is reached.", { ...where, status, retryAfterMs: wait ?? withoutWordMs });
  // Only 503 gives `Retry-After` the meaning of "stay away until then" (RFC 9110, 10.2.3).
  if (status >= 300 && !accept.includes(status)) throw new UpstreamError('status', `The upstream answered ${status}${meaning[status] ?? ''}.`, { ...where, status, ...(status === 503 && wait !== undefined ? { retryAfterMs: wait } : {}) });
  if (body.length === 0) return { status, headers, json: null };
  try {
    return { status, headers, json: JSON.parse(body.toString('utf8')) as unknown };
  } catch {
    throw new UpstreamError('not_json', 'The upstream answered something that is not JSON.', { ...where, status, contentType: headers['content-type'] ?? '' });
  }
};

/** The longest that an upstream may ask to be left alone: one that says a century is wrong, not patient. */
const longestRetryAfterMs = 3_600_000;
/** How long an upstream is left alone whose rate limit is reached and that does not say for how long. */
const withoutWordMs = 60_000;

/** `Retry-After` in seconds or as an HTTP date (RFC 9110, 10.2.3), as milliseconds; undefined where it says nothing. */
const retryAfter = (value: string | undefined): number | undefined => {
  const asked = Number.isFinite(Number(value || NaN)) ? Number(value) * 1000 : Date.parse(value ?? '') - Date.now();
  return Number.isNaN(asked) ? undefined : Math.min(longestRetryAfterMs, Math.max(0, asked));
};
