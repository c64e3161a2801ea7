/** What @apollo/query-planner gets wrong on its own, and the gateway answers right or refuses. */
import { describe, expect, test } from 'vitest';
import { startGateway, subgraph } from '../testing/kit.ts';

const rates: Readonly<Record<string, number>> = { EUR: 1, USD: 2, GBP: 3 };
const catalogue = subgraph('catalogue', 'type Query { items: [Item!]! } type Item @key(fields: "sku") { sku: ID! name: String! weight: Int! price(currency: String!): Int! box: Box! } type Box { size(unit: String!): Int! }', {
  Query: { items: () => [{ sku: 's1', name: 'one', weight: 5 }, { sku: 's2', name: 'two', weight: 7 }] },
  Item: { __resolveReference: ({ sku }: { sku: string }) => ({ sku }), price: ({ weight }: { weight: number }, { currency }: { currency: string }) => weight * (rates[currency] ?? 0), box: () => ({}) },
  Box: { size: (_: unknown, { unit }: { unit: string }) => (unit === 'cm' ? 100 : 1) },
});
type ShippedItem = { price?: number; weight?: number; box?: { size?: number } };
const shipping = subgraph(
  'shipping',
  `type Item @key(fields: "sku") { sku: ID! weight: Int! @external price(currency: String!): Int! @external box: Box! @external
    inEuro: String @requires(fields: "price(currency: \\"EUR\\")") inDollar: String @requires(fields: "price(currency: \\"USD\\") weight") inCentimetres: Int @requires(fields: "box { size(unit: \\"cm\\") }") inMetres: Int @requires(fields: "box { size(unit: \\"m\\") }") }
   type Box { size(unit: String!): Int! @external }`,
  { Item: { inEuro: ({ price }: ShippedItem) => `${price} EUR`, inDollar: ({ price, weight }: ShippedItem) => `${price} USD for ${weight}`, inCentimetres: ({ box }: ShippedItem) => box?.size, inMetres: ({ box }: ShippedItem) => box?.size } },
);

const ask = async (query: string, variables?: Record<string, unknown>) => startGateway([catalogue, shipping]).ask(query, variables ? { variables } : {});

describe('@requires of a field with arguments', () => {
  test('two fields that require it with different arguments each get their own', async () => {
    expect(await ask('{ items { inEuro inDollar } }')).toEqual({ data: { items: [{ inEuro: '5 EUR', inDollar: '10 USD for 5' }, { inEuro: '7 EUR', inDollar: '14 USD for 7' }] } });
  });

  test('neither the client nor the subgraph gets what the other asked for', async () => {
    expect(await ask('{ items { inEuro price(currency: "GBP") inDollar } }')).toEqual({ data: { items: [{ inEuro: '5 EUR', price: 15, inDollar: '10 USD for 5' }, { inEuro: '7 EUR', price: 21, inDollar: '14 USD for 7' }] } });
  });

  test('the client may ask with a variable, under an alias', async () => {
    const data = { items: [{ inDollar: '10 USD for 5', price: 15 }, { inDollar: '14 USD for 7', price: 21 }] };
    expect(await ask('query ($in: String!) { items { inDollar price: price(currency: $in) } }', { in: 'GBP' })).toEqual({ data });
  });

  test('deeper in the requirement', async () => {
    const item = { inCentimetres: 100, inMetres: 1, box: { size: 1 } };
    expect(await ask('{ items { inCentimetres inMetres box { size(unit: "m") } } }')).toEqual({ data: { items: [item, item] } });
  });

  test('fields of one fetch that do not contradict each other stay one request', async () => {
    const gateway = startGateway([catalogue, shipping]);
    await gateway.ask('{ items { inEuro inCentimetres } }');
    expect(gateway.sent.map((each) => each.subgraph)).toEqual(['catalogue', 'shipping']);
  });

  test('clients do not see the fields that stand for required ones', () => {
    const fields = startGateway([catalogue, shipping]).gateway.apiSchema().getType('Item');
    expect(fields && 'getFields' in fields ? Object.keys(fields.getFields()) : []).toEqual(['sku', 'name', 'weight', 'price', 'box', 'inEuro', 'inDollar', 'inCentimetres', 'inMetres']);
  });
});

describe('an alias that is the name of another field', () => {
  test.each([
    ['of a key', '{ items { sku: name inEuro } }', '{ items { other: name inEuro } }', 'sku'],
    ['of a required field', '{ items { weight: sku inDollar } }', '{ items { other: sku inDollar } }', 'weight'],
    ['__typename', '{ items { __typename: name inDollar } }', '{ items { other: name inDollar } }', '__typename'],
  ])('%s: the client gets its field, and the fetch that needs the other one gets that', async (_, query, same, alias) => {
    const expected = JSON.parse(JSON.stringify(await ask(same)).replaceAll('"other"', JSON.stringify(alias)));
    expect(expected.errors).toBeUndefined();
    expect(await ask(query)).toEqual(expected);
  });

  test('is an alias like any other where no fetch needs that field', async () => {
    expect(await ask('{ items { sku: name weight: price(currency: "EUR") } }')).toEqual({ data: { items: [{ sku: 'one', weight: 5 }, { sku: 'two', weight: 7 }] } });
  });
});

test('an alias that every object of JavaScript has is answered like any other', async () => {
  const { ask } = startGateway([subgraph('a', 'type Query { empty: String echo(text: String): String }', { Query: { echo: (_: unknown, { text }: { text?: string }) => text ?? 'nothing' } })]);
  expect(await ask('query ($constructor: String) { constructor: empty toString: empty valueOf: echo(text: $constructor) }')).toEqual({ data: { constructor: null, toString: null, valueOf: 'nothing' } });
});

describe('an interface object', () => {
  test('requires a field with its own arguments, whatever the client asks', async () => {
    const { ask } = startGateway([
      subgraph('events', 'type Query { events: [Event!]! } interface Event @key(fields: "id") { id: ID! title(lang: String!): String! } type Gate implements Event @key(fields: "id") { id: ID! title(lang: String!): String! }', {
        Query: { events: () => [{ __typename: 'Gate', id: '1' }] },
        Event: { __resolveReference: ({ id }: { id: string }) => ({ __typename: 'Gate', id }) },
        Gate: { title: ({ id }: { id: string }, { lang }: { lang: string }) => `${lang}${id}` },
      }),
      subgraph('shouts', 'type Query { loudest: Event } type Event @interfaceObject @key(fields: "id") { id: ID! title(lang: String!): String! @external shout: String! @requires(fields: "title(lang: \\"de\\")") cry: String! @requires(fields: "title(lang: \\"en\\")") }', {
        Query: { loudest: () => ({ id: '2' }) },
        Event: { shout: ({ title }: { title: string }) => title.toUpperCase(), cry: ({ title }: { title: string }) => `${title}!` },
      }),
    ]);
    expect(await ask('{ events { title(lang: "fr") shout cry } loudest { ... on Gate { cry shout title(lang: "it") } } }')).toEqual({
      data: { events: [{ title: 'fr1', shout: 'DE1', cry: 'en1!' }], loudest: { cry: 'en2!', shout: 'DE2', title: 'it2' } },
    });
  });
});

describe('entities of several types in one fetch', () => {
  const title = ({ id }: { id: string }) => `title ${id}`;
  const supergraph = () =>
    startGateway([
      subgraph('events', 'type Query { search: [Found!]! } union Found = Gate | Ticketed interface Event @key(fields: "id") { id: ID! title: String! } type Gate implements Event @key(fields: "id") { id: ID! title: String! } type Ticketed implements Event @key(fields: "id") { id: ID! title: String! }', {
        Query: { search: () => [{ __typename: 'Gate', id: '1' }, { __typename: 'Ticketed', id: '2' }] },
        Event: { __resolveReference: ({ id }: { id: string }) => ({ __typename: id === '1' ? 'Gate' : 'Ticketed', id }) },
        Gate: { title },
        Ticketed: { title },
      }),
      subgraph('shouts', 'type Query { latest: [Event!]! } type Event @interfaceObject @key(fields: "id") { id: ID! title: String! @external mood: String! shout: String! @requires(fields: "title") }', {
        Query: { latest: () => [{ id: '1' }, { id: '2' }] },
        Event: { mood: ({ id }: { id: string }) => `mood ${id}`, shout: ({ title }: { title: string }) => title.toUpperCase() },
      }),
    ]);

  test('one is not asked for what requires something that is sent of the other alone', async () => {
    const { ask, sent } = supergraph();
    expect(await ask('{ search { ... on Gate { shout } ... on Event { mood } } }')).toEqual({ data: { search: [{ shout: 'TITLE 1', mood: 'mood 1' }, { mood: 'mood 2' }] } });
    expect(sent.map((each) => each.subgraph)).toEqual(['events', 'shouts']);
  });

  test('one of which no key is sent is not asked about', async () => {
    const { ask, sent } = supergraph();
    expect(await ask('{ latest { ... on Gate { shout } } }')).toEqual({ data: { latest: [{ shout: 'TITLE 1' }, {}] } });
    expect(sent.at(-1)).toMatchObject({ subgraph: 'shouts', variables: { representations: [{ __typename: 'Event', id: '1', title: 'title 1' }] } });
  });
});

describe('a field that the planner asks for before what it requires', () => {
  const ids = { org: { id: 'o' }, code: 'c', id: '1' };
  const supergraph = () =>
    startGateway([
      subgraph('items', 'type Query { items: [Item!] } type Item @key(fields: "id code") { id: ID! code: String! own: Int size: Size @shareable } type Size { width: Int @shareable }', { Query: { items: () => [ids] }, Item: { __resolveReference: () => ids, own: () => 7, size: () => ({ width: 3 }) } }),
      subgraph('labels', 'type Org @shareable { id: ID! } type Item @key(fields: "org { id }") @key(fields: "org { id } code") @key(fields: "id code") { org: Org! code: String! id: ID! weight: Float @shareable size: Size @shareable sizes: [Size] @shareable } type Size { width: Int @shareable }', { Item: { __resolveReference: () => ids, weight: () => 0.5, size: () => ({ width: 3 }), sizes: () => [{ width: 4 }] } }),
      subgraph('more', 'type Query { none: Int } type Org @shareable { id: ID! } type Item @key(fields: "org { id } code") { org: Org! code: String! size: Size @shareable sizes: [Size] @shareable } type Size { width: Int @shareable }', { Item: { __resolveReference: () => ids, size: () => ({ width: 3 }), sizes: () => [{ width: 4 }] } }),
      subgraph('weights', 'type Query { no: Int } type Org @shareable { id: ID! } type Item @key(fields: "org { id }") { org: Org! weight: Float @shareable size: Size @shareable } type Size { width: Int @shareable }', { Item: { __resolveReference: () => ids, weight: () => 0.5, size: () => ({ width: 3 }) } }),
      subgraph('texts', 'type Org @shareable { id: ID! } type Item @key(fields: "org { id }") { org: Org! sizes: [Size] @external size: Size @external own: Int @external text: String @requires(fields: "sizes { width } size { width } own") parts: [Item!] } type Size { width: Int @shareable }', {
        Item: { __resolveReference: (reference: object) => reference, parts: () => [ids], text: ({ sizes, size, own }: { sizes: unknown; size: unknown; own: number }) => JSON.stringify([sizes, size, own]) },
      }),
    ]);

  test('is asked for when that is there, and the others where they were', async () => {
    const { ask, sent } = supergraph();
    expect(await ask('{ items { text parts { weight } } }')).toEqual({ data: { items: [{ text: '[[{"width":4}],{"width":3},7]', parts: [{ weight: 0.5 }] }] } });
    expect(sent.filter((each) => each.subgraph === 'texts').map(({ query }) => query.replace(/.*\.\.\.on Item/, ''))).toEqual(['{parts{__typename org{id}}}}}', '{text}}}']);
  });
});

describe('an argument from further up (@fromContext)', () => {
  test('is what its field says without the arguments that the client gives it', async () => {
    const { ask } = startGateway([
      subgraph('shops', 'type Query { shops: [Shop!]! } type Shop @key(fields: "id") @context(name: "shop") { id: ID! currency(upper: Boolean): String! items: [Item!]! } type Item @key(fields: "id") { id: ID! price(currency: String @fromContext(field: "$shop { currency }")): String! }', {
        Query: { shops: () => [{ id: '1', items: [{ id: 'a' }] }] },
        Shop: { currency: (_: unknown, { upper }: { upper?: boolean }) => (upper ? 'EUR' : 'eur'), __resolveReference: (reference: object) => reference },
        Item: { price: ({ id }: { id: string }, { currency }: { currency: string }) => `${id} ${currency}`, __resolveReference: (reference: object) => reference },
      }),
    ]);
    expect(await ask('{ shops { currency(upper: true) items { price } } }')).toEqual({ data: { shops: [{ currency: 'EUR', items: [{ price: 'a eur' }] }] } });
  });
});

describe('a key with `resolvable: false`', () => {
  test('is never what a subgraph is entered by, not to come back with what a @requires needs either', async () => {
    const gateway = startGateway([
      subgraph('names', 'type Thing @key(fields: "id") @key(fields: "code", resolvable: false) { id: ID! code: ID! name: String! }', { Thing: { __resolveReference: ({ id }: { id: string }) => ({ id, code: `c${id}`, name: `n${id}` }) } }),
      subgraph('things', 'type Query { thing: Thing } type Thing @key(fields: "code", resolvable: false) @key(fields: "id code") { id: ID! code: ID! name: String! @external title: String! @requires(fields: "name") }', {
        Query: { thing: () => ({ id: '1', code: 'c1' }) },
        Thing: { title: ({ name }: { name: string }) => name.toUpperCase() },
      }),
    ]);
    expect(await gateway.ask('{ thing { title } }')).toEqual({ data: { thing: { title: 'N1' } } });
    expect(gateway.sent.at(-1)).toMatchObject({ subgraph: 'things', variables: { representations: [{ __typename: 'Thing', id: '1', code: 'c1', name: 'n1' }] } });
  });
});

describe('a type of which a subgraph resolves no key', () => {
  test('a field of it that requires another subgraph is refused, not asked for by a key that cannot serve', async () => {
    const gateway = startGateway([
      subgraph('names', 'type Thing @key(fields: "id") { id: ID! name: String! }', { Thing: { __resolveReference: ({ id }: { id: string }) => ({ id, name: `n${id}` }) } }),
      subgraph('things', 'type Query { thing: Thing } type Thing @key(fields: "id", resolvable: false) { id: ID! name: String! @external title: String! @requires(fields: "name") }', { Query: { thing: () => ({ id: '1' }) } }),
    ]);
    expect(await gateway.ask('{ thing { name } }')).toEqual({ data: { thing: { name: 'n1' } } });
    expect(await gateway.ask('{ thing { title } }')).toEqual({
      errors: [{ message: 'The operation needs entities of the type Thing from the subgraph things, which declares no key of it that it resolves.', extensions: { code: 'QUERY_PLANNING_FAILED', type: 'Thing' } }],
    });
  });
});

describe('what no subgraph can answer', () => {
  test('a field of an interface that no object implements is refused, not null', async () => {
    const gateway = startGateway([
      subgraph('a', 'interface Node @key(fields: "id") { id: ID! } type Query { node: Node }', { Query: { node: () => ({ __typename: 'Node', id: '1' }) } }),
      subgraph('b', 'type Node @key(fields: "id", resolvable: false) @interfaceObject { id: ID! note: String } type Query { other: Node }', { Query: { other: () => ({ id: '1' }) }, Node: { note: () => 'x' } }),
    ]);
    expect(await gateway.ask('{ node { note } }')).toEqual({ errors: [{ message: 'No subgraph can answer node with what is selected of it.', extensions: { code: 'QUERY_PLANNING_FAILED', field: 'Query.node' } }] });
    expect(await gateway.ask('{ other { id note } }')).toEqual({ data: { other: { id: '1', note: 'x' } } });
  });
});

describe('a union of which the subgraphs know different members', () => {
  const side = (name: string, only: string) =>
    subgraph(name, `type Query { ${name}: Shelf } type Shelf @key(fields: "id") { id: ID! top: Top @shareable } type Top @shareable { things: [Thing!]! @shareable } union Thing = Both | ${only} type Both @shareable { label: String } type ${only} { ${name}(times: Int!): String more: ${only} }`, {
      Query: { [name]: () => ({ id: '1' }) },
      Shelf: { top: () => ({ things: [{ __typename: 'Both', label: 'both' }, { __typename: only }] }) },
      [only]: { [name]: (_: unknown, { times }: { times: number }) => name.repeat(times), more: () => ({}) },
    });

  test('its own members are asked of the subgraph that answers', async () => {
    const gateway = startGateway([side('left', 'OnlyLeft'), side('right', 'OnlyRight')]);
    const query = 'query ($times: Int!) { left { top { things { ... on Both { label } ... on OnlyLeft { left(times: $times) more { again: left(times: 1) } } ... on OnlyRight { right(times: 1) } } } } }';
    expect(await gateway.ask(query, { variables: { times: 2 } })).toEqual({ data: { left: { top: { things: [{ label: 'both' }, { left: 'leftleft', more: { again: 'left' } }] } } } });
    expect(gateway.sent.map((each) => each.subgraph)).toEqual(['left']);
  });
});

describe('a directive for operations that the supergraph composes', () => {
  const head = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@composeDirective"]) @link(url: "https://eventgraph.test/access/v1.0", import: ["@access"]) @composeDirective(name: "@access") enum Scope { PUBLIC PRIVATE }';
  const part = (name: string, argument: string) => ({ name, sdl: `${head} directive @access(scope: ${argument}) on FIELD type Query { ${name}: String }`, resolvers: { Query: { [name]: () => name } } });

  test('clients may write it, and subgraphs are sent it with the default values of the supergraph', async () => {
    const gateway = startGateway([part('left', 'Scope!'), part('right', 'Scope! = PUBLIC')]);
    expect(await gateway.ask('{ left @access right @access(scope: PRIVATE) }')).toEqual({ data: { left: 'left', right: 'right' } });
    expect(gateway.sent.map(({ query }) => query).sort()).toEqual(['{left@access(scope:PUBLIC)}', '{right@access(scope:PRIVATE)}']);
  });
});

describe('a field whose @requires needs a field that itself has @requires', () => {
  const subgraphs = (root: 's0' | 's2') => [
    subgraph('s0', `${root === 's0' ? 'type Query { t: T }' : ''} type T @key(fields: "id") { id: ID! a: String @external b: String @requires(fields: "a") }`, {
      ...(root === 's0' ? { Query: { t: () => ({ id: '1' }) } } : {}),
      T: { __resolveReference: (reference: object) => reference, b: ({ a }: { a?: string }) => `b of ${a}` },
    }),
    subgraph('s1', 'type T @key(fields: "id") { id: ID! b: String @external c: String @requires(fields: "b") }', { T: { __resolveReference: (reference: object) => reference, c: ({ b }: { b?: string }) => `c of ${b}` } }),
    subgraph('s2', `${root === 's2' ? 'type Query { t: T }' : ''} type T @key(fields: "id") { id: ID! a: String }`, { ...(root === 's2' ? { Query: { t: () => ({ id: '1', a: 'a' }) } } : {}), T: { __resolveReference: ({ id }: { id: string }) => ({ id, a: 'a' }) } }),
  ];
  test('is answered where the planner fetches one after the other', async () => {
    expect(await startGateway(subgraphs('s2')).ask('{ t { c } }')).toEqual({ data: { t: { c: 'c of b of a' } } });
  });
  test('is refused where it would compute the one between without what that requires', async () => {
    expect(await startGateway(subgraphs('s0'), { report: () => undefined }).ask('{ t { c } }')).toMatchObject({ errors: [{ extensions: { code: 'QUERY_PLANNING_FAILED', field: 'T.b' } }] });
  });
});
