/** Pushes of one service that arrive while a transaction runs share the next one. A push is answered when its transaction has committed. */
import { EventgraphError } from '#core/errors.ts';
import { type GroupCommit, createGroupCommit } from '#core/group-commit.ts';
import { type IncomingBatch, applyBatch } from './apply.ts';
import type { Ingest } from './ingest.ts';

export type Inbox = {
  /** Resolves after the commit with the number of new facts of the transaction. Throws INBOX_FULL beyond its bound. */
  add(batch: IncomingBatch): Promise<number>;
};

export const inboxFull = (): EventgraphError => new EventgraphError('INBOX_FULL', 'This service pushes faster than can be stored. Push again later.', { retryAfterMs: 1000 });

/** Facts of one service that may wait, and facts of one transaction. */
const mostWaiting = 50_000;
const mostTogether = 5_000;

export const createInbox = (ingest: Ingest): Inbox => {
  const groups = new Map<string, GroupCommit<IncomingBatch, number>>();
  const groupOf = (key: string, { serviceId, revision }: IncomingBatch): GroupCommit<IncomingBatch, number> =>
    createGroupCommit<IncomingBatch, number>({
      commit: async (pushes) => (await applyBatch(ingest, { serviceId, revision, facts: pushes.flatMap(({ facts }) => facts), rejected: pushes.flatMap(({ rejected }) => rejected) })).facts,
      sizeOf: ({ facts }) => facts.length,
      mostTogether,
      mostWaiting,
      refuse: inboxFull,
      onIdle: () => groups.delete(key),
    });
  return {
    add(batch) {
      // Those that were judged under another revision of the service share their fate with none of this.
      const key = `${batch.serviceId} ${batch.revision}`;
      const group = groups.get(key) ?? groupOf(key, batch);
      groups.set(key, group);
      return group.add(batch);
    },
  };
};
