/**
 * graphql-transport-ws cannot ask one subscription to wait, so a slow reader would get a queue. Between the gateway and
 * a subgraph's own server it can, within the protocol: a subscription that is opened with the extension `paced` brings
 * what there is to tell at once, or else one result when there is one, and the same again each time it was asked for it,
 * by a `pong` whose payload says `{ "next": id }`. Until then the source is not read, so that it keeps the newest value,
 * or nothing, as it does for readers in its own process. Each result says how many come with it that were not asked for:
 * `extensions: { "following": n }`.
 */
import { type ExecutionArgs, type ExecutionResult, createSourceEventStream, execute, subscribe } from 'graphql';
import type { SubscribePayload } from 'graphql-ws';

export const pacedExtension = { paced: true } as const;
/** So many results come for one question at most. */
const mostTogether = 100;

export const askForNext = (id: string): string => JSON.stringify({ type: 'pong', payload: { next: id } });

/** How many results come behind this one without being asked for. */
export const followingIn = (extensions: ExecutionResult['extensions']): number => (typeof extensions?.['following'] === 'number' ? extensions['following'] : 0);

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
    const pace = paceOf.get(args.contextValue as object);
    if (!pace) return (await subscribe(args)) as AsyncIterableIterator<ExecutionResult> | ExecutionResult;
    const events = await createSourceEventStream(args);
    return Symbol.asyncIterator in events ? paced(events, async (event) => execute({ ...args, rootValue: event }), pace) : events;
  },
  onPong({ extra }: Connection, payload: Readonly<Record<string, unknown>> | null | undefined): void {
    const id = payload?.['next'];
    if (typeof id === 'string') extra.paces?.get(id)?.ask();
  },
  onComplete({ extra }: Connection, id: string): void {
    extra.paces?.delete(id);
  },
};

/** `atHand` is `LiveStream`'s. */
type Events = AsyncIterable<unknown> & { atHand?(most: number): readonly unknown[] };

const paced = (source: Events, answer: (event: unknown) => Promise<ExecutionResult>, pace: Pace): AsyncIterableIterator<ExecutionResult> => {
  const events = source[Symbol.asyncIterator]();
  const ended = { value: undefined, done: true } as const;
  let following: Promise<ExecutionResult>[] = [];
  let isLeft = false;
  const told = async (result: Promise<ExecutionResult>): Promise<IteratorResult<ExecutionResult>> => ({ value: { ...(await result), extensions: { following: following.length } }, done: false });
  return {
    async next() {
      const waiting = following.shift();
      if (waiting) return told(waiting);
      await pace.turn();
      if (isLeft) return ended;
      const next = await events.next();
      if (next.done) return ended;
      const [first, ...others] = [next.value, ...(source.atHand?.(mostTogether - 1) ?? [])].map(answer);
      following = others;
      // Whoever leaves does not take them.
      for (const each of others) each.catch(() => undefined);
      return told(first as Promise<ExecutionResult>);
    },
    async return() {
      isLeft = true;
      pace.ask();
      await events.return?.();
      return ended;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
};
