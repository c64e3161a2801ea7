import { describe, expect, test } from 'vitest';
import { at, entities, parallel, planFrom, root, sequence } from '../testing/plans.ts';
import type { AnswerForm } from '../sources/data-source.ts';
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

describe('equal objects of one answer may be one object', () => {
  const marksIn = (form: AnswerForm | null | undefined, path: readonly string[] = []): readonly string[] =>
    (form ?? []).flatMap(({ name, mayBeOne, fields }) => [...(mayBeOne ? [[...path, name].join('.')] : []), ...marksIn(fields, [...path, name])]);
  const formOf = ({ fetches }: Plan, subgraph: string): readonly string[] => marksIn(fetches.find((fetch) => fetch.subgraph === subgraph)?.operation.form);

  test('where one fetch alone brings what stands there, and never entities themselves, which are merged', () => {
    const plan = planFrom(sequence(start, at('items.@', entities('b', 'T', 'size { width } ... on T { size { unit { name } } }'))));
    expect(formOf(plan, 'a')).toEqual(['items', 'items.maker']);
    expect(formOf(plan, 'b')).toEqual(['_entities.size', '_entities.size.unit']);
  });
  test('not where another fetch says more of them, below its targets', () => {
    const plan = planFrom(sequence(start, parallel(at('items.@', entities('b', 'T', 'size { unit { name } }')), at('items.@', entities('c', 'T', 'size { height }')))));
    expect(formOf(plan, 'b')).toEqual(['_entities.size.unit']);
    expect(formOf(plan, 'c')).toEqual([]);
  });
  test('never where an argument depends on the place, or what is answered is renamed', () => {
    const inContext = planFrom(sequence(start, at('items.@.maker', entities('c', 'Maker', 'x', { contextRewrites: [{ kind: 'KeyRenamer', path: ['..', 'id'], renameKeyTo: 'i' }] }))));
    expect(formOf(inContext, 'a')).toEqual([]);
    const renamed = planFrom(sequence(start, at('items.@', entities('b', 'T', 'size { width }', { outputRewrites: [{ kind: 'KeyRenamer', path: ['size'], renameKeyTo: 's' }] }))));
    expect(formOf(renamed, 'b')).toEqual([]);
  });
  test('of selections in one request, each under its name', () => {
    const plan = planFrom(sequence(start, parallel(at('items.@', entities('b', 'T', 'size { width }')), at('items.@.maker', entities('b', 'Maker', 'place { name }')))));
    expect(marksIn(plan.batches.find(({ subgraph }) => subgraph === 'b')?.operationFor([0, 1]).operation.form)).toEqual(['_e0.size', '_e1.place']);
  });
  test('not where one selection serves two places, and it may be at one of them only', () => {
    const both = (...more: Parameters<typeof parallel>) => planFrom(sequence(start, parallel(at('items.@', entities('b', 'T', 'size { width }')), at('others.@', entities('b', 'T', 'size { width }')), ...more)));
    const formIn = (plan: Plan) => marksIn(plan.batches.find(({ subgraph }) => subgraph === 'b')?.operationFor([0]).operation.form);
    expect(formIn(both())).toEqual(['_entities.size']);
    expect(formIn(both(at('others.@', entities('c', 'T', 'size { height }'))))).toEqual([]);
  });
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
