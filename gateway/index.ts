/**
 * The federation gateway: one schema over many subgraphs.
 *
 * A request passes `operations` (which operation, is it valid), `limits`, `authorization` (what may be seen), `planning`
 * (which subgraph is asked what), `execute` and `shape`, in this order; see `engine.ts`.
 */
import type { FormattedExecutionResult, GraphQLSchema } from 'graphql';
import type { AllowsPolicy } from './authorization.ts';
import type { DataSource } from './data-source.ts';
import { createEngineHolder } from './engine-holder.ts';
import { type ReportError, formatThrown, refuse } from './errors.ts';
import type { GatewayRequest } from './gateway-request.ts';
import { type Limits, defaultLimits } from './limits.ts';
import type { Operation } from './operations.ts';
import { createSharedRuns } from './shared-runs.ts';
import { createSubscriptions } from './subscriptions.ts';

export type { GatewayRequest } from './gateway-request.ts';

export type GatewayOptions = {
  readonly supergraph: string;
  /** Called once for each subgraph of a supergraph; one with the same name and URL after a reload is kept. */
  readonly dataSources: (subgraphName: string, url: string) => DataSource;
  readonly limits?: Partial<Limits>;
  readonly allowsPolicy?: AllowsPolicy;
  /** Told of errors that are masked for callers, with the request id they were given. */
  readonly report?: ReportError;
};

export type Gateway = {
  /** The schema that clients see; changes with a reload. */
  apiSchema(): GraphQLSchema;
  /** The operation a request names; throws RequestRefused. Doors ask this to apply rules of their own (GET: queries only). */
  operationOf(request: Pick<GatewayRequest, 'query' | 'operationName'>): Operation;
  /** Queries and mutations. Never rejects; a result without `data` was refused before execution. */
  execute(request: GatewayRequest): Promise<FormattedExecutionResult>;
  /** Subscriptions. Never rejects; a plain result tells why there is no stream. */
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
  return {
    apiSchema: () => holder.current().supergraph.apiSchema,
    operationOf: ({ query, operationName }) => holder.current().operations.find(query, operationName),
    async execute(request) {
      const lease = holder.lease();
      try {
        const { engine } = lease;
        const operation = engine.operations.find(request.query, request.operationName);
        if (operation.kind === 'subscription') throw refuse('OPERATION_NOT_SUPPORTED', 'Subscriptions are answered over WebSocket (graphql-transport-ws).', { operation: 'subscription' });
        return await engine.run(engine.prepare(operation, request.variables, request.viewer), request);
      } catch (error) {
        return { errors: formatThrown(error, request.requestId, report) };
      } finally {
        lease.release();
      }
    },
    async subscribe(request) {
      try {
        return await subscriptions.subscribe(request);
      } catch (error) {
        return { errors: formatThrown(error, request.requestId, report) };
      }
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
