import { describe, expect, test } from 'vitest';
import { startGateway, subgraph } from '../testing/kit.ts';

const nodes = subgraph(
  'nodes',
  `type Query { node: Node nodes: [Node] found: [Found] } interface Node @key(fields: "id") { id: ID! } union Found = Film
   type Book implements Node @key(fields: "id") { id: ID! pages: Int! } type Film implements Node @key(fields: "id") { id: ID! minutes: [[Int!]!]! }`,
  { Query: { node: () => ({ __typename: 'Film', id: 'f' }), nodes: () => [{ __typename: 'Book', id: 'b', pages: 3 }, { __typename: 'Film', id: 'f' }], found: () => [{ __typename: 'Film', id: 'f' }] } },
);
const ratings = subgraph('ratings', 'type Node @interfaceObject @key(fields: "id") { id: ID! rating: Int }', {
  Node: {
    rating: ({ id }: { id: string }) => {
      if (id === 'f') throw new Error('not rated');
      return 5;
    },
  },
});
const places = async (query: string) => {
  const { data, errors = [] } = await startGateway([nodes, ratings], { report: () => undefined }).ask(query);
  return { data, paths: errors.map(({ path }) => path) };
};

describe('an error of a subgraph is told at its place of the answer', () => {
  test.each([
    ['one object', '{ node { ... on Film { minutes } } }', { node: null }, ['node', 'minutes']],
    ['a list', '{ nodes { ... on Book { pages } ... on Film { a: minutes } } }', { nodes: [{ pages: 3 }, null] }, ['nodes', 1, 'a']],
    ['a union', '{ found { ...F } } fragment F on Film { minutes }', { found: [null] }, ['found', 0, 'minutes']],
  ])('also where it turned the object into null that alone has the field: %s', async (_, query, data, path) => {
    expect(await places(query)).toEqual({ data, paths: [path] });
  });

  test('is dropped where nobody asked for the field of an object of this type', async () => {
    expect(await places('{ nodes { id ... on Book { rating } } }')).toEqual({ data: { nodes: [{ id: 'b', rating: 5 }, { id: 'f' }] }, paths: [] });
  });
});
