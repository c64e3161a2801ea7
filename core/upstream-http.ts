/**
 * Every call to an upstream, for all connectors: timeout, bounded retries with full jitter, `Retry-After`, circuit
 * breaker, bounded body, and no way to a private address unless the hub is configured so.
 *
 * One instance serves one registered service, so that a service that hangs, lies or floods harms no other.
 */
import { type IPolicy, BrokenCircuitError, ConsecutiveBreaker, ExponentialBackoff, circuitBreaker, fullJitterGenerator, handleWhen, retry, wrap } from 'cockatiel';
import { Agent, type Dispatcher } from 'undici';
import { UpstreamError } from './errors.ts';
import { guardedLookup, refuseForbiddenAddress } from './network-guard.ts';

export type UpstreamRequest = {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly url: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as `application/x-www-form-urlencoded`, instead of `body`. */
  readonly form?: Readonly<Record<string, string>>;
  /** For headers and for the whole body, each. */
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
};

export type UpstreamResponse = { readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly json: unknown };

export type UpstreamHttp = {
  /**
   * Answers a 2xx with its JSON; anything else is an UpstreamError. Only GET is retried. A caller that gives up by its
   * signal gets the signal's reason, or a timeout when that was a time limit.
   */
  request(request: UpstreamRequest): Promise<UpstreamResponse>;
  /** `closed` lets calls through, `open` refuses them, `half-open` tries one. */
  circuit(): 'closed' | 'open' | 'half-open';
  close(): Promise<void>;
};

export type UpstreamHttpOptions = {
  /** Whether loopback, private and link-local addresses may be called (the demo's simulators are there). */
  readonly allowPrivateAddresses: boolean;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
  readonly retries?: number;
  /** First and largest wait between retries, in milliseconds. */
  readonly backoff?: { readonly initialDelay: number; readonly maxDelay: number };
  /** Consecutive failures that open the circuit, and for how long. */
  readonly breaker?: { readonly failures: number; readonly halfOpenAfterMs: number };
};

const defaults = {
  timeoutMs: 10_000,
  maxBytes: 32 * 1024 * 1024,
  retries: 2,
  backoff: { initialDelay: 200, maxDelay: 2_000 },
  breaker: { failures: 5, halfOpenAfterMs: 15_000 },
};
/** A `Retry-After` up to this is waited for; a longer one goes back to the schedule. */
const patienceMs = 5_000;

/** Faults of the upstream or the network; a 4xx is our own mistake and says nothing about the upstream's health. */
const isUpstreamFault = (error: unknown): error is UpstreamError =>
  error instanceof UpstreamError && (['timeout', 'unreachable', 'not_json', 'too_large'].includes(error.reason) || (error.reason === 'status' && Number(error.facts.status) >= 500));

export const createUpstreamHttp = (options: UpstreamHttpOptions): UpstreamHttp => {
  const settings = { ...defaults, ...options };
  const agent = new Agent({
    connections: 8,
    keepAliveTimeout: 10_000,
    connect: { timeout: settings.timeoutMs, lookup: guardedLookup(options.allowPrivateAddresses) },
  });
  const breaker = circuitBreaker(handleWhen(isUpstreamFault), { halfOpenAfter: settings.breaker.halfOpenAfterMs, breaker: new ConsecutiveBreaker(settings.breaker.failures) });
  const retryPolicy = retry(handleWhen(isUpstreamFault), { maxAttempts: settings.retries, backoff: new ExponentialBackoff({ ...settings.backoff, generator: fullJitterGenerator }) });
  const read: IPolicy = wrap(retryPolicy, breaker);

  return {
    async request(request) {
      const once = () => send(agent, request, settings);
      const policy: IPolicy = (request.method ?? 'GET') === 'GET' ? read : breaker;
      try {
        return await withRetryAfter(() => policy.execute(once, request.signal), request.signal);
      } catch (error) {
        if (error instanceof BrokenCircuitError) throw new UpstreamError('circuit_open', 'The upstream failed several times in a row and is left alone for a while.', { retryAfterMs: settings.breaker.halfOpenAfterMs });
        throw error;
      }
    },
    circuit: () => (['closed', 'open', 'half-open', 'open'] as const)[breaker.state] ?? 'closed',
    close: () => agent.destroy(),
  };
};

/** Waits once for a short `Retry-After`. */
const withRetryAfter = async (call: () => Promise<UpstreamResponse>, signal: AbortSignal | undefined): Promise<UpstreamResponse> => {
  try {
    return await call();
  } catch (error) {
    const wait = error instanceof UpstreamError && error.reason === 'rate_limited' ? error.retryAfterMs : undefined;
    if (wait === undefined || wait > patienceMs) throw error;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, wait);
      signal?.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
    });
    return call();
  }
};

const send = async (agent: Agent, request: UpstreamRequest, settings: { timeoutMs: number; maxBytes: number; allowPrivateAddresses: boolean }): Promise<UpstreamResponse> => {
  const url = new URL(request.url);
  refuseForbiddenAddress(url, settings.allowPrivateAddresses);
  const timeoutMs = request.timeoutMs ?? settings.timeoutMs;
  // One clock over connecting, headers and body: an upstream that drips bytes for ever is as gone as one that hangs.
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = request.signal ? AbortSignal.any([deadline, request.signal]) : deadline;
  const where = { origin: url.origin, path: url.pathname };
  const content = contentOf(request);
  let response: Dispatcher.ResponseData;
  let body: Buffer;
  try {
    response = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: request.method ?? 'GET',
      headers: { accept: 'application/json', 'user-agent': 'eventgraph', ...content.headers, ...request.headers },
      body: content.body,
      signal,
    });
    body = await readBounded(response.body, request.maxBytes ?? settings.maxBytes, where);
  } catch (error) {
    if (error instanceof UpstreamError) throw error;
    if (deadline.aborted) throw new UpstreamError('timeout', `The upstream did not answer within ${timeoutMs} ms.`, { ...where, timeoutMs });
    if (isTimeLimit(request.signal)) throw new UpstreamError('timeout', 'The upstream did not answer in time.', where);
    // The caller gave up: that is no fault of the upstream.
    request.signal?.throwIfAborted();
    throw new UpstreamError('unreachable', 'The upstream cannot be reached.', { ...where, cause: causeOf(error) }, { cause: error });
  }
  return interpret(response, body, where);
};

const contentOf = ({ body, form }: UpstreamRequest): { headers: Record<string, string>; body: string | null } => {
  if (form) return { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams(form).toString() };
  return body === undefined ? { headers: {}, body: null } : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
};

/** Whether this signal ended because of `AbortSignal.timeout`. */
const isTimeLimit = (signal: AbortSignal | undefined): boolean => signal?.aborted === true && signal.reason instanceof Error && signal.reason.name === 'TimeoutError';

const causeOf = (error: unknown): string => (error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.name) : 'unknown');

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

const interpret = (response: Dispatcher.ResponseData, body: Buffer, where: Record<string, string>): UpstreamResponse => {
  const headers = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]));
  const status = response.statusCode;
  if (status === 429) throw new UpstreamError('rate_limited', "The upstream's rate limit is reached.", { ...where, status, retryAfterMs: retryAfter(headers['retry-after']) });
  if (status >= 300) throw new UpstreamError('status', `The upstream answered ${status}.`, { ...where, status });
  if (body.length === 0) return { status, headers, json: null };
  try {
    return { status, headers, json: JSON.parse(body.toString('utf8')) as unknown };
  } catch {
    throw new UpstreamError('not_json', 'The upstream answered something that is not JSON.', { ...where, status, contentType: headers['content-type'] ?? '' });
  }
};

/** The longest that an upstream may ask to be left alone: one that says a century is wrong, not patient. */
const longestRetryAfterMs = 3_600_000;

/** `Retry-After` in seconds or as an HTTP date (RFC 9110, 10.2.3), as milliseconds; a minute where it says nothing. */
const retryAfter = (value: string | undefined): number => {
  const asked = Number.isFinite(Number(value ?? NaN)) ? Number(value) * 1000 : Date.parse(value ?? '') - Date.now();
  return Number.isNaN(asked) ? 60_000 : Math.min(longestRetryAfterMs, Math.max(0, asked));
};
