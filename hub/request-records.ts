/** Notes every minute how long the requests of this gateway took. */
import { recordRequests } from '#core/platform-records.ts';
import type { Hub } from '#core/subgraph.ts';
import type { GatewayCounts } from '#gateway/observe/counts.ts';
import { durationBounds } from '#gateway/observe/durations.ts';

const everyMs = 60_000;

type Sum = { readonly buckets: readonly number[]; readonly sumMs: number; readonly failed: number };

export const startRequestRecords = ({ database, logger, now }: Hub, counts: GatewayCounts): AsyncDisposable => {
  let noted = sumOf(counts);
  const note = async (): Promise<void> => {
    const sum = sumOf(counts);
    const since = { buckets: sum.buckets.map((count, place) => count - (noted.buckets[place] ?? 0)), sumMs: sum.sumMs - noted.sumMs, failed: sum.failed - noted.failed };
    if (since.buckets.every((count) => count === 0)) return;
    await recordRequests(database.em(), { at: now(), bounds: durationBounds, ...since });
    noted = sum;
  };
  // What could not be noted is noted with the next minute.
  const tryNote = () => note().catch((error: unknown) => logger.warn({ err: error }, 'how long requests took could not be noted'));
  const timer = setInterval(() => void tryNote(), everyMs);
  timer.unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await tryNote();
    },
  };
};

const sumOf = ({ durations, operations }: GatewayCounts): Sum => {
  const { query, mutation } = durations;
  const failed = [...operations.query.byWord, ...operations.mutation.byWord].reduce((sum, [outcome, count]) => (outcome === 'ok' ? sum : sum + count), 0);
  return { buckets: query.buckets.map((count, place) => count + (mutation.buckets[place] ?? 0)), sumMs: query.sum + mutation.sum, failed };
};
