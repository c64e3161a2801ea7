/**
 * The circuit of one subgraph: after failures in a row, or too large a share of failures, it opens and fetches fail at
 * once; after a while one probe is let through, and its answer closes the circuit or opens it anew.
 *
 * cockatiel judges when to open. Its gate is not used: it holds everybody until the probe ends, and takes a probe whose
 * client went away for a success.
 */
import { CircuitState as Judged, ConsecutiveBreaker, CountBreaker } from 'cockatiel';
import { SubrequestError, type Verdict, circuitOpen } from './failures.ts';
import type { CircuitState } from './observe.ts';

export type CircuitOptions = {
  /** Failures in a row that open the circuit. */
  readonly failures: number;
  /** Share of failures, between 0 and 1, among the last `window` answers that opens it. */
  readonly ratio: number;
  readonly window: number;
  /** Milliseconds until a probe. */
  readonly openMs: number;
  readonly onChange?: ((state: CircuitState) => void) | undefined;
  readonly now?: () => number;
};

export type Circuit = {
  readonly state: CircuitState;
  /** Throws `SUBREQUEST_CIRCUIT_OPEN` where `run` would. */
  check(): void;
  run<T>(call: () => Promise<T>): Promise<T>;
};

export const createCircuit = ({ failures, ratio, window, openMs, onChange, now = Date.now }: CircuitOptions): Circuit => {
  let state: CircuitState = 'closed';
  let opensUntil = 0;
  let breakers = createBreakers(failures, ratio, window);
  /** Which stretch of being closed a call belongs to: what was sent before the circuit opened says nothing after. */
  let stretch = 0;

  const change = (next: CircuitState): void => {
    state = next;
    onChange?.(next);
  };
  const open = (): void => {
    stretch++;
    opensUntil = now() + openMs;
    change('open');
  };
  const close = (): void => {
    breakers = createBreakers(failures, ratio, window);
    change('closed');
  };
  const afterCall = (verdict: Verdict, sentIn: number): void => {
    if (sentIn !== stretch || verdict === 'unknown') return;
    if (verdict === 'well') breakers.success();
    else if (breakers.failure()) open();
  };
  const afterProbe = (verdict: Verdict): void => {
    if (verdict === 'well') close();
    else if (verdict === 'ill') open();
    else change('open'); // nothing was learnt: the next fetch is the probe
  };
  const check = (): void => {
    if (state === 'closed') return;
    const leftMs = opensUntil - now();
    if (state === 'half-open' || leftMs > 0) throw circuitOpen(Math.max(1, Math.ceil(leftMs / 1000)));
  };

  return {
    get state() {
      return state;
    },
    check,
    async run(call) {
      check();
      const isProbe = state === 'open';
      if (isProbe) change('half-open');
      const sentIn = stretch;
      const end = (verdict: Verdict) => (isProbe ? afterProbe(verdict) : afterCall(verdict, sentIn));
      try {
        const answer = await call();
        end('well');
        return answer;
      } catch (error) {
        end(error instanceof SubrequestError ? error.verdict : 'unknown');
        throw error;
      }
    },
  };
};

const createBreakers = (failures: number, ratio: number, window: number) => {
  const row = new ConsecutiveBreaker(failures);
  const share = new CountBreaker({ threshold: ratio, size: window, minimumNumberOfCalls: Math.ceil(window / 2) });
  return {
    success() {
      row.success();
      share.success(Judged.Closed);
    },
    /** Whether this one opens the circuit. */
    failure(): boolean {
      const isRow = row.failure();
      return share.failure(Judged.Closed) || isRow;
    },
  };
};
