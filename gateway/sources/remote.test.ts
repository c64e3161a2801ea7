/** The whole way with every subgraph behind its own server: same answers as in one process. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FormattedExecutionResult } from 'graphql';
import { rightsOf } from '#core/viewer.ts';
import { type Gateway, createGateway } from '../index.ts';
import { createRemoteDataSource } from './remote-data-source.ts';
import { type Channel, createChannel } from '../testing/channel.ts';
import { composeAll, schemaOf, startGateway, subgraph, viewerWith } from '../testing/kit.ts';
import { type SubgraphServer, serveSubgraph } from '../testing/subgraph-server.ts';

const channel: Channel<{ changed: { event: { id: string }; count: number } }> = createChannel();
let asked = 0;
const events = { e1: { __typename: 'Gate', id: 'e1', name: 'One' }, e2: { __typename: 'Ticketed', id: 'e2', name: null } };
const subgraphs = [
  subgraph('events', 'type Query { events: [Event!]! } interface Event @key(fields: "id") { id: ID! name: String! } type Gate implements Event @key(fields: "id") { id: ID! name: String! } type Ticketed implements Event @key(fields: "id") { id: ID! name: String! }', {
    Query: { events: () => [events.e1] },
    Event: { __resolveReference: ({ id }: { id: 'e1' | 'e2' }) => (asked++, { ...events[id] }) },
  }),
  subgraph('attendance', 'type Subscription { changed: Change } type Change { event: Event count: Int! } type Event @interfaceObject @key(fields: "id") { id: ID! count: Int! }', {
    Subscription: { changed: { subscribe: () => channel.subscribe() } },
    Event: { count: () => 5 },
  }),
];
let servers: Map<string, SubgraphServer>;
let gateway: Gateway;

beforeAll(async () => {
  servers = new Map(await Promise.all(subgraphs.map(async (each) => [each.name, await serveSubgraph(schemaOf(each))] as const)));
  gateway = createGateway({
    supergraph: composeAll(subgraphs),
    dataSources: (name) => createRemoteDataSource({ url: servers.get(name)?.url ?? '', signViewer: (viewer) => `signed ${rightsOf(viewer)}` }),
  });
});
afterAll(async () => {
  await gateway.dispose();
  for (const server of servers.values()) await server.close();
});

const viewer = viewerWith('read_events');
const request = (query: string) => ({ query, viewer, requestId: 'r1', signal: new AbortController().signal });
const live = async () => (await gateway.subscribe(request('subscription { changed { count event { __typename name } } }'))) as AsyncIterableIterator<FormattedExecutionResult>;

test('queries', async () => {
  const query = '{ events { __typename name count } }';
  expect(await gateway.execute(request(query))).toEqual(await startGateway(subgraphs).ask(query, { viewer }));
});

test('live: one connection and one execution per event for equal subscribers', async () => {
  const streams = [await live(), await live(), await live()];
  const answers = streams.map((each) => each.next());
  await channel.waiting(3);
  asked = 0;
  channel.publish({ changed: { event: { id: 'e1' }, count: 7 } });
  for (const answer of answers) expect(JSON.parse(JSON.stringify((await answer).value))).toEqual({ data: { changed: { count: 7, event: { __typename: 'Gate', name: 'One' } } } });
  expect(asked).toBe(1);
  expect(servers.get('attendance')?.socketViewers).toHaveLength(1);
  await Promise.all(streams.map((each) => each.return?.()));
  await channel.opened(0);
});

test('live: a null in a non-null field moves up in each event', async () => {
  const answers = await live();
  const first = answers.next();
  await channel.waiting(1);
  channel.publish({ changed: { event: { id: 'e2' }, count: 1 } });
  expect((await first).value).toMatchObject({ data: { changed: { count: 1, event: null } }, errors: [{ extensions: { serviceName: 'events' } }] });
  await answers.return?.();
});

test('live: a subgraph that goes away ends the stream with a code to resume on', async () => {
  const answers = await live();
  const first = answers.next();
  await channel.waiting(1);
  await servers.get('attendance')?.close();
  expect((await first).value).toMatchObject({ errors: [{ extensions: { code: 'SUBSCRIPTION_LOST', serviceName: 'attendance' } }] });
  expect((await answers.next()).done).toBe(true);
  expect(gateway.liveGroups()).toBe(0);
});
