/** Requests to subgraphs that fail at random, and what an answer may lack then. */
import { type ExecutionResult, GraphQLError, type GraphQLOutputType, Kind, type SelectionSetNode, getNamedType, getNullableType, isAbstractType, isListType, isNonNullType } from 'graphql';
import { expect } from 'vitest';
import { type Case, run } from './engines.ts';
import type { FetchStep, Plan } from '../plan/plan.ts';

type Path = readonly (string | number)[];
type Json = Readonly<Record<string, unknown>>;

/**
 * The answer is the plain one, but for nulls; each of them has its error, stands where a null may stand, and at a field
 * that needs a subgraph that failed, or above it as far as a null there moves up.
 */
export const lacksOnlyWhatFailed = async (found: Case): Promise<void> => {
  const failed = new Set<string>();
  found.tested.handle = async (_, subgraph, answer) => {
    const kind = found.tape.choose(6);
    if (kind > 2) return answer();
    failed.add(subgraph);
    if (kind === 0) throw new Error('The test wants this request to fail.');
    if (kind === 1) return { errors: [new GraphQLError('The test wants no answer.')] };
    return withoutSomeEntities(found, await answer());
  };
  const { data, errors = [] } = (await run(found)).result;
  const lost = placesLost(found.plan, failed);
  const types = (path: Path): GraphQLOutputType | undefined => found.types.get(path.join('.'));
  const root = { types, isLost: (path: Path) => lost.has(namesOf(path)), paths: errors.map(({ path }) => path ?? []) };
  if (data === null) return expect(found.plain.data === null || mayVanish(root, found.plain.data, [], undefined), 'Nothing moves a null to the top.').toBe(true);
  compare(root, found.plain.data, data, [], undefined);
};

/** Some entities are null, with an error; a request for something else has no answer. */
const withoutSomeEntities = ({ tape }: Case, { data, errors = [] }: ExecutionResult): ExecutionResult => {
  const told: GraphQLError[] = [...errors];
  const kept = Object.entries(data ?? {}).map(([alias, value]): [string, unknown] => {
    if (!/^_e/.test(alias) || !Array.isArray(value)) return [alias, value];
    return [alias, value.map((entity: unknown, index) => {
      if (tape.choose(2) === 0) return entity;
      told.push(new GraphQLError('The test wants this entity to fail.', { path: [alias, index] }));
      return null;
    })];
  });
  return told.length > 0 ? { data: Object.fromEntries(kept), errors: told } : { data: Object.fromEntries(kept) };
};

/** The fields that need a subgraph that failed: those of its fetches, and of all fetches that wait for them. */
const placesLost = ({ fetches, dependents }: Plan, failed: ReadonlySet<string>): ReadonlySet<string> => {
  const lost = new Set<number>();
  const lose = (index: number): void => {
    if (lost.has(index)) return;
    lost.add(index);
    for (const dependent of dependents[index] ?? []) lose(dependent);
  };
  for (const { index, subgraph } of fetches) if (failed.has(subgraph)) lose(index);
  return new Set(fetches.filter(({ index }) => lost.has(index)).flatMap((fetch) => [...fieldsAnswered(fetch)]));
};

const fieldsAnswered = ({ operation, requires, place, outputRewrites }: FetchStep): Set<string> => {
  const found = new Set<string>();
  // An alias that the planner invented is turned back.
  const renamed = new Map(outputRewrites.flatMap(({ path, change }) => ('rename' in change ? [[lastField(path), change.rename]] : [])));
  const collect = (set: SelectionSetNode | undefined, at: readonly string[]): void => {
    for (const selection of set?.selections ?? []) {
      if (selection.kind === Kind.INLINE_FRAGMENT) collect(selection.selectionSet, at);
      if (selection.kind !== Kind.FIELD) continue;
      const name = (selection.alias?.value ?? selection.name.value).replace(/^aliased__/, '');
      const below = selection.name.value === '_entities' ? at : [...at, renamed.get(name) ?? name];
      found.add(below.join('.'));
      collect(selection.selectionSet, below);
    }
  };
  for (const definition of operation.document.definitions) if (definition.kind === Kind.OPERATION_DEFINITION) collect(definition.selectionSet, requires && place !== '' ? place.replaceAll('aliased__', '').split('.') : []);
  return found;
};

const lastField = (path: FetchStep['outputRewrites'][number]['path']): string => path.flatMap((part) => ('field' in part ? [part.field] : [])).at(-1) ?? '';

const namesOf = (path: Path): string => path.filter((key) => typeof key === 'string').join('.');

type Expected = { readonly types: (path: Path) => GraphQLOutputType | undefined; readonly isLost: (path: Path) => boolean; readonly paths: readonly Path[] };

const compare = (expected: Expected, plain: unknown, value: unknown, path: Path, type: GraphQLOutputType | undefined): void => {
  const at = path.join('.');
  if (value === null && plain !== null) {
    expect(isNonNullType(type), `${at} is null and must not be.`).toBe(false);
    expect(mayVanish(expected, plain, path, type), `${at} is null and needs nothing that failed.`).toBe(true);
    expect(expected.paths.some((error) => isPrefix(error, path) || isPrefix(path, error)), `${at} is null without an error.`).toBe(true);
  } else if (Array.isArray(plain)) {
    expect(Array.isArray(value) && value.length === plain.length, `${at} has another length.`).toBe(true);
    plain.forEach((element, index) => compare(expected, element, (value as unknown[])[index], [...path, index], elementOf(type)));
  } else if (typeof plain === 'object' && plain !== null) {
    expect(Object.keys(value as Json), at).toEqual(Object.keys(plain));
    for (const [name, part] of Object.entries(plain)) compare(expected, part, (value as Json)[name], [...path, name], expected.types([...path, name]));
  } else {
    expect(value, at).toEqual(plain);
  }
};

/** The value is what failed, or a null below it moves up to it. */
const mayVanish = (expected: Expected, plain: unknown, path: Path, type: GraphQLOutputType | undefined): boolean => {
  if (typeof path.at(-1) === 'string' && expected.isLost(path)) return true;
  const inner = (value: unknown, at: Path, of: GraphQLOutputType | undefined): boolean => isNonNullType(of) && mayVanish(expected, value, at, of);
  if (Array.isArray(plain)) return plain.some((element, index) => inner(element, [...path, index], elementOf(type)));
  if (typeof plain !== 'object' || plain === null) return false;
  // Of an object of which is not known what it is, nothing can be told.
  if (type && isAbstractType(getNamedType(type)) && expected.isLost([...path, '__typename'])) return true;
  return Object.entries(plain).some(([name, part]) => inner(part, [...path, name], expected.types([...path, name])));
};

const elementOf = (type: GraphQLOutputType | undefined): GraphQLOutputType | undefined => {
  const list = type && getNullableType(type);
  return isListType(list) ? list.ofType : undefined;
};

const isPrefix = (prefix: Path, path: Path): boolean => prefix.every((key, index) => path[index] === key);
