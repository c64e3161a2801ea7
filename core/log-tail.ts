/**
 * Follows the event log for one process: one reader of the database, however many subscribers.
 *
 * Subscribers pull. The newest events stand in a ring in memory, the same objects for everybody; who is behind the
 * ring reads the log itself. So a slow subscriber costs no memory, and loses nothing unless it asks to skip.
 */
import type { Bus } from './bus.ts';
import type { Database } from './database.ts';
import type { DomainEvent, DomainEventType } from './domain-events.ts';
import { type Position, comparePositions, decodeCursor, logHead, readEvents } from './event-log.ts';
import type { Logger } from './logging.ts';

export type Filter<T extends DomainEventType> = { readonly types: readonly T[]; readonly eventIds: ReadonlySet<string> | null };

export type LogTail = AsyncDisposable & {
  /**
   * The matching events after a position, as far as the tail has come; at least one unless `signal` aborts, at most
   * `limit`. `reached` is where to go on.
   */
  next<T extends DomainEventType>(after: Position, filter: Filter<T>, limit: number, signal: AbortSignal): Promise<{ events: DomainEvent<T>[]; reached: Position }>;
};

export type LogTailOptions = {
  readonly database: Database;
  readonly bus: Bus;
  readonly logger: Logger;
  /** How many of the newest events stay in memory. */
  readonly ringSize?: number;
  /** How often the log is read when no hint came, in milliseconds: the bound on what a lost hint costs. */
  readonly pollMs?: number;
};

const pageSize = 1000;
/** While an announced event hides behind an open transaction, the log is read again this soon. */
const hiddenRetryMs = 10;

/** After this long without a reader, what happened meanwhile is left to the log. */
const idleMs = 5_000;

type Entry = { readonly position: Position; readonly event: DomainEvent };
type Page<T extends DomainEventType> = { readonly events: DomainEvent<T>[]; readonly reached: Position };

export const createLogTail = (options: LogTailOptions): LogTail => {
  const ring = createRing(options.ringSize ?? 10_000);
  let announced: Position | null = null;
  let waiting = new Set<() => void>();
  let usedAt = -Infinity;
  const stop = new AbortController();
  let wake: () => void = () => undefined;

  const wakeAll = (): void => {
    const woken = waiting;
    waiting = new Set();
    for (const resume of woken) resume();
  };

  const readOn = async (): Promise<void> => {
    // Nobody waits: nothing is read. Whoever comes finds the log where it left it.
    for (let full = true; full && waiting.size > 0 && !stop.signal.aborted; ) {
      const head = ring.head();
      const end = await logHead(options.database.em()); // before the events: what they are read from holds it all
      const events = await readEvents(options.database.em(), { after: head, types: [...ring.types], eventIds: null, limit: pageSize });
      if (ring.head() !== head) continue; // begun anew meanwhile, for other types
      full = events.length === pageSize;
      ring.push(events, full ? null : end);
      if (events.length === 0) return;
      wakeAll();
    }
  };

  const pause = (isHidden: boolean): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, isHidden ? hiddenRetryMs : (options.pollMs ?? 1000));
      wake = () => (clearTimeout(timer), resolve());
    });

  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await readOn();
      } catch (error) {
        if (!stop.signal.aborted) options.logger.warn({ err: error }, 'the event log cannot be read; trying again');
      }
      const isHidden = waiting.size > 0 && announced !== null && comparePositions(ring.head(), announced) < 0;
      if (!stop.signal.aborted) await pause(isHidden);
    }
  };

  const unsubscribe = options.bus.subscribe('events.appended', ({ cursor }) => {
    announced = decodeCursor(cursor);
    if (waiting.size > 0) wake();
  });
  const running = loop();

  const grown = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        waiting.delete(done);
        resolve();
      };
      signal.addEventListener('abort', done, { once: true });
      waiting.add(done);
      if (waiting.size === 1) wake();
    });

  /** Begins the ring anew for types that were not followed, and after a time in which nobody followed. */
  const follow = async (types: readonly DomainEventType[]): Promise<void> => {
    if (waiting.size === 0 && performance.now() - usedAt > idleMs) ring.forget();
    usedAt = performance.now();
    if (types.every((type) => ring.types.has(type))) return;
    ring.begin(await logHead(options.database.em()), types);
    // What the ring had not read yet, nobody would be told of: whoever waits reads the log up to where it begins now.
    wakeAll();
  };

  const fromLog = async <T extends DomainEventType>(after: Position, filter: Filter<T>, limit: number): Promise<Page<T>> => {
    const start = ring.start(); // read before the query: the ring may drop its oldest meanwhile
    const events = (await readEvents(options.database.em(), { after, types: filter.types, eventIds: filter.eventIds ? [...filter.eventIds] : null, limit })) as DomainEvent<T>[];
    const last = events.at(-1);
    if (last && events.length === limit) return { events, reached: decodeCursor(last.cursor) };
    // Fewer than asked for: the log holds no more matches up to where the ring begins.
    return { events, reached: furthest(last ? decodeCursor(last.cursor) : after, start) };
  };

  return {
    async next(after, filter, limit, signal) {
      await follow(filter.types);
      for (let position = after; !signal.aborted && !stop.signal.aborted; ) {
        const isBehind = comparePositions(position, ring.start()) < 0;
        const page = isBehind ? await fromLog(position, filter, limit) : ring.after(position, filter, limit);
        if (page.events.length > 0) return page;
        position = page.reached;
        if (!isBehind) await grown(signal);
      }
      return { events: [], reached: after };
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      unsubscribe();
      wake();
      wakeAll();
      await running;
    },
  };
};

/** The newest events of the types that somebody follows: everything of them after `start`, up to `head`. */
const createRing = (size: number) => {
  const types = new Set<DomainEventType>();
  let entries: Entry[] = [];
  let start: Position = { tx: 0n, id: 0n, recordedAt: 0 };
  let head: Position = start;
  return {
    types: types as ReadonlySet<DomainEventType>,
    start: () => start,
    head: () => head,
    /** Nothing is followed any more. */
    forget: () => types.clear(),
    /** From here on, follows these types besides those it follows. */
    begin(at: Position, followed: readonly DomainEventType[]): void {
      for (const type of followed) types.add(type);
      [entries, start, head] = [[], at, at];
    },
    /** `end`: everything up to it has been read. */
    push(events: readonly DomainEvent[], end: Position | null): void {
      entries.push(...events.map((event) => ({ position: decodeCursor(event.cursor), event })));
      head = [entries.at(-1)?.position ?? head, end ?? head].reduce(furthest, head);
      // Cut in larger pieces, as cutting copies.
      if (entries.length <= size * 1.5) return;
      start = entries.at(-size - 1)?.position ?? start;
      entries = entries.slice(-size);
    },
    after<T extends DomainEventType>(position: Position, filter: Filter<T>, limit: number): Page<T> {
      const events: DomainEvent<T>[] = [];
      let reached = position;
      for (let index = firstAfter(entries, position); index < entries.length && events.length < limit; index++) {
        const entry = entries[index] as Entry;
        reached = entry.position;
        if (matches(entry.event, filter)) events.push(entry.event as DomainEvent<T>);
      }
      return { events, reached };
    },
  };
};

const furthest = (a: Position, b: Position): Position => (comparePositions(a, b) < 0 ? b : a);

const matches = <T extends DomainEventType>(event: DomainEvent, filter: Filter<T>): boolean =>
  (filter.types as readonly string[]).includes(event.type) && (filter.eventIds === null || (event.eventId !== null && filter.eventIds.has(event.eventId)));

/** Binary search: the index of the first entry behind a position. */
const firstAfter = (ring: readonly Entry[], position: Position): number => {
  let [low, high] = [0, ring.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (comparePositions((ring[middle] as Entry).position, position) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
};
