/**
 * The federation gateway: one schema over many subgraphs.
 *
 * A request passes `operations` (which operation, is it valid), `limits`, `authorization` (what may be seen), `planning`
 * (which subgraph is asked what), `execute` and `shape`, in this order; see `engine.ts`.
 */
import type { FormattedExecutionResult, GraphQLSchema } from 'graphql';
import { type Answer, refusal } from './answer.ts';
import type { AllowsPolicy } from './authorization.ts';
import type { DataSource } from './data-source.ts';
import { createEngineHolder } from './engine-holder.ts';
import { type ReportError, formatThrown, refuse } from './errors.ts';
import type { GatewayRequest } from './gateway-request.ts';
import { type Limits, defaultLimits } from './limits.ts';
import { mapIterator } from './map-iterator.ts';
import type { Operation } from './operations.ts';
import { createSharedAnswers } from './shared-answers.ts';
import { createSharedRuns } from './shared-runs.ts';
import { createSubscriptions } from './subscriptions.ts';

export type { GatewayRequest } from './gateway-request.ts';

export type GatewayOptions = {
  readonly supergraph: string;
  /** Called once for each subgraph of a supergraph; one with the same name and URL after a reload is kept. */
  readonly dataSources: (subgraphName: string, url: string) => DataSource;
  readonly limits?: Partial<Limits>;
  readonly allowsPolicy?: AllowsPolicy;
  /** Whether identical queries of one viewer that are under way at the same time are executed once; true by default. */
  readonly shareAnswers?: boolean;
  /** Told of errors that are masked for callers, with the request id they were given. */
  readonly report?: ReportError;
};

export type Gateway = {
  /** The schema that clients see; changes with a reload. */
  apiSchema(): GraphQLSchema;
  /** The operation a request names; throws RequestRefused. Doors ask this to apply rules of their own (GET: queries only). */
  operationOf(request: Pick<GatewayRequest, 'query' | 'operationName'>): Operation;
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
  /** Ends live operations and closes every data source. */
  dispose(): Promise<void>;
};

export const createGateway = (options: GatewayOptions): Gateway => {
  const { report } = options;
  const holder = createEngineHolder(options.supergraph, options.dataSources, { limits: { ...defaultLimits, ...options.limits }, allowsPolicy: options.allowsPolicy, report });
  const runs = createSharedRuns();
  const subscriptions = createSubscriptions(holder, runs, report);
  const shared = createSharedAnswers();
  const sharesAnswers = options.shareAnswers ?? true;

  const answer = async (request: GatewayRequest): Promise<Answer> => {
    const lease = holder.lease();
    let answered: Answer | undefined;
    try {
      const { engine } = lease;
      const operation = engine.operations.find(request.query, request.operationName);
      if (operation.kind === 'subscription') throw refuse('OPERATION_NOT_SUPPORTED', 'Subscriptions are answered over WebSocket (graphql-transport-ws).', { operation: 'subscription' });
      const run = async (signal: AbortSignal) => engine.run(engine.prepare(operation, request.variables, request.viewer, request.inParts), { ...request, signal });
      if (request.inParts) return (answered = (await run(request.signal)).endingWith(lease.release));
      if (operation.kind === 'query') return await (sharesAnswers ? shared.answer(operation, request, run) : run(request.signal));
      return await run(request.signal).finally(shared.renew);
    } catch (error) {
      return refusal(formatThrown(error, request.requestId, report));
    } finally {
      // An answer in parts needs its engine until the last one.
      if (!answered?.rest) lease.release();
    }
  };
  const stream = async (request: GatewayRequest): Promise<AsyncIterableIterator<Answer> | Answer> => {
    try {
      return await subscriptions.subscribe(request);
    } catch (error) {
      return refusal(formatThrown(error, request.requestId, report));
    }
  };

  return {
    apiSchema: () => holder.current().supergraph.apiSchema,
    operationOf: ({ query, operationName }) => holder.current().operations.find(query, operationName),
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
    async dispose() {
      subscriptions.close();
      await holder.dispose();
    },
  };
};
