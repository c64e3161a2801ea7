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
  /** Where the tail is: everything at or before it has been seen. */
  head(): Position;
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

const allTypes: readonly DomainEventType[] = ['attendance.changed', 'checkin.recorded', 'event.status_changed', 'service.registered', 'service.health_changed'];
const pageSize = 1000;
/** While an announced event hides behind an open transaction, the log is read again this soon. */
const hiddenRetryMs = 10;

type Entry = { readonly position: Position; readonly event: DomainEvent };

export const createLogTail = async (options: LogTailOptions): Promise<LogTail> => {
  const ringSize = options.ringSize ?? 10_000;
  let ring: Entry[] = [];
  /** Where the ring begins: everything after it, up to the head, is in the ring. */
  let ringStart = await logHead(options.database.em());
  let head = ringStart;
  let announced: Position | null = null;
  let waiting: (() => void)[] = [];
  let stopped = false;
  let wake: () => void = () => undefined;
  const wakeSoon = () => wake();

  const readOn = async (): Promise<void> => {
    for (let full = true; full && !stopped; ) {
      const events = await readEvents(options.database.em(), { after: head, types: allTypes, eventIds: null, limit: pageSize });
      full = events.length === pageSize;
      if (events.length === 0) return;
      ring.push(...events.map((event) => ({ position: decodeCursor(event.cursor), event })));
      head = ring.at(-1)?.position ?? head;
      if (ring.length > ringSize * 1.5) {
        const dropped = ring.slice(0, ring.length - ringSize);
        ring = ring.slice(-ringSize);
        ringStart = dropped.at(-1)?.position ?? ringStart;
      }
      const woken = waiting;
      waiting = [];
      for (const resume of woken) resume();
    }
  };

  const loop = async (): Promise<void> => {
    while (!stopped) {
      let hidden = false;
      try {
        await readOn();
        hidden = announced !== null && comparePositions(head, announced) < 0;
      } catch (error) {
        if (!stopped) options.logger.warn({ err: error }, 'the event log cannot be read; trying again');
      }
      if (stopped) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, hidden ? hiddenRetryMs : (options.pollMs ?? 1000));
        wake = () => (clearTimeout(timer), resolve());
      });
    }
  };

  const unsubscribe = options.bus.subscribe('events.appended', ({ cursor }) => {
    const position = decodeCursor(cursor);
    if (announced === null || comparePositions(announced, position) < 0) announced = position;
    wakeSoon();
  });
  const running = loop();

  const fromRing = <T extends DomainEventType>(after: Position, filter: Filter<T>, limit: number) => {
    const events: DomainEvent<T>[] = [];
    let reached = after;
    for (let index = firstAfter(ring, after); index < ring.length && events.length < limit; index++) {
      const entry = ring[index] as Entry;
      reached = entry.position;
      if (matches(entry.event, filter)) events.push(entry.event as DomainEvent<T>);
    }
    return { events, reached };
  };

  const grown = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      signal.addEventListener('abort', done, { once: true });
      waiting.push(done);
    });

  return {
    head: () => head,
    async next(after, filter, limit, signal) {
      for (let position = after; ; ) {
        if (signal.aborted || stopped) return { events: [], reached: position };
        if (comparePositions(position, ringStart) < 0) {
          const start = ringStart; // read before the query: the ring may drop its oldest meanwhile
          const events = await readEvents(options.database.em(), { after: position, types: filter.types, eventIds: filter.eventIds ? [...filter.eventIds] : null, limit });
          const last = events.at(-1);
          // Fewer than asked for: the log holds no more matches up to where the ring begins at the latest.
          const reached = last && events.length === limit ? decodeCursor(last.cursor) : furthest(last ? decodeCursor(last.cursor) : position, start);
          if (events.length > 0) return { events: events as DomainEvent<never>[], reached };
          position = reached;
          continue;
        }
        const found = fromRing(position, filter, limit);
        if (found.events.length > 0) return found;
        position = found.reached;
        await grown(signal);
      }
    },
    async [Symbol.asyncDispose]() {
      stopped = true;
      unsubscribe();
      wake();
      for (const resume of waiting) resume();
      await running;
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
