/** A subgraph behind a real HTTP and WebSocket server, for tests of what the gateway does with one. */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GraphQLSchema } from 'graphql';
import { createHandler } from 'graphql-http/lib/use/http';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

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

export const serveSubgraph = async (schema: GraphQLSchema): Promise<SubgraphServer> => {
  const httpViewers: string[] = [];
  const socketViewers: string[] = [];
  const handler = createHandler({ schema, context: (request) => ({ viewer: String(httpViewers.push(String(request.raw.headers['x-eventgraph-viewer']))) }) });
  const server = createServer((request, response) => void handler(request, response));
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  const live = useServer({ schema, onConnect: ({ connectionParams }) => void socketViewers.push(String(connectionParams?.['x-eventgraph-viewer'])) }, sockets);
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
