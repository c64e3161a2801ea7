import { expect, test } from 'vitest';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { startGateway, subgraph } from './testing/kit.ts';

/** Queries wait until they are let go, and count. */
const start = (options: { shareAnswers?: boolean } = {}) => {
  const asked: AbortSignal[] = [];
  let letGo = (): void => undefined;
  const gone = new Promise<void>((resolve) => (letGo = resolve));
  let value = 1;
  const { gateway } = startGateway(
    [
      subgraph('a', 'type Query { slow(n: Int): Int } type Mutation { change: Int }', {
        Query: { slow: async (_: unknown, { n }: { n?: number }, context: unknown) => (asked.push((context as { signal: AbortSignal }).signal), await gone, value * (n ?? 1)) },
        Mutation: { change: () => ++value },
      }),
    ],
    options,
  );
  const ask = (query = '{ slow }', { variables, viewer = publicViewer, signal = new AbortController().signal, inParts = false, deadline }: { variables?: Record<string, unknown>; viewer?: Viewer; signal?: AbortSignal; inParts?: boolean; deadline?: number } = {}) =>
    gateway.execute({ query, variables, viewer, requestId: 'r', signal, inParts, deadline });
  return { ask, asked, letGo };
};
const viewerOf = (keyId: string): Viewer => ({ ...publicViewer, kind: 'key', keyId });

test('identical queries under way are executed once, and each gets an answer of its own', async () => {
  const { ask, asked, letGo } = start();
  const answers = [ask(), ask(), ask('{ slow }', { viewer: { ...publicViewer } })];
  letGo();
  const results = await Promise.all(answers);
  expect(asked).toHaveLength(1);
  expect(results).toEqual(Array(3).fill({ data: { slow: 1 } }));
  expect(results[0]).not.toBe(results[1]);
});

test.each([
  ['other variables', [['query ($n: Int) { slow(n: $n) }', { variables: { n: 1 } }], ['query ($n: Int) { slow(n: $n) }', { variables: { n: 2 } }]]],
  ['other viewers, though their rights are equal', [['{ slow }', { viewer: viewerOf('a') }], ['{ slow }', { viewer: viewerOf('b') }]]],
  ['other operations', [['{ slow }', {}], ['{ slow again: slow }', {}]]],
] as const)('are executed apart: %s', async (_, requests) => {
  const { ask, asked, letGo } = start();
  const answers = requests.map(([query, options]) => ask(query, options));
  letGo();
  const results = await Promise.all(answers);
  expect(asked.length).toBeGreaterThan(1);
  expect(results.every(({ errors }) => errors === undefined)).toBe(true);
});

test.each([['in one piece', false], ['in parts, as every one over WebSocket may be', true]])('what is asked after a mutation is not answered with what was begun before it: a mutation answered %s', async (_, inParts) => {
  const { ask, asked, letGo } = start();
  const before = ask();
  expect(await ask('mutation { change }', { inParts })).toEqual({ data: { change: 2 } });
  const after = ask();
  letGo();
  expect(await after).toEqual({ data: { slow: 2 } });
  await before;
  expect(asked).toHaveLength(2);
});

test('one who leaves does not end the others; the last to leave ends the execution', async () => {
  const { ask, asked, letGo } = start();
  const clients = [new AbortController(), new AbortController()];
  const answers = clients.map(({ signal }) => ask('{ slow }', { signal }));
  clients[0]?.abort();
  expect(asked[0]?.aborted).toBe(false);
  clients[1]?.abort();
  expect(asked[0]?.aborted).toBe(true);
  const later = ask();
  expect(asked).toHaveLength(2);
  letGo();
  expect(await later).toEqual({ data: { slow: 1 } });
  await Promise.all(answers);
});

test('can be switched off', async () => {
  const { ask, asked, letGo } = start({ shareAnswers: false });
  const answers = [ask(), ask()];
  letGo();
  await Promise.all(answers);
  expect(asked).toHaveLength(2);
});

test('who has much more time than the one who began is not given up with that one', async () => {
  const { ask, asked, letGo } = start();
  const inSeconds = (seconds: number) => ({ deadline: Date.now() + seconds * 1_000 });
  const answers = [ask('{ slow }', inSeconds(10)), ask('{ slow }', inSeconds(15)), ask('{ slow }', inSeconds(60)), ask('{ slow }', inSeconds(60))];
  expect(asked).toHaveLength(2);
  letGo();
  expect(await Promise.all(answers)).toEqual(Array(4).fill({ data: { slow: 1 } }));
});
