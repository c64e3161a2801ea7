/**
 * graphql-transport-ws cannot ask one subscription to wait, so a slow reader would get a queue. Between the gateway and
 * a subgraph's own server it can, within the protocol: a subscription that is opened with the extension `paced` brings
 * one result, and each further one when it was asked for, by a `pong` whose payload says `{ "next": id }`. Until then the
 * source is not read, so that it keeps the newest value, or nothing, as it does for readers in its own process.
 */
import { type ExecutionArgs, type ExecutionResult, subscribe } from 'graphql';
import type { SubscribePayload } from 'graphql-ws';

export const pacedExtension = { paced: true } as const;
export const askForNext = (id: string): string => JSON.stringify({ type: 'pong', payload: { next: id } });

/** What one connection has open, by the ids of its subscriptions. */
export type Paces = Map<string, Pace>;
type Connection = { readonly extra: { paces?: Paces } };

class Pace {
  #asked = 1;
  #wake: (() => void) | null = null;

  ask(): void {
    this.#asked++;
    this.#wake?.();
  }

  /** Resolved when one more result was asked for. */
  async turn(): Promise<void> {
    if (this.#asked <= 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = null;
    this.#asked--;
  }
}

const paceOf = new WeakMap<object, Pace>();

/** For graphql-ws's server: `begin` in `context`, the others as hooks of their names. */
export const pacing = {
  /** `contextValue` is that of the operation. */
  begin({ extra }: Connection, id: string, payload: SubscribePayload, contextValue: object): void {
    if (payload.extensions?.['paced'] !== true) return;
    const pace = new Pace();
    (extra.paces ??= new Map()).set(id, pace);
    paceOf.set(contextValue, pace);
  },
  async subscribe(args: ExecutionArgs): Promise<AsyncIterableIterator<ExecutionResult> | ExecutionResult> {
    const results = await subscribe(args);
    const pace = paceOf.get(args.contextValue as object);
    return pace && Symbol.asyncIterator in results ? paced(results as AsyncIterableIterator<ExecutionResult>, pace) : (results as AsyncIterableIterator<ExecutionResult>);
  },
  onPong({ extra }: Connection, payload: Readonly<Record<string, unknown>> | null | undefined): void {
    const id = payload?.['next'];
    if (typeof id === 'string') extra.paces?.get(id)?.ask();
  },
  onComplete({ extra }: Connection, id: string): void {
    extra.paces?.delete(id);
  },
};

const paced = (results: AsyncIterableIterator<ExecutionResult>, pace: Pace): AsyncIterableIterator<ExecutionResult> => {
  let isLeft = false;
  return {
    async next() {
      await pace.turn();
      return isLeft ? { value: undefined, done: true } : results.next();
    },
    async return() {
      isLeft = true;
      pace.ask();
      return (await results.return?.()) ?? { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
};
