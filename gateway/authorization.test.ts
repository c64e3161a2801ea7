import { describe, expect, test } from 'vitest';
import { publicViewer } from '#core/viewer.ts';
import { startGateway, subgraph, viewerWith } from './testing/kit.ts';

const shop = subgraph(
  'shop',
  `type Query { open: String secret: String @authenticated order: Order strict: Strict orders: [Order!]! search: [Result!] node: Node nodes: [Node] level: Level policy: String @policy(policies: [["vip"]]) either: String @requiresScopes(scopes: [["read_orders", "read_participants"], ["manage_services"]]) unknown: String @requiresScopes(scopes: [["never:heard:of"]]) }
   type Mutation { refund: Int! @requiresScopes(scopes: [["manage_services"]]) note: Receipt }
   type Receipt { id: ID! code: String @requiresScopes(scopes: [["read_orders"]]) }
   type Order @key(fields: "id") { id: ID! buyer: String @requiresScopes(scopes: [["read_participants"]]) }
   type Strict { token: String! @authenticated }
   union Result = Page | Invoice
   type Page { title: String }
   type Invoice @requiresScopes(scopes: [["read_orders"]]) { total: Int }
   interface Node { id: ID! note: String }
   type Free implements Node { id: ID! note: String }
   type Paid implements Node { id: ID! note: String @authenticated }
   enum Level @authenticated { LOW HIGH }`,
  {
    Query: {
      open: () => 'open',
      secret: () => 'sesame',
      order: () => ({ id: '1', buyer: 'Ann' }),
      strict: () => ({ token: 't' }),
      orders: () => [{ id: '1', buyer: 'Ann' }, { id: '2', buyer: 'Bob' }],
      search: () => [{ __typename: 'Page', title: 'P' }],
      node: () => ({ __typename: 'Free', id: 'f', note: 'n' }),
      nodes: () => [{ __typename: 'Free', id: 'f', note: 'free note' }, { __typename: 'Paid', id: 'p', note: 'paid note' }],
      level: () => 'HIGH',
      policy: () => 'vip',
      either: () => 'either',
      unknown: () => 'unknown',
    },
    Mutation: {
      refund: () => {
        throw new Error('must never run');
      },
      note: () => ({ id: 'r', code: 'c' }),
    },
  },
);
const { ask, sent } = startGateway([shop]);
const denied = (...paths: (string | number)[][]) => paths.map((path) => expect.objectContaining({ path, extensions: expect.objectContaining({ code: 'UNAUTHORIZED_FIELD_OR_TYPE' }) }));

describe('a field that the viewer may not see', () => {
  test('is null with an error in its place, and is not fetched', async () => {
    sent.length = 0;
    expect(await ask('{ open mine: secret }')).toEqual({ data: { open: 'open', mine: null }, errors: denied(['mine']) });
    expect(sent.map(({ query }) => query)).toEqual(['{open}']);
  });
  test('alone asks no subgraph', async () => {
    sent.length = 0;
    expect(await ask('{ secret }')).toEqual({ data: { secret: null }, errors: denied(['secret']) });
    expect(sent).toEqual([]);
  });
  test('in a list, in fragments, with aliases', async () => {
    expect(await ask('{ orders { id who: buyer ...F } } fragment F on Order { buyer }')).toEqual({
      data: { orders: [{ id: '1', who: null, buyer: null }, { id: '2', who: null, buyer: null }] },
      errors: denied(['orders', 0, 'who'], ['orders', 0, 'buyer'], ['orders', 1, 'who'], ['orders', 1, 'buyer']),
    });
  });
  test('that cannot be null takes its parent along', async () => {
    expect(await ask('{ open strict { token } }')).toEqual({ data: { open: 'open', strict: null }, errors: denied(['strict', 'token']) });
  });
  test('of an enum that needs a key', async () => {
    expect(await ask('{ level }')).toEqual({ data: { level: null }, errors: denied(['level']) });
    expect(await ask('{ level }', { viewer: viewerWith() })).toEqual({ data: { level: 'HIGH' } });
  });
  test('that is a mutation never runs', async () => {
    expect(await ask('mutation { refund note { id code } }')).toMatchObject({ data: null, errors: denied(['refund']) });
    expect(await ask('mutation { note { id code } }')).toEqual({ data: { note: { id: 'r', code: null } }, errors: denied(['note', 'code']) });
  });
});

describe('who may', () => {
  test.each([
    ['any key for @authenticated', '{ secret }', viewerWith(), 'sesame'],
    ['all scopes of one alternative', '{ either }', viewerWith('read_orders', 'read_participants'), 'either'],
    ['or of the other', '{ either }', viewerWith('manage_services'), 'either'],
    ['not a part of one', '{ either }', viewerWith('read_orders'), null],
    ['not a scope nobody has', '{ unknown }', viewerWith('read_orders'), null],
    ['admin every scope', '{ unknown }', viewerWith('admin'), 'unknown'],
    ['no policy by default', '{ policy }', viewerWith('admin'), null],
  ])('%s', async (_, query, viewer, value) => {
    const { data } = await ask(query, { viewer });
    expect(Object.values(data as object)).toEqual([value]);
  });
  test('scopes that are no permissions count as themselves, and never for a permission of the same name', async () => {
    const scoped = (...scopes: string[]) => ({ ...viewerWith(), scopes: new Set(scopes) });
    expect(await ask('{ unknown }', { viewer: scoped('never:heard:of') })).toEqual({ data: { unknown: 'unknown' } });
    expect(await ask('{ unknown }', { viewer: scoped('never:heard') })).toMatchObject({ data: { unknown: null } });
    expect(await ask('{ either }', { viewer: scoped('manage_services', 'admin') })).toMatchObject({ data: { either: null } });
  });
  test('policies are decided by whoever starts the gateway', async () => {
    const decided = startGateway([shop], { allowsPolicy: (viewer, policy) => policy === 'vip' && viewer.keyId === 'k1' });
    expect(await decided.ask('{ policy }', { viewer: viewerWith() })).toEqual({ data: { policy: 'vip' } });
  });
  test('plans and shapes of one viewer are never used for another', async () => {
    const query = '{ order { id buyer } }';
    const all = { data: { order: { id: '1', buyer: 'Ann' } } };
    expect(await ask(query, { viewer: viewerWith('read_participants') })).toEqual(all);
    expect(await ask(query, { viewer: publicViewer })).toEqual({ data: { order: { id: '1', buyer: null } }, errors: denied(['order', 'buyer']) });
    expect(await ask(query, { viewer: viewerWith('admin') })).toEqual(all);
  });
});

describe('what depends on the object that stands there', () => {
  test('a fragment on a type that the viewer may not see is not fetched', async () => {
    sent.length = 0;
    expect(await ask('{ search { __typename ... on Page { title } ... on Invoice { total } } }')).toEqual({ data: { search: [{ __typename: 'Page', title: 'P' }] } });
    expect(sent[0]?.query).not.toContain('total');
  });
  test('an object of such a type is null with an error', async () => {
    const invoices = startGateway([{ ...shop, resolvers: { Query: { search: () => [{ __typename: 'Invoice', total: 5 }] } } }]);
    expect(await invoices.ask('{ search { __typename ... on Invoice { total } } }')).toEqual({ data: { search: null }, errors: denied(['search', 0]) });
    expect(await invoices.ask('{ search { __typename ... on Invoice { total } } }', { viewer: viewerWith('read_orders') })).toEqual({ data: { search: [{ __typename: 'Invoice', total: 5 }] } });
  });
  test('a field of an interface that one implementation protects: composition asks the same of the interface', async () => {
    expect(await ask('{ nodes { id note ... on Free { free: note } ... on Paid { paid: note } } }')).toEqual({
      data: { nodes: [{ id: 'f', note: null, free: 'free note' }, { id: 'p', note: null, paid: null }] },
      errors: denied(['nodes', 0, 'note'], ['nodes', 1, 'note'], ['nodes', 1, 'paid']),
    });
  });
});

describe('a gateway that refuses what is denied', () => {
  const strict = startGateway([shop], { denied: 'refuse' });
  const refusal = (...fields: string[]) => ({ errors: [expect.objectContaining({ extensions: { code: 'UNAUTHORIZED_FIELD_OR_TYPE', fields } })] });

  test('refuses the whole request before anything is executed, and names the fields', async () => {
    strict.sent.length = 0;
    expect(await strict.ask('{ open mine: secret orders { id buyer ...F } } fragment F on Order { who: buyer }')).toEqual(refusal('Query.secret', 'Order.buyer'));
    expect(await strict.ask('mutation { note { id code } refund }')).toEqual(refusal('Receipt.code', 'Mutation.refund'));
    expect(await strict.ask('{ search { ... on Invoice { total } } }')).toEqual(refusal('Invoice'));
    expect(strict.sent).toEqual([]);
  });
  test('answers what is allowed, and what was left out by @skip', async () => {
    expect(await strict.ask('{ open }')).toEqual({ data: { open: 'open' } });
    expect(await strict.ask('query ($no: Boolean!) { open secret @include(if: $no) }', { variables: { no: false } })).toEqual({ data: { open: 'open' } });
    expect(await strict.ask('{ secret }', { viewer: viewerWith() })).toEqual({ data: { secret: 'sesame' } });
  });
  test('names so many fields and tells how many more there are', async () => {
    const many = Array.from({ length: 30 }, (_, n) => `f${n}: String @authenticated`).join(' ');
    const wide = startGateway([subgraph('wide', `type Query { ${many} }`)], { denied: 'refuse' });
    const { errors } = await wide.ask(`{ ${Array.from({ length: 30 }, (_, n) => `f${n}`).join(' ')} }`);
    expect(errors?.[0]).toMatchObject({ message: expect.stringContaining('and 10 more'), extensions: { fields: expect.toSatisfy((fields: string[]) => fields.length === 20) } });
  });
});
