/**
 * Requests under way and the callers who wait for them. Identical ones are one request, a *flight*. Each caller leaves by
 * itself, when its client goes or its time is up; the flight is given up when nobody waits any more.
 */
import { type SubrequestError, cancelled, timedOut } from './failures.ts';

export type Waiting = {
  readonly signal: AbortSignal;
  /** How long this caller waits, in milliseconds. */
  readonly limitMs: number;
  /** How long the subgraph may take where no client is in a hurry, in milliseconds. */
  readonly timeoutMs: number;
};

/** `signal` is aborted when nobody waits any more, and the promise must then reject; `endsAt` (`Date.now()`) is when that is at the latest for whoever started. */
export type Start<Landed> = (signal: AbortSignal, endsAt: number) => Promise<Landed>;

/** What is asked, for whom: flights with equal ones may be shared. */
export type Key = { readonly scope: number; readonly text: string };

/** Flights that can be joined, by the mark of their key. Of two with the same mark one cannot be joined, and no more. */
export type Shelf<Landed> = Map<number, Flight<Landed>>;

export type Flights<Landed, Answer> = {
  readonly size: number;
  /** A flight that nobody joins. */
  alone(waiting: Waiting, start: Start<Landed>): Promise<Answer>;
  /** Joins the flight with this key, or starts one that others may join. */
  share(shelf: Shelf<Landed>, key: Key, waiting: Waiting, start: Start<Landed>): Promise<Answer>;
  /** Nobody joins what was started until now, with any subgraph: something was changed, and who asks from now on must see it. */
  separate(): void;
};

export type FlightOptions<Landed, Answer> = {
  /** Called for every caller: nobody is handed what another was. */
  readonly unload: (landed: Landed) => Answer;
  readonly onShared?: (() => void) | undefined;
  readonly now?: () => number;
};

/**
 * The subgraph was told when the first caller's time ends and stops then. Whoever may wait much longer starts anew: this
 * is the least share of its own time that a caller accepts.
 */
const leastShareOfTime = 0.9;

type Flight<Landed> = {
  readonly landing: Promise<Landed>;
  readonly abort: AbortController;
  readonly endsAt: number;
  readonly era: number;
  readonly shelf: Shelf<Landed> | null;
  readonly key: Key;
  readonly mark: number;
  waiters: number;
  /** Why those who left early did, as far as it says something about the subgraph. */
  reason: SubrequestError | null;
};

/** Of all subgraphs together: what was changed through one of them can show in the answers of another. */
let era = 0;

export const createFlights = <Landed, Answer>({ unload, onShared, now = Date.now }: FlightOptions<Landed, Answer>): Flights<Landed, Answer> => {
  let size = 0;

  const takeOff = (shelf: Shelf<Landed> | null, key: Key, mark: number, limitMs: number, start: Start<Landed>): Flight<Landed> => {
    const abort = new AbortController();
    const endsAt = now() + limitMs;
    const flight: Flight<Landed> = { landing: start(abort.signal, endsAt), abort, endsAt, era, shelf, key, mark, waiters: 0, reason: null };
    const end = () => {
      size--;
      unshelve(flight);
    };
    size++;
    shelf?.set(mark, flight);
    flight.landing.then(end, end);
    return flight;
  };
  const wait = (flight: Flight<Landed>, { signal, limitMs, timeoutMs }: Waiting): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', goAway);
      };
      const fail = (reason: unknown) => {
        stop();
        reject(reason as Error);
      };
      const goAway = () => {
        const reason = cancelled();
        fail(reason);
        leave(flight, reason);
      };
      const giveUp = () => {
        const reason = timedOut(limitMs, timeoutMs);
        fail(reason);
        leave(flight, reason);
      };
      const timer = setTimeout(giveUp, limitMs);
      signal.addEventListener('abort', goAway);
      flight.waiters++;
      flight.landing.then((landed) => {
        stop();
        resolve(unload(landed));
      }, fail);
    });
  const refuse = ({ signal, limitMs, timeoutMs }: Waiting): SubrequestError | null => (signal.aborted ? cancelled() : limitMs <= 0 ? timedOut(0, timeoutMs) : null);

  return {
    get size() {
      return size;
    },
    alone(waiting, start) {
      const refusal = refuse(waiting);
      return refusal ? Promise.reject(refusal) : wait(takeOff(null, noKey, 0, waiting.limitMs, start), waiting);
    },
    share(shelf, key, waiting, start) {
      const refusal = refuse(waiting);
      if (refusal) return Promise.reject(refusal);
      const mark = markOf(key);
      const known = shelf.get(mark);
      if (!known || known.era !== era || !isSame(known.key, key) || known.endsAt - now() < leastShareOfTime * waiting.limitMs) return wait(takeOff(shelf, key, mark, waiting.limitMs, start), waiting);
      onShared?.();
      return wait(known, waiting);
    },
    separate: () => void era++,
  };
};

const unshelve = <Landed>(flight: Flight<Landed>): void => {
  if (flight.shelf?.get(flight.mark) === flight) flight.shelf.delete(flight.mark);
};

const noKey: Key = { scope: 0, text: '' };
const isSame = (one: Key, other: Key): boolean => one.scope === other.scope && one.text === other.text;

/** Looks at some characters of the text only: variables are long, each is new, and hashing all of it would be most of the work here. */
const markOf = ({ scope, text }: Key): number => {
  const step = (text.length >> 5) + 1;
  let mark = scope * 31 + text.length;
  for (let index = 0; index < text.length; index += step) mark = (mark * 31 + text.charCodeAt(index)) | 0;
  for (let index = Math.max(0, text.length - 16); index < text.length; index++) mark = (mark * 31 + text.charCodeAt(index)) | 0;
  return mark;
};

const leave = <Landed>(flight: Flight<Landed>, reason: SubrequestError): void => {
  if (reason.verdict === 'ill') flight.reason = reason;
  if (--flight.waiters > 0) return;
  unshelve(flight);
  flight.abort.abort(flight.reason ?? reason);
};
