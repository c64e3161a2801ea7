/** A subgraph in the gateway's own process: graphql-js over its schema, nothing serialised in between. */
import { type ExecutionResult, type GraphQLSchema, createSourceEventStream, execute } from 'graphql';
import type { Viewer } from '#core/viewer.ts';
import type { DataSource, SourceEvent, SourceEvents, SubgraphRequest } from './data-source.ts';
import { type ReportError, formatError, inputError } from '../errors.ts';
import { mapIterator } from '../map-iterator.ts';

export type LocalSubgraph = {
  readonly schema: GraphQLSchema;
  /** Made for each request, so that DataLoaders never mix viewers. */
  readonly contextFor: (viewer: Viewer, requestId: string, signal: AbortSignal) => unknown;
  /** Told of errors that are masked for callers. */
  readonly report?: ReportError;
};

/** What resolvers of subscriptions answer with; `continueAfter` and `atHand` are `LiveStream`'s. */
type Events = AsyncIterable<unknown> & { continueAfter?(event: unknown): (() => Events) | null; atHand?(most: number): readonly unknown[] };

export const createLocalDataSource = (subgraph: LocalSubgraph): DataSource => {
  const argsOf = (request: SubgraphRequest) => ({
    schema: subgraph.schema,
    document: request.operation.document,
    operationName: request.operation.name ?? null,
    variableValues: request.variables.values,
    contextValue: subgraph.contextFor(request.viewer, request.requestId, request.signal),
  });
  /** Errors as they would come over the wire. Before execution they are graphql-js's own words, about values of variables. */
  const masked = (result: ExecutionResult, requestId: string): ExecutionResult => {
    if (!result.errors) return result;
    const isRefused = !('data' in result);
    const errors = result.errors.map((error) => (isRefused && inputError({ message: error.message })) || formatError(error, requestId, subgraph.report));
    return { ...result, errors } as unknown as ExecutionResult;
  };
  const streamOf = (events: Events, request: SubgraphRequest): SourceEvents => {
    const told = (event: unknown): SourceEvent => {
      const open = events.continueAfter?.(event);
      return {
        key: keyOf(event),
        execute: async () => masked(await execute({ ...argsOf(request), rootValue: event }), request.requestId),
        continue: open ? (next) => streamOf(open(), next) : undefined,
      };
    };
    return Object.assign(mapIterator(events, told), { atHand: (most: number) => events.atHand?.(most).map(told) ?? [] });
  };

  return {
    async execute(request) {
      return masked(await execute(argsOf(request)), request.requestId);
    },
    async subscribe(request) {
      const events = await createSourceEventStream(argsOf(request));
      if (!(Symbol.asyncIterator in events)) return masked(events, request.requestId);
      return streamOf(events as Events, request);
    },
  };
};

/** One event reaches all subscribers as the same object; a source that yields plain values cannot be shared. */
const keyOf = (event: unknown): SourceEvent['key'] => (typeof event === 'object' && event !== null ? event : {});
