/**
 * A circuit breaker that all processes share: after failures in a row an upstream is left alone for a while, then one
 * call is let through to see how it is, by one process alone.
 *
 * While it is closed nobody asks the store; failures are counted by each process for itself. A change is written once.
 */
import { UpstreamError } from './errors.ts';
import type { Database } from './database.ts';
import type { CircuitState } from './services.ts';
import { query } from './sql.ts';

/** `since`: when it came to be so; null when it never changed. */
export type CircuitRecord = { readonly state: CircuitState; readonly since: Date | null };

export type CircuitStore = {
  read(): Promise<CircuitRecord>;
  /** Writes `to` where it still is as in `from`; false where somebody else was faster. */
  change(from: CircuitRecord, to: CircuitRecord): Promise<boolean>;
};

/** What a call says of the upstream: `none` when it was never sent, or its caller gave up. */
export type CallOutcome = 'well' | 'fault' | 'none';

export type Circuit = {
  /** As far as this process knows. */
  state(): CircuitState;
  /** Somebody read in the store that it is so: from now on this process looks for itself. */
  see(state: CircuitState): void;
  /** Runs the call, or throws an UpstreamError `circuit_open`. */
  run<T>(call: () => Promise<T>, outcomeOf: (error: unknown) => CallOutcome): Promise<T>;
};

export type CircuitOptions = {
  readonly store: CircuitStore;
  /** Failures in a row that open it. */
  readonly failures: number;
  readonly halfOpenAfterMs: number;
  /** For how long a probe may run; one that takes longer died with its process. */
  readonly longestProbeMs: number;
  readonly now?: () => Date;
};

const closed: CircuitRecord = { state: 'CLOSED', since: null };

export const createCircuit = ({ store, failures, halfOpenAfterMs, longestProbeMs, now = () => new Date() }: CircuitOptions): Circuit => {
  let known = closed;
  let failed = 0;

  const refuse = (until: number): never => {
    throw new UpstreamError('circuit_open', 'The upstream failed several times in a row and is left alone for a while.', { retryAfterMs: Math.max(1, until - now().getTime()) });
  };

  /** Null while it is closed; else the claim of the one call that probes, and what it was claimed from. */
  const admit = async (): Promise<{ readonly claim: CircuitRecord; readonly before: CircuitRecord } | null> => {
    if (known.state === 'CLOSED') return null;
    const before = (known = await store.read());
    if (before.state === 'CLOSED') return null;
    const until = (before.since?.getTime() ?? 0) + (before.state === 'OPEN' ? halfOpenAfterMs : longestProbeMs);
    if (now().getTime() < until) return refuse(until);
    const claim: CircuitRecord = { state: 'HALF_OPEN', since: now() };
    if (!(await store.change(before, claim))) return refuse(now().getTime() + longestProbeMs);
    known = claim;
    return { claim, before };
  };

  const become = async (from: CircuitRecord, to: CircuitRecord): Promise<void> => {
    known = (await store.change(from, to)) ? to : await store.read();
  };

  const settleProbe = (claim: CircuitRecord, before: CircuitRecord, outcome: CallOutcome): Promise<void> => {
    if (outcome === 'well') return become(claim, { state: 'CLOSED', since: now() });
    // A probe that says nothing leaves it as it was: the next call may probe at once.
    return become(claim, { state: 'OPEN', since: outcome === 'fault' ? now() : before.since });
  };

  const count = async (outcome: CallOutcome): Promise<void> => {
    if (outcome === 'well') failed = 0;
    // What was sent while it was closed and ends later decides nothing any more.
    if (outcome !== 'fault' || known.state !== 'CLOSED') return;
    failed += 1;
    if (failed < failures) return;
    failed = 0;
    const before = await store.read();
    if (before.state === 'CLOSED') await become(before, { state: 'OPEN', since: now() });
    else known = before;
  };

  return {
    state: () => known.state,
    see(state) {
      if (known.state === 'CLOSED' && state !== 'CLOSED') known = { state, since: null };
    },
    async run(call, outcomeOf) {
      const probe = await admit();
      const ended = await call().then((value) => ({ value }), (error: unknown) => ({ error }));
      const outcome = 'error' in ended ? outcomeOf(ended.error) : 'well';
      await (probe ? settleProbe(probe.claim, probe.before, outcome) : count(outcome));
      if ('error' in ended) throw ended.error;
      return ended.value;
    },
  };
};

const isSame = (a: CircuitRecord, b: CircuitRecord): boolean => a.state === b.state && a.since?.getTime() === b.since?.getTime();

/** For what is called by one process alone. */
export const createMemoryCircuitStore = (): CircuitStore => {
  let record = closed;
  return {
    read: async () => record,
    async change(from, to) {
      if (!isSame(from, record)) return false;
      record = to;
      return true;
    },
  };
};

/** In the service's row. Of a service that is not registered yet it stays closed. */
export const createServiceCircuitStore = (database: Pick<Database, 'em'>, serviceId: string): CircuitStore => ({
  async read() {
    const [row] = await query<{ circuit: CircuitState; circuit_since: Date | null }>(database.em(), 'select circuit, circuit_since from hub.services where id = $1', [serviceId]);
    return row ? { state: row.circuit, since: row.circuit_since && new Date(row.circuit_since) } : closed;
  },
  async change(from, to) {
    const rows = await query(database.em(), 'update hub.services set circuit = $2, circuit_since = $3::timestamptz where id = $1 and circuit = $4 and circuit_since is not distinct from $5::timestamptz returning id', [serviceId, to.state, to.since?.toISOString() ?? null, from.state, from.since?.toISOString() ?? null]);
    return rows.length > 0;
  },
});
