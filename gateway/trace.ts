/**
 * What is noted about one run of a plan while somebody looks: an admin who asked for it (`observe/requested-trace.ts`),
 * or spans (`observe/spans.ts`). Without either there is none.
 */
import type { SubgraphRequest } from './sources/data-source.ts';
import type { Batch } from './plan/plan.ts';

export type Trace = {
  /** Sends the request, or the same with more for the source in it, and notes what it took; ends as the sending does. */
  request<T>(batch: Batch, request: SubgraphRequest, send: (request: SubgraphRequest) => Promise<T>): Promise<T>;
  /** Everything was fetched: what comes now is the shaping of the answer. */
  fetched(): void;
  /** What the answer tells of its making, as the JSON of its `extensions`; null for nothing. */
  extensions(): string | null;
};
