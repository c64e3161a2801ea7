/** A subgraph behind a real HTTP and WebSocket server, for tests of what the gateway does with one. */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GraphQLSchema } from 'graphql';
import { createHandler } from 'graphql-http/lib/use/http';
import type { ServerOptions } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { type Paces, pacing } from '#core/paced-subscriptions.ts';

export type SubgraphServer = {
  readonly url: string;
  /** Viewers as they were told by HTTP requests and by WebSocket connections. */
  readonly httpViewers: string[];
  readonly socketViewers: string[];
  close(): Promise<void>;
};

const listen = async (server: Server): Promise<string> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
};
const closeServer = (server: Server): Promise<void> => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
};

/** `paced: false` is a server that is not a hub's own: it sends as it likes. */
export const serveSubgraph = async (schema: GraphQLSchema, { paced = true } = {}): Promise<SubgraphServer> => {
  const httpViewers: string[] = [];
  const socketViewers: string[] = [];
  const handler = createHandler({ schema, context: (request) => ({ viewer: String(httpViewers.push(String(request.raw.headers['x-eventgraph-viewer']))) }) });
  const server = createServer((request, response) => void handler(request, response));
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  const onConnect = ({ connectionParams }: { connectionParams?: Readonly<Record<string, unknown>> }) => void socketViewers.push(String(connectionParams?.['x-eventgraph-viewer']));
  const context: NonNullable<ServerOptions<Record<string, unknown>, { paces?: Paces }>['context']> = (connection, id, payload) => {
    const made = {};
    pacing.begin(connection, id, payload, made);
    return made;
  };
  const live = useServer<Record<string, unknown>, { paces?: Paces }>({ schema, onConnect, ...(paced && { context, subscribe: pacing.subscribe, onPong: pacing.onPong, onComplete: pacing.onComplete }) }, sockets);
  let closed: Promise<void> | undefined;
  return {
    url: await listen(server),
    httpViewers,
    socketViewers,
    close: () => (closed ??= Promise.resolve(live.dispose()).then(() => closeServer(server))),
  };
};

/** A server that answers what it likes. */
export const serveRaw = async (answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<{ readonly url: string; close(): Promise<void> }> => {
  const server = createServer(answer);
  return { url: await listen(server), close: () => closeServer(server) };
};
