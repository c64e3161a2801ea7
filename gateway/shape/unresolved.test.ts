import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { publicViewer } from '#core/viewer.ts';
import { startGateway, subgraph } from '../testing/kit.ts';

/** `things` knows which object a Node is, unless it is away; `links` knows it as an interface object. */
const start = (isAway: boolean) => {
  const reference = async () => {
    // Later than what is known without it.
    await nextTurn();
    if (isAway) throw new Error('away');
    return { __typename: 'Book', id: '1', name: 'one' };
  };
  return startGateway(
    [
      subgraph('things', 'type Query { book: Book } interface Node @key(fields: "id") { id: ID! name: String } type Book implements Node @key(fields: "id") { id: ID! name: String } type Film implements Node @key(fields: "id") { id: ID! name: String }', {
        Query: { book: () => ({ id: '1' }) },
        Node: { __resolveReference: reference },
      }),
      subgraph('links', 'type Query { node: Node } type Node @interfaceObject @key(fields: "id") { id: ID! next: Node rank: Int }', { Query: { node: () => ({ id: '1' }) }, Node: { next: () => ({ id: '1' }), rank: () => 1 } }),
    ],
    { report: () => undefined },
  );
};

describe('an object of which is not known what it is', () => {
  test.each(['{ node { __typename rank } }', '{ node { rank ... on Book { name } } }', '{ node { rank ... { t: __typename } } }'])('is null with an error where that matters, not of a type that no object has: %s', async (query) => {
    const { data, errors } = await start(true).ask(query);
    expect(data).toEqual({ node: null });
    expect(errors).toHaveLength(1);
  });

  test('is answered where it does not matter', async () => {
    expect(await start(true).ask('{ node { id rank } }')).toEqual({ data: { node: { id: '1', rank: 1 } } });
  });
});

describe('@defer, where an object becomes known later', () => {
  const partsOf = async (query: string, isAway = false) => {
    const answer = await start(isAway).gateway.answer({ query, viewer: publicViewer, requestId: 'r', signal: new AbortController().signal, inParts: true });
    const parts: unknown[] = [answer.result];
    for await (const part of answer.rest ?? []) parts.push(part.result);
    return parts;
  };

  test('the deferred part has the form of what it is then', async () => {
    expect(await partsOf('{ book { next { id ... @defer { __typename rank } } } }')).toEqual([
      { data: { book: { next: { id: '1' } } }, hasNext: true },
      { incremental: [{ path: ['book', 'next'], data: { __typename: 'Book', rank: 1 } }], hasNext: false },
    ]);
  });

  test('the deferred part is null where it did not become known', async () => {
    expect(await partsOf('{ book { next { id ... @defer { __typename } } } }', true)).toMatchObject([{ data: { book: { next: { id: '1' } } } }, { incremental: [{ data: null, errors: [{ path: ['book', 'next'] }] }], hasNext: false }]);
  });

  test('a fragment that the planner cannot defer is answered at once, and nothing is announced', async () => {
    expect(await partsOf('{ node { ... on Book @defer { name } } }')).toEqual([{ data: { node: { name: 'one' } }, hasNext: false }]);
  });
});
