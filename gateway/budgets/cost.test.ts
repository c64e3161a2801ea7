import { describe, expect, test } from 'vitest';
import { publicViewer } from '#core/viewer.ts';
import { type TestSubgraph, startGateway, subgraph } from '../testing/kit.ts';
import { mostCost } from './amounts.ts';

const sdl = `
  type Query {
    event: Event
    nested: [[Event!]!]
    events(first: Int = 20, last: Int): EventConnection @listSize(slicingArguments: ["first", "last"], sizedFields: ["edges", "nodes"], requireOneSlicingArgument: false)
    page(first: Int, last: Int): [Event!] @listSize(slicingArguments: ["first", "last"])
    found(first: Int): [Event!] @listSize(assumedSize: 7, slicingArguments: ["first"], requireOneSlicingArgument: false)
    search(text: String @cost(weight: 4), filter: Filter): [Result!] @listSize(assumedSize: 3)
    dear: Int @cost(weight: 50)
    mood: Mood
  }
  type Mutation { rename(input: Filter @cost(weight: 2)): Event }
  type Subscription { changed: Event }
  input Filter { limit: Int near: [Near!] } input Near { lat: Int @cost(weight: 3) }
  enum Mood @cost(weight: 6) { HAPPY }
  type EventConnection { edges: [Edge!]! nodes: [Event!]! totalCount: Int! pageInfo: PageInfo! } type Edge { node: Event! cursor: String! } type PageInfo { hasNextPage: Boolean! }
  interface Event { id: ID! name: String venue: Venue related: [Event!]! }
  type GateEvent implements Event { id: ID! name: String venue: Venue related: [Event!]! gates: [Gate!]! @listSize(assumedSize: 5) }
  type PretixEvent implements Event { id: ID! name: String @cost(weight: 9) venue: Venue related: [Event!]! products: [Product!]! @listSize(assumedSize: 2) }
  type Gate { id: ID! } type Product @cost(weight: 11) { id: ID! } type Venue { id: ID! city: Venue }
  union Result = GateEvent | Venue`;
const { gateway } = startGateway([subgraph('a', sdl)]);
const cost = (query: string, variables: Record<string, unknown> = {}, of = gateway): number => of.costOf(of.operationOf({ query }), variables);

describe('an operation costs', () => {
  test.each([
    ['at least 1', '{ __typename }', 1],
    ['1 for an object, nothing for its leaves', '{ event { id venue { id } } }', 2],
    ['10 for a list of unknown size, and its entries\' selection as often', '{ event { related { venue { id } } } }', 1 + 10 * (1 + 1)],
    ['lists in lists times each other', '{ nested { id } }', 100],
    ['what @cost says of a field', '{ dear }', 50],
    ['what @cost says of an enum', '{ mood }', 6],
    ['what @cost says of an argument', '{ search(text: "a") { __typename } }', 4 + 3],
    ['nothing for an argument that is not given', '{ search { __typename } }', 3],
    ['what @cost says of a field of an input, for each entry', '{ search(filter: {near: [{lat: 1}, {lat: 2}, {}]}) { __typename } }', 3 + 2 * 3],
    ['10 for a field of a mutation besides', 'mutation { rename { id } }', 10 + 1],
    ['10 for each of them', 'mutation { a: rename { id } b: rename(input: {}) { id } }', 22 + 2],
    ['the size that is asked for', '{ page(first: 3) { id } }', 3],
    ['in sized fields, and not in the others', '{ events(first: 3) { edges { node { id } } totalCount pageInfo { hasNextPage } } }', 1 + 3 * 2 + 1],
    ['the default of the argument where it is not given', '{ events { nodes { id } } }', 1 + 20],
    ['the largest of several sizes', '{ events(first: 3, last: 8) { nodes { id } } }', 1 + 8],
    ['the assumed size', '{ found { id } }', 7],
    ['the size that is given instead of it', '{ found(first: 2) { id } }', 2],
    ['the dearest of the objects that can stand there', '{ event { ... on GateEvent { gates { id } } ... on PretixEvent { products { id } } } }', 1 + 2 * 11],
    ['the dearest of their fields', '{ event { name } }', 1 + 9],
    ['what fits no object: nothing', '{ search { ... on Event { ... on PretixEvent { products { id } } } } }', 3],
    ['aliases each', '{ a: event { id } b: event { id } c: event { id } }', 3],
    ['fields of one name once, as they are executed once', '{ event { id } event { venue { id } } ... { event { venue { city { id } } } } }', 3],
    ['something small for introspection', '{ __schema { types { name fields { name } } } __type(name: "Event") { name } }', 110],
    ['what @skip leaves', '{ a: event @skip(if: true) { id } b: event @include(if: true) { id } }', 1],
  ])('%s: %s', (_, query, expected) => {
    expect(cost(query)).toBe(expected);
  });

  test('what its variables make of it', () => {
    const query = 'query ($first: Int = 4, $yes: Boolean!, $near: [Near!]) { events(first: $first) { nodes { venue @include(if: $yes) { id } } } search(filter: {near: $near}) @skip(if: $yes) { __typename } }';
    expect(cost(query, { yes: true })).toBe(1 + 4 * 2);
    expect(cost(query, { yes: true, first: 10 })).toBe(1 + 10 * 2);
    expect(cost(query, { yes: true, first: null })).toBe(1 + 20 * 2);
    expect(cost(query, { yes: false, first: 1, near: [{ lat: 1 }, { lat: 2 }] })).toBe(1 + 1 + 3 + 6);
  });

  test('no less than nothing, whatever the size is said to be', () => {
    for (const first of [-5, Number.MAX_VALUE, 'x', {}, [], Number.NaN]) expect(cost('query ($first: Int) { events(first: $first) { nodes { id } } }', { first })).toBeGreaterThan(0);
  });
});

test('a list must be given its size in exactly one way where the schema says so', () => {
  const refusal = (query: string, variables = {}) => {
    try {
      return cost(query, variables);
    } catch (error) {
      return (error as { errors: readonly { extensions: object }[] }).errors[0]?.extensions;
    }
  };
  const refused = (value: number) => ({ code: 'SLICING_ARGUMENT_REQUIRED', field: 'Query.page', arguments: ['first', 'last'], value });
  expect(refusal('{ page { id } }')).toEqual(refused(0));
  expect(refusal('{ page(first: 1, last: 1) { id } }')).toEqual(refused(2));
  expect(refusal('query ($last: Int) { page(last: $last) { id } }')).toEqual(refused(0));
  expect(refusal('query ($last: Int) { page(last: $last) { id } }', { last: 3 })).toBe(3);
});

test('the directives are known by their specification, whatever the supergraph calls them', () => {
  const renamed: TestSubgraph = { name: 'a', resolvers: {}, sdl: 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: [{name: "@cost", as: "@price"}, {name: "@listSize", as: "@length"}]) type Query { dear: Int @price(weight: 50) list: [A] @length(assumedSize: 4) } type A { id: ID }' };
  expect(cost('{ dear list { id } }', {}, startGateway([renamed]).gateway)).toBe(54);
});

test('what multiplies without end costs the most there is, and is told at once', () => {
  const { gateway: open } = startGateway([subgraph('a', sdl)], { limits: { maxFields: 1e15, maxAliases: 1e15, maxTokens: 1e6, maxDocumentLength: 1e7, maxDepth: 1_000 } });
  const fragments = (inEach: (next: string) => string) => `{ event { ...F0 } } ${Array.from({ length: 40 }, (_, at) => `fragment F${at} on Event { ${inEach(`...F${at + 1}`)} }`).join(' ')} fragment F40 on Event { venue { id } }`;
  expect(cost(`{ event { ${'related { '.repeat(60)} id ${'}'.repeat(60)} } }`, {}, open)).toBe(mostCost);
  expect(cost(fragments((next) => `${next} ${next}`), {}, open)).toBe(mostCost);
});

test('an answer costs what was estimated where its lists are as long as was assumed, and less where they are shorter', async () => {
  const event = (gates: number) => ({ __typename: 'GateEvent', id: 'e', name: 'n', venue: { id: 'v' }, gates: Array.from({ length: gates }, (_, id) => ({ id })) });
  const answers = { page: (_: unknown, { first }: { first: number }) => Array.from({ length: first }, () => event(5)), event: () => event(2), dear: () => 1, mood: () => 'HAPPY', search: () => [] };
  const { gateway: real } = startGateway([subgraph('a', sdl, { Query: answers, Mutation: { rename: () => event(5) } })]);
  const ask = (query: string, variables = {}) => real.answer({ query, variables, viewer: publicViewer, requestId: 'r', signal: new AbortController().signal });
  const both = async (query: string, variables = {}) => ({ estimated: cost(query, variables, real), counted: (await ask(query, variables)).cost });
  expect(await both('query ($first: Int) { page(first: $first) { id venue { id } ... on GateEvent { gates { id } } } dear mood __schema { types { name } } }', { first: 4 })).toEqual({ estimated: 4 * (1 + 1 + 5) + 50 + 6 + 100, counted: 4 * (1 + 1 + 5) + 50 + 6 + 100 });
  expect(await both('{ event { ... on GateEvent { gates { id } } } }')).toEqual({ estimated: 6, counted: 3 });
  expect(await both('query ($text: String) { search(text: $text) { __typename } }', { text: 'a' })).toEqual({ estimated: 4 + 3, counted: 4 });
  expect(await both('mutation { rename(input: {}) { ... on GateEvent { gates { id } } } }')).toEqual({ estimated: 10 + 2 + 6, counted: 10 + 2 + 6 });
});
