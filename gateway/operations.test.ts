import { buildSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import { defaultLimits } from './limits.ts';
import { createOperations } from './operations.ts';
import { startGateway, subgraph } from './testing/kit.ts';

const { ask, sent } = startGateway(
  [
    subgraph('a', 'type Query { echo(text: String, input: In, list: [Int!], color: Color): String node: Node } input In { name: String! size: Int = 3 } enum Color { RED } type Node { id: ID! next: Node }', {
      Query: { echo: (_: unknown, args: object) => JSON.stringify(args), node: () => null },
    }),
  ],
  { limits: { maxTokens: 2_000, maxDocumentLength: 20_000 } },
);
const nested = (depth: number): string => `{ node ${'{ next '.repeat(depth - 2)} { id } ${'}'.repeat(depth - 2)} }`;

describe('which operation', () => {
  test.each([
    ['no query', '', undefined, 'BAD_REQUEST'],
    ['a document that does not parse', '{ echo', undefined, 'GRAPHQL_PARSE_FAILED'],
    ['a field that does not exist', '{ nothing }', undefined, 'GRAPHQL_VALIDATION_FAILED'],
    ['an operation that does not exist', 'query A { echo }', 'B', 'OPERATION_RESOLUTION_FAILURE'],
    ['several operations and no name', 'query A { echo } query B { echo }', undefined, 'OPERATION_RESOLUTION_FAILURE'],
    ['fragments alone', 'fragment F on Query { echo }', undefined, 'GRAPHQL_VALIDATION_FAILED'],
    ['a mutation where there are none', 'mutation { echo }', undefined, 'GRAPHQL_VALIDATION_FAILED'],
  ])('%s', async (_, query, operationName, code) => {
    const answer = await ask(query, { operationName });
    expect(answer).toMatchObject({ errors: [{ extensions: { code } }] });
    expect('data' in answer).toBe(false);
  });
  test('the one that is named', async () => {
    expect(await ask('query A { a: echo } query B { b: echo ...F } fragment F on Query { c: echo }', { operationName: 'B' })).toEqual({ data: { b: '{}', c: '{}' } });
  });
});

describe('variables', () => {
  const query = 'query ($input: In, $list: [Int!] = [1, 2], $color: Color) { echo(input: $input, list: $list, color: $color) }';
  test('are coerced, with their defaults', async () => {
    const { data } = await ask(query, { variables: { input: { name: 'n' }, list: 7, color: 'RED' } });
    expect(JSON.parse((data as { echo: string }).echo)).toEqual({ input: { name: 'n', size: 3 }, list: [7], color: 'RED' });
  });
  test('that are absent are not sent as null', async () => {
    sent.length = 0;
    await ask(query);
    expect(sent[0]?.variables).toEqual({ list: [1, 2] });
  });
  test.each([
    [{ input: { size: 1 } }, 'input'],
    [{ list: ['x'] }, 'list[0]'],
    [{ color: 'BLUE' }, 'color'],
    [{ input: { name: 'n', other: 1 } }, 'input'],
  ])('that do not fit their type name the field: %o', async (variables, field) => {
    expect(await ask(query, { variables })).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT', field } }] });
  });
  test('that are needed and missing', async () => {
    expect(await ask('query ($text: String!) { echo(text: $text) }')).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT', field: 'text' } }] });
  });
});

describe('limits', () => {
  test.each([
    ['depth', nested(50), 'MAX_DEPTH_EXCEEDED', 50, 30],
    ['depth, through fragments', `{ node { ...A } } ${Array.from({ length: 49 }, (_, i) => `fragment ${i === 0 ? 'A' : `F${i}`} on Node { next { ...F${i + 1} } }`).join(' ')} fragment F49 on Node { id }`, 'MAX_DEPTH_EXCEEDED', 51, 30],
    ['fragments in fragments', `{ ${'... { '.repeat(200)} echo ${'}'.repeat(200)} }`, 'MAX_DEPTH_EXCEEDED', 201, 120],
    ['tokens', `{ ${'echo '.repeat(3_000)} }`, 'MAX_TOKENS_EXCEEDED', 2_001, 2_000],
    ['length', `{ echo } #${'x'.repeat(30_000)}`, 'MAX_DOCUMENT_LENGTH_EXCEEDED', 30_010, 20_000],
    ['aliases', `{ ... on Query { ${Array.from({ length: 300 }, (_, i) => `a${i}: echo`).join(' ')} } }`, 'MAX_ALIASES_EXCEEDED', 300, 200],
    ['root fields', `{ ${'echo '.repeat(60)} }`, 'MAX_ROOT_FIELDS_EXCEEDED', 60, 50],
  ])('%s', async (_, query, code, value, maximum) => {
    expect(await ask(query)).toMatchObject({ errors: [{ message: expect.stringContaining(String(maximum)), extensions: { code, value, maximum } }] });
  });
  test('fragments that multiply', async () => {
    const bomb = `{ node { ...F0 } } ${Array.from({ length: 25 }, (_, i) => `fragment F${i} on Node { ...F${i + 1} ...F${i + 1} }`).join(' ')} fragment F25 on Node { id }`;
    expect(await ask(bomb)).toMatchObject({ errors: [{ extensions: { code: 'MAX_FIELDS_EXCEEDED', value: 2 ** 25 + 1 } }] });
  });
  test('fragments in a circle', async () => {
    expect(await ask('{ node { ...A } } fragment A on Node { next { ...B } } fragment B on Node { next { ...A } }')).toMatchObject({ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] });
  });
  test('a document nested deeper than a parser can follow', async () => {
    const { ask: generous } = startGateway([subgraph('a', 'type Query { node: Node } type Node { id: ID! next: Node }')], { limits: { maxTokens: 1_000_000, maxDocumentLength: 10_000_000 } });
    expect(await generous(nested(200_000))).toMatchObject({ errors: [{ extensions: { code: 'MAX_DEPTH_EXCEEDED' } }] });
  });
  test('what is allowed passes', async () => {
    expect(await ask(nested(30))).toEqual({ data: { node: null } });
  });
});

test('a subscription is not answered here', async () => {
  const { ask: live } = startGateway([subgraph('a', 'type Query { a: Int } type Subscription { b: Int }')]);
  expect(await live('subscription { b }')).toMatchObject({ errors: [{ extensions: { code: 'OPERATION_NOT_SUPPORTED' } }] });
});

test('documents are remembered within a bound of memory, however much is in each of them', () => {
  const operations = createOperations(buildSchema('type Query { a: Query b: Int }'), defaultLimits);
  const wide = (name: string) => `query ${name} { ${Array.from({ length: 45 }, (_, index) => `a${index}: a { ${'b '.repeat(100)}}`).join(' ')} }`;
  const first = operations.find(wide('first'), undefined);
  const isKnown = () => operations.find(wide('first'), undefined) === first;
  expect(isKnown()).toBe(true);
  for (let each = 0; each < 100; each++) operations.find(wide(`other${each}`), undefined);
  expect(isKnown()).toBe(false);
});
