import { randomBytes } from 'node:crypto';
import { createClient } from 'graphql-ws';
import { expect, inject, test } from 'vitest';
import { WebSocket } from 'ws';
import { routingVariable } from '#core/supergraph-list.ts';
import { freePort } from '#core/embedded-postgres.ts';
import { cloneDatabase } from '#core/testing.ts';
import { createGatekeeperSimulator } from '#simulators/gatekeeper/index.ts';
import { listSubgraphs } from '../hub/subgraphs.ts';
import { type HubEnvironment, ask, askUntil, makeDataDir, registerGates, startHubProcess } from './hub-process.ts';

const query = `{ events(orderBy: START_ASC) { totalCount edges { node { __typename id name status timezone service { name health }
  attendance { totalRegistered currentAttendees attendanceRate } checkIns(first: 3) { totalCount edges { node { id direction } } } ... on GateEvent { gates { id name status } } } } } }`;

const overRest = async (url: string, key: string): Promise<unknown> => (await fetch(`${url}/api/v1/events`, { headers: { 'x-api-key': key } })).json();

type Collected = { collectActivity: { accepted: number; userErrors: object[] } };
const collect = (url: string, key: string, ids: readonly string[]) =>
  ask<Collected>(url, key, 'mutation ($input: CollectActivityInput!) { collectActivity(input: $input) { accepted userErrors { code field } } }', { input: { activities: ids.map((externalId) => ({ externalId, name: 'visit', userId: 'u', eventId: 'tech-conference-2024' })) } });

test('every role in a process of its own answers the same as one process with all', async () => {
  await using database = await cloneDatabase();
  await using gates = await createGatekeeperSimulator({ clock: { speed: 0.001 } });
  await using folder = await makeDataDir();
  const shared: HubEnvironment = { DATABASE_URL: database.url, REDIS_URL: inject('redisUrl'), EVENTGRAPH_SECRET: randomBytes(32).toString('hex'), EVENTGRAPH_ALLOW_PRIVATE_UPSTREAMS: 'true', EVENTGRAPH_DEMO: 'false' };

  const whole = await startHubProcess({ ...shared, PORT: String(await freePort()), EVENTGRAPH_DATA_DIR: folder.path });
  expect((await registerGates(whole, gates, 'tech-conference-2024')).userErrors).toEqual([]);
  const expected = await ask(whole.url, whole.adminKey, query);
  expect(expected.errors).toBeUndefined();
  const expectedOverRest = await overRest(whole.url, whole.adminKey);
  expect(expectedOverRest).toMatchObject({ totalCount: 1 });
  await whole.stop('SIGTERM');

  await using stack = new AsyncDisposableStack();
  const urls: Record<string, string> = {};
  for (const { name } of listSubgraphs({})) urls[routingVariable(name)] = `http://127.0.0.1:${await freePort()}/graphql`;
  const subgraphs = await Promise.all(listSubgraphs({}).map(({ name }) => startHubProcess({ ...shared, ...urls }, ['--role', `subgraph:${name}`])));
  for (const process of subgraphs) stack.use(process);
  const gatewayPort = String(await freePort());
  const publicUrl = `http://127.0.0.1:${gatewayPort}`;
  stack.use(await startHubProcess({ ...shared, ...urls, PORT: String(await freePort()), EVENTGRAPH_PUBLIC_URL: publicUrl }, ['--role', 'worker']));
  const gateway = stack.use(await startHubProcess({ ...shared, ...urls, PORT: gatewayPort }, ['--role', 'gateway']));

  expect(await ask(gateway.url, whole.adminKey, query)).toEqual(expected);
  expect(await overRest(gateway.url, whole.adminKey)).toEqual(expectedOverRest);
  expect((await ask(gateway.url, null, '{ eventServices { totalCount } }')).errors?.[0]?.extensions.code).toMatch(/UNAUTH/);

  const collected = await collect(gateway.url, whole.adminKey, ['1', '', '1', '2']);
  expect(collected.data.collectActivity).toEqual({ accepted: 3, userErrors: [{ code: 'ID_INVALID', field: 'input.activities.1.externalId' }] });
  await askUntil(() => ask<{ activities: { totalCount: number } }>(gateway.url, whole.adminKey, '{ activities(userId: "u") { totalCount edges { node { event { id name } } } } }'), ({ data }) => JSON.stringify(data) === JSON.stringify({ activities: { totalCount: 2, edges: Array(2).fill({ node: { event: { id: 'tech-conference-2024', name: 'Tech Conference 2024' } } }) } }));

  const client = createClient({ url: `${gateway.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket, connectionParams: { authorization: `Bearer ${whole.adminKey}` } });
  const changes = client.iterate<{ attendanceChanged: { attendance: { currentAttendees: number }; event: { name: string; gates: unknown[] } } }>({
    query: 'subscription { attendanceChanged(eventIds: ["tech-conference-2024"]) { attendance { currentAttendees } event { name ... on GateEvent { gates { id } } } } }',
  });
  const first = (await changes.next()).value?.data?.attendanceChanged;
  expect(first?.event).toEqual({ name: 'Tech Conference 2024', gates: [{ id: 'gate-1' }, { id: 'gate-2' }, { id: 'gate-3' }] });
  gates.event('tech-conference-2024').pass({ badgeId: 'somebody-new' });
  const second = (await changes.next()).value?.data?.attendanceChanged;
  expect(second?.attendance.currentAttendees).toBe((first?.attendance.currentAttendees ?? 0) + 1);
  await client.dispose();

  gates.event('tech-conference-2024').setKnobs({});
  await askUntil(() => ask<{ eventServices: { edges: { node: { health: string } }[] } }>(gateway.url, whole.adminKey, '{ eventServices { edges { node { health } } } }'), ({ data }) => data.eventServices.edges[0]?.node.health === 'HEALTHY');
}, 600_000);
