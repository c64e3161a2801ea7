/**
 * How an answer was made, told to admins who ask: with the header `x-eventgraph-trace`, or with `trace` in the request's
 * `extensions`. Either says `plan`, `timings` or both, with a comma between. Everybody else is answered as ever.
 */
import { isAllowed } from '#core/viewer.ts';
import type { SubgraphNote, SubgraphRequest } from '../sources/data-source.ts';
import type { Engine, Prepared } from '../engine.ts';
import { EntityVariables } from '../execute/variables.ts';
import type { GatewayRequest } from '../gateway-request.ts';
import type { Operation } from '../operations.ts';
import type { Batch } from '../plan/plan.ts';
import type { Trace } from '../trace.ts';
import { codeOf } from './counts.ts';
import { describePlan } from './plan-description.ts';

export const traceHeader = 'x-eventgraph-trace';

export type RequestedTrace = Trace & {
  /** As the engine does it; notes what it took, and whether the plan was known. */
  prepare(engine: Engine, operation: Operation, request: GatewayRequest): Prepared;
};

/** Null where the request asks for none, or its viewer may not. `begun`: when the gateway took it on (`performance.now()`). */
export const requestedTrace = ({ wantedTrace, extensions, viewer }: GatewayRequest, begun: number): RequestedTrace | null => {
  const wish = wantedTrace ?? extensions?.['trace'];
  if (typeof wish !== 'string' || !isAllowed(viewer, 'admin')) return null;
  const words = new Set(wish.split(',').map((word) => word.trim()));
  const [wantsPlan, wantsTimings] = [words.has('plan'), words.has('timings')];
  return wantsPlan || wantsTimings ? traceOf(wantsPlan, wantsTimings, begun) : null;
};

/** One request to a subgraph; milliseconds are counted from the beginning of the operation. */
type NotedRequest = { readonly batch: number; readonly subgraph: string; readonly startMs: number; durationMs: number | null; readonly entities: number; bytes: number | null; shared: boolean; errors: number; code: string | null };

const traceOf = (wantsPlan: boolean, wantsTimings: boolean, begun: number): RequestedTrace => {
  const requests: NotedRequest[] = [];
  let made: { readonly prepared: Prepared; readonly isPlanCached: boolean; readonly ms: number; readonly at: number } | null = null;
  let fetchedAt: number | null = null;

  const planOf = () => (made ? { cached: made.isPlanCached, ...describePlan(made.prepared.plan) } : null);
  const timings = () => {
    const now = performance.now();
    const executed = fetchedAt ?? now;
    return { totalMs: rounded(now - begun), planningMs: rounded(made?.ms ?? 0), executionMs: rounded(executed - (made?.at ?? begun)), shapingMs: rounded(now - executed), requests };
  };
  return {
    prepare(engine, operation, { variables, viewer, inParts }) {
      const from = performance.now();
      const known = engine.planned();
      const prepared = engine.prepare(operation, variables, viewer, inParts);
      const at = performance.now();
      made = { prepared, isPlanCached: engine.planned() === known, ms: at - from, at };
      return prepared;
    },
    async request(batch, request, send) {
      const note: SubgraphNote = { isShared: false, bytes: null };
      const noted = beginning(batch, request, begun);
      requests.push(noted);
      try {
        const result = await send({ ...request, note });
        noted.errors = errorsIn(result);
        return result;
      } catch (error) {
        noted.code = codeOf(error);
        throw error;
      } finally {
        noted.durationMs = rounded(performance.now() - begun - noted.startMs);
        noted.bytes = note.bytes;
        noted.shared = note.isShared;
      }
    },
    fetched: () => void (fetchedAt = performance.now()),
    extensions: () => JSON.stringify({ trace: { ...(wantsPlan ? { plan: planOf() } : {}), ...(wantsTimings ? { timings: timings() } : {}) } }),
  };
};

const beginning = ({ index, subgraph }: Batch, { variables }: SubgraphRequest, begun: number): NotedRequest => ({
  batch: index,
  subgraph,
  startMs: rounded(performance.now() - begun),
  durationMs: null,
  entities: variables instanceof EntityVariables ? variables.count : 0,
  bytes: null,
  shared: false,
  errors: 0,
  code: null,
});

const errorsIn = (result: unknown): number => {
  const errors = (result as { readonly errors?: unknown } | null)?.errors;
  return Array.isArray(errors) ? errors.length : 0;
};

const rounded = (ms: number): number => Math.round(ms * 1_000) / 1_000;
