/** Streams over HTTP, held to the real clients: graphql-sse, Apollo Client's HttpLink; and its GraphQLWsLink. */
import { once } from 'node:events';
import { type Socket, connect as connectTo } from 'node:net';
import { ApolloClient, CombinedProtocolErrors, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { type Client, createClient } from 'graphql-sse';
import { createClient as createSocketClient } from 'graphql-ws';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { UnauthenticatedError } from '#core/errors.ts';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { type HttpServer, createHttpServer } from './http.ts';
import { type Channel, createChannel } from '../testing/channel.ts';
import { type TestGateway, startGateway, subgraph, viewerWith } from '../testing/kit.ts';

type Tick = { ticked: { at: string; padding: string } };
let channel: Channel<Tick>;
let started: TestGateway;
let server: HttpServer;
let url: string;
let keys: Map<string, Viewer>;
/** What happens while somebody is asked who it is. */
let identifying: (() => Promise<void>) | null = null;
/** The last connection that the server took. */
let accepted: Socket | undefined;
const open = new Set<() => unknown>();

const clock = subgraph('clock', `type Query { now: String! } type Mutation { wind: Int! } type Subscription { ticked: Tick! } type Tick { at: String! padding: String! }`, {
  Query: { now: () => 'noon' },
  Mutation: { wind: () => 1 },
  Subscription: { ticked: { subscribe: () => channel.subscribe() } },
});
const tick = (at: string, padding = ''): Tick => ({ ticked: { at, padding } });
const live = 'subscription { ticked { at } }';

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
    maxStreams: 3,
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

const sse = (headers: Record<string, string> = {}): Client => {
  const client = createClient({ url, headers, retryAttempts: 0 });
  open.add(() => client.dispose());
  return client;
};
const ask = (accept: string, query: string, headers: Record<string, string> = {}, signal: AbortSignal | null = null) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', accept, ...headers }, body: JSON.stringify({ query }), signal });
const apollo = (link = new HttpLink({ uri: url })): ApolloClient => {
  const client = new ApolloClient({ link, cache: new InMemoryCache() });
  open.add(() => client.stop());
  return client;
};
type Told = { readonly data: unknown[]; readonly errors: unknown[]; readonly done: Promise<void> };
const follow = (client: ApolloClient): Told & { leave(): void } => {
  const told = { data: [] as unknown[], errors: [] as unknown[] };
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const subscription = client.subscribe({ query: gql(live), fetchPolicy: 'no-cache' }).subscribe({ next: ({ data, error }) => void (error ? told.errors.push(error) : told.data.push(data)), error: (error: unknown) => (told.errors.push(error), resolve()), complete: resolve });
  return { ...told, done, leave: () => subscription.unsubscribe() };
};
/** A client that asks for events and does not read them. */
const readNothing = (query: string, headers = ''): Socket => {
  const socket = connectTo(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined);
  open.add(() => socket.destroy());
  const body = JSON.stringify({ query });
  socket.write(`POST /graphql HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n${headers}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  return socket.pause();
};
const multipart = 'multipart/mixed;subscriptionSpec=1.0, application/json';

describe('Server-Sent Events, with the graphql-sse client', () => {
  test('a subscription, until the client leaves', async () => {
    const answers = sse().iterate({ query: live });
    const first = answers.next();
    await channel.waiting(1);
    channel.publish(tick('1'));
    expect((await first).value).toEqual({ data: { ticked: { at: '1' } } });
    await channel.waiting(1);
    channel.publish(tick('2 – “ä”'));
    expect((await answers.next()).value).toEqual({ data: { ticked: { at: '2 – “ä”' } } });
    await answers.return?.();
    await channel.opened(0);
    expect(started.gateway.liveGroups()).toBe(0);
  });
  test('queries and mutations: one answer, and complete', async () => {
    const answers = sse().iterate({ query: '{ now }' });
    expect([(await answers.next()).value, (await answers.next()).done]).toEqual([{ data: { now: 'noon' } }, true]);
    expect((await sse().iterate({ query: 'mutation { wind }' }).next()).value).toEqual({ data: { wind: 1 } });
  });
  test('what is refused comes as an answer, as the protocol wants', async () => {
    for (const query of ['{ nothing }', 'subscription { nothing }']) {
      const answers = sse().iterate({ query });
      expect([(await answers.next()).value, (await answers.next()).done]).toMatchObject([{ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] }, true]);
    }
  });
  test('a source that fails: its error, and complete', async () => {
    const answers = sse().iterate({ query: live });
    const first = answers.next();
    await channel.waiting(1);
    channel.fail(new Error('secret'));
    expect([(await first).value, (await answers.next()).done]).toMatchObject([{ errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] }, true]);
  });
  test('by GET, as EventSource asks; but no mutation', async () => {
    const get = (query: string) => fetch(`${url}?query=${encodeURIComponent(query)}`, { headers: { accept: 'text/event-stream' } });
    expect(await (await get('{ now }')).text()).toContain('event: next\ndata: {"data":{"now":"noon"}}\n\nevent: complete\ndata: \n\n');
    expect((await get('mutation { wind }')).status).toBe(405);
    expect((await fetch(`${url}?query=${encodeURIComponent(live)}`)).status, 'a subscription that would come in one piece').toBe(405);
  });
  test('a bad key is 401', async () => {
    await expect(sse({ authorization: 'Bearer IPK_wrong' }).iterate({ query: '{ now }' }).next()).rejects.toMatchObject({ response: { status: 401 } });
  });
  test('a client that takes JSON rather gets JSON', async () => {
    expect((await ask('application/json, text/event-stream', '{ now }')).headers.get('content-type')).toContain('application/json');
    expect((await ask('application/json;q=0.5, text/event-stream', '{ now }')).headers.get('content-type')).toContain('text/event-stream');
  });
});

describe('multipart subscriptions, with Apollo Client', () => {
  test('a subscription, until the client leaves', async () => {
    const told = follow(apollo());
    await channel.waiting(1);
    channel.publish(tick('1'));
    await channel.waiting(1);
    channel.publish(tick('2'));
    await expect.poll(() => told.data).toMatchObject([{ ticked: { at: '1' } }, { ticked: { at: '2' } }]);
    told.leave();
    await channel.opened(0);
  });
  test('what is refused comes in one piece', async () => {
    const refused = await ask(multipart, 'subscription { nothing }');
    expect(refused.headers.get('content-type')).toContain('application/json');
    expect(await refused.json()).toMatchObject({ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] });
  });
  test('a source that fails ends the subscription with an error of the protocol', async () => {
    const told = follow(apollo());
    await channel.waiting(1);
    channel.fail(new Error('secret'));
    await told.done;
    expect(told.errors[0]).toBeInstanceOf(CombinedProtocolErrors);
    expect(told.errors[0]).toMatchObject({ errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] });
  });
  test('queries are answered as ever', async () => {
    expect((await apollo().query({ query: gql('{ now }') })).data).toEqual({ now: 'noon' });
    expect((await ask(multipart, '{ now }')).headers.get('content-type')).toContain('application/json');
  });
  test('its bytes: delimiters with each part, the content type, signs of life', async () => {
    const abort = new AbortController();
    const response = await ask(multipart, live, {}, abort.signal);
    expect(response.headers.get('content-type')).toBe('multipart/mixed;boundary="-";subscriptionSpec=1.0');
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('{}')) text += (await reader?.read())?.value ?? '';
    expect(text).toMatch(/^\r\n---\r\ncontent-type: application\/json; charset=utf-8\r\n\r\n\{\}\r\n---/);
    abort.abort();
  });
});

test('subscriptions over WebSocket, with Apollo Client', async () => {
  const client = createSocketClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, retryAttempts: 0 });
  open.add(() => client.dispose());
  const told = follow(apollo(new GraphQLWsLink(client) as never));
  await channel.waiting(1);
  channel.publish(tick('1'));
  await expect.poll(() => told.data).toMatchObject([{ ticked: { at: '1' } }]);
  told.leave();
  await channel.opened(0);
});

describe('streams end', () => {
  const texts = async (headers: Record<string, string>) => {
    const responses = await Promise.all(['text/event-stream', multipart].map((accept) => ask(accept, live, headers)));
    return Promise.all(responses.map((response) => response.text()));
  };

  test("with their key, when it is revoked, and nobody else's does", async () => {
    const [ofOne, two] = [texts({ 'x-api-key': 'IPK_one' }), sse({ 'x-api-key': 'IPK_two' }).iterate({ query: live })];
    const first = two.next();
    await channel.waiting(3);
    server.endViewers(({ keyId }) => keyId === 'one');
    const [events, parts] = await ofOne;
    expect(events).toMatch(/event: next\ndata: \{"errors":\[.*"UNAUTHENTICATED".*\n\nevent: complete\ndata: \n\n$/);
    expect(parts).toMatch(/\{"payload":null,"errors":\[.*"UNAUTHENTICATED".*\r\n-----\r\n$/);
    await channel.opened(1);
    channel.publish(tick('2'));
    expect((await first).value).toEqual({ data: { ticked: { at: '2' } } });
  });

  test('with their key, when nobody said that it was revoked', async () => {
    const ended = texts({ 'x-api-key': 'IPK_one' });
    await channel.waiting(2);
    keys.delete('IPK_one');
    for (const text of await ended) expect(text).toContain('UNAUTHENTICATED');
    await channel.opened(0);
  });

  test('with their key, when it expires', async () => {
    keys.set('IPK_short', { ...viewerWith('read_events'), keyId: 'short', expiresAt: new Date(Date.now() + 150) });
    for (const text of await texts({ 'x-api-key': 'IPK_short' })) expect(text).toContain('UNAUTHENTICATED');
  });

  test('with the server: interrupted, not complete', async () => {
    const ended = texts({});
    await channel.waiting(2);
    await server.app.close();
    const [events, parts] = await ended;
    expect(events).not.toContain('complete');
    expect(parts).toContain('SERVER_GOING_AWAY');
    await channel.opened(0);
  });

  test('with their key, also where the client reads nothing', async () => {
    const socket = readNothing('subscription { ticked { padding } }', 'x-api-key: IPK_one\r\n');
    const cut = new Promise((resolve) => server.app.server.once('connection', (accepted: Socket) => accepted.once('close', resolve)));
    const other = sse().iterate({ query: live });
    const first = other.next();
    await channel.waiting(2);
    channel.publish(tick('1', 'x'.repeat(20_000_000)));
    // The same event is on its way to the one who reads nothing.
    expect((await first).value).toEqual({ data: { ticked: { at: '1' } } });
    server.endViewers(({ keyId }) => keyId === 'one');
    await cut;
    socket.destroy();
    await other.return?.();
  });

  test('with the server, also for a client that reads nothing', async () => {
    const socket = readNothing('subscription { ticked { padding } }');
    await channel.waiting(1);
    channel.publish(tick('1', 'x'.repeat(20_000_000)));
    const closed = once(socket, 'close');
    await server.app.close();
    socket.resume();
    await closed;
    await channel.opened(0);
    expect(started.gateway.liveGroups()).toBe(0);
  });
});

test('one credential may not open streams without end', async () => {
  const client = sse({ 'x-api-key': 'IPK_one' });
  const streams = Array.from({ length: 3 }, () => client.iterate({ query: live }));
  const waiting = streams.map((each) => each.next());
  await channel.waiting(3);
  await expect(client.iterate({ query: live }).next()).rejects.toMatchObject({ response: { status: 429 } });
  const other = sse({ 'x-api-key': 'IPK_two' }).iterate({ query: live });
  const first = other.next();
  await channel.waiting(4);
  await Promise.all(streams.map((each) => each.return?.()));
  await Promise.all(waiting);
  await channel.opened(1);
  await other.return?.();
  await first;
});

test('nor many at once', async () => {
  const abort = new AbortController();
  const responses = await Promise.all(Array.from({ length: 8 }, () => ask('text/event-stream', live, { 'x-api-key': 'IPK_one' }, abort.signal)));
  expect(responses.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 429, 429, 429, 429, 429]);
  abort.abort();
  await channel.opened(0);
});

test('who goes away before it is known who asks counts no longer', async () => {
  for (let each = 0; each < 3; each++) {
    const known = Promise.withResolvers<void>();
    const asked = new Promise<void>((resolve) => (identifying = () => (resolve(), known.promise)));
    const abort = new AbortController();
    const response = ask('text/event-stream', live, { 'x-api-key': 'IPK_one' }, abort.signal);
    await asked;
    const closed = new Promise((resolve) => accepted?.once('close', resolve));
    abort.abort();
    await Promise.all([closed, expect(response).rejects.toThrow()]);
    known.resolve();
  }
  identifying = null;
  const client = sse({ 'x-api-key': 'IPK_one' }).iterate({ query: live });
  const first = client.next();
  await channel.waiting(1);
  await client.return?.();
  await first;
});

test('a slow reader gets the newest value and holds nobody back', async () => {
  const socket = readNothing('subscription { ticked { at padding } }');
  const fast = sse().iterate({ query: live });
  let next = fast.next();
  await channel.waiting(2);
  const total = 120;
  for (let at = 1; at <= total; at++) {
    channel.publish(tick(String(at), 'x'.repeat(300_000)));
    expect((await next).value).toEqual({ data: { ticked: { at: String(at) } } });
    next = fast.next();
    await channel.readerWaits();
  }
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk)).resume();
  const numbers = () => [...text.matchAll(/"at":"(\d+)"/g)].map(([, at]) => Number(at));
  await expect.poll(() => numbers().at(-1)).toBe(total);
  expect(numbers().length).toBeLessThan(total);
  expect(numbers()).toEqual(numbers().toSorted((a, b) => a - b));
  await fast.return?.();
  await next;
});
