/**
 * The gateway's WebSocket door: `graphql-transport-ws` on `/graphql`, for every kind of operation. The protocol is
 * graphql-ws's; what is here is who may connect, how much, and how a connection ends.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError, type FormattedExecutionResult, type GraphQLFormattedError, parse } from 'graphql';
import { CloseCode, type Context, type SubscribePayload, handleProtocols, makeServer } from 'graphql-ws';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { UnauthenticatedError, isPublicError } from '#core/errors.ts';
import type { Logger } from '#core/logging.ts';
import type { Viewer } from '#core/viewer.ts';
import { type Identify, credentialIn } from './credentials.ts';
import { formatThrown } from './errors.ts';
import type { Gateway } from './index.ts';

export type WebSocketDoorOptions = {
  readonly gateway: Gateway;
  readonly identify: Identify;
  readonly logger: Logger;
  /** Largest message of a client, in bytes. */
  readonly maxPayload?: number;
  /** Operations that one connection may have open. */
  readonly maxOperations?: number;
  /** Milliseconds between pings; a client that answers none until the next is gone. */
  readonly keepAliveMs?: number;
  /** Milliseconds between checks that the credentials of open connections still hold. */
  readonly recheckMs?: number;
};

export type WebSocketDoor = {
  /** For the server's `upgrade` event. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  endViewers(predicate: (viewer: Viewer) => boolean): void;
  /** Tells every client that the server goes away (1001) and waits for them, at most so long. */
  close(withinMs: number): Promise<void>;
};

/** One connection; `abort` ends what it holds open; `credential` is what made its viewer. */
type Connection = { readonly socket: WebSocket; readonly headers: IncomingMessage['headers']; readonly id: string; readonly abort: AbortController; viewer: Viewer | null; credential: string | null; operations: number };

const defaults = { maxPayload: 1_000_000, maxOperations: 100, keepAliveMs: 12_000, recheckMs: 5_000 };

export const createWebSocketDoor = (options: WebSocketDoorOptions): WebSocketDoor => {
  const settings = { ...defaults, ...options };
  const connections = new Set<Connection>();
  const sockets = new WebSocketServer({ noServer: true, maxPayload: settings.maxPayload, handleProtocols });
  const protocol = createProtocol(settings);
  const stopRechecking = recheckEvery(settings, connections);
  let isClosing = false;

  const connect = (socket: WebSocket, request: IncomingMessage) => {
    const connection: Connection = { socket, headers: request.headers, id: crypto.randomUUID(), abort: new AbortController(), viewer: null, credential: null, operations: 0 };
    connections.add(connection);
    serve(connection, protocol, settings, () => connections.delete(connection));
  };

  return {
    upgrade(request, socket, head) {
      const path = (request.url ?? '').split('?')[0];
      if (isClosing || path !== '/graphql') return refuseUpgrade(socket, isClosing ? '503 Service Unavailable' : '404 Not Found');
      // A client may reset the connection in the middle of the handshake.
      socket.on('error', () => socket.destroy());
      sockets.handleUpgrade(request, socket, head, connect);
    },
    endViewers(predicate) {
      for (const { socket, viewer } of connections) if (viewer && predicate(viewer)) endSocket(socket, CloseCode.Forbidden, 'Forbidden');
    },
    async close(withinMs) {
      isClosing = true;
      stopRechecking();
      const closed = [...connections].map(({ socket }) => new Promise((resolve) => socket.once('close', resolve)));
      for (const { socket } of connections) endSocket(socket, 1001, 'Going away', withinMs);
      await Promise.all(closed);
    },
  };
};

/** The word that a key was revoked can get lost or come while its socket is admitted: so the keys are asked for again. */
const recheckEvery = (settings: Settings, connections: ReadonlySet<Connection>): (() => void) => {
  const timer = setInterval(() => {
    for (const credential of new Set([...connections].map((each) => each.credential))) if (credential !== null) void recheck(credential, settings, connections);
  }, settings.recheckMs).unref();
  return () => clearInterval(timer);
};

/** Ends the connections of a credential that does not hold; whoever cannot be asked now is asked the next time. */
const recheck = async (credential: string, { identify, logger }: Pick<Settings, 'identify' | 'logger'>, connections: Iterable<Connection>): Promise<void> => {
  try {
    await identify(credential);
  } catch (error) {
    if (!(error instanceof UnauthenticatedError)) return logger.warn({ err: error }, 'the credentials of open sockets could not be checked');
    for (const each of connections) if (each.credential === credential) endSocket(each.socket, CloseCode.Forbidden, 'Forbidden');
  }
};

/** Destroyed, and not only ended: a client that keeps its side open would keep the server from closing. */
const refuseUpgrade = (socket: Duplex, status: string): void => {
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`, () => socket.destroy());
};

/** A client that does not answer the closing handshake is cut off. */
const endSocket = (socket: WebSocket, code: number, reason: string, withinMs = 1_000): void => {
  const timer = setTimeout(() => socket.terminate(), withinMs);
  socket.once('close', () => clearTimeout(timer));
  socket.close(code, reason);
};

type Settings = WebSocketDoorOptions & typeof defaults;
type Protocol = ReturnType<typeof makeServer<Record<string, unknown>, Connection>>;

const serve = (connection: Connection, protocol: Protocol, { logger, keepAliveMs }: Settings, forget: () => void): void => {
  const { socket, abort } = connection;
  const stopPinging = keepAlive(socket, keepAliveMs);
  const fail = (error: unknown) => {
    logger.error({ err: error, connection: connection.id }, 'websocket message failed');
    endSocket(socket, CloseCode.InternalServerError, 'Internal server error');
  };
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      // Resolved when the operating system took the bytes: a slow reader holds its own subscription back, nothing else.
      send: (text) =>
        new Promise((resolve, reject) => {
          if (socket.readyState !== WebSocket.OPEN) return resolve();
          socket.send(text, (error) => (error && socket.readyState === WebSocket.OPEN ? reject(error) : resolve()));
        }),
      close: (code, reason) => endSocket(socket, code ?? 1000, reason ?? ''),
      onMessage: (take) => void socket.on('message', (data: RawData, isBinary: boolean) => (isBinary ? endSocket(socket, CloseCode.BadRequest, 'Invalid message received') : void take(data.toString()).catch(fail))),
    },
    connection,
  );
  // Frames that break the WebSocket protocol: ws answers with the right close code itself.
  socket.on('error', (error) => logger.debug({ err: error, connection: connection.id }, 'websocket protocol error'));
  socket.once('close', (code, reason) => {
    stopPinging();
    abort.abort();
    forget();
    closed(code, reason.toString()).catch((error: unknown) => logger.error({ err: error, connection: connection.id }, 'websocket clean-up failed'));
  });
};

const keepAlive = (socket: WebSocket, everyMs: number): (() => void) => {
  let isAlive = true;
  socket.on('pong', () => (isAlive = true));
  const timer = setInterval(() => {
    if (!isAlive) return socket.terminate();
    isAlive = false;
    socket.ping();
  }, everyMs);
  return () => clearInterval(timer);
};

type Answer = { readonly result: FormattedExecutionResult | AsyncIterableIterator<FormattedExecutionResult> };

const createProtocol = (settings: Settings): Protocol =>
  makeServer<Record<string, unknown>, Connection>({
    onConnect: (context) => admit(context, settings),
    onSubscribe: (context, _, payload) => start(context, payload, settings),
    execute: (args) => (args.contextValue as Answer).result as never,
    subscribe: (args) => (args.contextValue as Answer).result as never,
    onNext: (_context, _id, _payload, _args, result) => result as FormattedExecutionResult,
    onError: (_context, _id, _payload, errors) => errors.map((error) => (error instanceof Told ? error.told : error.toJSON())),
    onComplete: ({ extra }) => void (extra.operations = Math.max(0, extra.operations - 1)),
  });

/** The longest wait of setTimeout, in milliseconds; a longer one is cut and waited for again. */
const longestTimer = 2_147_483_647;

/** A credential that ends takes its socket with it. */
const endAt = (socket: WebSocket, end: Date): void => {
  const left = end.getTime() - Date.now();
  const timer = setTimeout(() => (left > longestTimer ? endAt(socket, end) : endSocket(socket, CloseCode.Forbidden, 'Forbidden')), Math.min(longestTimer, Math.max(0, left)));
  socket.once('close', () => clearTimeout(timer));
};

/** `connectionParams` decide; browsers cannot set headers, other clients may prefer them. False closes with 4403. */
const admit = async (context: Context<Record<string, unknown>, Connection>, settings: Settings): Promise<boolean> => {
  try {
    const credential = credentialIn(context.connectionParams ?? {}) ?? credentialIn(context.extra.headers);
    const viewer = await settings.identify(credential);
    Object.assign(context.extra, { viewer, credential });
    // From here on the socket hears of a revocation; one that came between is found by asking once more.
    if (credential !== null) void recheck(credential, settings, [context.extra]);
    if (viewer.expiresAt) endAt(context.extra.socket, viewer.expiresAt);
    return true;
  } catch (error) {
    if (isPublicError(error)) return false;
    throw error;
  }
};

/** graphql-ws looks into the document for the kind of operation and nothing else: the gateway has its own pipeline. */
const documents = { query: parse('{ __typename }'), mutation: parse('mutation { __typename }'), subscription: parse('subscription { __typename }') };

/** Started here, as a request that is refused is answered by an `error` message and not by `next`. */
const start = async ({ extra }: Context<Record<string, unknown>, Connection>, payload: SubscribePayload, settings: Settings) => {
  const { gateway, logger, maxOperations } = settings;
  const { viewer, abort } = extra;
  if (!viewer) return told([{ message: 'The connection has no viewer.', extensions: { code: 'UNAUTHENTICATED' } }]);
  if (extra.operations >= maxOperations) return told([{ message: `A connection may have ${maxOperations} operations open.`, extensions: { code: 'TOO_MANY_OPERATIONS', maximum: maxOperations } }]);
  extra.operations++;
  const requestId = crypto.randomUUID();
  const request = { ...payload, viewer, requestId, signal: abort.signal };
  try {
    const { kind, name } = gateway.operationOf(payload);
    const result = await (kind === 'subscription' ? gateway.subscribe(request) : gateway.execute(request));
    logger.info({ requestId, connection: extra.id, operation: name, kind }, 'websocket operation');
    if (!(Symbol.asyncIterator in result) && !('data' in result)) return release(extra, result.errors ?? []);
    return { schema: gateway.apiSchema(), document: documents[kind], rootValue: undefined, contextValue: { result } satisfies Answer };
  } catch (error) {
    return release(extra, formatThrown(error, requestId, (cause) => logger.error({ err: cause, requestId }, 'websocket operation failed')));
  }
};

const release = (connection: Connection, errors: readonly GraphQLFormattedError[]): readonly GraphQLError[] => {
  connection.operations--;
  return told(errors);
};

/** graphql-ws wants instances of GraphQLError; what is sent is the error as the gateway made it. */
class Told extends GraphQLError {
  readonly told: GraphQLFormattedError;

  constructor(error: GraphQLFormattedError) {
    super(error.message);
    this.told = error;
  }
}

const told = (errors: readonly GraphQLFormattedError[]): readonly GraphQLError[] => errors.map((error) => new Told(error));
