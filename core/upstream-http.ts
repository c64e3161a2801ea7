/**
 * Every call to an upstream, for all connectors: timeout, bounded retries with full jitter, `Retry-After`, a budget of
 * calls, circuit breaker, bounded body, and no way to a private address unless the hub is configured so.
 *
 * One instance serves one registered service, so that a service that hangs, lies or floods harms no other. What all
 * processes must agree on, how many calls count and whether the circuit is open, is in the ledger and the circuit's store.
 */
import { ExponentialBackoff, fullJitterGenerator, handleWhen, retry } from 'cockatiel';
import { Agent } from 'undici';
import { type CallLedger, createMemoryCallLedger } from './call-ledger.ts';
import type { CallBudget } from './connector.ts';
import { UpstreamError } from './errors.ts';
import { guardedLookup } from './network-guard.ts';
import type { BudgetReport, CircuitState } from './services.ts';
import { type UpstreamRequest, type UpstreamResponse, isTimeLimit, longestCallMs, sendCall } from './upstream-call.ts';
import { type CallOutcome, type CircuitStore, createCircuit, createMemoryCircuitStore } from './upstream-circuit.ts';

export type { UpstreamRequest, UpstreamResponse } from './upstream-call.ts';

export type UpstreamHttp = {
  /**
   * Answers a 2xx, or a status of `accept`, with its JSON; anything else is an UpstreamError. Only GET is retried. A caller that gives up by its
   * signal gets the signal's reason, or a timeout when that was a time limit.
   */
  request(request: UpstreamRequest): Promise<UpstreamResponse>;
  /** As far as this process knows. */
  circuit(): CircuitState;
  /** Null where calls are not counted. */
  budget(): Promise<BudgetReport | null>;
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
  readonly circuit?: CircuitStore;
  /** How the circuit was when somebody last looked at its store, if that was not long ago. */
  readonly circuitSeen?: () => CircuitState;
  /** Where calls are counted, and under which name; by itself in this process alone. */
  readonly ledger?: CallLedger;
  readonly account?: string;
  /** Asked before each call: it may change while the service is there. */
  readonly budget?: () => CallBudget | null;
  readonly onClockSkew?: (ms: number) => void;
};

const defaults = {
  timeoutMs: 10_000,
  maxBytes: 32 * 1024 * 1024,
  retries: 2,
  backoff: { initialDelay: 200, maxDelay: 2_000 },
  breaker: { failures: 5, halfOpenAfterMs: 15_000 },
  budget: () => null,
  circuitSeen: (): CircuitState => 'CLOSED',
  account: 'upstream',
};
/** A wait for the budget, or that the upstream asks for, is waited for up to this; a longer one goes back to the schedule. */
const patienceMs = 5_000;

/** Faults of the upstream or the network; a 4xx is our own mistake and says nothing about the upstream's health. */
const isUpstreamFault = (error: unknown): error is UpstreamError =>
  error instanceof UpstreamError && (['timeout', 'unreachable', 'not_json', 'too_large'].includes(error.reason) || (error.reason === 'status' && Number(error.facts.status) >= 500));

/** An upstream that says how long to stay away is not asked again before. */
const isWorthRetrying = (error: unknown): boolean => isUpstreamFault(error) && (error.retryAfterMs ?? 0) <= patienceMs;

const outcomeOf = (error: unknown): CallOutcome => {
  if (isUpstreamFault(error)) return 'fault';
  return error instanceof UpstreamError && (error.reason === 'status' || (error.reason === 'rate_limited' && error.facts.status === 429)) ? 'well' : 'none';
};

export const createUpstreamHttp = (options: UpstreamHttpOptions): UpstreamHttp => {
  const settings = { ...defaults, ledger: createMemoryCallLedger(), circuit: createMemoryCircuitStore(), ...options };
  const { ledger, account } = settings;
  const agent = new Agent({
    connections: 8,
    keepAliveTimeout: 10_000,
    connect: { timeout: settings.timeoutMs, lookup: guardedLookup(options.allowPrivateAddresses) },
  });
  const circuit = createCircuit({ store: settings.circuit, ...settings.breaker, longestProbeMs: longestCallMs + patienceMs });
  const retrying = retry(handleWhen(isWorthRetrying), { maxAttempts: settings.retries, backoff: new ExponentialBackoff({ ...settings.backoff, generator: fullJitterGenerator }) });

  const once = (request: UpstreamRequest) => {
    circuit.see(settings.circuitSeen());
    return circuit.run(async () => {
      await untilAllowed(ledger, account, settings.budget(), request);
      return sendCall(agent, request, settings).catch(async (error: unknown) => {
        if (error instanceof UpstreamError && error.retryAfterMs !== undefined) await ledger.hold(account, error.retryAfterMs);
        throw error;
      });
    }, outcomeOf);
  };

  return {
    request: (request) => withRetryAfter(() => ((request.method ?? 'GET') === 'GET' ? sayingWhatFailed((attempt) => retrying.execute(attempt, request.signal), () => once(request)) : once(request))),
    circuit: circuit.state,
    async budget() {
      const budget = settings.budget();
      if (budget === null) return null;
      const { used, resetMs } = await ledger.used(account, budget);
      return { limit: budget.calls, used, resetsAt: used === 0 ? null : new Date(Date.now() + resetMs).toISOString() };
    },
    close: () => agent.destroy(),
  };
};

const pressed = new WeakMap<UpstreamHttp, UpstreamHttp>();

/** The same, for calls that cannot wait for the budget. One for each, so that what is kept by it is found again. */
export const pressing = (http: UpstreamHttp): UpstreamHttp => {
  const made = pressed.get(http) ?? { ...http, request: (request) => http.request({ ...request, isPressing: true }) };
  pressed.set(http, made);
  return made;
};

/** Waits until the budget and the upstream allow a call, or throws when that is not soon. */
const untilAllowed = async (ledger: CallLedger, account: string, budget: CallBudget | null, { signal, isPressing = false }: UpstreamRequest): Promise<void> => {
  let patience = patienceMs;
  for (;;) {
    signal?.throwIfAborted();
    const taken = await ledger.take(account, budget, isPressing);
    if (taken.isTaken) return;
    const refusal = taken.isHeld
      ? new UpstreamError('rate_limited', 'The upstream asked to be left alone for a while.', { retryAfterMs: taken.waitMs })
      : new UpstreamError('budget_spent', 'The calls that this service may be asked are used up for now.', { retryAfterMs: taken.waitMs });
    if (taken.waitMs > patience) throw refusal;
    patience -= taken.waitMs;
    await pause(taken.waitMs, signal);
    // The time was up before the call was sent: that is not the upstream's slowness.
    if (isTimeLimit(signal)) throw refusal;
  }
};

const pause = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    signal?.addEventListener('abort', done, { once: true });
  });

/** A further try that the circuit refuses says less than the failure that it was for. */
const sayingWhatFailed = async <T>(execute: (attempt: () => Promise<T>) => Promise<T>, call: () => Promise<T>): Promise<T> => {
  let fault: unknown;
  const attempt = () =>
    call().catch((error: unknown) => {
      if (isUpstreamFault(error)) fault = error;
      throw error;
    });
  return execute(attempt).catch((error: unknown) => {
    throw fault !== undefined && error instanceof UpstreamError && error.reason === 'circuit_open' ? fault : error;
  });
};

/** Asks once more after a short `Retry-After`, for which every call waits. */
const withRetryAfter = async (call: () => Promise<UpstreamResponse>): Promise<UpstreamResponse> => {
  try {
    return await call();
  } catch (error) {
    const isShort = error instanceof UpstreamError && error.facts.status === 429 && (error.retryAfterMs ?? Infinity) <= patienceMs;
    if (!isShort) throw error;
    return call();
  }
};
