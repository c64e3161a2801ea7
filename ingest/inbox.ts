/**
 * Pushes of one service that arrive while a transaction runs share the next one: many small pushes cost little more
 * than a large one. A push is answered when its transaction has committed.
 */
import { EventgraphError } from '#core/errors.ts';
import { type Applied, type IncomingBatch, applyBatch } from './apply.ts';
import type { Ingest } from './ingest.ts';

export type Inbox = {
  /** Resolves after the commit with the number of new facts of the transaction. Throws INBOX_FULL beyond its bound. */
  add(batch: IncomingBatch): Promise<number>;
};

type Waiting = { readonly batch: IncomingBatch; readonly resolve: (facts: number) => void; readonly reject: (error: unknown) => void };
type Queue = { waiting: Waiting[]; facts: number; running: boolean };

/** Facts of one service that may wait, and facts of one transaction. */
const mostWaiting = 50_000;
const mostTogether = 5_000;

export const createInbox = (ingest: Ingest): Inbox => {
  const queues = new Map<string, Queue>();

  const run = async (serviceId: string, queue: Queue): Promise<void> => {
    queue.running = true;
    while (queue.waiting.length > 0) {
      const together = takeTogether(queue);
      await applyTogether(ingest, serviceId, together);
    }
    queues.delete(serviceId);
  };

  return {
    add(batch) {
      const queue = queues.get(batch.serviceId) ?? { waiting: [], facts: 0, running: false };
      if (queue.facts + batch.facts.length > mostWaiting) return Promise.reject(new EventgraphError('INBOX_FULL', 'This service pushes faster than can be stored. Push again later.', { retryAfterMs: 1000 }));
      queues.set(batch.serviceId, queue);
      return new Promise((resolve, reject) => {
        queue.waiting.push({ batch, resolve, reject });
        queue.facts += batch.facts.length;
        if (!queue.running) void run(batch.serviceId, queue);
      });
    },
  };
};

const takeTogether = (queue: Queue): Waiting[] => {
  const together: Waiting[] = [];
  let facts = 0;
  for (let next = queue.waiting[0]; next && (together.length === 0 || facts + next.batch.facts.length <= mostTogether); next = queue.waiting[0]) {
    queue.waiting.shift();
    together.push(next);
    facts += next.batch.facts.length;
  }
  queue.facts -= facts;
  return together;
};

/** When the shared transaction fails, each push is tried by itself, so that none fails for another's sake. */
const applyTogether = async (ingest: Ingest, serviceId: string, together: readonly Waiting[]): Promise<void> => {
  const apply = (pushes: readonly Waiting[]): Promise<Applied> => applyBatch(ingest, { serviceId, facts: pushes.flatMap(({ batch }) => batch.facts), rejected: pushes.flatMap(({ batch }) => batch.rejected) });
  try {
    const { facts } = await apply(together);
    for (const push of together) push.resolve(facts);
  } catch (error) {
    if (together.length === 1) return together[0]?.reject(error);
    for (const push of together) await apply([push]).then(({ facts }) => push.resolve(facts), push.reject);
  }
};
