import { describe, expect, test } from 'vitest';
import { publicViewer } from '#core/viewer.ts';
import type { Answer } from './answer.ts';
import { startGateway, subgraph } from './testing/kit.ts';

const products = [{ id: '1', name: 'one' }, { id: '2', name: 'two' }];

/** Reviews are slow: they wait until they are let go. */
const start = () => {
  let letGo = (): void => undefined;
  const gone = new Promise<void>((resolve) => (letGo = resolve));
  const { gateway, sent } = startGateway(
    [
      subgraph('products', 'type Query { products: [Product!]! } type Product @key(fields: "id") { id: ID! name: String }', {
        Query: { products: () => products },
        Product: { __resolveReference: ({ id }: { id: string }) => products.find((product) => product.id === id) },
      }),
      subgraph('prices', 'type Product @key(fields: "id") { id: ID! price: Int! }', { Product: { price: ({ id }: { id: string }) => (id === '2' ? null : 5) } }),
      subgraph('reviews', 'type Product @key(fields: "id") { id: ID! reviews: [Review!] } type Review { text: String author: Author } type Author @key(fields: "id") { id: ID! }', {
        Product: { reviews: async ({ id }: { id: string }) => (await gone, [{ text: `good ${id}`, author: { id: 'a' } }]) },
      }),
      subgraph('authors', 'type Author @key(fields: "id") { id: ID! name: String }', { Author: { name: () => 'Ada' } }),
    ],
    { report: () => undefined },
  );
  const ask = (query: string, { variables, inParts = true, signal = new AbortController().signal }: { variables?: Record<string, unknown>; inParts?: boolean; signal?: AbortSignal } = {}) =>
    gateway.answer({ query, variables, viewer: publicViewer, requestId: 'r', signal, inParts });
  return { gateway, ask, letGo, sent };
};

const partsOf = async (answer: Answer): Promise<unknown[]> => {
  const parts: unknown[] = [answer.result];
  for await (const part of answer.rest ?? []) parts.push(part.result);
  return parts;
};

describe('@defer', () => {
  test('a slow part does not hold back the rest', async () => {
    const { ask, letGo } = start();
    const answer = await ask('{ products { name ... @defer(label: "slow") { reviews { text } } } }');
    expect(answer.result).toEqual({ data: { products: [{ name: 'one' }, { name: 'two' }] }, hasNext: true });
    letGo();
    expect((await partsOf(answer)).slice(1)).toEqual([
      {
        incremental: [
          { label: 'slow', path: ['products', 0], data: { reviews: [{ text: 'good 1' }] } },
          { label: 'slow', path: ['products', 1], data: { reviews: [{ text: 'good 2' }] } },
        ],
        hasNext: false,
      },
    ]);
  });

  test('deferred parts in deferred parts come after the part that they hang below', async () => {
    const { ask, letGo } = start();
    letGo();
    const parts = await partsOf(await ask('{ products { id ...R @defer(label: "r") } } fragment R on Product { reviews { text author { id ... @defer(label: "a") { name } } } }'));
    const labels = parts.slice(1).flatMap((part) => (part as { incremental?: { label: string }[] }).incremental ?? []).map(({ label }) => label);
    expect(labels).toEqual(['r', 'r', 'a', 'a']);
    expect(parts.at(-1)).toMatchObject({ hasNext: false });
  });

  test('an error in a deferred part is told with that part', async () => {
    const { ask, letGo } = start();
    letGo();
    const [initial, later] = await partsOf(await ask('{ products { id ... @defer { price } } }'));
    expect(initial).toEqual({ data: { products: [{ id: '1' }, { id: '2' }] }, hasNext: true });
    expect(later).toMatchObject({ incremental: [{ path: ['products', 0], data: { price: 5 } }, { path: ['products', 1], data: null, errors: [{ path: ['products', 1, 'price'] }] }], hasNext: false });
  });

  test.each([
    ['for a client that takes no parts', '{ products { id ... @defer { price } } }', { inParts: false }],
    ['with `if: false`', 'query ($if: Boolean!) { products { id ... @defer(if: $if) { price } } }', { variables: { if: false } }],
  ])('is answered whole %s', async (_, query, options) => {
    const { ask, letGo } = start();
    letGo();
    const answer = await ask(query, options);
    expect(answer.rest).toBeUndefined();
    expect(answer.result).toMatchObject({ data: null });
  });

  test('the parts together are the whole answer', async () => {
    const { ask, letGo } = start();
    letGo();
    const [initial, ...later] = (await partsOf(await ask('{ products { id ... @defer { name reviews { text author { id } } } } }'))) as [{ data: { products: object[] } }, ...{ incremental?: { path: [string, number]; data: object }[] }[]];
    for (const { path, data } of later.flatMap(({ incremental = [] }) => incremental)) Object.assign(initial.data.products[path[1]] ?? {}, data);
    expect({ data: initial.data }).toEqual((await ask('{ products { id name reviews { text author { id } } } }', { inParts: false })).result);
  });

  test('who leaves ends what is still fetched', async () => {
    const { ask, sent } = start();
    const client = new AbortController();
    const answer = await ask('{ products { name ... @defer { reviews { author { name } } } } }', { signal: client.signal });
    client.abort();
    await answer.rest?.return?.();
    expect(sent.map(({ subgraph: name }) => name)).not.toContain('authors');
  });

  test('a fragment inside one that narrows the type comes with it: the planner would search for ever', async () => {
    const { gateway } = startGateway([
      subgraph('s', 'type Query { i: I @shareable } interface I @key(fields: "id") { id: ID! } type E implements I @key(fields: "id") { id: ID! x: Int } type F implements I @key(fields: "id") { id: ID! }', {
        Query: { i: () => ({ __typename: 'E', id: '1', x: 1 }) },
        I: { __resolveReference: () => ({ __typename: 'E', id: '1', x: 1 }) },
      }),
      subgraph('t', 'type Query { i: I @shareable } type I @interfaceObject @key(fields: "id") { id: ID! o: Int }', { Query: { i: () => ({ id: '1' }) } }),
    ]);
    const answer = await gateway.answer({ query: '{ i { ... on E { ... on I { ... on E @defer(label: "l") { x } } } } }', viewer: publicViewer, requestId: 'r', signal: new AbortController().signal, inParts: true });
    expect(answer.result).toMatchObject({ data: { i: { x: 1 } } });
  });

  test('a part that grows too large is told in its place, and the answer comes to its end', async () => {
    const ids = Array.from({ length: 10 }, (_, index) => ({ id: String(index) }));
    const { gateway } = startGateway([
      subgraph('a', 'type Query { users: [User!]! } type User @key(fields: "id") { id: ID! pets: [Pet!] } type Pet @key(fields: "id") { id: ID! }', { Query: { users: () => ids }, User: { __resolveReference: (reference: object) => reference, pets: () => ids } }),
      subgraph('b', 'type Pet @key(fields: "id") { id: ID! owners: [User!] } type User @key(fields: "id") { id: ID! }', { Pet: { __resolveReference: (reference: object) => reference, owners: () => ids } }),
    ]);
    const deep = `${'{ pets { owners '.repeat(6)} { id } ${'} }'.repeat(6)}`;
    const answer = await gateway.answer({ query: `{ users { id ... @defer ${deep} } }`, viewer: publicViewer, requestId: 'r', signal: new AbortController().signal, inParts: true });
    const [initial, ...later] = await partsOf(answer);
    expect(initial).toEqual({ data: { users: ids }, hasNext: true });
    expect(later.at(-1)).toMatchObject({ hasNext: false });
    expect(JSON.stringify(later)).toContain('ANSWER_TOO_LARGE');
  });
});
