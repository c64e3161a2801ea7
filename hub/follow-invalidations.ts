/**
 * Drops cached answers for what the event log tells. Who commits a change tells the cache of it before anybody is
 * answered; this is for changes of a process that died in between, or could not reach the cache. A cache in the memory of
 * the one process that writes needs it not.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type Position, logHead } from '#core/event-log.ts';
import { invalidatedBy, invalidatingTypes } from '#core/invalidation.ts';
import type { Foundation } from './foundation.ts';

const eventsAtOnce = 500;
const retryMs = 1_000;

export const followInvalidations = ({ hub, subgraphs }: Pick<Foundation, 'hub' | 'subgraphs'>): AsyncDisposable => {
  const stop = new AbortController();
  const types = invalidatingTypes(subgraphs);
  /** Kept when reading fails: nothing may be passed over. */
  let reached: Position | null = null;
  const follow = async (): Promise<void> => {
    let position = reached ?? (await logHead(hub.database.em()));
    while (!stop.signal.aborted) {
      const page = await hub.tail.next(position, { types, eventIds: null }, eventsAtOnce, stop.signal);
      await hub.answers.invalidate(invalidatedBy(subgraphs, page.events));
      reached = position = page.reached;
    }
  };
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await follow().catch((error: unknown) => hub.logger.warn({ err: error }, 'the event log cannot be followed for the cache; trying again'));
      await wait(retryMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  };
  const running = types.length > 0 ? run() : Promise.resolve();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
};
