/** What one run of a plan carries along. */
import type { GraphQLFormattedError } from 'graphql';
import type { Viewer } from '#core/viewer.ts';
import type { CachedRun } from '../cache/cached-run.ts';
import type { DataSource } from '../sources/data-source.ts';
import type { ReportError } from '../errors.ts';
import type { GatewayCounts } from '../observe/counts.ts';
import type { Variables } from '../operations.ts';
import type { TypeMatcher } from '../supergraph.ts';
import type { Trace } from '../trace.ts';
import type { Walks } from './places.ts';

export type JsonObject = Record<string, unknown>;

export type Execution = {
  readonly dataSources: ReadonlyMap<string, DataSource>;
  readonly matchesType: TypeMatcher;
  readonly variables: Variables;
  readonly viewer: Viewer;
  readonly requestId: string;
  readonly signal: AbortSignal;
  readonly deadline: number | undefined;
  readonly report: ReportError | undefined;
  readonly counts: GatewayCounts;
  /** Told of every request to a subgraph while somebody looks. */
  readonly trace: Trace | undefined;
  /** The answer so far: fetches are merged into it. */
  readonly data: JsonObject;
  /** Errors of subgraphs, with paths of what was fetched where they are known. */
  readonly errors: GraphQLFormattedError[];
  /** Objects and lists that stand at several places of the answer: see `plan/sharing.ts`. */
  readonly shared: Set<object>;
  /** The places (`FetchStep.place`) whose objects some fetch holds already. */
  readonly held: Set<string>;
  readonly walks: Walks;
  /** What is kept of answers; absent where nothing may be taken from there or left there. */
  readonly cached?: CachedRun | undefined;
};

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);
