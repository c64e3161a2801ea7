import { getIntrospectionQuery } from 'graphql';
import { describe, expect, test } from 'vitest';
import { startGateway, subgraph } from '../testing/kit.ts';

/** One subgraph whose root fields answer the given data as it is. */
const answering = (sdl: string, Query: Record<string, unknown>) =>
  startGateway([subgraph('a', sdl, { Query: Object.fromEntries(Object.entries(Query).map(([name, value]) => [name, () => value])) })], { report: () => undefined });

/** A second subgraph whose entities are not there leaves fields that were never answered. */
const missing = (sdl: string) =>
  startGateway(
    [
      subgraph('a', `type Query { node: Node nodes: [Node] strict: [Node!] rows: [[Node!]!] wrapped: Wrapped! } type Wrapped { inner: Node! } type Node @key(fields: "id") { id: ID! }`, {
        Query: { node: () => ({ id: '1' }), nodes: () => [{ id: '1' }, { id: '2' }], strict: () => [{ id: '1' }, { id: '2' }], rows: () => [[{ id: '2' }], [{ id: '1' }]], wrapped: () => ({ inner: { id: '1' } }) },
      }),
      subgraph('b', sdl, { Node: { __resolveReference: ({ id }: { id: string }) => (id === '1' ? null : { id, name: 'two' }) } }),
    ],
    { report: () => undefined },
  );

describe('null propagation (GraphQL specification, 6.4.4)', () => {
  const { ask } = missing('type Node @key(fields: "id") { id: ID! name: String! }');
  test.each([
    ['to the nearest nullable field', '{ node { name } }', { node: null }, ['node', 'name']],
    ['to the element of a list of nullable elements', '{ nodes { name } }', { nodes: [null, { name: 'two' }] }, ['nodes', 0, 'name']],
    ['to a list of non-null elements', '{ strict { name } }', { strict: null }, ['strict', 0, 'name']],
    ['through nested lists', '{ rows { name } }', { rows: null }, ['rows', 1, 0, 'name']],
    ['to the top', '{ wrapped { inner { name } } }', null, ['wrapped', 'inner', 'name']],
  ])('%s', async (_, query, data, path) => {
    expect(await ask(query)).toEqual({ data, errors: [{ message: 'Cannot return null for non-nullable field Node.name.', path, extensions: { code: 'NULL_IN_NON_NULL_FIELD' } }] });
  });
});

describe('abstract types', () => {
  const { ask } = answering(
    `type Query { search: [Result] nodes: [Node!]! } union Result = Book | Film interface Node { id: ID! } interface Named implements Node { id: ID! name: String! }
     type Book implements Node & Named { id: ID! name: String! pages: Int } type Film implements Node { id: ID! minutes: Int }`,
    {
      search: [{ __typename: 'Book', id: 'b', name: 'B', pages: 3 }, { __typename: 'Film', id: 'f', minutes: 90 }, null],
      nodes: [{ __typename: 'Book', id: 'b', name: 'B' }, { __typename: 'Film', id: 'f' }],
    },
  );
  test('members of a union, by fragments', async () => {
    expect(await ask('{ search { __typename ... on Book { pages } ...F } } fragment F on Film { minutes }')).toEqual({ data: { search: [{ __typename: 'Book', pages: 3 }, { __typename: 'Film', minutes: 90 }, null] } });
  });
  test('fragments on interfaces, in interfaces and unions', async () => {
    expect(await ask('{ nodes { id ... on Named { name } } search { ... on Node { id ... on Named { name ... on Book { pages } } } } }')).toEqual({
      data: { nodes: [{ id: 'b', name: 'B' }, { id: 'f' }], search: [{ id: 'b', name: 'B', pages: 3 }, { id: 'f' }, null] },
    });
  });
  test('selections of one field are merged', async () => {
    expect(await ask('{ nodes { id } ...N nodes { ... on Film { minutes } } } fragment N on Query { nodes { __typename } }')).toEqual({ data: { nodes: [{ id: 'b', __typename: 'Book' }, { id: 'f', __typename: 'Film', minutes: null }] } });
  });
});

describe('values', () => {
  test('what clients must not know of is null with an error that does not tell it', async () => {
    const { ask } = answering(
      'type Query { status: Status list: [Status] thing: Thing things: [Thing] } enum Status { OPEN SECRET @inaccessible } interface Thing { id: ID! } type Known implements Thing { id: ID! } type Hidden implements Thing @inaccessible { id: ID! }',
      { status: 'SECRET', list: ['OPEN', 'SECRET'], thing: { __typename: 'Hidden', id: '1' }, things: [{ __typename: 'Known', id: '2' }, { __typename: 'Hidden', id: '1' }] },
    );
    const answer = await ask('{ status list thing { id } things { id } }');
    expect(answer).toMatchObject({ data: { status: null, list: ['OPEN', null], thing: null, things: [{ id: '2' }, null] } });
    expect(answer.errors?.map(({ path }) => path)).toEqual([['status'], ['list', 1], ['thing'], ['things', 1]]);
    expect(JSON.stringify(answer)).not.toMatch(/SECRET|Hidden/);
  });
  test('custom scalars pass as they are', async () => {
    const json = { a: [1, { b: null }] };
    expect(await answering('scalar JSON type Query { json: JSON list: [JSON] }', { json, list: [1, 'x', json] }).ask('{ json list }')).toEqual({ data: { json, list: [1, 'x', json] } });
  });
  test('keys stand in the order of the operation', async () => {
    const { ask } = answering('type Query { a: Int b: Int c: Int }', { a: 1, b: 2, c: 3 });
    expect(Object.keys((await ask('{ c __schema { queryType { name } } a ... on Query { b } }')).data as object)).toEqual(['c', '__schema', 'a', 'b']);
  });
});

describe('introspection', () => {
  const { ask, sent } = answering('type Query { a: Int b: Int @inaccessible } "A thing" type Thing { id: ID! } extend type Query { thing: Thing }', { a: 1, thing: null });
  test('the whole schema, without what is inaccessible and without federation', async () => {
    const { data, errors } = await ask(getIntrospectionQuery());
    expect(errors).toBeUndefined();
    const { types } = (data as { __schema: { types: { name: string; fields: { name: string }[] | null }[] } }).__schema;
    expect(types.find(({ name }) => name === 'Query')?.fields?.map(({ name }) => name)).toEqual(['a', 'thing']);
    expect(types.filter(({ name }) => /^(join__|link__|_Entity|_Any)/.test(name))).toEqual([]);
    expect(sent).toEqual([]);
  });
  test('beside data, with variables, in fragments and with aliases', async () => {
    expect(await ask('query ($name: String!) { a ...I } fragment I on Query { t: __type(name: $name) { name description ...F } none: __type(name: "Nope") { name } } fragment F on __Type { fields { name } }', { variables: { name: 'Thing' } })).toEqual({
      data: { a: 1, t: { name: 'Thing', description: 'A thing', fields: [{ name: 'id' }] }, none: null },
    });
  });
});

test('a value of a custom scalar that is no JSON fails its field alone', async () => {
  const { ask } = answering('scalar Big type Query { big: Big fine: Big other: Int }', { big: 1n, fine: { a: [1] }, other: 2 });
  expect(await ask('{ big fine other }')).toMatchObject({ data: { big: null, fine: { a: [1] }, other: 2 }, errors: [{ path: ['big'], extensions: { code: 'INVALID_SUBGRAPH_VALUE' } }] });
});
