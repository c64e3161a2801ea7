import { GraphQLError } from 'graphql';
import { DateTimeResolver } from 'graphql-scalars';
import { describe, expect, test } from 'vitest';
import { EventgraphError, InputError } from '#core/errors.ts';
import { composeAll, startGateway, subgraph } from '../testing/kit.ts';
import { createGateway } from '../index.ts';
import { publicViewer } from '#core/viewer.ts';

const list = subgraph('list', 'type Query { things: [Thing]! one: Thing } type Thing @key(fields: "id") { id: ID! }', {
  Query: { things: () => ['1', '2', '3'].map((id) => ({ id })), one: () => ({ id: '1' }) },
});
const details = (resolvers: object, type = 'String') => subgraph('details', `type Thing @key(fields: "id") { id: ID! name: ${type} other: Int }`, { Thing: { other: () => 1, ...resolvers } });

describe('an error of one subgraph leaves the rest', () => {
  test('one entity fails: its place alone is null, and the path is the client’s', async () => {
    const { ask } = startGateway([
      list,
      details({
        name: ({ id }: { id: string }) => {
          if (id === '2') throw new EventgraphError('NAME_UNKNOWN', 'No name.', { id });
          return `n${id}`;
        },
      }),
    ]);
    expect(await ask('{ all: things { title: name } }')).toEqual({
      data: { all: [{ title: 'n1' }, { title: null }, { title: 'n3' }] },
      errors: [{ message: 'No name.', path: ['all', 1, 'title'], extensions: { id: '2', code: 'NAME_UNKNOWN', serviceName: 'details' } }],
    });
  });

  test('a reference resolver that rejects fails its entity', async () => {
    const { ask } = startGateway([
      list,
      details({
        __resolveReference: async ({ id }: { id: string }) => {
          if (id === '2') throw new InputError('ID_BAD', 'id', 'Bad id.');
          return { id, name: `n${id}` };
        },
      }),
    ]);
    const { data, errors } = await ask('{ things { id name } }');
    expect(data).toEqual({ things: [{ id: '1', name: 'n1' }, { id: '2', name: null }, { id: '3', name: 'n3' }] });
    expect(errors).toMatchObject([{ path: ['things', 1], extensions: { code: 'ID_BAD' } }]);
  });

  test('a null in a non-null field moves up to the entity, with the one error that explains it', async () => {
    const { ask } = startGateway([list, details({ name: () => Promise.reject(new GraphQLError('Gone.', { extensions: { code: 'GONE' } })) }, 'String!')]);
    const { data, errors } = await ask('{ one { id name } }');
    expect(data).toEqual({ one: null });
    expect(errors?.map(({ message, extensions }) => [message, extensions.code])).toEqual([['Gone.', 'GONE']]);
  });

  test('an entity that is not there is null where that is allowed, else an error', async () => {
    const gone = { __resolveReference: () => null };
    expect(await startGateway([list, details(gone)]).ask('{ one { id name } }')).toEqual({ data: { one: { id: '1', name: null } } });
    expect(await startGateway([list, details(gone, 'String!')]).ask('{ one { id name } }')).toMatchObject({ data: { one: null }, errors: [{ path: ['one', 'name'], extensions: { code: 'NULL_IN_NON_NULL_FIELD' } }] });
  });

  test('what a resolver throws is masked', async () => {
    const { ask } = startGateway([list, details({ name: () => Promise.reject(new Error('password=1')) })], { report: () => undefined });
    const answer = await ask('{ one { name } }');
    expect(JSON.stringify(answer)).not.toContain('password');
    expect(answer).toMatchObject({ data: { one: { name: null } }, errors: [{ path: ['one', 'name'], extensions: { code: 'INTERNAL_SERVER_ERROR', serviceName: 'details' } }] });
  });
});

describe('a value that only the subgraph can judge', () => {
  const judging = startGateway(
    [
      subgraph('a', 'scalar DateTime type Query { at(time: DateTime!): String } ', {
        Query: { at: (_: unknown, { time }: { time: Date }) => time.toISOString() },
        DateTime: DateTimeResolver,
      }),
    ],
    { report: () => undefined },
  );
  const refused = { data: { at: null }, errors: [{ extensions: { code: 'BAD_USER_INPUT', field: 'time', serviceName: 'a' } }] };
  test('in a variable', async () => expect(await judging.ask('query ($time: DateTime!) { at(time: $time) }', { variables: { time: 'noon' } })).toMatchObject(refused));
  test('in the text', async () => expect(await judging.ask('{ at(time: "noon") }')).toMatchObject(refused));
  test('that is right', async () => expect(await judging.ask('{ at(time: "2026-01-01T00:00:00Z") }')).toEqual({ data: { at: '2026-01-01T00:00:00.000Z' } }));
});

describe('an error in a field that the client did not ask for', () => {
  const events = subgraph('events', 'type Query { events: [Event!]! } interface Event @key(fields: "id") { id: ID! } type Gate implements Event @key(fields: "id") { id: ID! } type Ticketed implements Event @key(fields: "id") { id: ID! }', {
    Query: { events: () => [{ __typename: 'Gate', id: '1' }, { __typename: 'Ticketed', id: '2' }] },
    Event: { __resolveReference: () => null },
  });
  const failing = (id: string) => {
    throw new EventgraphError('NOT_NOW', `Not for ${id}.`);
  };
  const attendance = subgraph('attendance', 'type Event @interfaceObject @key(fields: "id") { id: ID! count: Int other: Int }', {
    Event: { count: ({ id }: { id: string }) => failing(id), other: () => 1 },
  });
  const roi = subgraph('roi', 'type Event @interfaceObject @key(fields: "id") { id: ID! count: Int @external roi: Int @requires(fields: "count") }', { Event: { roi: () => null } });
  test('but that another field needs, stands at the object', async () => {
    const { data, errors } = await startGateway([events, attendance, roi]).ask('{ events { id roi } }');
    expect(data).toEqual({ events: [{ id: '1', roi: null }, { id: '2', roi: null }] });
    expect(errors).toMatchObject([{ path: ['events', 0], extensions: { code: 'NOT_NOW' } }, { path: ['events', 1] }]);
  });
  test('of this type, is not told', async () => {
    const { data, errors } = await startGateway([events, attendance]).ask('{ events { id other ... on Gate { count } } }');
    expect(data).toEqual({ events: [{ id: '1', other: 1, count: null }, { id: '2', other: 1 }] });
    expect(errors?.map(({ path }) => path)).toEqual([['events', 0, 'count']]);
  });
});

describe('a subgraph that lies', () => {
  const ask = async (answer: unknown, query = '{ things { id name } }') => {
    const seen: unknown[] = [];
    const gateway = createGateway({
      supergraph: composeAll([list, details({})]),
      dataSources: (name) => ({
        execute: async () => {
          if (name === 'list') return { data: { things: [{ __typename: 'Thing', id: '1' }, { __typename: 'Thing', id: '2' }], one: { __typename: 'Thing', id: '1' } } };
          if (answer instanceof Error) throw answer;
          return answer as never;
        },
        subscribe: async () => ({ data: null }),
      }),
      report: (error) => seen.push(error),
    });
    return gateway.execute({ query, viewer: publicViewer, requestId: 'r', signal: new AbortController().signal });
  };
  test.each([
    ['too few entities', { data: { _entities: [{ name: 'a' }] } }],
    ['too many entities', { data: { _entities: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] } }],
    ['no entities', { data: {} }],
    ['entities that are no list', { data: { _entities: { name: 'a' } } }],
    ['nothing', undefined],
    ['a text', 'hello'],
    ['a list', []],
    ['errors that are no list', { errors: 'no' }],
    ['no data and no errors', { data: null }],
  ])('%s', async (_, answer) => {
    expect(await ask(answer)).toMatchObject({ data: { things: [{ id: '1', name: null }, { id: '2', name: null }] }, errors: [{ extensions: { code: 'SUBREQUEST_MALFORMED_RESPONSE', serviceName: 'details' } }] });
  });
  test('values of other types', async () => {
    expect(await ask({ data: { _entities: [{ name: { a: 1 } }, { name: ['x'] }] } })).toMatchObject({ data: { things: [{ name: null }, { name: null }] }, errors: [{ path: ['things', 0, 'name'], extensions: { code: 'INVALID_SUBGRAPH_VALUE' } }, { path: ['things', 1, 'name'] }] });
  });
  test('errors without paths, or that are nothing', async () => {
    expect(await ask({ data: { _entities: [{ name: 'a' }, null] }, errors: [{ message: 'hm' }, null] })).toMatchObject({ data: { things: [{ name: 'a' }, { name: null }] }, errors: [{ message: 'hm', extensions: { code: 'DOWNSTREAM_SERVICE_ERROR' } }, { extensions: { serviceName: 'details' } }] });
  });
  test('a key that would change the prototype', async () => {
    const answer = await ask(JSON.parse('{"data":{"_entities":[{"name":"a","__proto__":{"polluted":1}},{"name":"b"}]}}'));
    expect(answer).toEqual({ data: { things: [{ id: '1', name: 'a' }, { id: '2', name: 'b' }] } });
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
  test('that throws', async () => {
    const answer = await ask(new Error('secret'), '{ one { id name } }');
    expect(JSON.stringify(answer)).not.toContain('secret');
    expect(answer).toMatchObject({ data: { one: { id: '1', name: null } }, errors: [{ path: ['one'], extensions: { code: 'SUBREQUEST_FAILED', serviceName: 'details' } }] });
  });
});

test('a key that is no JSON fails its fetch, and the rest is answered', async () => {
  const { ask } = startGateway(
    [
      subgraph('a', 'scalar Big type Query { thing: Thing other: Int } type Thing @key(fields: "id") { id: Big! }', { Query: { thing: () => ({ id: 1n }), other: () => 1 } }),
      subgraph('b', 'scalar Big type Thing @key(fields: "id") { id: Big! name: String }', { Thing: { name: () => 'never' } }),
    ],
    { report: () => undefined },
  );
  expect(await ask('{ thing { name } other }')).toMatchObject({ data: { thing: { name: null }, other: 1 }, errors: [{ extensions: { code: 'SUBREQUEST_FAILED', serviceName: 'b' } }] });
});
