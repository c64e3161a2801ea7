/**
 * The federation gateway: one schema over many subgraphs.
 *
 * A request passes `operations` (which operation, is it valid), `limits`, `authorization` (what may be seen), `planning`
 * (which subgraph is asked what), `execute` and `shape`, in this order; see `engine.ts`.
 */
import type { Tracer } from '@opentelemetry/api';
import type { FormattedExecutionResult, GraphQLSchema } from 'graphql';
import type { Viewer } from '#core/viewer.ts';
import { type Answer, refusal } from './answer.ts';
import type { AllowsPolicy, Denied } from './authorization.ts';
import type { TaggedCache } from '#core/tagged-cache.ts';
import { type AnswerCache, createAnswerCache } from './cache/answer-cache.ts';
import type { DataSource } from './sources/data-source.ts';
import type { Asked, Engine, Prepared } from './engine.ts';
import { createEngineHolder } from './engine-holder.ts';
import { type ReportError, RequestRefused, formatThrown, refuse } from './errors.ts';
import type { GatewayRequest } from './gateway-request.ts';
import { type Limits, defaultLimits } from './limits.ts';
import { mapIterator } from './map-iterator.ts';
import { GatewayCounts, countedSource } from './observe/counts.ts';
import { requestedTrace } from './observe/requested-trace.ts';
import { type OperationSpan, beginSpan, withinSpan } from './observe/spans.ts';
import type { Operation, Variables } from './operations.ts';
import { createSharedAnswers } from './shared-answers.ts';
import { createSharedRuns } from './live/shared-runs.ts';
import { createSubscriptions } from './live/subscriptions.ts';

export type { GatewayRequest } from './gateway-request.ts';

export type GatewayOptions = {
  readonly supergraph: string;
  /** Called once for each subgraph of a supergraph; one with the same name and URL after a reload is kept. */
  readonly dataSources: (subgraphName: string, url: string) => DataSource;
  readonly limits?: Partial<Limits>;
  /** Entries that a list is taken to have, in the cost of an operation, where the schema says nothing. */
  readonly listSize?: number | undefined;
  readonly allowsPolicy?: AllowsPolicy;
  /** What becomes of a request for what the viewer may not see; `null` by default. */
  readonly denied?: Denied;
  /** Whether identical queries of one viewer that are under way at the same time are executed once; true by default. */
  readonly shareAnswers?: boolean;
  /** A refusal as its viewer may read it; as it is unless given. */
  readonly explain?: ((refused: RequestRefused, viewer: Viewer) => RequestRefused) | undefined;
  /** Where answers of queries and entities are kept, as far as `@cacheControl` allows; absent for nowhere. */
  readonly cache?: TaggedCache | undefined;
  /** Told of errors that are masked for callers, with the request id they were given. */
  readonly report?: ReportError;
  /** What it counts, for whoever wants to add to it or to know it before there is a gateway. */
  readonly counts?: GatewayCounts;
  /** Makes spans of operations and of requests to subgraphs; absent for none. */
  readonly tracer?: Tracer | undefined;
};

export type Gateway = {
  /** The schema that clients see; changes with a reload. */
  apiSchema(): GraphQLSchema;
  /** The operation a request names; throws RequestRefused. Doors ask this to apply rules of their own (GET: queries only). */
  operationOf(request: Pick<GatewayRequest, 'query' | 'operationName'>): Operation;
  /** What the operation can cost at most: see `budgets/cost.ts`. Throws RequestRefused where a list must be given its size. */
  costOf(operation: Operation, variables: Variables | null): number;
  /** Queries and mutations, as they are sent to a client. Never rejects; an answer without data was refused before execution. */
  answer(request: GatewayRequest): Promise<Answer>;
  /** Subscriptions, as they are sent. Never rejects; a plain answer tells why there is no stream. */
  stream(request: GatewayRequest): Promise<AsyncIterableIterator<Answer> | Answer>;
  /** `answer` for callers in this process. */
  execute(request: GatewayRequest): Promise<FormattedExecutionResult>;
  /** `stream` for callers in this process. */
  subscribe(request: GatewayRequest): Promise<AsyncIterableIterator<FormattedExecutionResult> | FormattedExecutionResult>;
  /** Serves another supergraph from now on. Throws `SUPERGRAPH_INVALID` and changes nothing if it cannot be loaded. */
  reload(supergraph: string): void;
  /** How many plans were made for the serving supergraph. */
  planned(): number;
  /** How many groups of subscribers share executions; 0 when nobody listens. */
  liveGroups(): number;
  /** How many subscriptions are open. */
  subscriptions(): number;
  /** How many queries got the answer of an equal one under way. */
  coalesced(): number;
  readonly counts: GatewayCounts;
  /** Ends live operations and closes every data source. */
  dispose(): Promise<void>;
};

export const createGateway = (options: GatewayOptions): Gateway => {
  const { report, tracer, counts = new GatewayCounts() } = options;
  const connect = (name: string, url: string): DataSource => countedSource(options.dataSources(name, url), counts.subgraph(name));
  const holder = createEngineHolder(options.supergraph, connect, { limits: { ...defaultLimits, ...options.limits }, listSize: options.listSize, allowsPolicy: options.allowsPolicy, denied: options.denied, report, counts });
  const runs = createSharedRuns();
  const subscriptions = createSubscriptions({ holder, runs, report, counts, tracer });
  const shared = createSharedAnswers();
  const sharesAnswers = options.shareAnswers ?? true;
  const cache = options.cache && createAnswerCache(options.cache, counts.cache);

  const explained = (error: unknown, viewer: Viewer): unknown => (options.explain && error instanceof RequestRefused ? options.explain(error, viewer) : error);

  /** Whoever asks after it is answered sees what it changed. */
  const mutate = (engine: Engine, prepared: Prepared, request: Asked): Promise<Answer> =>
    engine.run(prepared, request).finally(async () => {
      shared.renew();
      await cache?.changed(prepared.plan);
    });
  const fromCache = async (known: AnswerCache, engine: Engine, operation: Operation, prepared: Prepared, request: GatewayRequest & Asked): Promise<Answer> => {
    const looked = await known.look(engine, prepared, request.viewer);
    if (looked.hit) return looked.hit;
    const execute = (signal: AbortSignal) => looked.answer((cached) => engine.run(prepared, { ...request, signal, cached }));
    return sharesAnswers && !prepared.parts ? shared.answer(operation, request, execute, looked.version) : execute(request.signal);
  };

  const answer = async (request: GatewayRequest): Promise<Answer> => {
    const begun = performance.now();
    const lease = holder.lease();
    let operation: Operation | undefined;
    let answered: Answer | undefined;
    let span: OperationSpan | undefined;
    try {
      const { engine } = lease;
      operation = engine.operations.find(request.query, request.operationName);
      if (operation.kind === 'subscription') throw refuse('OPERATION_NOT_SUPPORTED', 'Subscriptions are answered as a stream: over WebSocket (graphql-transport-ws), Server-Sent Events or multipart.', { operation: 'subscription' });
      const found = operation;
      const inParts = request.inParts === true && engine.mayDefer(found);
      const requested = requestedTrace(request, begun);
      span = tracer && beginSpan(tracer, found);
      const trace = span && requested ? withinSpan(span, requested) : (requested ?? span);
      const prepare = () => (requested ? requested.prepare(engine, found, request) : engine.prepare(found, request.variables, request.viewer, inParts));
      const run = (signal: AbortSignal) => engine.run(prepare(), { ...request, signal, trace });
      if (found.kind === 'mutation') return (answered = (await mutate(engine, prepare(), { ...request, trace })).endingWith(lease.release));
      // What is told of how an answer was made is told of one that is made.
      if (cache && !requested) return (answered = (await fromCache(cache, engine, found, prepare(), { ...request, trace })).endingWith(lease.release));
      if (inParts) return (answered = (await run(request.signal)).endingWith(lease.release));
      // What is told of how an answer was made is told to those who asked.
      return (answered = await (sharesAnswers && !requested ? shared.answer(found, request, run) : run(request.signal)));
    } catch (error) {
      return (answered = refusal(formatThrown(explained(error, request.viewer), request.requestId, report)));
    } finally {
      // An answer in parts needs its engine until the last one.
      if (!answered?.rest) lease.release();
      if (answered) {
        counts.answered(operation?.kind ?? 'unknown', answered, performance.now() - begun);
        span?.end(answered.errors);
      }
    }
  };
  const stream = async (request: GatewayRequest): Promise<AsyncIterableIterator<Answer> | Answer> => {
    try {
      const answers = await subscriptions.subscribe(request);
      counts.operations.subscription.add('ok');
      return answers;
    } catch (error) {
      const answer = refusal(formatThrown(explained(error, request.viewer), request.requestId, report));
      counts.answered('subscription', answer);
      return answer;
    }
  };
  const operationOf = ({ query, operationName }: Pick<GatewayRequest, 'query' | 'operationName'>): Operation => {
    try {
      return holder.current().operations.find(query, operationName);
    } catch (error) {
      counts.refused(error);
      throw error;
    }
  };

  return {
    apiSchema: () => holder.current().supergraph.apiSchema,
    operationOf,
    costOf: (operation, variables) => holder.current().costs.of(operation, variables),
    answer,
    stream,
    execute: async (request) => (await answer(request)).result,
    async subscribe(request) {
      const answers = await stream(request);
      return Symbol.asyncIterator in answers ? mapIterator(answers, ({ result }) => result) : answers.result;
    },
    reload: (sdl) => holder.replace(sdl),
    planned: () => holder.current().planned(),
    liveGroups: () => runs.size,
    subscriptions: () => subscriptions.size,
    coalesced: () => shared.count,
    counts,
    async dispose() {
      subscriptions.close();
      await holder.dispose();
    },
  };
};
