/**
 * How the gateway reaches one subgraph: in its own process or over HTTP and WebSocket. Both answer the same.
 */
import type { DocumentNode, ExecutionResult, OperationTypeNode } from 'graphql';
import type { Viewer } from '#core/viewer.ts';
import type { CircuitState } from '../resilience/observe.ts';

/** What a subgraph is asked to run; made once per plan and the same object for every request. */
export type SubgraphOperation = {
  readonly kind: OperationTypeNode;
  readonly name: string | undefined;
  /** As text for the wire and parsed for the same process. */
  readonly query: string;
  readonly document: DocumentNode;
  /** What `data` looks like; absent where nobody worked it out. */
  readonly form?: AnswerForm | undefined;
};

/** Fields in the order of the operation, those of all types that can stand there; null for what has no fields. */
export type AnswerForm = readonly AnswerField[];
export type AnswerField = {
  readonly name: string;
  /** Whether equal objects that stand here may be one and the same: see `plan/sharing.ts`. */
  readonly mayBeOne: boolean;
  readonly fields: AnswerForm | null;
};

/** `shared`: the objects that stand at several places of `data`. */
export type SubgraphResult = ExecutionResult & { readonly shared?: ReadonlySet<object> };

/** Both are made when they are asked for: ask once. */
export interface SubgraphVariables {
  readonly json: string;
  toJSON(): unknown;
  readonly values: Readonly<Record<string, unknown>>;
}

/** What only the source knows of a request: filled in where somebody looks. */
export type SubgraphNote = {
  /** Whether it took the answer of an equal one under way. */
  isShared: boolean;
  /** Of the body that came over the wire, if one came for it. */
  bytes: number | null;
};

export type SubgraphRequest = {
  readonly operation: SubgraphOperation;
  readonly variables: SubgraphVariables;
  readonly viewer: Viewer;
  readonly requestId: string;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** When the client's request ends, in milliseconds of `Date.now()`; absent where nothing limits it (subscriptions). */
  readonly deadline?: number | undefined;
  /** Requests that have one are shared with those alone that have the same: what changed between makes another. */
  readonly version?: string | undefined;
  /** The W3C trace context that the subgraph goes on with, where spans are made. */
  readonly traceparent?: string | undefined;
  readonly note?: SubgraphNote | undefined;
};

/**
 * One event of a subgraph's subscription. `key` is the same object (same process) or an equal string (remote) for
 * every subscriber that is told of the same event with the same operation, variables and rights, so that what follows
 * from it is computed once; `execute` answers the subscription's selection for it.
 */
export type SourceEvent = {
  readonly key: object | string;
  execute(): Promise<ExecutionResult>;
  /**
   * Opens a stream that goes on behind this event, for whoever was told of it; the stream that told it may have ended.
   * Absent where the source cannot, or where what follows is not the same for everybody whose stream stands here.
   */
  readonly continue?: ((request: SubgraphRequest) => SourceEvents) | undefined;
};

/** `atHand` takes the events that are there already, the next first, without waiting for one; absent where a source cannot tell. */
export type SourceEvents = AsyncIterableIterator<SourceEvent> & { atHand?(most: number): readonly SourceEvent[] };

export interface DataSource {
  /**
   * The answer belongs to the caller, who merges into it: a source never hands the same objects out twice, but in one
   * answer where the operation's form allows it.
   * Rejects with a coded error (`SUBREQUEST_…`) when there is no answer.
   */
  execute(request: SubgraphRequest): Promise<SubgraphResult>;
  /** Errors found before the first event (validation, permission) come as an ExecutionResult. */
  subscribe(request: SubgraphRequest): Promise<SourceEvents | ExecutionResult>;
  /** What is waiting and open now, for a source behind a server. */
  state?(): SourceState;
  close?(): Promise<void>;
}

export type SourceState = {
  readonly circuit: CircuitState;
  /** Distinct requests that somebody waits for. */
  readonly flights: number;
  /** Requests on the wire, and those that wait for their turn. */
  readonly running: number;
  readonly queued: number;
  readonly connections: number;
};
