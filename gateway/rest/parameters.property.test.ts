import { GraphQLEnumType, GraphQLFloat, GraphQLInt, GraphQLList, GraphQLNonNull, GraphQLString } from 'graphql';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { linkHeader } from './link-header.ts';
import { jsonSchemaOf } from './json-schema.ts';
import { compileParameters } from './parameters.ts';
import { ProblemError } from './problem.ts';
import type { Parameter } from './route.ts';
import { createWords } from './words.ts';

const mood = new GraphQLEnumType({ name: 'Mood', values: { GOOD: {}, VERY_BAD: {} } });
const words = createWords([{ value: 'VERY_BAD', word: 'very-bad' }]);
const types = { count: GraphQLInt, least: GraphQLFloat, name: GraphQLString, mood, moods: new GraphQLList(new GraphQLNonNull(mood)) };
const inputs = Object.entries(types).map(([name, type]): Parameter => ({ name, variable: `$${name}`, in: 'query', required: false, type, schema: jsonSchemaOf(type, words), argument: null }));
const read = compileParameters({ inputs, toGraphql: words.toGraphql });

const moods = fc.constantFrom('GOOD', 'VERY_BAD');
const values = fc.record({ count: fc.integer({ min: -2_147_483_648, max: 2_147_483_647 }), least: fc.integer().map((value) => value / 8), name: fc.string(), mood: moods, moods: fc.array(moods, { minLength: 1 }) }, { requiredKeys: [] });
const written = (value: unknown): unknown => (Array.isArray(value) ? value.map(written) : typeof value === 'string' ? value : String(value));

test('what is written in a query string is read as the same values', () => {
  fc.assert(
    fc.property(values, (given) => {
      const query = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, name === 'name' ? value : name.startsWith('mood') ? [value].flat().map((each) => words.wordOf(String(each))) : written(value)]));
      const single = Object.fromEntries(Object.entries(query).map(([name, value]) => [name, Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value]));
      expect(read({ path: {}, query: single, body: undefined })).toEqual(Object.fromEntries(Object.entries(given).map(([name, value]) => [`$${name}`, value])));
    }),
  );
});

test('whatever comes is read or refused by name, and never fails otherwise', () => {
  const text = fc.oneof(fc.string(), fc.constantFrom('1', '1e3', '0x1', ' 1', '1.5', 'good', 'GOOD', '__proto__', 'null', '9'.repeat(400)));
  fc.assert(
    fc.property(fc.dictionary(fc.oneof(fc.string(), fc.constantFrom(...Object.keys(types), '__proto__', 'constructor')), fc.oneof(text, fc.array(text))), (query) => {
      try {
        read({ path: {}, query, body: undefined });
      } catch (error) {
        expect(error).toBeInstanceOf(ProblemError);
        const { status, facts } = error as ProblemError;
        expect([status, typeof facts['field']]).toEqual([400, 'string']);
      }
    }),
    { numRuns: 1_000 },
  );
});

test('a link leads to the same request behind the cursor, whatever was asked', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.string()), fc.string({ minLength: 1 }), (query, endCursor) => {
      const url = `/api/v1/events?${new URLSearchParams(query)}`;
      const next = /<([^>]*)>; rel="next"/.exec(linkHeader(url, { pageInfo: { hasNextPage: true, endCursor } }) ?? '')?.[1] ?? '';
      expect(Object.fromEntries(new URL(next, 'http://hub.test').searchParams)).toEqual({ ...query, after: endCursor });
      expect(linkHeader(url, { pageInfo: { hasNextPage: false, endCursor } })).not.toContain('next');
    }),
  );
});
