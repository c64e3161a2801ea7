import { describe, expect, test } from 'vitest';
import { at, entities, parallel, planFrom, root, sequence } from '../testing/plans.ts';
import type { FetchStep, Plan } from './plan.ts';

const start = root('a', 'items { id maker { id } }');
const marks = ({ fetches }: Plan): Record<string, Pick<FetchStep, 'mayShare' | 'mayUnify'>> => Object.fromEntries(fetches.map(({ subgraph, mayShare, mayUnify }) => [subgraph, { mayShare, mayUnify }]));

describe('several targets may hold the same objects of an answer', () => {
  test('where no other fetch selects anything in these objects', () => {
    expect(marks(planFrom(sequence(start, parallel(at('items.@', entities('b', 'T', 'size { width }')), at('items.@', entities('c', 'T', 'weight'))))))['b']?.mayShare).toBe(true);
  });
  test('not where another fetch says more of them', () => {
    const plan = planFrom(sequence(start, parallel(at('items.@', entities('b', 'T', 'size { width }')), at('items.@', entities('c', 'T', 'size { height }')))));
    expect(marks(plan)).toMatchObject({ b: { mayShare: false }, c: { mayShare: false } });
  });
  test('not where another fetch says more of objects further down', () => {
    const plan = planFrom(sequence(start, parallel(at('items.@', entities('b', 'T', 'box { size { width } }')), at('items.@', entities('c', 'T', 'box { size { height } }')))));
    expect(marks(plan)['b']?.mayShare).toBe(false);
  });
  test('the same name at another place is another object', () => {
    const plan = planFrom(sequence(start, parallel(at('items.@', entities('b', 'T', 'size { width }')), at('items.@.maker', entities('c', 'Maker', 'size { height }')))));
    expect(marks(plan)).toMatchObject({ b: { mayShare: true }, c: { mayShare: true } });
  });
  test('it is response names that count: an alias is another object', () => {
    const plan = planFrom(sequence(start, parallel(at('items.@', entities('b', 'T', 'size { width }')), at('items.@', entities('c', 'T', 'extent: size { height }')))));
    expect(marks(plan)['b']?.mayShare).toBe(true);
  });
  test('fields of targets are not objects of the answer: more may be fetched of what was fetched', () => {
    const plan = planFrom(sequence(start, at('items.@', entities('b', 'T', 'maker2 { id }')), at('items.@.maker2', entities('c', 'Maker', 'name'))));
    expect(marks(plan)).toMatchObject({ b: { mayShare: true }, c: { mayShare: true } });
  });
  test('fragments are looked into', () => {
    const plan = planFrom(sequence(start, parallel(at('items.@', entities('b', 'T', '... on T { size { width } }')), at('items.@', entities('c', 'T', 'size { ... on Size { height } }')))));
    expect(marks(plan)['b']?.mayShare).toBe(false);
  });
  test('never where an argument depends on the place', () => {
    const plan = planFrom(sequence(start, parallel(at('items.@', entities('b', 'T', 'size { width }')), at('items.@.maker', entities('c', 'Maker', 'x', { contextRewrites: [{ kind: 'KeyRenamer', path: ['..', 'id'], renameKeyTo: 'i' }] })))));
    expect(marks(plan)['b']).toEqual({ mayShare: false, mayUnify: false });
  });
  test('fields of the root have one target', () => expect(marks(planFrom(start))['a']).toEqual({ mayShare: false, mayUnify: false }));
});

describe('equal targets may become one object', () => {
  test('where one fetch alone brought them', () => expect(marks(planFrom(sequence(start, at('items.@', entities('b', 'T', 'x')))))['b']?.mayUnify).toBe(true));
  test('not where two fetches did', () => {
    const plan = planFrom(sequence(parallel(start, root('z', 'items { id }')), at('items.@', entities('b', 'T', 'x'))));
    expect(marks(plan)['b']?.mayUnify).toBe(false);
  });
});

describe('the objects that a path leads to are remembered', () => {
  const stable = (plan: Plan, subgraph: string): number | undefined => plan.fetches.find((fetch) => fetch.subgraph === subgraph)?.stable;
  test('as far as one fetch alone brings what is on the way', () => expect(stable(planFrom(sequence(start, at('items.@.maker', entities('b', 'Maker', 'x')))), 'b')).toBe(3));
  test('not behind what two fetches bring', () => {
    const plan = planFrom(sequence(start, parallel(at('items.@', entities('b', 'T', 'maker { x }')), at('items.@', entities('c', 'T', 'w'))), at('items.@.maker', entities('d', 'Maker', 'y'))));
    expect([stable(plan, 'c'), stable(plan, 'd')]).toEqual([2, 2]);
  });
});
