/**
 * The hub against a real pretix: people buy, come, leave and cancel through pretix's own API in a random order while
 * the hub polls and takes webhooks. At the end every number of the hub equals pretix's own: nothing lost, nothing
 * doubled. Then the same with the hub killed three times and pretix gone for a minute.
 */
import pg from 'pg';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { startEmbeddedPostgres } from '#core/embedded-postgres.ts';
import { createApi } from '#scripts/pretix/api.ts';
import { type PretixServer, startPretix } from '#scripts/pretix/pretix.ts';
import { type TrafficPlan, makeTraffic, readTruth } from '#scripts/pretix/traffic.ts';
import * as payloads from '#subgraphs/pretix/upstream-payloads.ts';
import { type HubEnvironment, type HubProcess, ask, askUntil, makeDataDir, plainHub, startHubProcess } from './hub-process.ts';

const plan: TrafficPlan = { seed: 'equality', orders: 500, checkIns: 400, exits: 50, cancellations: 20, others: 15 };
/** How long the hub may take to come to the same numbers after the last change: two polls and a sweep of its calls. */
const settleMs = 120_000;
const testMs = 1_200_000;

type Counted = { readonly registered: number; readonly present: number; readonly checkIns: number; readonly orders: number };
type List = { readonly id: string; readonly checkInCount: number; readonly positionCount: number; readonly insideCount: number | null };
type Numbers = { readonly events: Readonly<Record<string, Counted>>; readonly lists: Readonly<Record<string, List>>; /** Inside each list, counted by the hub itself. */ readonly inside: Readonly<Record<string, number>> };

/** A hub on a database that the test can look into. */
const startAll = async () => {
  const stack = new AsyncDisposableStack();
  const pretix = stack.use(await startPretix());
  const folder = stack.use(await makeDataDir());
  const data = stack.use(await makeDataDir());
  const postgres = stack.use(await startEmbeddedPostgres({ dataDir: data.path, password: 'test', settings: { fsync: 'off' } }));
  const env: HubEnvironment = { ...(await plainHub(folder.path)), DATABASE_URL: postgres.url };
  return { pretix, env, databaseUrl: postgres.url, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};

const register = async (hub: HubProcess, pretix: PretixServer): Promise<void> => {
  const input = { product: 'pretix', serviceName: 'pretix of Acme', endpoints: { api: pretix.url, healthCheck: `${pretix.url}/api/v1/` }, authentication: { type: 'API_KEY', credentials: { apiKey: pretix.token } }, syncSettings: { interval: 5 }, settings: { organizer: pretix.organizer } };
  const { data, errors } = await ask<{ registerEventService: { userErrors: unknown[] } }>(hub.url, hub.adminKey, 'mutation ($input: RegisterEventServiceInput!) { registerEventService(input: $input) { userErrors { code field message } } }', { input });
  expect(errors).toBeUndefined();
  expect(data.registerEventService.userErrors).toEqual([]);
};

const askedFor = `{ events(first: 100) { edges { node { id attendance { totalRegistered currentAttendees } checkIns { totalCount } ... on PretixEvent { checkInLists { id checkInCount positionCount insideCount } orders { totalCount } } } } } }`;
type Told = { events: { edges: { node: { id: string; attendance: { totalRegistered: number; currentAttendees: number } | null; checkIns: { totalCount: number }; checkInLists: List[]; orders: { totalCount: number } } }[] } };

/** What the hub says: through the graph, and of each list by its own check-ins. */
const numbersOfHub = async (hub: HubProcess, database: pg.Client): Promise<Numbers> => {
  const { data } = await ask<Told>(hub.url, hub.adminKey, askedFor);
  const nodes = data.events.edges.map(({ node }) => node);
  const { rows } = await database.query<{ area: string; inside: number }>(
    `select p.area, count(*)::int as inside from attendance.presences p
     join attendance.registrations r using (event_id, participant) join pretix.check_in_lists l on l.id = p.area
     where p.last_entry is not null and (p.last_exit is null or p.last_exit < p.last_entry) and (r.state = 'CONFIRMED' or (r.state = 'PENDING' and l.include_pending)) group by p.area`,
  );
  return {
    events: Object.fromEntries(nodes.map(({ id, attendance, checkIns, orders }) => [id, { registered: attendance?.totalRegistered ?? -1, present: attendance?.currentAttendees ?? -1, checkIns: checkIns.totalCount, orders: orders.totalCount }])),
    lists: Object.fromEntries(nodes.flatMap(({ checkInLists }) => checkInLists.map((list) => [list.id, list]))),
    inside: Object.fromEntries(rows.map(({ area, inside }) => [area, inside])),
  };
};

/** What pretix says, and what follows from its orders for numbers that it does not have. */
const numbersOfPretix = async (pretix: PretixServer): Promise<Numbers> => {
  const api = createApi(pretix);
  const events: Record<string, Counted> = {};
  for (const { slug, subevents } of pretix.events) {
    const orders = await api.all(`events/${slug}/orders/?include_canceled_positions=true`, payloads.order);
    for (const date of subevents.length > 0 ? subevents : [null]) events[['acme', slug, ...(date === null ? [] : [date])].join('-')] = countEvent(orders, date);
  }
  const lists = Object.values(await readTruth(pretix)).flatMap(({ lists: each }) => each);
  return {
    events,
    lists: Object.fromEntries(lists.map((list) => [String(list.id), { id: String(list.id), checkInCount: list.checkin_count, positionCount: list.position_count, insideCount: list.inside_count }])),
    inside: Object.fromEntries(lists.filter(({ inside_count }) => inside_count > 0).map(({ id, inside_count }) => [String(id), inside_count])),
  };
};

/** Registered: tickets that are not canceled. Present: of those, who is inside any list. */
const countEvent = (orders: readonly payloads.OrderPayload[], date: number | null): Counted => {
  const here = orders.map((order) => ({ open: order.status === 'n' || order.status === 'p', positions: order.positions.filter(({ subevent }) => subevent === date) })).filter(({ positions }) => positions.length > 0);
  const tickets = here.flatMap(({ open, positions }) => (open ? positions.filter(({ canceled }) => !canceled) : []));
  const isInside = ({ checkins }: payloads.PositionPayload) => [...Map.groupBy(checkins, ({ list }) => list).values()].some((scans) => scans.toSorted((a, b) => (a.datetime < b.datetime ? -1 : 1)).at(-1)?.type === 'entry');
  return { registered: tickets.length, present: tickets.filter(isInside).length, checkIns: here.flatMap(({ positions }) => positions.flatMap(({ checkins }) => checkins)).length, orders: here.length };
};

const expectEqual = async (hub: HubProcess, databaseUrl: string, pretix: PretixServer): Promise<void> => {
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    const truth = await numbersOfPretix(pretix);
    const same = JSON.stringify(sorted(truth));
    const last = await askUntil(() => numbersOfHub(hub, database), (told) => JSON.stringify(sorted(told)) === same, settleMs).catch(() => numbersOfHub(hub, database));
    expect(last).toEqual(truth);
    expect(Object.values(truth.events).reduce((sum, { checkIns }) => sum + checkIns, 0)).toBe(plan.checkIns + plan.exits - (plan.others ?? 0));
    const { rows } = await database.query<{ text: string }>(`select row_to_json(o)::text as text from pretix.orders o union all select row_to_json(e)::text from hub.domain_events e union all select row_to_json(r)::text from attendance.registrations r`);
    expect(rows.filter(({ text }) => /canary/i.test(text))).toEqual([]);
  } finally {
    await database.end();
  }
};

const sorted = (value: unknown): unknown => {
  const object = z.record(z.string(), z.unknown()).safeParse(value);
  return object.success ? Object.fromEntries(Object.entries(object.data).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, each]) => [name, sorted(each)])) : value;
};

test('every number of the hub is the one that pretix has', { timeout: testMs }, async () => {
  await using all = await startAll();
  await using hub = await startHubProcess(all.env);
  await register(hub, all.pretix);
  await makeTraffic(all.pretix, plan);
  await expectEqual(hub, all.databaseUrl, all.pretix);
});

test('also when the hub is killed three times and pretix is gone for a minute', { timeout: testMs }, async () => {
  await using all = await startAll();
  let hub = await startHubProcess(all.env);
  await register(hub, all.pretix);
  const quarter = Math.floor((plan.orders + plan.checkIns + plan.exits + plan.cancellations) / 4);
  await makeTraffic(all.pretix, { ...plan, seed: 'equality through crashes' }, async (done) => {
    if (done % quarter === 0 && done <= 3 * quarter) {
      await hub.stop('SIGKILL');
      hub = await startHubProcess(all.env);
    }
    if (done === 2 * quarter + 20) {
      await all.pretix.stop();
      await goneFor(60_000, hub);
      await all.pretix.start();
    }
  });
  await expectEqual(hub, all.databaseUrl, all.pretix);
  await hub.stop('SIGTERM');
});

/** That long, and until the hub knows. */
const goneFor = async (ms: number, hub: HubProcess): Promise<void> => {
  const long = new Promise((resolve) => setTimeout(resolve, ms));
  const health = async () => (await ask<{ eventServices: { edges: { node: { health: string } }[] } }>(hub.url, hub.adminKey, '{ eventServices(first: 1) { edges { node { health } } } }')).data.eventServices.edges[0]?.node.health;
  await askUntil(health, (told) => told !== 'HEALTHY', ms);
  await long;
};
