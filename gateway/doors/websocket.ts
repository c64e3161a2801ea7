/**
 * The gateway's WebSocket door: `graphql-transport-ws` on `/graphql`, for every kind of operation. What is here is how
 * a connection begins, lives and ends; what goes through it is in `websocket-operations.ts`.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { CloseCode, type Context, handleProtocols, makeServer } from 'graphql-ws';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { isPublicError } from '#core/errors.ts';
import type { Logger } from '#core/logging.ts';
import { type Identify, credentialIn } from './credentials.ts';
import type { Admission } from './admission.ts';
import type { Gateway } from '../index.ts';
import type { LiveConnection, LiveConnections } from './live-connections.ts';
import { networkOf } from '../budgets/network.ts';
import { closingResponse, endWith } from './no-request.ts';
import { type OpenLimit, createOpenLimit } from './open-limit.ts';
import { SocketOperations, toldErrors } from './websocket-operations.ts';

export type WebSocketDoorOptions = {
  readonly gateway: Gateway;
  readonly identify: Identify;
  readonly admission: Admission;
  readonly logger: Logger;
  readonly connections: LiveConnections;
  /** Largest message of a client, in bytes. */
  readonly maxPayload?: number | undefined;
  /** Operations that one connection may have open. */
  readonly maxOperations?: number | undefined;
  /** Subscriptions and streams of each credential, or of each address without any. */
  readonly open: OpenLimit;
  /** Sockets that one address may have open. */
  readonly maxSockets?: number | undefined;
  /** Milliseconds that a client has to say who it is, and that it may have nothing open. */
  readonly initMs?: number | undefined;
  readonly idleMs?: number | undefined;
  /** Where a request comes from. */
  readonly addressOf: (request: IncomingMessage) => string;
  /** Whether the page that asks, where it is one, may have a socket. */
  readonly mayConnect: (request: IncomingMessage) => boolean;
  /** Milliseconds between pings; a client that answers none until the next is gone. */
  readonly keepAliveMs?: number;
};

export type WebSocketDoor = {
  /** For the server's `upgrade` event. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
};

/** What graphql-ws knows of a connection. */
type Extra = { readonly headers: IncomingMessage['headers']; readonly live: LiveConnection; readonly operations: SocketOperations };
type Protocol = ReturnType<typeof makeServer<Record<string, unknown>, Extra>>;

const defaults = { maxPayload: 1_000_000, maxOperations: 100, keepAliveMs: 12_000, maxSockets: Infinity, initMs: 3_000, idleMs: 300_000 };
type Settings = WebSocketDoorOptions & { readonly [name in keyof typeof defaults]: number };

export const createWebSocketDoor = (options: WebSocketDoorOptions): WebSocketDoor => {
  const { maxPayload = defaults.maxPayload, maxOperations = defaults.maxOperations, keepAliveMs = defaults.keepAliveMs, maxSockets = defaults.maxSockets, initMs = defaults.initMs, idleMs = defaults.idleMs } = options;
  const settings: Settings = { ...options, maxPayload, maxOperations, keepAliveMs, maxSockets, initMs, idleMs };
  const perAddress = createOpenLimit(maxSockets);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: settings.maxPayload, handleProtocols, clientTracking: false });
  sockets.on('wsClientError', (error, stream) => endWith(stream, closingResponse(400, 'BAD_REQUEST', `The handshake is not that of a WebSocket: ${error.message}.`)));
  const protocol = createProtocol(settings);
  return {
    upgrade(request, stream, head) {
      const { isClosing } = settings.connections;
      const path = (request.url ?? '').split('?')[0];
      if (isClosing) return endWith(stream, closingResponse(503, 'SERVER_GOING_AWAY', 'The server goes away.'));
      if (path !== '/graphql') return endWith(stream, closingResponse(404, 'PATH_UNKNOWN', 'Sockets are taken at /graphql.'));
      if (!settings.mayConnect(request)) return endWith(stream, closingResponse(403, 'ORIGIN_NOT_ALLOWED', 'Pages of this origin may not use the hub.', { field: 'Origin' }));
      const address = settings.addressOf(request);
      const leave = perAddress.enter(networkOf(address));
      if (!leave) return endWith(stream, closingResponse(429, 'TOO_MANY_SOCKETS', `At most ${maxSockets} sockets may be open at a time from one address.`, { limit: 'sockets of an address', value: maxSockets + 1, maximum: maxSockets }));
      stream.once('close', leave);
      // A client may reset the connection in the middle of the handshake.
      stream.on('error', () => stream.destroy());
      sockets.handleUpgrade(request, stream, head, (socket) => serve({ socket, stream, headers: request.headers, address }, protocol, settings));
    },
  };
};

/** A client that does not answer the closing handshake is cut off. */
const endSocket = (socket: WebSocket, code: number, reason: string, withinMs = 1_000): void => {
  const timer = setTimeout(() => socket.terminate(), withinMs);
  socket.once('close', () => clearTimeout(timer));
  socket.close(code, reason);
};

type Opened = { readonly socket: WebSocket; readonly stream: Duplex; readonly headers: IncomingMessage['headers']; readonly address: string };

const serve = ({ socket, stream, headers, address }: Opened, protocol: Protocol, settings: Settings): void => {
  const { logger, connections, keepAliveMs } = settings;
  const live = connections.add((why, withinMs) => (why === 'forbidden' ? endSocket(socket, CloseCode.Forbidden, 'Forbidden', withinMs) : endSocket(socket, 1001, 'Going away', withinMs)));
  const operations = new SocketOperations(socket, stream, { live, address, endIdle: () => endSocket(socket, 1000, 'Idle') }, settings);
  const stopPinging = keepAlive(socket, keepAliveMs);
  readAsTaken(socket, stream);
  const fail = (error: unknown) => {
    logger.error({ err: error, connection: operations.id }, 'websocket message failed');
    endSocket(socket, CloseCode.InternalServerError, 'Internal server error');
  };
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (text) => operations.send(text),
      close: (code, reason) => endSocket(socket, code ?? 1000, reason ?? ''),
      onMessage: (take) => void socket.on('message', (data: RawData, isBinary: boolean) => (isBinary ? endSocket(socket, CloseCode.BadRequest, 'Invalid message received') : void take(data.toString()).catch(fail))),
    },
    { headers, live, operations },
  );
  // Frames that break the WebSocket protocol: ws answers with the right close code itself.
  socket.on('error', (error) => logger.debug({ err: error, connection: operations.id }, 'websocket protocol error'));
  socket.once('close', (code, reason) => {
    stopPinging();
    operations.abort();
    live.gone();
    closed(code, reason.toString()).catch((error: unknown) => logger.error({ err: error, connection: operations.id }, 'websocket clean-up failed'));
  });
};

/** A client that asks and does not read is not heard on before it has taken what waits for it: that would be ever more. */
const readAsTaken = (socket: WebSocket, stream: Duplex): void => {
  const check = () => {
    if (socket.isPaused || stream.writableLength < mostWaiting) return;
    socket.pause();
    stream.once('drain', () => socket.resume());
  };
  socket.on('message', check);
  socket.on('ping', check);
};

/** Bytes. */
const mostWaiting = 1_000_000;

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

/** The rules of the protocol are graphql-ws's; what it would execute and send are `SocketOperations`'s affair. */
const createProtocol = (settings: Settings): Protocol =>
  makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: settings.initMs,
    onConnect: (context) => admit(context, settings),
    onSubscribe: (context, id, payload) => context.extra.operations.start(id, payload),
    execute: (args) => args.contextValue as never,
    subscribe: (args) => args.contextValue as never,
    onError: (_context, _id, _payload, errors) => toldErrors(errors),
    onComplete: ({ extra }, id) => extra.operations.completed(id),
  });

/** `connectionParams` decide; browsers cannot set headers, other clients may prefer them. False closes with 4403. */
const admit = async ({ connectionParams, extra }: Context<Record<string, unknown>, Extra>, { identify }: Settings): Promise<boolean> => {
  try {
    const credential = credentialIn(connectionParams ?? {}) ?? credentialIn(extra.headers);
    extra.live.admit(await identify(credential), credential);
    return true;
  } catch (error) {
    if (isPublicError(error)) return false;
    throw error;
  }
};
