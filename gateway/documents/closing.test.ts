/** The schema closed to clients: asking for it, and the help that errors give with its names. */
import { getIntrospectionQuery } from 'graphql';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RequestRefused } from '../errors.ts';
import { createClosing } from './closing.ts';
import { type Doors, openDoors, viewerOf } from './test-doors.ts';

const client = viewerOf('web', 'any');
const admin = viewerOf('ops', 'any', 'admin');
let open: Doors;
let closed: Doors;
beforeAll(async () => void ([open, closed] = await Promise.all([openDoors({ introspection: true }), openDoors({ introspection: false })])));
afterAll(() => Promise.all([open[Symbol.asyncDispose](), closed[Symbol.asyncDispose]()]));

describe('the schema', () => {
  const questions = [['all of it', getIntrospectionQuery()], ...['{ __schema { queryType { name } } }', '{ hello ...F } fragment F on Query { x: __type(name: "Query") { name } }', 'query ($no: Boolean = false) { hello __schema @include(if: $no) { queryType { name } } }'].map((query) => [query, query])];
  test.each(questions)('is told to admins alone where it is closed, and to everybody where it is not: %s', async (_, query) => {
    for (const viewer of [undefined, client]) {
      expect(await closed.post({ query }, viewer)).toMatchObject({ status: 403, code: 'INTROSPECTION_DISABLED', data: undefined });
      expect(await open.post({ query }, viewer)).toMatchObject({ status: 200 });
    }
    expect(await closed.post({ query }, admin)).toMatchObject({ status: 200 });
  });
  test('names of types are told to everybody', async () => {
    expect(await closed.post({ query: '{ __typename }' })).toMatchObject({ data: { __typename: 'Query' } });
  });
});

describe('suggestions in errors', () => {
  const mistakes = [
    { query: '{ helo }' }, { query: '{ hello(nam: 1) }' }, { query: '{ color(of: RAD) }' }, { query: '{ color(filter: {numbr: 1}) }' }, { query: 'query ($f: Filtre) { color(filter: $f) }' },
    { query: 'query ($f: Filter) { color(filter: $f) }', variables: { f: { numbr: 1 } } }, { query: 'query ($c: Color) { color(of: $c) }', variables: { c: 'RAD' } },
    { query: '{ hello @skp(if: true) }' }, { query: '{ color(of: "RED") }' },
  ];
  test.each(mistakes)('are for admins alone where the schema is closed: %o', async (body) => {
    const [told, plain] = [await closed.post(body, admin), await closed.post(body, client)];
    expect(plain).toMatchObject({ status: told.status, code: told.code });
    expect(plain.message).toBe(told.message.replace(/ ?Did you mean .*/, ''));
    expect(plain.message).not.toBe('');
    expect(plain.text).not.toContain('Did you mean');
  });
  test('are there to be taken away', async () => {
    const told = await Promise.all(mistakes.map((body) => closed.post(body, admin)));
    expect(told.filter(({ message }) => message.includes('Did you mean')).length).toBeGreaterThanOrEqual(7);
  });
  test('never survive, whatever stands around them', () => {
    const { explain } = createClosing({ introspection: false });
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('\n', ' Did you mean ', '"', '?')), { maxLength: 6 }), (parts) => {
        const refused = new RequestRefused([{ message: `Cannot query ${parts.join('')}. Did you mean "secretName"?`, extensions: { code: 'X' } }]);
        expect(explain(refused, client).errors[0]?.message).not.toContain('secretName');
        expect(explain(refused, admin)).toBe(refused);
      }),
    );
  });
});
