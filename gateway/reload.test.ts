import { expect, test } from 'vitest';
import { publicViewer } from '#core/viewer.ts';
import type { DataSource } from './sources/data-source.ts';
import { createGateway } from './index.ts';
import { composeAll, subgraph } from './testing/kit.ts';

const one = subgraph('one', 'type Query { one: String }');
const two = subgraph('two', 'type Query { two: String }');
const request = (query: string) => ({ query, viewer: publicViewer, requestId: 'r', signal: new AbortController().signal });

/** Data sources that answer when they are told to, and note when they are opened and closed. */
const controlled = () => {
  const notes: string[] = [];
  const answer = Promise.withResolvers<void>();
  const open = (name: string): DataSource => {
    notes.push(`open ${name}`);
    return {
      execute: () => answer.promise.then(() => ({ data: { [name]: name } })),
      subscribe: async () => ({ data: null }),
      async close() {
        notes.push(`close ${name}`);
      },
    };
  };
  return { notes, open, answer: () => answer.resolve() };
};

test('a request under way finishes on the supergraph it began with, and its subgraph is let go afterwards', async () => {
  const { notes, open, answer } = controlled();
  const gateway = createGateway({ supergraph: composeAll([one, two]), dataSources: open });
  const waiting = gateway.execute(request('{ one }'));
  gateway.reload(composeAll([two]));
  expect(await gateway.execute(request('{ one }'))).toMatchObject({ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] });
  expect(notes).toEqual(['open one', 'open two']);
  answer();
  expect(await waiting).toEqual({ data: { one: 'one' } });
  expect(await gateway.execute(request('{ two }'))).toEqual({ data: { two: 'two' } });
  expect(notes).toEqual(['open one', 'open two', 'close one']);
  await gateway.dispose();
  expect(notes).toEqual(['open one', 'open two', 'close one', 'close two']);
});

test.each([
  ['half a document', 'type Query {'],
  ['no supergraph', 'type Query { a: Int }'],
  ['nothing', ''],
])('%s is refused and changes nothing', async (_, sdl) => {
  const { notes, open, answer } = controlled();
  answer();
  const gateway = createGateway({ supergraph: composeAll([one]), dataSources: open });
  expect(() => gateway.reload(sdl)).toThrow(expect.objectContaining({ code: 'SUPERGRAPH_INVALID' }));
  expect(await gateway.execute(request('{ one }'))).toEqual({ data: { one: 'one' } });
  await gateway.dispose();
  expect(notes).toEqual(['open one', 'close one']);
});

test('an operation is planned once, also when many ask for it first at the same time', async () => {
  const { open, answer } = controlled();
  const gateway = createGateway({ supergraph: composeAll([one, two]), dataSources: open });
  const asked = Array.from({ length: 20 }, () => gateway.execute(request('{ one two }')));
  answer();
  const answers = await Promise.all(asked);
  expect(answers.every(({ data }) => data?.['one'] === 'one' && data['two'] === 'two')).toBe(true);
  expect(gateway.planned()).toBe(1);
  await gateway.dispose();
});

test('reloads again and again under requests, subgraphs lost and found: each request is answered by one supergraph, and nothing is left', async () => {
  const { notes, open, answer } = controlled();
  answer();
  const both = composeAll([one, two]);
  const alone = composeAll([one]);
  const gateway = createGateway({ supergraph: both, dataSources: open });
  const asked: Promise<unknown>[] = [];
  for (let round = 0; round < 20; round++) {
    asked.push(gateway.execute(request('{ one }')), gateway.execute(request('{ one two }')));
    gateway.reload(round % 2 === 0 ? alone : both);
  }
  const answers = (await Promise.all(asked)) as { data?: object; errors?: { extensions: { code: string } }[] }[];
  answers.forEach((given, index) => {
    if (index % 2 === 0) expect(given).toEqual({ data: { one: 'one' } });
    // Asked while the subgraph was lost, its field is unknown; asked before, it is answered, whatever came since.
    else if (Math.floor(index / 2) % 2 === 0) expect(given).toEqual({ data: { one: 'one', two: 'two' } });
    else expect(given).toMatchObject({ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] });
  });
  await gateway.dispose();
  const count = (note: string) => notes.filter((each) => each === note).length;
  expect(count('open one')).toBe(1);
  expect(count('close one')).toBe(1);
  expect(count('close two')).toBe(count('open two'));
});
