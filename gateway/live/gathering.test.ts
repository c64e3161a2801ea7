/** Requests of executions that go together: when they go as one, and what each gets of the answer. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { EntityVariables } from '../execute/variables.ts';
import type { DataSource, SubgraphRequest } from '../sources/data-source.ts';
import { subgraphOperation } from '../sources/subgraph-operation.ts';
import { viewerWith } from '../testing/kit.ts';
import { Gathering, type Member } from './gathering.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);
const idsIn = ({ variables }: SubgraphRequest): string[] => (variables.values['representations'] as { id: string }[]).map(({ id }) => id);
const operation = subgraphOperation('query ($representations: [_Any!]!) { _entities(representations: $representations) { __typename } }');
/** Executions that ask one source together, and what it was asked for. */
const gathered = (count: number) => {
  const asked: string[][] = [];
  const source: DataSource = {
    execute: async (request) => (asked.push(idsIn(request)), { data: { _entities: idsIn(request).map((id) => ({ id })) } }),
    subscribe: () => Promise.reject(new Error('Nobody subscribes here.')),
  };
  const gathering = new Gathering();
  const members = upTo(count).map(() => gathering.join());
  const ask = (member: Member | undefined, ids: readonly string[], plain = {}) => {
    const variables = new EntityVariables(plain);
    variables.add({}, { alias: '_entities', name: 'representations', entities: ids.map((id) => ({ text: JSON.stringify({ id }) })) });
    return member?.over(new Map([['s', source]])).get('s')?.execute({ operation, variables, viewer: viewerWith(), requestId: 'r1', signal: new AbortController().signal });
  };
  return { asked, members, ask };
};

test('a request goes as soon as all have asked, and what each gets is its own', async () => {
  const { asked, members, ask } = gathered(2);
  const answers = [ask(members[0], ['a', 'b']), ask(members[1], ['b'])];
  expect(asked).toEqual([['a', 'b']]);
  const [one, two] = await Promise.all(answers);
  expect([one, two]).toEqual([{ data: { _entities: [{ id: 'a' }, { id: 'b' }] } }, { data: { _entities: [{ id: 'b' }] } }]);
  expect((one?.data?.['_entities'] as object[])[1]).not.toBe((two?.data?.['_entities'] as object[])[0]);
});

test('a request waits for nobody who has ended', () => {
  const { asked, members, ask } = gathered(3);
  for (const member of members.slice(0, 2)) void ask(member, ['a']);
  expect(asked).toEqual([]);
  members[2]?.end();
  expect([asked, vi.getTimerCount()]).toEqual([[['a']], 0]);
});

test('a request waits for one that asks for nothing as long again as all took, at least 5 and at most 25 ms', () => {
  for (const [took, wait] of [[0, 5], [10, 10], [1_000, 25]] as const) {
    const { asked, members, ask } = gathered(3);
    vi.advanceTimersByTime(took);
    for (const member of members.slice(0, 2)) void ask(member, ['a']);
    vi.advanceTimersByTime(wait - 1);
    expect(asked).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(asked).toEqual([['a']]);
  }
});

test('a request carries no more than 500 representations, unless one execution asks for more', () => {
  const { asked, members, ask } = gathered(4);
  [300, 200, 1, 600].forEach((count, index) => void ask(members[index], upTo(count).map((n) => `${index} ${n}`)));
  expect(asked.map((ids) => ids.length)).toEqual([500, 1, 600]);
});

test('a request with other variables of the client is another one', () => {
  const { asked, members, ask } = gathered(2);
  members.forEach((member, loud) => void ask(member, ['a'], { loud }));
  vi.advanceTimersByTime(25);
  expect(asked).toEqual([['a'], ['a']]);
});
