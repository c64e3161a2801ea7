import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ExecutionResult, parse, subscribe } from 'graphql';
import { afterAll, describe, expect, test } from 'vitest';
import { NotFoundError } from './errors.ts';
import { needs, visibleEvent } from './permissions.ts';
import { allow } from './shield.ts';
import { type AnySubgraph, type Hub, type SubgraphDefinition, buildSubgraph, defineSubgraph } from './subgraph.ts';
import { asker, viewerOf } from './testing-hub.ts';
import { type Viewer, publicViewer } from './viewer.ts';

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

const sdl = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  scalar DateTime
  type Query { open: String guarded: String thing(id: ID): Thing }
  type Mutation { change(text: String, input: Input): String }
  input Input { nested: [String] }
  type Subscription { ticks: Int plain: Int }
  type Thing @key(fields: "id") { id: ID! name: String secret: String at: DateTime }
`;
const folderWith = (text: string): string => {
  const folder = mkdtempSync(join(tmpdir(), 'eventgraph-subgraph-'));
  folders.push(folder);
  writeFileSync(join(folder, 'schema.graphql'), text);
  return folder;
};
const folder = folderWith(sdl);

const resolvers = {
  Query: { open: () => 'open', guarded: () => 'guarded', thing: (_parent: unknown, { id }: { id?: string }) => { throw new NotFoundError('thing', id ?? ''); } },
  Mutation: { change: () => 'changed' },
  Subscription: { ticks: { subscribe: async function* () { yield 0; }, resolve: (n: number) => n + 1 }, plain: { subscribe: async function* () { yield { plain: 1 }; } } },
  Thing: { __resolveReference: ({ id }: { id: string }) => ({ id, at: new Date(0) }), name: () => 'a name', secret: () => 'a secret' },
};
const permissions = {
  Query: { open: allow, guarded: needs('read_events'), thing: allow },
  Mutation: { change: needs('manage_services') },
  Subscription: { ticks: needs('read_attendance'), plain: needs('read_attendance') },
  Thing: { secret: needs('read_participants') },
};
const define = (more: Partial<SubgraphDefinition> = {}): AnySubgraph =>
  defineSubgraph({ name: 'things', folder, resolvers, permissions, references: { Thing: visibleEvent }, loaders: () => ({}), entities: [], migrations: [], ...more });
const hub = { database: { em: () => ({}) } } as unknown as Hub;
const ask = asker(define(), hub);
const codes = async (source: string, viewer?: Viewer, variables?: Record<string, unknown>) => (await ask(source, viewer, variables)).errors.map(({ code }) => code);
const entities = 'query ($r: [_Any!]!) { _entities(representations: $r) { ... on Thing { id name at } } }';
const reference = (id: unknown) => ({ r: [{ __typename: 'Thing', id }] });

test('a reference resolver that throws fails its own entity and not the batch', async () => {
  const Thing = { ...resolvers.Thing, __resolveReference: ({ id }: { id: string }) => { if (id === 'bad') throw new NotFoundError('thing', id); return { id, at: new Date(0) }; } };
  const { data, errors } = await asker(define({ resolvers: { ...resolvers, Thing } }), hub)('query ($r: [_Any!]!) { _entities(representations: $r) { ... on Thing { id } } }', viewerOf([]), { r: ['one', 'bad', 'two'].map((id) => ({ __typename: 'Thing', id })) });
  expect(data).toEqual({ _entities: [{ id: 'one' }, null, { id: 'two' }] });
  expect(errors).toMatchObject([{ code: 'NOT_FOUND', path: ['_entities', 1] }]);
});

describe('a subgraph refuses to be built', () => {
  test.each([['Query', 'guarded'], ['Mutation', 'change'], ['Subscription', 'ticks']] as const)('without a rule for %s.%s', (type, field) => {
    const { [field]: _left, ...rest } = permissions[type] as Record<string, unknown>;
    expect(() => buildSubgraph(define({ permissions: { ...permissions, [type]: rest } as typeof permissions }), hub)).toThrow(`${type}.${field} has no rule`);
  });

  test('without a rule for a reference resolver', () => {
    expect(() => buildSubgraph(define({ references: {} }), hub)).toThrow('Thing');
  });

  test('without a rule for an entity that has no resolver of its own: federation would take every reference as it comes', () => {
    const { __resolveReference: _left, ...thing } = resolvers.Thing;
    expect(() => buildSubgraph(define({ references: {}, resolvers: { ...resolvers, Thing: thing } }), hub)).toThrow('Thing');
  });
});

describe('a viewer', () => {
  test('without a key gets what is public, and UNAUTHENTICATED for the rest', async () => {
    expect((await ask('{ open }')).data).toEqual({ open: 'open' });
    expect(await codes('{ guarded }')).toEqual(['UNAUTHENTICATED']);
    expect(await codes('mutation { change }')).toEqual(['UNAUTHENTICATED']);
  });

  test('with a key gets what it allows, and FORBIDDEN for the rest, as far as that reaches', async () => {
    const { data, errors } = await ask('{ open guarded }', viewerOf(['read_attendance']));
    expect([data, errors]).toEqual([{ open: 'open', guarded: null }, [expect.objectContaining({ code: 'FORBIDDEN', path: ['guarded'] })]]);
    expect((await ask('{ guarded }', viewerOf(['read_events']))).data).toEqual({ guarded: 'guarded' });
    expect((await ask('mutation { change }', viewerOf(['admin']))).data).toEqual({ change: 'changed' });
  });

  test('gets through a reference only what it may see, and no field that needs more', async () => {
    expect((await ask(entities, viewerOf([], ['a']), reference('a'))).data).toEqual({ _entities: [{ id: 'a', name: 'a name', at: '1970-01-01T00:00:00.000Z' }] });
    for (const [viewer, id] of [[viewerOf([], ['a']), 'b'], [publicViewer, 'a'], [viewerOf([]), 5], [viewerOf([]), { $ne: 1 }]] as const) expect((await ask(entities, viewer, reference(id))).data, JSON.stringify(id)).toEqual({ _entities: [null] });
    const secret = entities.replace('name', 'secret');
    expect(await codes(secret, viewerOf([], ['a']), reference('a'))).toEqual(['FORBIDDEN']);
    expect(await codes(secret, viewerOf(['read_participants'], ['a']), reference('a'))).toEqual([]);
  });

  test.each(['ticks', 'plain'])('gets the subscription %s only with its permission', async (field) => {
    const built = buildSubgraph(define(), hub);
    const open = (viewer: Viewer) => subscribe({ schema: built.schema, document: parse(`subscription { ${field} }`), contextValue: built.contextFor(viewer, 'r', new AbortController().signal) });
    for (const [viewer, code] of [[publicViewer, 'UNAUTHENTICATED'], [viewerOf(['read_events']), 'FORBIDDEN']] as const) {
      const result = (await open(viewer)) as ExecutionResult;
      expect(result.errors?.[0]?.originalError).toMatchObject({ code });
    }
    const events = (await open(viewerOf(['read_attendance']))) as AsyncGenerator<ExecutionResult>;
    expect((await events.next()).value).toEqual({ data: { [field]: 1 } });
  });
});

test('an error of the hub keeps its code through the guard', async () => {
  expect(await codes('{ thing(id: "x") { id } }')).toEqual(['NOT_FOUND']);
});

describe('a text with a zero byte, which no database takes, is refused by a code and names its field', () => {
  test.each([
    ['an argument', '{ thing(id: "a\\u0000") { id } }', undefined, 'id'],
    ['a variable', 'query ($id: ID) { thing(id: $id) { id } }', { id: '\u0000' }, 'id'],
    ['an input', 'mutation { change(input: {nested: ["ok", "\\u0000"]}) }', undefined, 'input.nested.1'],
  ])('in %s', async (_where, source, variables, field) => {
    const { errors } = await ask(source, viewerOf(['admin']), variables);
    expect(errors).toEqual([expect.objectContaining({ code: 'TEXT_INVALID', message: expect.stringContaining(field) })]);
  });

  test('in a reference', async () => {
    expect(await codes(entities, viewerOf([]), reference('a\u0000'))).toEqual(['TEXT_INVALID']);
  });
});
