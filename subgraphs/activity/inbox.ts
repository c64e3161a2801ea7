/**
 * What makes an activity durable: one row and one job, in one transaction for all requests that come while the one before
 * is under way. The job stores it, also when this process is gone.
 */
import { z } from 'zod';
import { EventgraphError } from '#core/errors.ts';
import { type GroupCommit, createGroupCommit } from '#core/group-commit.ts';
import { enqueue } from '#core/jobs.ts';
import { query } from '#core/sql.ts';
import type { Hub, SubgraphTask } from '#core/subgraph.ts';
import { type TakenActivity, purchasesOf } from './domain.ts';
import { storeActivities, storeTask } from './store.ts';

/** Activities of one transaction, and those that may wait for theirs. */
const mostTogether = 1_000;
const mostWaiting = 20_000;

type Inbox = GroupCommit<readonly TakenActivity[], void>;

/** One a process: requests share it. */
const inboxes = new WeakMap<Hub['database'], Inbox>();

/** Resolves when they are durable. Throws OVERLOADED where more come than can be written. */
export const take = (hub: Hub, activities: readonly TakenActivity[]): Promise<void> => {
  const inbox = inboxes.get(hub.database) ?? createInbox(hub.database);
  inboxes.set(hub.database, inbox);
  return inbox.add(activities);
};

const createInbox = (database: Hub['database']): Inbox =>
  createGroupCommit<readonly TakenActivity[], void>({
    commit: (together) =>
      database.em().transactional(async (em) => {
        const [row] = await query<{ batch: string }>(em, 'insert into activity.inbox (entries) values ($1::jsonb) returning batch', [JSON.stringify(together.flat())]);
        await enqueue(em, storeTask, { batch: row?.batch });
      }),
    sizeOf: (activities) => activities.length,
    mostTogether,
    mostWaiting,
    refuse: () => new EventgraphError('OVERLOADED', 'More activities come than can be written. Send them again later.', { retryAfter: 1 }),
  });

const payloadSchema = z.object({ batch: z.string() });

/** Stores a row of the inbox. Done again it finds none, and changes nothing. */
export const storeBatch: SubgraphTask = async (payload, hub) => {
  const { batch } = payloadSchema.parse(payload);
  const events = await hub.database.em().transactional(async (em) => {
    const [row] = await query<{ entries: TakenActivity[] }>(em, 'delete from activity.inbox where batch = $1 returning entries', [batch]);
    const fresh = row ? await storeActivities(em, row.entries) : [];
    return hub.ingest.record(em, purchasesOf(fresh));
  });
  await hub.ingest.announce(events);
};
