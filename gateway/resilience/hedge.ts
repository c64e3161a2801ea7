/** Asks a second time when the first answer is late: the first answer of the two wins, the other request is cancelled. */
import { cancelled } from './failures.ts';

export type HedgeOptions = {
  readonly afterMs: number;
  /** Whether a second request may be made now; asked once, when it would be sent. */
  readonly mayHedge: () => boolean;
  readonly onHedge?: (() => void) | undefined;
};

export type Hedge = <T>(call: (signal: AbortSignal) => Promise<T>, signal: AbortSignal) => Promise<T>;

export const createHedge =
  ({ afterMs, mayHedge, onHedge }: HedgeOptions): Hedge =>
  <T>(call: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const legs = new Set<AbortController>();
      const end = (reason: unknown): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        for (const leg of legs) leg.abort(reason);
      };
      const abort = () => {
        end(signal.reason);
        reject(signal.reason as Error);
      };
      const ask = (): void => {
        const leg = new AbortController();
        legs.add(leg);
        const answered = (value: T) => {
          legs.delete(leg);
          end(cancelled());
          resolve(value);
        };
        // The other one may still answer. The error told is that of the last.
        const failed = (error: Error) => {
          legs.delete(leg);
          if (legs.size > 0) return;
          end(error);
          reject(error);
        };
        call(leg.signal).then(answered, failed);
      };
      const askAgain = () => {
        if (!mayHedge()) return;
        onHedge?.();
        ask();
      };
      const timer = setTimeout(askAgain, afterMs);
      signal.addEventListener('abort', abort);
      ask();
    });
