/**
 * A subgraph behind its own server: HTTP POST over kept connections for queries and mutations, `graphql-transport-ws`
 * for subscriptions. The viewer travels signed, as `x-eventgraph-viewer`.
 *
 * A fetch passes, in this order: identical ones under way (`flights`), another try (`retry`), a second request beside a
 * late one (`hedge`), the circuit, the queue (`fair-limit`), the wire (`remote-http`).
 */
import { OperationTypeNode } from 'graphql';
import { type ReadAnswer, createAnswerReader } from './answer-reader.ts';
import type { DataSource, SourceState, SubgraphNote, SubgraphOperation, SubgraphRequest, SubgraphResult } from './data-source.ts';
import { type Landed, createRemoteHttp } from './remote-http.ts';
import { createRemoteStreams } from './remote-streams.ts';
import { createCircuit } from '../resilience/circuit.ts';
import { isPublicError } from '#core/errors.ts';
import { createFairLimit } from '../resilience/fair-limit.ts';
import { type Shelf, type Start, createFlights } from '../resilience/flights.ts';
import { createHedge } from '../resilience/hedge.ts';
import type { FetchObserver } from '../resilience/observe.ts';
import { createRetryBudget } from '../resilience/retry-budget.ts';
import { createRetry } from '../resilience/retry.ts';
import { type Pass, type SignViewer, createViewerPasses } from '../resilience/viewer-passes.ts';

export type RemoteSubgraph = {
  /** Of `POST /graphql`; the WebSocket is at the same address. */
  readonly url: string;
  /** What the subgraph believes about the viewer; it must be able to check it. Asked at most every 20 s for equal viewers. */
  readonly signViewer: SignViewer;
  /** For the whole answer of a query, waiting and retries included, in milliseconds. */
  readonly timeoutMs?: number;
  /** For the whole answer of a mutation: longer than the longest one takes, as one that was given up still happens. */
  readonly mutationTimeoutMs?: number;
  /** Largest answer, in bytes. */
  readonly maxBytes?: number;
  /** Requests at the same time, each over a connection of its own. */
  readonly maxConcurrent?: number;
  /** Requests that wait for their turn; more are refused with `SUBREQUEST_OVERLOADED`. */
  readonly maxQueued?: number;
  /** More tries of a query after a connection that failed, 502, 503 or 504. */
  readonly retries?: number;
  /** Retries and hedges, as a share of the fetches. */
  readonly retryShare?: number;
  /** Failures in a row, or the share of failures among the last `window` answers, that open the circuit for `openMs`. */
  readonly breaker?: { readonly failures: number; readonly ratio: number; readonly window: number; readonly openMs: number };
  /** Milliseconds after which a query is asked a second time; absent for never. */
  readonly hedgeAfterMs?: number | undefined;
  /** Whether identical queries under way are one request. */
  readonly shareFetches?: boolean;
  readonly observe?: FetchObserver | undefined;
};

const defaults = {
  timeoutMs: 30_000,
  mutationTimeoutMs: 90_000, // a registration has 60 s
  maxBytes: 32 * 1024 * 1024,
  maxConcurrent: 128,
  maxQueued: 1_000,
  retries: 2,
  retryShare: 0.1,
  breaker: { failures: 10, ratio: 0.5, window: 100, openMs: 2_000 },
  shareFetches: true,
  observe: {} as FetchObserver,
};
/** Retries that a quiet hour leaves for a sudden fault. */
const retryReserve = 10;

export type RemoteDataSource = DataSource & {
  state(): SourceState;
  close(): Promise<void>;
};

/** The text of an operation as it stands in a request body, made once. */
type Known = { readonly head: string; readonly isQuery: boolean; readonly read: ReadAnswer; readonly shelf: Shelf<Landed> };

export const createRemoteDataSource = (subgraph: RemoteSubgraph): RemoteDataSource => {
  const { observe, ...settings } = { ...defaults, ...subgraph };
  const url = new URL(subgraph.url);
  const http = createRemoteHttp(url, { connections: settings.maxConcurrent, maxBytes: settings.maxBytes });
  const limit = createFairLimit({ ...settings, onShed: observe?.shed });
  const circuit = createCircuit({ ...settings.breaker, onChange: observe?.circuit });
  const budget = createRetryBudget({ share: settings.retryShare, reserve: retryReserve });
  const retry = createRetry({ retries: settings.retries, budget, onRetry: observe?.retried });
  const hedge = settings.hedgeAfterMs === undefined ? null : createHedge({ afterMs: settings.hedgeAfterMs, mayHedge: () => limit.hasRoom() && circuit.state === 'closed' && budget.spend(), onHedge: observe?.hedged });
  const flights = createFlights<Landed, SubgraphResult>({ unload, onShared: observe?.shared });
  const passOf = createViewerPasses(subgraph.signViewer);
  const streams = createRemoteStreams(url, subgraph.signViewer, settings.timeoutMs);
  const known = new WeakMap<SubgraphOperation, Known>();

  const knownOf = (operation: SubgraphOperation): Known => {
    let found = known.get(operation);
    if (!found) known.set(operation, (found = { head: headOf(operation), isQuery: operation.kind === OperationTypeNode.QUERY, read: createAnswerReader(operation.form), shelf: new Map() }));
    return found;
  };
  const send = (body: string, read: ReadAnswer, { requestId, traceparent }: SubgraphRequest, pass: Pass, signal: AbortSignal, endsAt: number): Promise<Landed> => {
    const signed = pass.signature();
    if (typeof signed === 'string') return http.send({ body, requestId, endsAt, traceparent, read, signature: signed }, signal);
    return signed.then((signature) => http.send({ body, requestId, endsAt, traceparent, read, signature }, signal));
  };
  const execute = (request: SubgraphRequest): Promise<SubgraphResult> => {
    const { signal, deadline, note, version } = request;
    const { head, isQuery, read, shelf } = knownOf(request.operation);
    const pass = passOf(request.viewer);
    const variables = request.variables.json;
    const timeoutMs = isQuery ? settings.timeoutMs : settings.mutationTimeoutMs;
    const waiting = { signal, timeoutMs, limitMs: deadline === undefined ? timeoutMs : Math.min(timeoutMs, deadline - Date.now()) };
    const fly = (flightSignal: AbortSignal, endsAt: number): Promise<Landed> => {
      const body = `${head}${variables}}`;
      const once = async (legSignal: AbortSignal): Promise<Landed> => {
        circuit.check(); // now, and not when its turn has come
        return await limit.run(pass.party, legSignal, () => circuit.run(() => send(body, read, request, pass, legSignal, endsAt)));
      };
      if (!isQuery) return once(flightSignal);
      budget.earn();
      return retry(() => (hedge ? hedge(once, flightSignal) : once(flightSignal)), flightSignal, endsAt);
    };
    const start = note ? noting(note, fly) : fly;
    if (!isQuery) return flights.alone(waiting, start).finally(flights.separate);
    return settings.shareFetches ? flights.share(shelf, { scope: pass.id, text: version === undefined ? variables : `${version} ${variables}` }, waiting, start) : flights.alone(waiting, start);
  };

  return {
    execute: observe?.fetched ? observed(execute, observe.fetched) : execute,
    subscribe: (request) => streams.subscribe(request),
    state: () => ({ circuit: circuit.state, flights: flights.size, running: limit.running, queued: limit.queued, connections: http.connections }),
    async close() {
      await Promise.all([streams.close(), http.close()]);
    },
  };
};

const headOf = ({ query, name }: SubgraphOperation): string => `{"query":${JSON.stringify(query)},${name === undefined ? '' : `"operationName":${JSON.stringify(name)},`}"variables":`;

/** A request that no flight is started for takes part in another one. */
const noting = (note: SubgraphNote, fly: Start<Landed>): Start<Landed> => {
  note.isShared = true;
  return async (signal, endsAt) => {
    note.isShared = false;
    const landed = await fly(signal, endsAt);
    note.bytes = landed.body.length;
    return landed;
  };
};

/** The first to come takes what was read; an execution merges into it, so the others read the body again. */
const unload = (landed: Landed): SubgraphResult => {
  const { body, read, parsed } = landed;
  landed.parsed = null;
  return parsed ?? (read(body) as SubgraphResult);
};

const observed =
  (execute: DataSource['execute'], fetched: NonNullable<FetchObserver['fetched']>): DataSource['execute'] =>
  async (request) => {
    const begun = performance.now();
    const tell = (code: string | null) => fetched({ kind: request.operation.kind === OperationTypeNode.QUERY ? 'query' : 'mutation', code, ms: performance.now() - begun });
    try {
      const result = await execute(request);
      tell(null);
      return result;
    } catch (error) {
      tell(isPublicError(error) ? error.code : 'SUBREQUEST_FAILED');
      throw error;
    }
  };
