/**
 * Subscriptions of a subgraph behind its own server. All subscribers with the same rights share one connection, as the
 * subgraph is told of the viewer once, when it opens.
 */
import type { ExecutionResult } from 'graphql';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { EventgraphError } from '#core/errors.ts';
import { type Viewer, rightsOf, viewerHeader } from '#core/viewer.ts';
import type { SourceEvent, SubgraphRequest } from './data-source.ts';

export type RemoteStreams = {
  subscribe(request: SubgraphRequest): Promise<AsyncIterableIterator<SourceEvent> | ExecutionResult>;
  close(): Promise<void>;
};

/**
 * The protocol cannot ask one subscription to wait, so what comes while a reader is busy is held. A reader further
 * behind than this ends with an error and resumes with `after:`, which loses nothing; memory stays bounded.
 */
const maxHeld = 1_000;

export const createRemoteStreams = (url: URL, signViewer: (viewer: Viewer) => Promise<string> | string, timeoutMs: number): RemoteStreams => {
  const clients = new Map<string, Client>();
  const address = url.href.replace(/^http/, 'ws');

  const clientFor = (viewer: Viewer): Client => {
    const key = rightsOf(viewer);
    const known = clients.get(key);
    if (known) return known;
    const client = createClient({
      url: address,
      webSocketImpl: WebSocket,
      connectionParams: async () => ({ [viewerHeader]: await signViewer(viewer) }),
      // A lost connection ends its subscriptions: only the reader knows the cursor from which to resume.
      retryAttempts: 0,
      lazyCloseTimeout: 1_000,
      connectionAckWaitTimeout: timeoutMs,
      keepAlive: 12_000,
      on: { closed: () => clients.get(key) === client && clients.delete(key) },
    });
    clients.set(key, client);
    return client;
  };

  return {
    subscribe: async (request) => streamOf(clientFor(request.viewer), request),
    async close() {
      await Promise.all([...clients.values()].map((client) => client.dispose()));
      clients.clear();
    },
  };
};

type Reader = { readonly held: ExecutionResult[]; failure: EventgraphError | null; isDone: boolean; wake: (() => void) | null };

const streamOf = (client: Client, { operation, variables, signal }: SubgraphRequest): AsyncIterableIterator<SourceEvent> => {
  const reader: Reader = { held: [], failure: null, isDone: false, wake: null };
  const change = (apply: () => void) => {
    apply();
    reader.wake?.();
  };
  const unsubscribe = client.subscribe<Record<string, unknown>>(
    { query: operation.query, operationName: operation.name ?? null, variables: { ...variables.values } },
    {
      next: (result) =>
        change(() => {
          reader.held.push(result as ExecutionResult);
          if (reader.held.length > maxHeld) reader.failure = new EventgraphError('SUBSCRIPTION_TOO_SLOW', `More than ${maxHeld} events came while the reader was busy. Resume with the last cursor.`, { maxHeld });
        }),
      error: (error) => change(() => (reader.failure = failureOf(error))),
      complete: () => change(() => (reader.isDone = true)),
    },
  );
  const stop = () => change(() => ((reader.isDone = true), (reader.held.length = 0), unsubscribe()));
  signal.addEventListener('abort', stop, { once: true });
  return read(reader, () => {
    signal.removeEventListener('abort', stop);
    stop();
  });
};

const read = (reader: Reader, stop: () => void): AsyncIterableIterator<SourceEvent> => ({
  async next() {
    while (true) {
      const result = reader.failure ? undefined : reader.held.shift();
      if (result) return { value: { key: JSON.stringify(result), execute: async () => result }, done: false };
      if (reader.failure) {
        const error = reader.failure;
        stop();
        throw error;
      }
      if (reader.isDone) return { value: undefined, done: true };
      await new Promise<void>((resolve) => (reader.wake = resolve));
      reader.wake = null;
    }
  },
  async return() {
    stop();
    return { value: undefined, done: true };
  },
  [Symbol.asyncIterator]() {
    return this;
  },
});

/** graphql-ws tells of a closed socket, of a failed one, and of errors that the subgraph sent for the operation. */
const failureOf = (error: unknown): EventgraphError => {
  if (Array.isArray(error)) {
    const [first] = error as { message?: unknown; extensions?: { code?: unknown } }[];
    return new EventgraphError(typeof first?.extensions?.code === 'string' ? first.extensions.code : 'DOWNSTREAM_SERVICE_ERROR', typeof first?.message === 'string' ? first.message : 'The subgraph refused the subscription.');
  }
  const code = typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number' ? error.code : null;
  return new EventgraphError('SUBSCRIPTION_LOST', 'The connection to the subgraph was lost. Resume with the last cursor.', { closeCode: code });
};
