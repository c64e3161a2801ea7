/** Runs a plan: each fetch as soon as what it needs is there, batches in one request as far as they are ready together. */
import type { Batch, FetchStep, Plan } from '../plan/plan.ts';
import type { Execution } from './context.ts';
import { runFetches } from './fetch.ts';
import { noteFailure } from './subgraph-errors.ts';

/**
 * How long a fetch that is ready waits for others of its batch: as long as the request took so far, at least this many
 * milliseconds. So a slow subgraph costs a request that does not need it at most half of its time, and nothing is
 * gained or lost where subgraphs answer alike. A fetch that nothing waits for can wait longer.
 */
const shortestWaitMs = 5;
const patience = { awaited: 1, last: 4 } as const;

export type PlanRun = {
  /** Resolves when every fetch of the block has ended; never rejects. */
  block(number: number): Promise<void>;
};

/** `executions` has one for each block of the plan: they share everything but their errors. */
export const runPlan = (executions: readonly Execution[], plan: Plan): PlanRun => {
  const execution = executions[0] as Execution;
  const started = performance.now();
  const waitsFor = plan.fetches.map(({ after }) => after.length);
  const held = plan.batches.map((): Held => ({ ready: [], sent: 0, timer: undefined, until: 0 }));
  const blocks = createBlocks(plan);

  const hold = (fetch: FetchStep): void => void heldFor(plan, held, fetch)?.ready.push(fetch);
  const sendIfComplete = (fetch: FetchStep): void => {
    const batch = plan.batchOf[fetch.index];
    const waiting = batch && held[batch.index];
    if (!waiting || waiting.ready.length === 0) return;
    if (waiting.ready.length + waiting.sent === batch.fetches.length || execution.signal.aborted) return flush(batch, waiting);
    const isAwaited = (plan.dependents[fetch.index]?.length ?? 0) > 0;
    const now = performance.now();
    const wait = Math.max(shortestWaitMs, (now - started) * (isAwaited ? patience.awaited : patience.last));
    // Who can wait longer does not make the others wait.
    if (waiting.timer && waiting.until <= now + wait) return;
    clearTimeout(waiting.timer);
    waiting.until = now + wait;
    waiting.timer = setTimeout(flush, wait, batch, waiting);
  };
  const flush = (batch: Batch, waiting: Held): void => {
    clearTimeout(waiting.timer);
    waiting.timer = undefined;
    const fetches = waiting.ready;
    waiting.ready = [];
    waiting.sent += fetches.length;
    const mine = executions[fetches[0]?.block ?? 0] ?? execution;
    const ended = () => end(fetches);
    const failed = (error: unknown) => {
      noteFailure(mine, batch.subgraph, error, []);
      ended();
    };
    runFetches(mine, batch, fetches).then(ended, failed);
  };
  const end = (fetches: readonly FetchStep[]): void => {
    const next: FetchStep[] = [];
    for (const { index } of fetches) {
      for (const dependent of plan.dependents[index] ?? []) {
        const fetch = plan.fetches[dependent];
        const left = (waitsFor[dependent] = (waitsFor[dependent] ?? 0) - 1);
        if (left === 0 && fetch) next.push(fetch);
      }
    }
    begin(next);
    for (const { block } of fetches) blocks.ended(block);
  };
  const begin = (fetches: readonly FetchStep[]): void => {
    for (const fetch of fetches) hold(fetch);
    for (const fetch of fetches) sendIfComplete(fetch);
    // Nobody waits any more: what is held goes on its way at once, to end at once.
    if (execution.signal.aborted) for (const batch of plan.batches) flushHeld(batch);
  };
  const flushHeld = (batch: Batch): void => {
    const waiting = held[batch.index];
    if (waiting && waiting.ready.length > 0) flush(batch, waiting);
  };

  begin(plan.fetches.filter(({ after }) => after.length === 0));
  return { block: (number) => blocks.whenEnded(number) };
};

/** `until`: when the timer ends, as `performance.now()` counts. */
type Held = { ready: FetchStep[]; sent: number; timer: NodeJS.Timeout | undefined; until: number };

const heldFor = (plan: Plan, held: readonly Held[], fetch: FetchStep): Held | undefined => held[plan.batchOf[fetch.index]?.index ?? -1];

type Blocks = { ended(block: number): void; whenEnded(block: number): Promise<void> };

class Block {
  left = 0;
  readonly ending = Promise.withResolvers<void>();
}

const createBlocks = (plan: Plan): Blocks => {
  const blocks = [new Block(), ...plan.deferred.map(() => new Block())];
  for (const { block } of plan.fetches) {
    const counted = blocks[block];
    if (counted) counted.left++;
  }
  for (const { left, ending } of blocks) if (left === 0) ending.resolve();
  return {
    ended(block) {
      const counted = blocks[block];
      if (counted && --counted.left === 0) counted.ending.resolve();
    },
    whenEnded: (block) => blocks[block]?.ending.promise ?? Promise.resolve(),
  };
};
