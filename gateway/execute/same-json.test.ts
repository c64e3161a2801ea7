import { describe, expect, test } from 'vitest';
import { isSameJson } from './same-json.ts';

describe('the same', () => {
  test.each<[unknown, unknown]>([
    [1, 1],
    ['a', 'a'],
    [null, null],
    [[], []],
    [{}, Object.create(null)],
    [{ a: 1, b: [{ c: 'x' }] }, { b: [{ c: 'x' }], a: 1 }],
  ])('%j and %j', (one, other) => expect([isSameJson(one, other), isSameJson(other, one)]).toEqual([true, true]));
});

describe('not the same', () => {
  const circle: Record<string, unknown> = {};
  circle['one'] = circle['other'] = circle;
  const other: Record<string, unknown> = {};
  other['one'] = other['other'] = other;
  test.each<[string, unknown, unknown]>([
    ['number and text', 1, '1'],
    ['null and nothing', null, {}],
    ['more elements', [1], [1, 2]],
    ['other elements', [1], [2]],
    ['a list and an object', [], {}],
    ['more keys', { a: 1 }, { a: 1, b: 2 }],
    ['other keys', { a: 1 }, { b: 1 }],
    ['other values below', { a: { b: 1 } }, { a: { b: 2 } }],
    ['what is no JSON: equal dates are not looked into', new Date(1), new Date(1)],
    ['what has no end', circle, other],
  ])('%s', (_, one, another) => expect([isSameJson(one, another), isSameJson(another, one)]).toEqual([false, false]));
});
