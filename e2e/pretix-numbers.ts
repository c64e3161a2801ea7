/** The numbers of a pretix, its own and the hub's: every one has to be the same. */
import pg from 'pg';
import { expect } from 'vitest';
import { z } from 'zod';
import { type PretixAddress, createApi } from '#scripts/pretix/api.ts';
import { type TrafficPlan, readTruth } from '#scripts/pretix/traffic.ts';
import * as payloads from '#subgraphs/pretix/upstream-payloads.ts';
import { type HubProcess, ask, askUntil } from './hub-process.ts';
import { registerService } from './neighbours/index.ts';

/** A pretix, real or simulated, with the dates of its series. */
export type Pretix = PretixAddress & { readonly events: readonly { readonly slug: string; readonly subevents: readonly number[] }[] };

export const registerPretix = (hub: HubProcess, pretix: Pretix): Promise<void> =>
  registerService(hub, { product: 'pretix', serviceName: 'pretix of Acme', endpoints: { api: pretix.url, healthCheck: `${pretix.url}/api/v1/` }, authentication: { type: 'API_KEY', credentials: { apiKey: pretix.token } }, syncSettings: { interval: 5 }, settings: { organizer: pretix.organizer } });

type Counted = { readonly registered: number; readonly present: number; readonly checkIns: number; readonly orders: number };
type List = { readonly id: string; readonly checkInCount: number; readonly positionCount: number; readonly insideCount: number | null };
type Numbers = { readonly events: Readonly<Record<string, Counted>>; readonly lists: Readonly<Record<string, List>>; /** Inside each list, counted by the hub itself. */ readonly inside: Readonly<Record<string, number>> };

const askedFor = `query ($ids: [ID!]) { events(first: 100, filter: { ids: $ids }) { edges { node { id attendance { totalRegistered currentAttendees } checkIns { totalCount } ... on PretixEvent { checkInLists { id checkInCount positionCount insideCount } orders { totalCount } } } } } }`;
type Told = { events: { edges: { node: { id: string; attendance: { totalRegistered: number; currentAttendees: number } | null; checkIns: { totalCount: number }; checkInLists: List[]; orders: { totalCount: number } } }[] } };

/** What the hub says: through the graph, and of each list by its own check-ins. */
const numbersOfHub = async (hub: HubProcess, database: pg.Client, ids: readonly string[]): Promise<Numbers> => {
  const { data } = await ask<Told>(hub.url, hub.adminKey, askedFor, { ids });
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
const numbersOfPretix = async (pretix: Pretix): Promise<Numbers> => {
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

/** They are the same within that time, and nothing that names a person was stored. */
export const expectEqualPretix = async (hub: HubProcess, databaseUrl: string, pretix: Pretix, plan: TrafficPlan, withinMs: number): Promise<void> => {
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    const truth = await numbersOfPretix(pretix);
    const ids = Object.keys(truth.events);
    const same = JSON.stringify(sorted(truth));
    const last = await askUntil(() => numbersOfHub(hub, database, ids), (told) => JSON.stringify(sorted(told)) === same, withinMs).catch(() => numbersOfHub(hub, database, ids));
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
