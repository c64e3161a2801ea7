/**
 * The door with a subgraph that can be made to tell something, and clients that follow it, for tests. What is exported
 * is anew for each test.
 */
import { type Socket, connect as connectTo } from 'node:net';
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { type Client, createClient } from 'graphql-sse';
import { pino } from 'pino';
import { afterEach, beforeEach } from 'vitest';
import { UnauthenticatedError } from '#core/errors.ts';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { type HttpServer, createHttpServer } from '../doors/http.ts';
import { type Channel, createChannel } from './channel.ts';
import { type TestGateway, startGateway, subgraph, viewerWith } from './kit.ts';

type Tick = { ticked: { at: string; padding: string } };
export let channel: Channel<Tick>;
export let started: TestGateway;
export let server: HttpServer;
export let url: string;
export let keys: Map<string, Viewer>;
/** What happens while somebody is asked who it is. */
let identifying: (() => Promise<void>) | null = null;
export const whileIdentifying = (then: typeof identifying): void => void (identifying = then);
/** The last connection that the server took. */
export let accepted: Socket | undefined;
export const open = new Set<() => unknown>();

const clock = subgraph('clock', `type Query { now: String! } type Mutation { wind: Int! } type Subscription { ticked: Tick! } type Tick { at: String! padding: String! }`, {
  Query: { now: () => 'noon' },
  Mutation: { wind: () => 1 },
  Subscription: { ticked: { subscribe: () => channel.subscribe() } },
});
export const tick = (at: string, padding = ''): Tick => ({ ticked: { at, padding } });
export const live = 'subscription { ticked { at } }';

/** To be called once by each file. */
export const useStreamingServer = (): void => {
  beforeEach(async () => {
    channel = createChannel();
    started = startGateway([clock], { report: () => undefined });
    keys = new Map(['one', 'two'].map((keyId) => [`IPK_${keyId}`, { ...viewerWith('read_events'), keyId }]));
    server = await createHttpServer({
      gateway: started.gateway,
      logger: pino({ level: 'silent' }),
      identify: async (credential) => {
        await identifying?.();
        const viewer = credential === null ? publicViewer : keys.get(credential);
        if (!viewer) throw new UnauthenticatedError();
        return viewer;
      },
      drainMs: 500,
      recheckMs: 50,
      limits: { maxSubscriptions: 3 },
      heartbeatMs: 30,
    });
    server.app.server.on('connection', (socket: Socket) => (accepted = socket));
    url = `${await server.app.listen({ port: 0, host: '127.0.0.1' })}/graphql`;
  });
  afterEach(async () => {
    for (const close of open) await close();
    open.clear();
    await server.app.close();
    await started.gateway.dispose();
  });
};

export const sse = (headers: Record<string, string> = {}): Client => {
  const client = createClient({ url, headers, retryAttempts: 0 });
  open.add(() => client.dispose());
  return client;
};
export const ask = (accept: string, query: string, headers: Record<string, string> = {}, signal: AbortSignal | null = null) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', accept, ...headers }, body: JSON.stringify({ query }), signal });
export const apollo = (link = new HttpLink({ uri: url })): ApolloClient => {
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  open.add(() => client.stop());
  return client;
};
type Told = { readonly data: unknown[]; readonly errors: unknown[]; readonly done: Promise<void> };
export const follow = (client: ApolloClient): Told & { leave(): void } => {
  const told = { data: [] as unknown[], errors: [] as unknown[] };
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const subscription = client.subscribe({ query: gql(live), fetchPolicy: 'no-cache' }).subscribe({ next: ({ data, error }) => void (error ? told.errors.push(error) : told.data.push(data)), error: (error: unknown) => (told.errors.push(error), resolve()), complete: resolve });
  return { ...told, done, leave: () => subscription.unsubscribe() };
};
/** A client that asks for events and does not read them. */
export const readNothing = (query: string, headers = ''): Socket => {
  const socket = connectTo(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined);
  open.add(() => socket.destroy());
  const body = JSON.stringify({ query });
  socket.write(`POST /graphql HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n${headers}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  return socket.pause();
};
export const multipart = 'multipart/mixed;subscriptionSpec=1.0, application/json';
