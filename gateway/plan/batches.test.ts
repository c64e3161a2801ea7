import { buildSubgraphSchema } from '@apollo/subgraph';
import { Kind, parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { at, entities, parallel, planFrom, root, sequence } from '../testing/plans.ts';
import type { Plan } from './plan.ts';

const start = root('a', 'items { id maker { id } } other { id }');
const batched = ({ batches }: Plan): string[][] => batches.map(({ fetches }) => fetches.map(({ place, subgraph }) => `${subgraph} ${place}`.trim()));

describe('travel in one request', () => {
  test('fetches of entities from one subgraph at one stage', () => {
    const plan = planFrom(sequence(start, parallel(at('items.@', entities('b', 'T', 'x')), at('items.@.maker', entities('b', 'Maker', 'name')), at('other', entities('c', 'T', 'z')))));
    expect(batched(plan)).toEqual([['a'], ['b items', 'b items.maker'], ['c other']]);
  });

  test('a fetch that nothing waits for, with a later one to its subgraph', () => {
    const plan = planFrom(sequence(start, parallel(at('items.@', entities('b', 'T', 'x')), sequence(at('other', entities('c', 'T', 'z')), at('other', entities('b', 'T', 'y'))))));
    expect(batched(plan)).toEqual([['a'], ['b items', 'b other'], ['c other']]);
  });
});

describe('travel alone', () => {
  test('a fetch that another one waits for does not wait for a later stage', () => {
    const plan = planFrom(sequence(start, parallel(sequence(at('items.@', entities('b', 'T', 'x')), at('items.@', entities('d', 'T', 'w'))), sequence(at('other', entities('c', 'T', 'z')), at('other', entities('b', 'T', 'y'))))));
    expect(batched(plan)).toEqual([['a'], ['b items'], ['d items'], ['c other'], ['b other']]);
  });
  test('fields of the root', () => expect(batched(planFrom(parallel(root('a', 'x'), root('a', 'y'))))).toEqual([['a'], ['a']]));
  test('fetches with arguments from further up', () => {
    const inContext = (selection: string) => entities('b', 'T', selection, { contextRewrites: [{ kind: 'KeyRenamer', path: ['..', 'currency'], renameKeyTo: 'c' }] });
    expect(batched(planFrom(sequence(start, parallel(at('items.@', inContext('x')), at('other', inContext('y'))))))).toHaveLength(3);
  });
  test('fetches of different parts of the answer', () => {
    const plan = planFrom({ kind: 'Defer', primary: { subselection: '', node: sequence({ ...start, id: '0' }, at('items.@', entities('b', 'T', 'x'))) }, deferred: [{ depends: [{ id: '0' }], label: 'l', queryPath: [], subselection: undefined, node: at('other', entities('b', 'T', 'y')) }] });
    expect(batched(plan)).toEqual([['a'], ['b items'], ['b other']]);
  });
});

describe('one request for several selections', () => {
  const fetches = [
    at('items.@', entities('b', 'T', 'x(unit: $unit)', { variables: ['$unit: String'] })),
    at('items.@.maker', entities('b', 'Maker', 'name label: x(unit: $unit, times: $times)', { variables: ['$unit: String', '$times: Int'] })),
    at('other', entities('b', 'T', 'x(unit: $unit)', { variables: ['$unit: String'] })),
  ];
  const batch = planFrom(sequence(start, parallel(...fetches))).batches.find(({ subgraph }) => subgraph === 'b');
  const schema = buildSubgraphSchema({ typeDefs: parse('type Query { a: Int } type T @key(fields: "id") { id: ID! x(unit: String): Int } type Maker @key(fields: "id") { id: ID! name: String x(unit: String, times: Int): Int }') });

  test('fetches with the same selection ask once', () => {
    expect(batch?.selections).toHaveLength(2);
    expect(batch?.fetches.map((fetch) => batch.selectionOf.get(fetch))).toEqual([0, 1, 0]);
  });

  test('the document is valid against the subgraph, whichever of the selections are wanted', () => {
    for (const wanted of [[0], [1], [0, 1]]) expect(validate(schema, batch?.operationFor(wanted).operation.document ?? parse('{ a }'))).toEqual([]);
  });

  test('is the same document as text, for the wire', () => {
    const operation = batch?.operationFor([0, 1]).operation;
    expect(parse(operation?.query ?? '', { noLocation: true })).toEqual(parse('query($r0:[_Any!]!,$unit:String,$r1:[_Any!]!,$times:Int){_e0:_entities(representations:$r0){...on T{x(unit:$unit)}}_e1:_entities(representations:$r1){...on Maker{name label:x(unit:$unit,times:$times)}}}', { noLocation: true }));
  });

  test('variables do not collide: each selection has representations of its own, and shares those of the client', () => {
    const { operation, aliases, variables } = batch?.operationFor([0, 1]) ?? {};
    const [definition] = operation?.document.definitions ?? [];
    const declared = definition?.kind === Kind.OPERATION_DEFINITION ? definition.variableDefinitions?.map(({ variable }) => variable.name.value) : [];
    expect(declared).toEqual(['r0', 'unit', 'r1', 'times']);
    expect({ aliases, variables }).toEqual({ aliases: ['_e0', '_e1'], variables: ['r0', 'r1'] });
  });

  test('one selection alone is asked for as the planner wrote it', () => {
    expect(batch?.operationFor([1])).toMatchObject({ operation: batch?.selections[1]?.operation, aliases: ['_entities'], variables: ['representations'] });
  });

  test('is made once', () => expect(batch?.operationFor([0, 1])).toBe(batch?.operationFor([0, 1])));

  test('so do those whose representations differ', () => {
    const required = entities('b', 'T', 'x', { requires: [{ kind: 'InlineFragment', typeCondition: 'T', selections: [{ kind: 'Field', name: '__typename' }, { kind: 'Field', name: 'sku' }] }] });
    const [, other] = planFrom(sequence(start, parallel(at('items.@', entities('b', 'T', 'x')), at('other', required)))).batches;
    expect(other?.selections).toHaveLength(1);
  });

  test('the names of the planner do not make selections differ', () => {
    const named = (name: string) => ({ ...entities('b', 'T', 'x'), operation: entities('b', 'T', 'x').operation.replace('query', `query ${name}`), operationName: name });
    const [, other] = planFrom(sequence(start, parallel(at('items.@', named('q__b__1')), at('other', named('q__b__2'))))).batches;
    expect(other?.selections).toHaveLength(1);
  });
});
