import { describe, expect, test } from 'vitest';
import { EventgraphError } from '#core/errors.ts';
import { startGateway, subgraph } from '../testing/kit.ts';

describe('keys', () => {
  test('several keys: each subgraph is asked by the one that it knows', async () => {
    const { ask } = startGateway([
      subgraph('a', 'type Query { product: Product } type Product @key(fields: "id") { id: ID! }', { Query: { product: () => ({ id: '1' }) } }),
      subgraph('b', 'type Product @key(fields: "id") @key(fields: "sku") { id: ID! sku: String! }', { Product: { __resolveReference: ({ id }: { id: string }) => ({ id, sku: `s${id}` }) } }),
      subgraph('c', 'type Product @key(fields: "sku") { sku: String! price: Int! }', { Product: { price: ({ sku }: { sku: string }) => (sku === 's1' ? 5 : 0) } }),
    ]);
    expect(await ask('{ product { price } }')).toEqual({ data: { product: { price: 5 } } });
  });

  test('a key of nested objects and lists', async () => {
    const { ask, sent } = startGateway([
      subgraph('a', 'type Query { order: Order } type Order @key(fields: "shop { id } lines { sku }") { shop: Shop! lines: [Line!]! } type Shop { id: ID! } type Line { sku: String! }', {
        Query: { order: () => ({ shop: { id: 's' }, lines: [{ sku: 'x' }, { sku: 'y' }] }) },
      }),
      subgraph('b', 'type Order @key(fields: "shop { id } lines { sku }") { shop: Shop! @external lines: [Line!]! @external total: Int! } type Shop { id: ID! @external } type Line { sku: String! @external }', {
        Order: { total: ({ lines }: { lines: unknown[] }) => lines.length },
      }),
    ]);
    expect(await ask('{ order { total } }')).toEqual({ data: { order: { total: 2 } } });
    expect(sent[1]?.variables['representations']).toEqual([{ __typename: 'Order', shop: { id: 's' }, lines: [{ sku: 'x' }, { sku: 'y' }] }]);
  });

  test('the same entity is asked for once, wherever it stands, and each place has its own copy', async () => {
    const { ask, sent } = startGateway([
      subgraph('a', 'type Query { items: [Item!]! } type Item { label: String! product: Product } type Product @key(fields: "id") { id: ID! }', {
        Query: { items: () => ['1', '2', '1', '1'].map((id) => ({ label: id, product: { id } })) },
      }),
      subgraph('b', 'type Product @key(fields: "id") { id: ID! maker: Maker! } type Maker { name: String! }', { Product: { maker: ({ id }: { id: string }) => ({ name: `m${id}` }) } }),
    ]);
    const { data } = await ask('{ items { product { id maker { name } } } }');
    expect(data).toEqual({ items: ['1', '2', '1', '1'].map((id) => ({ product: { id, maker: { name: `m${id}` } } })) });
    expect(sent[1]?.variables['representations']).toHaveLength(2);
  });

  test('the same entity is asked for once where it is represented alike, whatever the fetches know of it', async () => {
    const { ask, sent } = startGateway([
      subgraph('a', 'type Query { gate: Gate event: Event } interface Event @key(fields: "id") { id: ID! } type Gate implements Event @key(fields: "id") { id: ID! }', { Query: { gate: () => ({ id: '1' }), event: () => ({ __typename: 'Gate', id: '1' }) }, Event: { __resolveReference: () => null } }),
      subgraph('b', 'type Event @interfaceObject @key(fields: "id") { id: ID! mood: String }', { Event: { mood: () => 'calm' } }),
    ]);
    expect(await ask('{ gate { mood } event { mood } }')).toEqual({ data: { gate: { mood: 'calm' }, event: { mood: 'calm' } } });
    expect(sent.at(-1)?.variables['representations']).toEqual([{ __typename: 'Event', id: '1' }]);
  });

  test('an entity that stands at several places is told the same at each of them, beside another one that is equal below', async () => {
    const { ask } = startGateway([
      subgraph('a', 'type Query { items: [Item!]! } type Item @key(fields: "id") { id: ID! label: String! }', { Query: { items: () => ['1', '2', '2'].map((id) => ({ id, label: `l${id}` })) } }),
      subgraph('b', 'type Item @key(fields: "id") { id: ID! maker: Maker! } type Maker @key(fields: "id") { id: ID! }', { Item: { maker: () => ({ id: 'm' }) } }),
      subgraph('c', 'type Maker @key(fields: "id") { id: ID! name: String! }', { Maker: { name: () => 'made' } }),
    ]);
    expect(await ask('{ items { label maker { name } } }')).toEqual({ data: { items: ['1', '2', '2'].map((id) => ({ label: `l${id}`, maker: { name: 'made' } })) } });
  });

  test('the same entity, told of differently at two places, stays as it was told at each', async () => {
    const { ask, sent } = startGateway([
      subgraph('a', 'scalar Moment type Query { items: [Item!]! } type Item { product: Product } type Product @key(fields: "id") { id: ID! seen: Moment label: Label! } type Label { text: String }', {
        Query: { items: () => [1, 2, 2, 1, 3].map((at) => ({ product: { id: '1', seen: new Date(at === 3 ? 1 : at), label: { text: at === 3 ? 'other' : 'same' } } })) },
      }),
      subgraph('b', 'type Product @key(fields: "id") { id: ID! maker: Maker! } type Maker { name: String! }', { Product: { maker: () => ({ name: 'm' }) } }),
    ]);
    const { data } = await ask('{ items { product { id label { text } maker { name } } } }');
    expect(data).toEqual({ items: ['same', 'same', 'same', 'same', 'other'].map((text) => ({ product: { id: '1', label: { text }, maker: { name: 'm' } } })) });
    expect(sent[1]?.variables['representations']).toHaveLength(1);
    const timed = await ask('{ items { product { seen maker { name } } } }');
    expect(timed.data).toEqual({ items: [1, 2, 2, 1, 1].map((at) => ({ product: { seen: new Date(at).toISOString(), maker: { name: 'm' } } })) });
  });
});

describe('@requires and @provides', () => {
  const prices = subgraph('prices', 'type Query { products: [Product!]! } type Product @key(fields: "id") { id: ID! price: Int dimensions: Dimensions } type Dimensions { weight: Int! }', {
    Query: { products: () => [{ id: '1', price: 3, dimensions: { weight: 2 } }, { id: '2', price: null, dimensions: null }] },
  });
  const shipping = subgraph(
    'shipping',
    'type Product @key(fields: "id") { id: ID! price: Int @external dimensions: Dimensions @external cost: String @requires(fields: "price dimensions { weight }") } type Dimensions { weight: Int! @external }',
    { Product: { cost: (product: { price: number | null; dimensions: { weight: number } | null }) => `${product.price}×${product.dimensions?.weight}` } },
  );
  test('what is required is fetched first and sent along, also when it is null', async () => {
    const { ask } = startGateway([prices, shipping]);
    expect(await ask('{ products { cost } }')).toEqual({ data: { products: [{ cost: '3×2' }, { cost: 'null×undefined' }] } });
  });

  test('a field of which a part of what it requires could not be fetched is not asked for, however deep that part is', async () => {
    const { ask, sent } = startGateway(
      [
        subgraph('boxes', 'type Query { boxes: [Box!]! } type Box @key(fields: "id") { id: ID! rows: [[Part!]]! } type Part @key(fields: "id") { id: ID! }', {
          Query: { boxes: () => [{ id: '1', rows: [[{ id: 'a' }], null] }, { id: '2', rows: [[{ id: 'a' }], [{ id: 'lost' }]] }] },
        }),
        subgraph('parts', 'type Part @key(fields: "id") { id: ID! weight: Int }', {
          Part: {
            __resolveReference: async ({ id }: { id: string }) => {
              if (id === 'lost') throw new EventgraphError('PART_UNKNOWN', 'No such part.');
              return { id, weight: 3 };
            },
          },
        }),
        subgraph('shipping', 'type Box @key(fields: "id") { id: ID! rows: [[Part!]]! @external cost: String @requires(fields: "rows { weight }") } type Part @key(fields: "id", resolvable: false) { id: ID! weight: Int @external }', {
          Box: { cost: ({ rows }: { rows: unknown }) => JSON.stringify(rows) },
        }),
      ],
      { report: () => undefined },
    );
    expect(await ask('{ boxes { cost } }')).toMatchObject({ data: { boxes: [{ cost: '[[{"weight":3}],null]' }, { cost: null }] }, errors: [{ extensions: { code: 'PART_UNKNOWN' } }, { path: ['boxes', 1], extensions: { code: 'REQUIREMENT_NOT_FETCHED', serviceName: 'shipping' } }] });
    expect(sent.at(-1)).toMatchObject({ subgraph: 'shipping', variables: { representations: [{ id: '1' }] } });
  });

  test('what is provided on a path needs no other subgraph', async () => {
    const { ask, sent } = startGateway([
      subgraph('reviews', 'type Query { top: Review } type Review { author: User @provides(fields: "name") } type User @key(fields: "id") { id: ID! name: String @external }', {
        Query: { top: () => ({ author: { id: '1', name: 'provided' } }) },
      }),
      subgraph('users', 'type User @key(fields: "id") { id: ID! name: String @shareable }', { User: { name: () => 'owned' } }),
    ]);
    expect(await ask('{ top { author { name } } }')).toEqual({ data: { top: { author: { name: 'provided' } } } });
    expect(sent).toHaveLength(1);
  });

  test('@requires on an interface object', async () => {
    const { ask } = startGateway([
      subgraph('events', 'type Query { events: [Event!]! } interface Event @key(fields: "id") { id: ID! } type Gate implements Event @key(fields: "id") { id: ID! } type Ticketed implements Event @key(fields: "id") { id: ID! }', {
        Query: { events: () => [{ __typename: 'Gate', id: '1' }, { __typename: 'Ticketed', id: '2' }] },
        Event: { __resolveReference: () => null },
      }),
      subgraph('attendance', 'type Event @interfaceObject @key(fields: "id") { id: ID! attendance: Attendance } type Attendance { current: Int! }', { Event: { attendance: ({ id }: { id: string }) => ({ current: Number(id) * 10 }) } }),
      subgraph('roi', 'type Event @interfaceObject @key(fields: "id") { id: ID! attendance: Attendance @external roi: Int @requires(fields: "attendance { current }") } type Attendance { current: Int! @external }', {
        Event: { roi: ({ attendance }: { attendance: { current: number } }) => attendance.current * 2 },
      }),
    ]);
    expect(await ask('{ events { __typename roi } }')).toEqual({ data: { events: [{ __typename: 'Gate', roi: 20 }, { __typename: 'Ticketed', roi: 40 }] } });
  });

  test('an argument from an object further up (@fromContext)', async () => {
    const { ask } = startGateway([
      subgraph('a', 'type Query { shops: [Shop!]! } type Shop @key(fields: "id") @context(name: "shop") { id: ID! currency: String! items: [Item!]! } type Item @key(fields: "id") { id: ID! price(currency: String @fromContext(field: "$shop { currency }")): String! }', {
        Query: { shops: () => [{ id: '1', currency: 'EUR', items: [{ id: 'a' }, { id: 'b' }] }, { id: '2', currency: 'CHF', items: [{ id: 'a' }] }] },
        Item: { price: ({ id }: { id: string }, { currency }: { currency: string }) => `${id} ${currency}`, __resolveReference: (reference: object) => reference },
        Shop: { __resolveReference: (reference: object) => reference },
      }),
    ]);
    expect(await ask('{ shops { items { price } } }')).toEqual({ data: { shops: [{ items: [{ price: 'a EUR' }, { price: 'b EUR' }] }, { items: [{ price: 'a CHF' }] }] } });
  });
});

describe('names', () => {
  const people = subgraph('people', 'type Query { nodes: [Node] person: Person } interface Node { id: ID! } type Person implements Node @key(fields: "id") { id: ID! age(unit: String): Int } type Robot implements Node @key(fields: "id") { id: ID! age: String }', {
    Query: { nodes: () => [{ __typename: 'Person', id: 'p' }, { __typename: 'Robot', id: 'r' }], person: () => ({ id: 'p' }) },
    Person: { age: (_: unknown, { unit }: { unit?: string }) => (unit === 'months' ? 360 : 30) },
    Robot: { age: () => 'new' },
  });
  const extra = subgraph('extra', 'type Person @key(fields: "id") { id: ID! nick: String } type Robot @key(fields: "id") { id: ID! nick: Int }', { Person: { nick: () => 'Al' }, Robot: { nick: () => 7 } });

  test('aliases, of fields of entities too', async () => {
    const { ask } = startGateway([people, extra]);
    expect(await ask('{ me: person { years: age months: age(unit: "months") id: nick key: id } }')).toEqual({ data: { me: { years: 30, months: 360, id: 'Al', key: 'p' } } });
  });
  test('one name with different types in two fragments', async () => {
    const { ask } = startGateway([people, extra]);
    expect(await ask('{ nodes { ... on Person { nick } ... on Robot { nick } } }')).toMatchObject({ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] });
    expect(await ask('{ nodes { ... on Person { x: age } ... on Robot { y: age nick } } }')).toEqual({ data: { nodes: [{ x: 30 }, { y: 'new', nick: 7 }] } });
  });
  test('__typename everywhere, aliased too', async () => {
    const { ask } = startGateway([people, extra]);
    expect(await ask('{ __typename nodes { t: __typename } }')).toEqual({ data: { __typename: 'Query', nodes: [{ t: 'Person' }, { t: 'Robot' }] } });
  });
});

describe('mutations', () => {
  test('run one after the other, over subgraphs', async () => {
    const order: string[] = [];
    const step = (name: string) => async () => {
      order.push(`${name} starts`);
      await Promise.resolve();
      order.push(`${name} ends`);
      return name;
    };
    const { ask } = startGateway([
      subgraph('a', 'type Query { a: Int } type Mutation { one: String three: String }', { Mutation: { one: step('one'), three: step('three') } }),
      subgraph('b', 'type Mutation { two: String }', { Mutation: { two: step('two') } }),
    ]);
    expect(await ask('mutation { one two three }')).toEqual({ data: { one: 'one', two: 'two', three: 'three' } });
    expect(order).toEqual(['one', 'two', 'three'].flatMap((name) => [`${name} starts`, `${name} ends`]));
  });
});

describe('@skip and @include', () => {
  const a = subgraph('a', 'type Query { t: T } type T @key(fields: "id") { id: ID! x: Int }', { Query: { t: () => ({ id: '1' }) }, T: { x: () => 1 } });
  const b = subgraph('b', 'type T @key(fields: "id") { id: ID! y: Int }', { T: { y: () => 2 } });
  test.each([
    [true, true, { t: { x: 1, y: 2 } }, 2],
    [true, false, { t: { x: 1 } }, 1],
    [false, true, { t: { y: 2 } }, 2],
  ])('x: %s, y: %s', async (x, y, data, requests) => {
    const { ask, sent } = startGateway([a, b]);
    expect(await ask('query ($x: Boolean!, $noY: Boolean!) { t { x @include(if: $x) y @skip(if: $noY) } }', { variables: { x, noY: !y } })).toEqual({ data });
    expect(sent).toHaveLength(requests);
  });
  test('at the root, in fragments, and as literals', async () => {
    const { ask } = startGateway([a, b]);
    const query = 'query ($no: Boolean = false) { t @include(if: $no) { x } ...F @skip(if: true) u: t { ...G @include(if: true) } } fragment F on Query { z: t { x } } fragment G on T { y x @skip(if: $no) }';
    expect(await ask(query)).toEqual({ data: { u: { y: 2, x: 1 } } });
    expect(await ask(query, { variables: { no: true } })).toEqual({ data: { t: { x: 1 }, u: { y: 2 } } });
  });
});

test('what stands at too many places to be told ends with an error, and not with the memory of the process', async () => {
  const ids = Array.from({ length: 10 }, (_, index) => ({ id: String(index) }));
  const { ask } = startGateway([
    subgraph('a', 'type Query { users: [User!]! } type User @key(fields: "id") { id: ID! pets: [Pet!]! } type Pet @key(fields: "id") { id: ID! }', { Query: { users: () => ids }, User: { __resolveReference: (reference: object) => reference, pets: () => ids } }),
    subgraph('b', 'type Pet @key(fields: "id") { id: ID! owners: [User!]! } type User @key(fields: "id") { id: ID! }', { Pet: { __resolveReference: (reference: object) => reference, owners: () => ids } }),
  ]);
  const nested = (levels: number) => `{ users ${'{ pets { owners '.repeat(levels)} { id } ${'} }'.repeat(levels)} }`;
  expect(await ask(nested(6))).toMatchObject({ data: null, errors: [{ extensions: { code: 'ANSWER_TOO_LARGE' } }] });
  expect(await ask(nested(0))).toEqual({ data: { users: ids } });
});

test('an error that stands at too many places to be told ends the answer, and not the process', async () => {
  const ids = Array.from({ length: 10 }, (_, index) => ({ id: String(index) }));
  const { ask } = startGateway(
    [
      subgraph('a', 'type Query { users: [User!]! } type User @key(fields: "id") { id: ID! pets: [Pet!]! } type Pet @key(fields: "id") { id: ID! }', { Query: { users: () => ids }, User: { __resolveReference: (reference: object) => reference, pets: () => ids } }),
      subgraph('b', 'type Pet @key(fields: "id") { id: ID! owners: [User!]! bad: Int } type User @key(fields: "id") { id: ID! }', {
        Pet: { __resolveReference: (reference: object) => reference, owners: () => ids, bad: () => { throw new Error('no'); } },
      }),
    ],
    { report: () => undefined },
  );
  const nested = (levels: number) => `{ users ${'{ pets { owners '.repeat(levels)} { pets { bad } } ${'} }'.repeat(levels)} }`;
  const { errors } = await ask(nested(4));
  expect(errors?.length).toBeLessThanOrEqual(20_000);
  expect(await ask(nested(0))).toMatchObject({ data: { users: ids.map(() => ({ pets: ids.map(() => ({ bad: null })) })) } });
});
