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
  /** Null: all events. */
  readonly eventIds: ReadonlySet<string> | null;
  /** Resume behind this position, leaving nothing out and conflating nothing up to where the log ends now. */
  readonly after: Position | null;
  /** What is so now, for readers that do not resume. Its events carry the snapshot's position as cursor. */
  readonly current: () => Promise<{ readonly events: readonly DomainEvent<T>[]; readonly snapshot: Snapshot }>;
  readonly conflate?: (events: DomainEvent<T>[]) => DomainEvent<T>[];
};

const batchSize = 500;

export const liveStream = <T extends DomainEventType>(options: LiveStreamOptions<T>): AsyncIterableIterator<DomainEvent<T>> => {
  const abort = new AbortController();
  const events = follow(options, abort.signal);
  return {
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

async function* follow<T extends DomainEventType>(options: LiveStreamOptions<T>, signal: AbortSignal): AsyncGenerator<DomainEvent<T>, undefined> {
  const { tail, type, eventIds } = options;
  const missedUntil = options.after ? await options.head() : null;
  let position: Position;
  let seen: Snapshot | null = null;
  if (options.after) position = options.after;
  else {
    const { events, snapshot } = await options.current();
    yield* events;
    [position, seen] = [snapshot.position, snapshot];
  }
  for (;;) {
    const { events, reached } = await tail.next(position, { types: [type], eventIds }, batchSize, signal);
    if (events.length === 0) return undefined; // the reader left, or the tail was closed
    const resuming = missedUntil !== null && comparePositions(position, missedUntil) < 0;
    const fresh = seen ? events.filter((event) => !seen?.includes(decodeCursor(event.cursor).tx)) : events;
    yield* resuming || !options.conflate ? fresh : options.conflate(fresh);
    position = reached;
  }
}
