/**
 * How the gateway reaches one subgraph: in its own process or over HTTP and WebSocket. Both answer the same.
 */
import type { DocumentNode, ExecutionResult } from 'graphql';
import type { Viewer } from '#core/viewer.ts';

export type SubgraphRequest = {
  /** The subgraph operation, as text for the wire and parsed for the same process. */
  readonly query: string;
  readonly document: DocumentNode;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly viewer: Viewer;
  readonly requestId: string;
  readonly signal: AbortSignal;
};

/**
 * One event of a subgraph's subscription. `key` is the same object (same process) or an equal string (remote) for
 * every subscriber that is told of the same event with the same operation, variables and rights, so that what follows
 * from it is computed once; `execute` answers the subscription's selection for it.
 */
export type SourceEvent = { readonly key: object | string; execute(): Promise<ExecutionResult> };

export interface DataSource {
  execute(request: SubgraphRequest): Promise<ExecutionResult>;
  /** Errors found before the first event (validation, permission) come as an ExecutionResult. */
  subscribe(request: SubgraphRequest): Promise<AsyncIterableIterator<SourceEvent> | ExecutionResult>;
  close?(): Promise<void>;
}
