/**
 * A live subscription over the event log: current values first or what was missed since a cursor, then every change.
 *
 * It is pulled, not pushed: while the reader is busy nothing is queued, and what came meanwhile is read in one go,
 * where `conflate` may keep only the newest.
 */
import type { DomainEvent, DomainEventType } from './domain-events.ts';
import { type Position, type Snapshot, comparePositions, decodeCursor } from './event-log.ts';
import type { LogTail } from './log-tail.ts';

export type LiveStreamOptions<T extends DomainEventType> = {
  readonly tail: LogTail;
  /** Where the log ends now. */
  readonly head: () => Promise<Position>;
  readonly type: T;
  /** Null: all events. When all that are named were removed, the stream ends. */
  readonly eventIds: ReadonlySet<string> | null;
  /** Resume behind this position, leaving nothing out and conflating nothing up to where the log ends now. */
  readonly after: Position | null;
  /** What is so now, for readers that do not resume. Its events carry the snapshot's position as cursor. */
  readonly current: () => Promise<{ readonly events: readonly DomainEvent<T>[]; readonly snapshot: Snapshot }>;
  readonly conflate?: (events: DomainEvent<T>[]) => DomainEvent<T>[];
};

export type LiveStream<T extends DomainEventType> = AsyncIterableIterator<DomainEvent<T>> & {
  /**
   * Opens another stream, which goes on behind an event that this one told; this one may have ended. Null as long as
   * what follows depends on how this stream began: on what it resumes, or on what its current values held already.
   */
  continueAfter(event: DomainEvent<T>): (() => LiveStream<T>) | null;
  /** Takes what would be told next without waiting for anything: what was read with the last event, at most so many. */
  atHand(most: number): DomainEvent<T>[];
};

const batchSize = 500;

/** How a stream began, as far as that decides what it tells. */
type Beginning = { missedUntil: Position | null; seen: Snapshot | null };

export const liveStream = <T extends DomainEventType>(options: LiveStreamOptions<T>): LiveStream<T> => streamFrom(options, null);

const streamFrom = <T extends DomainEventType>(asked: LiveStreamOptions<T>, start: Position | null): LiveStream<T> => {
  // A stream that goes on behind this one does without what was removed meanwhile.
  const eventIds = asked.eventIds && new Set(asked.eventIds);
  const options = { ...asked, eventIds };
  const abort = new AbortController();
  const beginning: Beginning = { missedUntil: null, seen: null };
  const read: DomainEvent<T>[] = [];
  const events = oneByOne(follow(options, start, beginning, abort.signal), read);
  return {
    atHand: (most) => read.splice(0, most),
    continueAfter({ cursor }) {
      const position = decodeCursor(cursor);
      const { missedUntil, seen } = beginning;
      const isSettled = (!missedUntil || comparePositions(position, missedUntil) >= 0) && (seen?.end === undefined || position.tx >= seen.end);
      return isSettled ? () => streamFrom(options, position) : null;
    },
    next: () => events.next(),
    // A generator that waits for the next event would not hear `return` before that event came.
    return(value?: unknown) {
      abort.abort();
      return events.return(value as undefined);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
};

/** `read` holds what is still to be told: somebody else may take of it meanwhile. */
async function* oneByOne<T>(pages: AsyncIterable<readonly T[]>, read: T[]): AsyncGenerator<T, undefined> {
  for await (const page of pages) {
    read.push(...page);
    for (let next = read.shift(); next !== undefined; next = read.shift()) yield next;
  }
}

/** What is there to tell, page by page. */
async function* follow<T extends DomainEventType>(options: LiveStreamOptions<T> & { readonly eventIds: Set<string> | null }, start: Position | null, beginning: Beginning, signal: AbortSignal): AsyncGenerator<readonly DomainEvent<T>[], undefined> {
  const { tail, type, eventIds } = options;
  let position: Position;
  if (start) position = start;
  else if (options.after) {
    beginning.missedUntil = await options.head();
    position = options.after;
  } else {
    const { events, snapshot } = await options.current();
    beginning.seen = snapshot;
    position = snapshot.position;
    yield events;
  }
  const { missedUntil, seen } = beginning;
  for (;;) {
    const { events: told, reached } = await tail.next<T | 'event.removed'>(position, { types: [type, 'event.removed'], eventIds }, batchSize, signal);
    if (told.length === 0) return undefined; // the reader left, or the tail was closed
    const events = told.filter(({ type: told }) => told === type) as DomainEvent<T>[];
    const resuming = missedUntil !== null && comparePositions(position, missedUntil) < 0;
    const fresh = seen ? events.filter((event) => !seen.includes(decodeCursor(event.cursor).tx)) : events;
    yield resuming || !options.conflate ? fresh : options.conflate(fresh);
    for (const event of told) if (event.type === 'event.removed') eventIds?.delete(event.eventId ?? '');
    if (eventIds?.size === 0 && told.length > events.length) return undefined;
    position = reached;
  }
}
