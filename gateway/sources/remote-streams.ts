/**
 * Subscriptions of a subgraph behind its own server. All subscribers with the same rights share one connection, as the
 * subgraph is told of the viewer once, when it opens.
 */
import type { ExecutionResult } from 'graphql';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { EventgraphError } from '#core/errors.ts';
import { askForNext, followingIn, pacedExtension } from '#core/paced-subscriptions.ts';
import { type Viewer, rightsOf, viewerHeader } from '#core/viewer.ts';
import type { SourceEvent, SourceEvents, SubgraphRequest } from './data-source.ts';

export type RemoteStreams = {
  subscribe(request: SubgraphRequest): Promise<SourceEvents | ExecutionResult>;
  close(): Promise<void>;
};

/**
 * A hub's own server waits until it is asked for the next event (`paced-subscriptions.ts`). Of another one, what comes
 * while a reader is busy is held; a reader further behind than this ends with an error and resumes with `after:`, which
 * loses nothing; memory stays bounded.
 */
const maxHeld = 1_000;

/** What the streams of one viewer's rights share. */
type Connection = { readonly client: Client; socket: WebSocket | null };

export const createRemoteStreams = (url: URL, signViewer: (viewer: Viewer) => Promise<string> | string, timeoutMs: number): RemoteStreams => {
  const connections = new Map<string, Connection>();
  const address = url.href.replace(/^http/, 'ws');

  const connectionFor = (viewer: Viewer): Connection => {
    const key = rightsOf(viewer);
    const known = connections.get(key);
    if (known) return known;
    const client = createClient({
      url: address,
      webSocketImpl: WebSocket,
      connectionParams: async () => ({ [viewerHeader]: await signViewer(viewer) }),
      generateID: (payload) => String(payload.extensions?.['stream']),
      // A lost connection ends its subscriptions: only the reader knows the cursor from which to resume.
      retryAttempts: 0,
      lazyCloseTimeout: 1_000,
      connectionAckWaitTimeout: timeoutMs,
      keepAlive: 12_000,
      on: {
        connected: (socket) => (connection.socket = socket as WebSocket),
        closed: () => connections.get(key) === connection && connections.delete(key),
      },
    });
    const connection: Connection = { client, socket: null };
    connections.set(key, connection);
    return connection;
  };

  return {
    subscribe: async (request) => streamOf(connectionFor(request.viewer), request),
    async close() {
      await Promise.all([...connections.values()].map(({ client }) => client.dispose()));
      connections.clear();
    },
  };
};

/** `asked`: how many events were asked for, or announced, and have not come; below 0 for a server that does not wait. */
type Reader = { readonly held: ExecutionResult[]; asked: number; readonly ask: () => void; failure: EventgraphError | null; isDone: boolean; wake: (() => void) | null };

const streamOf = (connection: Connection, { operation, variables, signal }: SubgraphRequest): SourceEvents => {
  const stream = crypto.randomUUID();
  const ask = () => {
    if (connection.socket?.readyState === WebSocket.OPEN) connection.socket.send(askForNext(stream));
  };
  const reader: Reader = { held: [], asked: 1, ask, failure: null, isDone: false, wake: null };
  const change = (apply: () => void) => {
    apply();
    reader.wake?.();
  };
  const unsubscribe = connection.client.subscribe<Record<string, unknown>>(
    { query: operation.query, operationName: operation.name ?? null, variables: { ...variables.values }, extensions: { ...pacedExtension, stream } },
    {
      next: (result) =>
        change(() => {
          const { extensions, ...told } = result as ExecutionResult;
          // The first of those that come together says how many follow, and they count down.
          reader.asked = followingIn(extensions) || reader.asked - 1;
          reader.held.push(told);
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

const read = (reader: Reader, stop: () => void): SourceEvents => ({
  async next() {
    while (true) {
      const result = reader.failure || isIncomplete(reader) ? undefined : reader.held.shift();
      if (result) return { value: eventOf(result), done: false };
      if (reader.failure) {
        const error = reader.failure;
        stop();
        throw error;
      }
      if (reader.isDone) return { value: undefined, done: true };
      if (reader.asked === 0) {
        reader.asked++;
        reader.ask();
      }
      await new Promise<void>((resolve) => (reader.wake = resolve));
      reader.wake = null;
    }
  },
  atHand: (most) => (reader.failure || isIncomplete(reader) ? [] : reader.held.splice(0, most).map(eventOf)),
  async return() {
    stop();
    return { value: undefined, done: true };
  },
  [Symbol.asyncIterator]() {
    return this;
  },
});

/** Some of those that were told together have not come. */
const isIncomplete = ({ asked, isDone }: Reader): boolean => asked > 0 && !isDone;

const eventOf = (result: ExecutionResult): SourceEvent => ({ key: JSON.stringify(result), execute: async () => result });

/** graphql-ws tells of a closed socket, of a failed one, and of errors that the subgraph sent for the operation. */
const failureOf = (error: unknown): EventgraphError => {
  if (Array.isArray(error)) {
    const [first] = error as { message?: unknown; extensions?: { code?: unknown } }[];
    return new EventgraphError(typeof first?.extensions?.code === 'string' ? first.extensions.code : 'DOWNSTREAM_SERVICE_ERROR', typeof first?.message === 'string' ? first.message : 'The subgraph refused the subscription.');
  }
  const code = typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'number' ? error.code : null;
  return new EventgraphError('SUBSCRIPTION_LOST', 'The connection to the subgraph was lost. Resume with the last cursor.', { closeCode: code });
};
