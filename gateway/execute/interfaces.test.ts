import { describe, expect, test } from 'vitest';
import { startGateway, subgraph } from '../testing/kit.ts';

const events = [
  { __typename: 'GateEvent', id: 'e1', name: 'Tech', venue: { id: 'v1' } },
  { __typename: 'PretixEvent', id: 'e2', name: 'Music', venue: null },
];
const byId = (reference: { id: string }) => events.find(({ id }) => id === reference.id);

const catalogue = subgraph(
  'events',
  `type Query { events: [Event!]! event(id: ID!): Event }
   interface Event @key(fields: "id") { id: ID! name: String! venue: Venue }
   type GateEvent implements Event @key(fields: "id") { id: ID! name: String! venue: Venue }
   type PretixEvent implements Event @key(fields: "id") { id: ID! name: String! venue: Venue slug: String }
   type Venue @key(fields: "id") { id: ID! }`,
  {
    Query: { events: () => events, event: (_: unknown, { id }: { id: string }) => byId({ id }) },
    Event: { __resolveReference: byId },
    GateEvent: { __resolveReference: byId },
    PretixEvent: { __resolveReference: byId, slug: () => 'music' },
  },
);
const gates = subgraph('gatekeeper', `type GateEvent @key(fields: "id") { id: ID! gates: [Gate!]! } type Gate { id: ID! open: Boolean! }`, {
  GateEvent: { gates: ({ id }: { id: string }) => [{ id: `${id}-north`, open: true }] },
});
const attendance = subgraph(
  'attendance',
  `type Query { busiest: Event }
   type Event @interfaceObject @key(fields: "id") { id: ID! attendance: Attendance! } type Attendance { current: Int! }`,
  {
    Query: { busiest: () => ({ id: 'e1' }) },
    Event: { attendance: ({ id }: { id: string }) => ({ current: id === 'e1' ? 10 : 20 }) },
  },
);

describe('entity interfaces', () => {
  const { ask, sent } = startGateway([catalogue, gates, attendance]);

  test('a list costs one entity fetch per cross-cutting subgraph and one per upstream kind', async () => {
    const { data, errors } = await ask('{ events { __typename name attendance { current } ... on GateEvent { gates { id open } } ... on PretixEvent { slug } } }');
    expect(errors).toBeUndefined();
    expect(data).toEqual({
      events: [
        { __typename: 'GateEvent', name: 'Tech', attendance: { current: 10 }, gates: [{ id: 'e1-north', open: true }] },
        { __typename: 'PretixEvent', name: 'Music', attendance: { current: 20 }, slug: 'music' },
      ],
    });
    expect(sent.map(({ subgraph }) => subgraph).sort()).toEqual(['attendance', 'events', 'gatekeeper']);
  });

  test('an interface object is told its true type by the subgraph that knows it', async () => {
    expect(await ask('{ busiest { __typename name ... on GateEvent { gates { id } } attendance { current } } }')).toEqual({
      data: { busiest: { __typename: 'GateEvent', name: 'Tech', gates: [{ id: 'e1-north' }], attendance: { current: 10 } } },
    });
  });

  test('fields of the interface object alone need no other subgraph', async () => {
    sent.length = 0;
    expect(await ask('{ busiest { id attendance { current } } }')).toEqual({ data: { busiest: { id: 'e1', attendance: { current: 10 } } } });
    expect(sent).toHaveLength(1);
  });
});
