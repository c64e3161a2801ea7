import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from './context.ts';
import { copy, mergeInto } from './merge.ts';

/** Book and Film are Nodes. */
const matchesType = (condition: string, typename: string) => condition === typename || (condition === 'Node' && (typename === 'Book' || typename === 'Film'));
const merged = (...parts: JsonObject[]): JsonObject => {
  const target: JsonObject = {};
  for (const part of parts) mergeInto(target, copy(part), matchesType);
  return target;
};

describe('what two subgraphs say of one object', () => {
  test('is one object with the fields of both, at every depth', () => expect(merged({ a: 1, size: { width: 1 } }, { b: 2, size: { height: 2 } })).toEqual({ a: 1, b: 2, size: { width: 1, height: 2 } }));
  test('in lists, element by element', () => expect(merged({ items: [{ a: 1 }, null, [{ a: 2 }]] }, { items: [{ b: 1 }, { b: 2 }, [{ b: 3 }]] })).toEqual({ items: [{ a: 1, b: 1 }, { b: 2 }, [{ a: 2, b: 3 }]] }));
  test('a null does not take back what is known, in whatever order', () => {
    expect(merged({ a: 1, items: [1] }, { a: null, items: [null] })).toEqual({ a: 1, items: [1] });
    expect(merged({ a: null }, { a: 1 })).toEqual({ a: 1 });
  });
  test('what was not answered changes nothing', () => expect(merged({ a: 1 }, { a: undefined, b: undefined })).toEqual({ a: 1 }));
  test('a list of another length replaces the one before', () => expect(merged({ items: [1, 2] }, { items: [3] })).toEqual({ items: [3] }));
});

describe('the name of the type', () => {
  test.each([['Node', 'Book'], ['Book', 'Node']])('%s and %s: the object, not the interface', (first, second) => expect(merged({ __typename: first }, { __typename: second })).toEqual({ __typename: 'Book' }));
  test('the later one of two that do not contain each other', () => expect(merged({ __typename: 'Book' }, { __typename: 'Film' })).toEqual({ __typename: 'Film' }));
});

test('a field named __proto__ changes no prototype', () => {
  const target = {};
  mergeInto(target, JSON.parse('{"__proto__": {"polluted": true}}'), matchesType);
  expect(Object.keys(target)).toEqual([]);
  expect('polluted' in target || 'polluted' in {}).toBe(false);
});

/** Two parts of one object that agree where both know something. */
const parts = fc.tuple(fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.letrec((tie) => ({ value: fc.oneof({ maxDepth: 3 }, fc.integer(), fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(fc.constantFrom('x', 'y'), tie('value'))) })).value), fc.infiniteStream(fc.nat(2)));
const thinned = (value: unknown, next: () => number): unknown => {
  if (Array.isArray(value)) return value.map((element) => thinned(element, next));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, part]): [string, unknown][] => [[], [[key, null]], [[key, thinned(part, next)]]][next()] as [string, unknown][]));
};

test('parts of one object together are the object, in any order', () => {
  fc.assert(
    fc.property(parts, ([whole, choices]) => {
      const next = () => choices.next().value;
      const [one, other] = [thinned(whole, next), thinned(whole, next)] as [JsonObject, JsonObject];
      expect(merged(one, other, whole)).toEqual(whole);
      expect(merged(whole, one, other)).toEqual(whole);
      expect(merged(one, other)).toEqual(merged(other, one));
    }),
  );
});

test('a copy is equal and shares nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const made = copy({ value });
      expect(made).toEqual({ value });
      const objectsIn = (of: unknown): object[] => (typeof of === 'object' && of !== null ? [of, ...Object.values(of).flatMap(objectsIn)] : []);
      const before = new Set(objectsIn(value));
      expect(objectsIn(made).filter((object) => before.has(object))).toEqual([]);
    }),
  );
});
