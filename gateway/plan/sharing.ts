/**
 * One entity often stands at many places of an answer. Copying what a subgraph said of it to each of them costs more
 * than everything else, so the places hold the same objects, where that cannot be noticed.
 *
 * It could be noticed where two fetches write into one object: what the second says of one place would show at the
 * others. So a fetch may share only if no other fetch selects anything in the objects that it answers, below the
 * targets themselves: `items.@ { size { width } }` and `items.@ { size { height } }` may not, `items.@ { maker { id } }`
 * and `items.@.maker { name }` may, as equal makers are asked for once and answered alike.
 *
 * For the same reason, equal targets may become one object (`mayUnify`) if one fetch alone brought them, and so may equal
 * objects of a fetch's answer (`AnswerField.mayBeOne`).
 */
import { type FieldNode, Kind, type SelectionSetNode } from 'graphql';
import { formOf } from './answer-form.ts';
import type { FetchStep } from './plan.ts';

export const markSharing = (fetches: readonly FetchStep[], primary: FetchStep | null): readonly FetchStep[] => {
  // An argument from further up (`@fromContext`) makes equal entities at two places differ.
  const dependsOnPlace = fetches.some(({ contextRewrites }) => contextRewrites.length > 0);
  const all = primary ? [primary, ...fetches] : fetches;
  const written = new Map<string, Set<FetchStep>>();
  for (const fetch of all) for (const path of objectsAnswered(fetch)) written.set(path, (written.get(path) ?? new Set()).add(fetch));
  const isAlone = (fetch: FetchStep): boolean => [...objectsAnswered(fetch)].every((path) => written.get(path)?.size === 1);
  const isBroughtOnce = (place: string): boolean => written.get(place)?.size === 1;
  return fetches.map((fetch) => ({
    ...fetch,
    // Rewrites are done once for each place.
    operation: { ...fetch.operation, form: formOf(fetch, (place) => !dependsOnPlace && fetch.outputRewrites.length === 0 && isBroughtOnce(place)) },
    mayShare: fetch.requires !== null && !dependsOnPlace && isAlone(fetch),
    mayUnify: fetch.requires !== null && !dependsOnPlace && isBroughtOnce(fetch.place),
    stable: stableParts(fetch, isBroughtOnce),
  }));
};

/** Where one fetch alone brings the objects, they are all there when it has ended. */
const stableParts = ({ path }: FetchStep, isBroughtOnce: (place: string) => boolean): number => {
  const names: string[] = [];
  const unstable = path.findIndex(({ name }) => {
    if (name !== null) names.push(name);
    return !isBroughtOnce(names.join('.'));
  });
  return unstable === -1 ? path.length : unstable;
};

/** Paths (response names alone) of the objects below its targets that a fetch's answer brings. */
const objectsAnswered = (fetch: FetchStep): ReadonlySet<string> => {
  const found = new Set<string>();
  const base = fetch.place === '' ? [] : fetch.place.split('.');
  for (const definition of fetch.operation.document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const top = fetch.requires ? entitiesOf(definition.selectionSet) : definition.selectionSet;
    if (top) collect(top, base, found);
  }
  return found;
};

const entitiesOf = (set: SelectionSetNode): SelectionSetNode | undefined => set.selections.find((each): each is FieldNode => each.kind === Kind.FIELD && each.name.value === '_entities')?.selectionSet;

const collect = (set: SelectionSetNode, path: readonly string[], found: Set<string>): void => {
  for (const selection of set.selections) {
    if (selection.kind === Kind.FRAGMENT_SPREAD) throw new TypeError('The planner is asked for operations without fragments.');
    if (!selection.selectionSet) continue;
    const below = selection.kind === Kind.FIELD ? [...path, (selection.alias ?? selection.name).value] : path;
    if (selection.kind === Kind.FIELD) found.add(below.join('.'));
    collect(selection.selectionSet, below, found);
  }
};
