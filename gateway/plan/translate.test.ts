import { describe, expect, test } from 'vitest';
import { at, entities, parallel, planFrom, root, sequence } from '../testing/plans.ts';

/** What each fetch waits for, by the names of subgraphs. */
const waiting = (plan: ReturnType<typeof planFrom>): Record<string, string[]> =>
  Object.fromEntries(plan.fetches.map(({ subgraph, after }) => [subgraph, after.map((index) => plan.fetches[index]?.subgraph ?? '?')]));

describe('what waits for what', () => {
  test('what stands in sequence waits for all that ends the part before it', () => {
    const plan = planFrom(sequence(root('a', 't { id }'), parallel(at('t', entities('b', 'T', 'x')), at('t', entities('c', 'T', 'y'))), at('t', entities('d', 'T', 'z'))));
    expect(waiting(plan)).toEqual({ a: [], b: ['a'], c: ['a'], d: ['b', 'c'] });
  });

  test('what stands in parallel does not wait for each other', () => {
    expect(waiting(planFrom(parallel(root('a', 'x'), root('b', 'y'))))).toEqual({ a: [], b: [] });
  });

  test('of a sequence in a parallel, what follows waits for its last fetch alone', () => {
    const plan = planFrom(sequence(root('a', 't { id }'), parallel(sequence(at('t', entities('b', 'T', 'x')), at('t', entities('c', 'T', 'y'))), at('t', entities('d', 'T', 'z'))), at('t', entities('e', 'T', 'w'))));
    expect(waiting(plan)).toEqual({ a: [], b: ['a'], c: ['b'], d: ['a'], e: ['c', 'd'] });
  });

  test('dependents are the same the other way round', () => {
    const plan = planFrom(sequence(root('a', 't { id }'), parallel(at('t', entities('b', 'T', 'x')), at('t', entities('c', 'T', 'y')))));
    expect(plan.dependents).toEqual([[1, 2], [], []]);
    for (const { index, after } of plan.fetches) for (const before of after) expect(plan.dependents[before]).toContain(index);
  });

  test('a plan of nothing has no fetches', () => expect(planFrom(undefined)).toMatchObject({ fetches: [], batches: [], deferred: [] }));
});

describe('paths', () => {
  test('names, lists, and the types that they are narrowed to', () => {
    const [, fetch] = planFrom(sequence(root('a', 'items { maker { id } }'), at('items.@|[Book,Film].maker', entities('b', 'Maker', 'name')))).fetches;
    expect(fetch?.path).toEqual([{ name: 'items', types: null }, { name: null, types: ['Book', 'Film'] }, { name: 'maker', types: null }]);
    expect(fetch?.place).toBe('items.maker');
  });

  test('a path in a path is one path', () => {
    const [, fetch] = planFrom(sequence(root('a', 'items { maker { id } }'), at('items.@', at('maker', entities('b', 'Maker', 'name'))))).fetches;
    expect(fetch?.place).toBe('items.maker');
    expect(fetch?.routes).toHaveLength(3);
  });
});

describe('fetches', () => {
  test('a representation is made of what the fetch requires; fields of the root require nothing', () => {
    const [first, second] = planFrom(sequence(root('a', 't { id }'), at('t', entities('b', 'T', 'x')))).fetches;
    expect(first?.requires).toBeNull();
    expect(second?.requires).toEqual([{ kind: 'fragment', type: 'T', selections: [{ kind: 'field', name: '__typename', selections: null }, { kind: 'field', name: 'id', selections: null }] }]);
  });

  test('what is required stands in the data under its alias', () => {
    const [, fetch] = planFrom(sequence(root('a', 't { id }'), at('t', entities('b', 'T', 'x', { requires: [{ kind: 'Field', name: 'price', alias: 'price_0' }] })))).fetches;
    expect(fetch?.requires).toEqual([{ kind: 'field', name: 'price_0', selections: null }]);
  });

  test('rewrites set values and rename keys, at fields, types and further up', () => {
    const [fetch] = planFrom(
      root('a', 't', {
        inputRewrites: [{ kind: 'ValueSetter', path: ['... on T', '__typename'], setValueTo: 'I' }],
        outputRewrites: [{ kind: 'KeyRenamer', path: ['t', 'x__alias_0'], renameKeyTo: 'x' }],
        contextRewrites: [{ kind: 'KeyRenamer', path: ['..', '... on Shop', 'currency'], renameKeyTo: 'argument' }],
      }),
    ).fetches;
    expect(fetch?.inputRewrites).toEqual([{ path: [{ type: 'T' }, { field: '__typename' }], change: { set: 'I' } }]);
    expect(fetch?.outputRewrites).toEqual([{ path: [{ field: 't' }, { field: 'x__alias_0' }], change: { rename: 'x' } }]);
    expect(fetch?.contextRewrites).toEqual([{ path: [{ parent: true }, { type: 'Shop' }, { field: 'currency' }], change: { rename: 'argument' } }]);
  });

  test('a condition is refused: conditions are evaluated before planning', () => {
    expect(() => planFrom({ kind: 'Condition', condition: 'c', ifClause: root('a', 'x') })).toThrow(TypeError);
  });
});

describe('deferred parts', () => {
  const plan = planFrom({
    kind: 'Defer',
    primary: { subselection: '{ t { id } }', node: parallel(root('a', 't { id }', { id: 'f0' }), root('b', 'u')) },
    deferred: [
      {
        depends: [{ id: 'f0' }],
        label: 'later',
        queryPath: ['t'],
        subselection: undefined,
        node: { kind: 'Defer', primary: { subselection: '{ x }', node: at('t', entities('c', 'T', 'x', { id: 'f1' })) }, deferred: [{ depends: [{ id: 'f1' }], label: 'last', queryPath: ['t'], subselection: undefined, node: at('t', entities('d', 'T', 'y')) }] },
      },
      { depends: [], label: 'known', queryPath: ['t'], subselection: '{ id }', node: undefined },
    ],
  });

  test('wait for the fetches that they depend on, not for the whole of the part before', () => expect(waiting(plan)).toEqual({ a: [], b: [], c: ['a'], d: ['c'] }));
  test('are blocks of their own, each below another; the initial part is 0', () => {
    expect(plan.fetches.map(({ subgraph, block }) => [subgraph, block])).toEqual([['a', 0], ['b', 0], ['c', 1], ['d', 2]]);
    expect(plan.deferred).toEqual([{ block: 1, label: 'later', parent: 0 }, { block: 2, label: 'last', parent: 1 }, { block: 3, label: 'known', parent: 0 }]);
  });
});

describe('subscriptions', () => {
  test('the source stream stands apart; the rest runs for each of its events', () => {
    const plan = planFrom({ kind: 'Subscription', primary: root('a', 'changed { id }'), rest: at('changed', entities('b', 'T', 'x')) } as never);
    expect(plan.primary?.subgraph).toBe('a');
    expect(waiting(plan)).toEqual({ b: [] });
  });
});

test('what entities are sent along with is named in one order, whatever the planner’s', () => {
  const requiring = (...names: string[]) => entities('b', 'T', 'x', { requires: [{ kind: 'InlineFragment', typeCondition: 'T', selections: names.map((name) => ({ kind: 'Field', name })) }] });
  const { fetches } = planFrom(sequence(root('a', 't { id }'), parallel(at('t', requiring('__typename', 'id', 'price')), at('t', requiring('__typename', 'price', 'id')))));
  expect(fetches[1]?.requires).toEqual(fetches[2]?.requires);
});
