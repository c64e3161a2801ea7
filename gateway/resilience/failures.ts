/** Why a subgraph gave no answer: what a caller is told, and what the policies here make of it. */
import { EventgraphError, type ErrorFacts } from '#core/errors.ts';

/** What a failure says about the health of the subgraph; what a client or the gateway did says nothing. */
export type Verdict = 'ill' | 'well' | 'unknown';

type Judged = {
  readonly verdict?: Verdict;
  /** Another try may succeed, and the subgraph did not answer this one. */
  readonly mayRetry?: boolean;
  /** What the subgraph asked for by `Retry-After`, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
};

export class SubrequestError extends EventgraphError {
  readonly verdict: Verdict;
  readonly mayRetry: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(code: `SUBREQUEST_${string}`, message: string, facts: ErrorFacts, { verdict = 'unknown', mayRetry = false, retryAfterMs, cause }: Judged = {}) {
    super(code, message, facts, cause === undefined ? undefined : { cause });
    this.verdict = verdict;
    this.mayRetry = mayRetry;
    this.retryAfterMs = retryAfterMs;
  }
}

export const cancelled = (): SubrequestError => new SubrequestError('SUBREQUEST_CANCELLED', 'The client went away.', {});

/** A subgraph that had less time than this, because the client's deadline was near, is not judged by it. */
const fairChanceMs = 1_000;

export const timedOut = (hadMs: number, timeoutMs: number): SubrequestError =>
  new SubrequestError('SUBREQUEST_TIMEOUT', `The subgraph did not answer within ${hadMs} ms.`, { timeoutMs: hadMs }, { verdict: hadMs >= Math.min(fairChanceMs, timeoutMs) ? 'ill' : 'unknown' });

/** The connection failed before the whole answer was there. */
export const unreachable = (cause: unknown): SubrequestError => {
  const reason = reasonOf(cause);
  const judged: Judged = ownFaults.has(reason) ? { cause } : { verdict: 'ill', mayRetry: true, cause };
  return new SubrequestError('SUBREQUEST_HTTP_ERROR', 'The subgraph cannot be reached.', { reason }, judged);
};

/** undici's words for a pool that we closed and for a request that we made wrongly. */
const ownFaults: ReadonlySet<string> = new Set(['UND_ERR_DESTROYED', 'UND_ERR_CLOSED', 'UND_ERR_INVALID_ARG']);

const reasonOf = (error: unknown): string => (error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.name) : 'unknown');

/** Statuses of a proxy without its server, and of a server that is busy or starting. */
const passing: ReadonlySet<number> = new Set([502, 503, 504]);

export const refusedWith = (status: number, retryAfterMs?: number): SubrequestError =>
  new SubrequestError('SUBREQUEST_HTTP_ERROR', `The subgraph answered ${status}.`, { status }, { verdict: status >= 500 ? 'ill' : 'well', mayRetry: passing.has(status), retryAfterMs });

export const malformed = (what: string, status: number): SubrequestError =>
  new SubrequestError('SUBREQUEST_MALFORMED_RESPONSE', `The subgraph answered ${what}.`, { status }, { verdict: 'ill' });

/** A client can ask for as much: it must not open the circuit for others. */
export const tooLarge = (maxBytes: number): SubrequestError =>
  new SubrequestError('SUBREQUEST_RESPONSE_TOO_LARGE', `The subgraph's answer is larger than ${maxBytes} bytes.`, { maxBytes });

/** `retryAfter` is in seconds, as in the header of that name. */
export const circuitOpen = (retryAfter: number): SubrequestError =>
  new SubrequestError('SUBREQUEST_CIRCUIT_OPEN', 'The subgraph failed several times and is left alone for a while.', { retryAfter });

export const overloaded = (retryAfter: number): SubrequestError =>
  new SubrequestError('SUBREQUEST_OVERLOADED', 'Too many requests wait for the subgraph.', { retryAfter });
