import fc from 'fast-check';
import { type GraphQLFormattedError, buildSchema, parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import { createPrices } from '../budgets/prices.ts';
import { noWeights } from '../budgets/weights.ts';
import { createOperations } from '../operations.ts';
import { defaultLimits } from '../limits.ts';
import { complete } from './complete.ts';
import { JsonWriter } from './json-writer.ts';
import { type ShapeSource, rootSelection } from './selection.ts';

const everything: ShapeSource['access'] = { key: '', deniesField: () => false, deniesType: () => false } as never;

type Options = { readonly errors?: GraphQLFormattedError[]; readonly shared?: ReadonlySet<object>; readonly access?: ShapeSource['access'] };

/** What becomes of the data in the answer. */
const answer = (sdl: string, query: string, data: Record<string, unknown>, { errors = [], shared = new Set(), access = everything }: Options = {}) => {
  const schema = buildSchema(sdl);
  const operation = createOperations(schema, defaultLimits).find(query, undefined);
  const selection = rootSelection({ schema, operation, access, defers: new Set(), internalName: ({ alias, name }) => (alias ?? name).value, prices: createPrices(schema, noWeights) });
  const writer = new JsonWriter();
  const tally = { variables: {}, cost: 0 };
  complete(selection, data, { writer, knowsType: (name) => schema.getType(name) !== undefined, errors, shared, tally });
  const text = writer.finish().toString();
  return { text, cost: tally.cost, data: JSON.parse(text) as unknown, paths: errors.map(({ path }) => path) };
};

describe('value completion (GraphQL specification, 6.4.3)', () => {
  const completed = (type: string, value: unknown) => answer(`type Query { x: ${type} } type T { a: Int } enum Mood { HAPPY SAD }`, type === 'T' ? '{ x { a } }' : '{ x }', { x: value });

  test.each([
    ['String', 'a"é', 'a"é'],
    ['String', 5, '5'],
    ['ID', 5, '5'],
    ['Int', -3, -3],
    ['Float', 1.5, 1.5],
    ['Boolean', false, false],
    ['Mood', 'SAD', 'SAD'],
    ['[[Int]]', [[1], null, []], [[1], null, []]],
    ['T', {}, { a: null }],
    ['T', undefined, null],
  ])('%s: %j is %j', (type, value, expected) => {
    const { data, paths } = completed(type, value);
    expect(data).toEqual({ x: expected });
    expect(paths).toEqual([]);
  });

  test.each([
    ['Int', 2 ** 31, null, ['x']],
    ['Int', 1.5, null, ['x']],
    ['Int', 'x', null, ['x']],
    ['Float', Number.NaN, null, ['x']],
    ['Float', Number.POSITIVE_INFINITY, null, ['x']],
    ['Boolean', 'no', null, ['x']],
    ['Mood', 'ANGRY', null, ['x']],
    ['[Int]', [1, null, 'x'], [1, null, null], ['x', 2]],
    ['[Int]', 1, null, ['x']],
    ['T', 'not an object', null, ['x']],
    ['T', [], null, ['x']],
  ])('%s: %j is a field error', (type, value, expected, path) => {
    const { data, paths } = completed(type, value);
    expect(data).toEqual({ x: expected });
    expect(paths).toEqual([path]);
  });

  test('fields stand in the order of the operation, whatever the order of the data', () => {
    expect(answer('type Query { a: Int b: Int c: Int }', '{ c a b }', { a: 1, b: 2, c: 3 }).text).toBe('{"c":3,"a":1,"b":2}');
  });
  test('what was not asked for is not told', () => expect(answer('type Query { a: Int b: Int }', '{ a }', { a: 1, b: 2 }).data).toEqual({ a: 1 }));
});

describe('errors of non-null positions (GraphQL specification, 6.4.4)', () => {
  const sdl = 'type Query { t: T list: [T!] lists: [[T!]!] strict: T! } type T { x: Int! y: Int t: T! }';
  test.each([
    ['to the field that may be null', '{ t { x } }', { t: { x: null } }, { t: null }, ['t', 'x']],
    ['through objects that must not be null', '{ t { t { t { x } } } }', { t: { t: { t: {} } } }, { t: null }, ['t', 't', 't', 'x']],
    ['through a list of objects that must not be null', '{ list { x } }', { list: [{ x: 1 }, { x: null }, { x: null }] }, { list: null }, ['list', 1, 'x']],
    ['through lists in lists', '{ lists { x } }', { lists: [[{ x: 1 }], [{ x: null }]] }, { lists: null }, ['lists', 1, 0, 'x']],
    ['to the top', '{ strict { x } t { y } }', { strict: { x: null }, t: { y: 1 } }, null, ['strict', 'x']],
  ])('null moves up %s, with one error', (_, query, data, expected, path) => {
    const { data: found, paths } = answer(sdl, query, data);
    expect(found).toEqual(expected);
    expect(paths).toEqual([path]);
  });

  test('what stands beside stays', () => expect(answer(sdl, '{ a: t { x } b: t { x } }', { a: { x: null }, b: { x: 1 } }).data).toEqual({ a: null, b: { x: 1 } }));

  test.each([
    ['at the place', ['t', 'x']],
    ['above it', ['t']],
    ['below it', ['t', 'x', 'deeper']],
  ])('a null that an error %s explains gets no second one', (_, path) => {
    expect(answer(sdl, '{ t { x } }', { t: { x: null } }, { errors: [{ message: 'Away.', path }] }).paths).toEqual([path]);
  });
  test('an error elsewhere explains nothing', () => expect(answer(sdl, '{ t { x } }', { t: { x: null } }, { errors: [{ message: 'Away.', path: ['strict'] }] }).paths).toHaveLength(2));
});

describe('objects that stand at several places', () => {
  const sdl = 'type Query { a: T b: T c: [T] } type T { x: Int y: Int! t: T }';
  test('are told at each place', () => {
    const t = { x: 1, y: 2 };
    expect(answer(sdl, '{ a { x } b { y } c { x y } }', { a: t, b: t, c: [t, t] }, { shared: new Set([t]) }).data).toEqual({ a: { x: 1 }, b: { y: 2 }, c: [t, t] });
  });
  test('have their errors at each place', () => {
    const t = { x: 'x', y: 2 };
    expect(answer(sdl, '{ c { x y } }', { c: [t, t] }, { shared: new Set([t]) }).paths).toEqual([['c', 0, 'x'], ['c', 1, 'x']]);
  });
  test('are told again where what was written of them was taken back', () => {
    const inner = { x: 1, y: 2 };
    const bad = { x: 0, t: inner, y: null };
    const good = { x: 0, t: inner, y: 3 };
    expect(answer(sdl, '{ c { t { x y } y } }', { c: [bad, good, good] }, { shared: new Set([inner, good]) }).data).toEqual({ c: [null, { t: inner, y: 3 }, { t: inner, y: 3 }] });
  });
});

test('random objects are told as JSON would, whichever of them stand at several places', () => {
  const sdl = 'type Query { t: T } type T { s: String i: Int list: [T] t: T }';
  const query = '{ t { s i list { s i list { s } t { i } } t { s list { i s } t { s } } } }';
  const asked = (set: readonly { readonly name: string; readonly set?: unknown }[], value: unknown): unknown => {
    if (Array.isArray(value)) return value.map((element) => asked(set, element));
    if (typeof value !== 'object' || value === null) return null;
    return Object.fromEntries(set.map(({ name, set: below }) => [name, below ? asked(below as never, (value as Record<string, unknown>)[name]) : ((value as Record<string, unknown>)[name] ?? null)]));
  };
  type Node = { name: string; set?: Node[] };
  const nodes = (set: { selections: readonly { name?: { value: string }; selectionSet?: unknown }[] }): Node[] => set.selections.map((each) => ({ name: each.name?.value ?? '', ...(each.selectionSet ? { set: nodes(each.selectionSet as never) } : {}) }));
  const [definition] = parse(query).definitions;
  const top = definition?.kind === 'OperationDefinition' ? nodes(definition.selectionSet as never) : [];
  const pool = fc.array(fc.record({ s: fc.string({ unit: 'grapheme' }), i: fc.integer({ min: -100, max: 100 }), links: fc.array(fc.nat(5), { maxLength: 4 }), link: fc.nat(7) }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(pool, (made) => {
      const objects = made.map(({ s, i }): Record<string, unknown> => ({ s, i }));
      made.forEach(({ links, link }, index) => Object.assign(objects[index] ?? {}, { list: links.map((at) => objects[at] ?? null), t: objects[link] ?? null }));
      const data = { t: objects[0] };
      expect(answer(sdl, query, data, { shared: new Set(objects) }).text).toBe(JSON.stringify(asked(top, data)));
    }),
  );
});

test('an object that stands at several places costs as much at each of them', () => {
  const thing = { inner: [{ id: 1 }, { id: 2 }] };
  const sdl = 'type Query { things: [Thing] } type Thing { inner: [Inner] } type Inner { id: ID }';
  const costOf = (shared: ReadonlySet<object>) => answer(sdl, '{ things { inner { id } } }', { things: [thing, thing, thing] }, { shared }).cost;
  expect([costOf(new Set()), costOf(new Set([thing]))]).toEqual([9, 9]);
});
