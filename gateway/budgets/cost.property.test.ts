/** Rules of the cost of operations, for random supergraphs, data and operations. */
import { type DocumentNode, type FragmentDefinitionNode, Kind, parse, print, visit } from 'graphql';
import { expect, test } from 'vitest';
import { type Case, forCases, run } from '../testing/engines.ts';
import { operationVariables } from '../testing/operations.ts';

const timeout = 60_000 * Math.max(1, Number(process.env['PROPERTY_RUNS'] ?? 1));

const costOf = ({ tested: { gateway } }: Pick<Case, 'tested'>, query: string): number => gateway.costOf(gateway.operationOf({ query }), operationVariables);

test('an answer costs no more than was estimated while lists keep to their sizes', { timeout }, async () => {
  const { checked } = await forCases({ supergraphs: 20 }, async (found) => {
    const { cost } = await run(found);
    expect(cost).not.toBeNull();
    expect(cost).toBeLessThanOrEqual(costOf(found, found.query));
  });
  expect(checked).toBeGreaterThan(0);
});

test('fragments cost what they cost written out', { timeout }, async () => {
  await forCases({ supergraphs: 15 }, async (found) => {
    expect(costOf(found, print(inlined(parse(found.query))))).toBe(costOf(found, found.query));
  });
});

test('a selection more never lowers the cost', { timeout }, async () => {
  await forCases({ supergraphs: 15 }, async (found) => {
    const document = inlined(parse(found.query));
    const cost = costOf(found, found.query);
    for (let index = 0; index < 10; index++) expect(costOf(found, print(withoutUnusedVariables(withoutOne(document, found.tape.choose(200)))))).toBeLessThanOrEqual(cost);
  });
});

test('everything asked a second time under other names costs twice as much', { timeout }, async () => {
  await forCases({ supergraphs: 15 }, async (found) => {
    const document = parse(found.query);
    const cost = costOf(found, found.query);
    const twice = costOf(found, print(withCopies(inlined(document))));
    // An operation that asks for no object costs 1 all the same.
    expect([2 * cost, cost === 1 ? 1 : null]).toContain(twice);
  });
});

const inlined = (document: DocumentNode): DocumentNode => {
  const fragments = new Map(document.definitions.flatMap((each): [string, FragmentDefinitionNode][] => (each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each]] : [])));
  return visit(document, {
    FragmentDefinition: () => null,
    // What a visitor answers on entering is visited in turn.
    FragmentSpread({ name, directives }) {
      const fragment = fragments.get(name.value);
      return fragment ? { kind: Kind.INLINE_FRAGMENT, typeCondition: fragment.typeCondition, directives, selectionSet: fragment.selectionSet } : undefined;
    },
  });
};

const withoutUnusedVariables = (document: DocumentNode): DocumentNode => {
  const used = new Set<string>();
  visit(document, { VariableDefinition: () => false, Variable: ({ name }) => void used.add(name.value) });
  return visit(document, { VariableDefinition: ({ variable }) => (used.has(variable.name.value) ? undefined : null) });
};

/** One selection taken out of a set that has others. */
const withoutOne = (document: DocumentNode, which: number): DocumentNode => {
  let at = 0;
  return visit(document, {
    SelectionSet(set) {
      if (set.selections.length < 2) return undefined;
      const index = which - at;
      at += set.selections.length;
      return index >= 0 && index < set.selections.length ? { ...set, selections: set.selections.filter((_, each) => each !== index) } : undefined;
    },
  });
};

/** At the root: below it, what stands beside a field would be asked for as often as that field's list is long. */
const withCopies = (document: DocumentNode): DocumentNode => ({
  ...document,
  definitions: document.definitions.map((definition) => {
    if (definition.kind !== Kind.OPERATION_DEFINITION) return definition;
    const copies = visit(definition.selectionSet, { Field: (node, _key, _parent, _path, ancestors) => (isAtRoot(ancestors) ? { ...node, alias: { kind: Kind.NAME, value: `copy_${(node.alias ?? node.name).value}` } } : undefined) });
    return { ...definition, selectionSet: { ...definition.selectionSet, selections: [...definition.selectionSet.selections, ...copies.selections] } };
  }),
});

const isAtRoot = (ancestors: readonly unknown[]): boolean => !ancestors.some((each) => (each as { kind?: string }).kind === Kind.FIELD);
