/** What is claimed of every answer of the gateway, held against the plain schema's. */
import { type FieldNode, Kind, print } from 'graphql';
import { expect } from 'vitest';
import type { SubgraphRequest } from '../sources/data-source.ts';
import { type Case, run } from './engines.ts';

export const equalsPlainAnswer = async (found: Case): Promise<void> => {
  const { data, errors } = (await run(found)).result;
  expect(JSON.stringify(data), JSON.stringify(errors)).toBe(JSON.stringify(found.plain.data));
  expect(errors !== undefined, JSON.stringify(errors)).toBe(found.plain.errors !== undefined);
};

type Path = readonly (string | number)[];
type Json = Record<string | number, unknown>;
type Parts = { readonly data?: unknown; readonly errors?: readonly unknown[]; readonly incremental?: readonly { readonly path: Path; readonly data: unknown; readonly errors?: readonly unknown[] }[]; readonly hasNext?: boolean };

/** The initial part with the parts that come later applied, each at its path, is the whole answer. */
export const togetherEqualPlainAnswer = async (found: Case): Promise<void> => {
  const answer = await run(found, true);
  const { data, errors = [], hasNext } = answer.result as Parts;
  const told = [...errors];
  const labels = new Set<string>();
  let more = hasNext ?? false;
  for await (const { result } of answer.rest ?? []) {
    const { incremental = [], hasNext: isMore } = result as Parts;
    expect(more, 'Nothing comes after the last part.').toBe(true);
    more = isMore ?? false;
    for (const part of incremental) {
      const key = JSON.stringify([part.path, (part as { label?: string }).label]);
      expect(labels.has(key), `${key} comes once.`).toBe(false);
      labels.add(key);
      told.push(...(part.errors ?? []));
      fillIn(part.path.reduce((at, step) => (at as Json)[step], data), part.data);
    }
  }
  expect(more).toBe(false);
  expect(data, JSON.stringify(told)).toEqual(found.plain.data);
  expect(told.length > 0, JSON.stringify(told)).toBe(found.plain.errors !== undefined);
};

/** What is there already stands in the part equally, or as an object that the part says more of. */
const fillIn = (target: unknown, part: unknown): void => {
  for (const [key, value] of Object.entries(part as Json)) {
    const known = (target as Json)[key];
    if (known === undefined) (target as Json)[key] = value;
    else if (typeof known === 'object' && known !== null) fillIn(known, value);
    else expect(value).toEqual(known);
  }
};

/** No request asks for one entity twice with one selection. */
export const asksForEachEntityOnce = async (found: Case): Promise<void> => {
  const twice: string[] = [];
  found.tested.handle = (request, subgraph, answer) => {
    const asked = entitiesIn(request).map(([selection, representation]) => `${subgraph} ${JSON.stringify(representation)} ${selection}`);
    twice.push(...asked.filter((each, index) => asked.indexOf(each) < index));
    return answer();
  };
  await equalsPlainAnswer(found);
  expect(twice).toEqual([]);
};

const entitiesIn = ({ operation, variables: { values } }: SubgraphRequest): [selection: string, representation: unknown][] =>
  operation.document.definitions.flatMap((definition) => (definition.kind === Kind.OPERATION_DEFINITION ? definition.selectionSet.selections : [])).flatMap((field) => {
    if (field.kind !== Kind.FIELD || field.name.value !== '_entities' || !field.selectionSet) return [];
    const representations = values[variableIn(field)] as readonly unknown[];
    const selection = print(field.selectionSet);
    return representations.map((representation): [string, unknown] => [selection, representation]);
  });

const variableIn = ({ arguments: args }: FieldNode): string => {
  const value = args?.[0]?.value;
  return value?.kind === Kind.VARIABLE ? value.name.value : '';
};
