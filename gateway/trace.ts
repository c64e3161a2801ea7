/** What is noted about the requests of one run of a plan. */
import type { SubgraphRequest } from './data-source.ts';

/** Calls the subgraph and notes what it took; rejects and resolves as the call does. */
export type Trace = <T>(subgraph: string, request: SubgraphRequest, call: () => Promise<T>) => Promise<T>;
