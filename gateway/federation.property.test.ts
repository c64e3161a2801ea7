/**
 * For random operations the federated answer equals the answer of one plain graphql-js schema that holds all the data.
 */
import fc from 'fast-check';
import { execute, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { startGateway, subgraph } from './testing/kit.ts';
import { operationFrom, operationVariables } from './testing/operations.ts';

type Thing = Record<string, unknown> & { __typename: string; id: string };

/** One graph of objects; the plain schema reads it as it is, each subgraph the fields that it has. */
const page = (list: () => readonly unknown[]) => ({ first }: { first?: number | null }) => list().slice(0, first ?? 3);
const region: Thing = { __typename: 'Region', id: 'r1', name: 'North', events: page(() => events) };
const venues: Thing[] = [
  { __typename: 'Venue', id: 'v1', name: 'Hall', capacity: 100, region },
  { __typename: 'Venue', id: 'v2', name: null, capacity: null, region: null },
];
const eventOf = (typename: string, id: string, current: number | null, more: object): Thing => ({
  __typename: typename,
  id,
  name: `Event ${id}`,
  venue: venues[id.length % 2],
  region: current === null ? null : region,
  related: page(() => events.filter((other) => other.id !== id)),
  attendance: current === null ? null : { __typename: 'Attendance', current, rate: current / 100, peak: { at: '2026-01-01', value: current } },
  checkIns: page(() => [1, 2, 3].map((n) => ({ __typename: 'CheckIn', id: `${id}-${n}`, event: events.find((event) => event.id === id) }))),
  roi: current === null ? null : { score: current * 2 },
  // Non-null in the schema: an event without attendance breaks the promise, and null moves up.
  label: current === null ? null : `${current} here`,
  ...more,
});
const gate = (id: string) => ({ __typename: 'Gate', id, open: id.endsWith('1'), venue: venues[0], passes: [[{ code: 'a' }, null], []] });
const events: Thing[] = [
  eventOf('GateEvent', 'e1', 10, { gates: [gate('g1'), gate('g2')], serial: 7 }),
  eventOf('PretixEvent', 'e22', 20, { slug: 'music', products: [{ __typename: 'Product', id: 'p1', price: 5, event: null }] }),
  eventOf('GateEvent', 'e3', null, { gates: [], serial: null }),
];
const root = {
  events: page(() => events),
  event: () => events[0],
  gone: () => null,
  search: page(() => [events[1], venues[0], events[0], gate('g1')]),
  busiest: () => events[0],
  quiet: () => events[2],
  venues: () => venues,
};

const all = (typename: string): Thing[] => (typename === 'Venue' ? venues : typename === 'Region' ? [region] : events);
/** A copy, as graphql-js over a subgraph schema writes `__typename` on it. */
const lookUp = (typename: string) => ({ id }: { id: string }) => {
  const found = all(typename).find((thing) => thing.id === id);
  return found ? { ...found } : null;
};
const asInterfaceObject = ({ id }: { id: string }) => ({ ...events.find((event) => event.id === id), __typename: 'Event' });
const Query = Object.fromEntries(Object.entries(root).map(([name, answer]) => [name, (_: unknown, args: { first?: number }) => answer(args)]));
const pick = (...names: (keyof typeof root)[]) => Object.fromEntries(names.map((name) => [name, Query[name] ?? (() => null)]));

const supergraph = [
  subgraph(
    'events',
    `type Query { events(first: Int): [Event!]! event: Event gone: Event search(first: Int): [Result] }
     union Result = GateEvent | PretixEvent | Venue
     interface Event @key(fields: "id") { id: ID! name: String! venue: Venue region: Region related(first: Int): [Event!]! }
     type GateEvent implements Event @key(fields: "id") { id: ID! name: String! venue: Venue region: Region related(first: Int): [Event!]! }
     type PretixEvent implements Event @key(fields: "id") { id: ID! name: String! venue: Venue region: Region related(first: Int): [Event!]! }
     type Venue @key(fields: "id") { id: ID! name: String @shareable }
     type Region @key(fields: "id") { id: ID! events(first: Int): [Event!]! }`,
    { Query: { ...pick('events', 'event', 'gone'), search: (_: unknown, { first }: { first?: number }) => [events[1], venues[0], events[0]].slice(0, first ?? 3) }, Event: { __resolveReference: lookUp('Event') }, GateEvent: { __resolveReference: lookUp('GateEvent') }, PretixEvent: { __resolveReference: lookUp('PretixEvent') }, Venue: { __resolveReference: lookUp('Venue') }, Region: { __resolveReference: lookUp('Region') } },
  ),
  subgraph('places', `type Query { venues: [Venue!]! } type Venue @key(fields: "id") { id: ID! name: String @shareable capacity: Int region: Region } type Region @key(fields: "id") { id: ID! name: String }`, {
    Query: pick('venues'),
    Venue: { __resolveReference: lookUp('Venue') },
    Region: { __resolveReference: lookUp('Region') },
  }),
  subgraph('gatekeeper', `type GateEvent @key(fields: "id") { id: ID! gates: [Gate!]! serial: Int } type Gate { id: ID! open: Boolean! venue: Venue passes: [[Pass]!]! } type Pass { code: String! } type Venue @key(fields: "id", resolvable: false) { id: ID! }`, {
    GateEvent: { __resolveReference: lookUp('GateEvent') },
  }),
  subgraph('pretix', `type PretixEvent @key(fields: "id") { id: ID! slug: String products: [Product!]! } type Product { id: ID! price: Int event: PretixEvent }`, { PretixEvent: { __resolveReference: lookUp('PretixEvent') } }),
  subgraph(
    'attendance',
    `type Query { busiest: Event quiet: Event } type Event @interfaceObject @key(fields: "id") { id: ID! attendance: Attendance checkIns(first: Int): [CheckIn!]! }
     type Attendance { current: Int! rate: Float peak: Peak } type Peak { at: String! value: Int! } type CheckIn { id: ID! event: Event! }`,
    { Query: { busiest: () => asInterfaceObject({ id: 'e1' }), quiet: () => asInterfaceObject({ id: 'e3' }) }, Event: { __resolveReference: asInterfaceObject }, CheckIn: { event: ({ event }: { event: Thing }) => asInterfaceObject(event) } },
  ),
  subgraph(
    'roi',
    `type Event @interfaceObject @key(fields: "id") { id: ID! attendance: Attendance @external roi: Roi @requires(fields: "attendance { current }") label: String! @requires(fields: "attendance { current }") } type Attendance { current: Int! @external } type Roi { score: Int! }`,
    {
      Event: {
        __resolveReference: (reference: object) => ({ ...reference }),
        roi: ({ attendance }: { attendance: { current: number } | null }) => (attendance ? { score: attendance.current * 2 } : null),
        label: ({ attendance }: { attendance: { current: number } | null }) => (attendance ? `${attendance.current} here` : null),
      },
    },
  ),
];

const runs = Number(process.env['PROPERTY_RUNS'] ?? 1);

test('federated answers equal plain answers', { timeout: 240_000 * Math.max(1, runs) }, async () => {
  const { gateway, ask } = startGateway(supergraph, { report: () => undefined, limits: { maxAliases: 10_000, maxFields: 100_000, maxRootFields: 1_000 } });
  const schema = gateway.apiSchema();
  const plainly = { ...root, search: ({ first }: { first?: number }) => [events[1], venues[0], events[0]].slice(0, first ?? 3) };
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(999), { minLength: 40, maxLength: 200 }), async (tape) => {
      const query = operationFrom(schema, tape);
      const document = parse(query);
      fc.pre(validate(schema, document).length === 0);
      const plain = await execute({ schema, document, rootValue: plainly, variableValues: operationVariables });
      const federated = await ask(query, { variables: operationVariables });
      expect(federated.data, query).toEqual(JSON.parse(JSON.stringify(plain.data)));
      expect(federated.errors !== undefined, `${query}\n${JSON.stringify(federated.errors)}`).toBe(plain.errors !== undefined);
      compared++;
    }),
    { numRuns: 200 * runs },
  );
  expect(compared).toBeGreaterThan(0);
});
