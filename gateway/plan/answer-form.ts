/** What a fetch's answer looks like, worked out once, for whoever reads it: see `sources/answer-reader.ts`. */
import { Kind, type SelectionSetNode } from 'graphql';
import type { AnswerForm } from '../sources/data-source.ts';
import type { FetchStep } from './plan.ts';

/** `mayBeOne` is asked with the places (as `FetchStep.place`) of the objects below the fetch's targets. */
export const formOf = ({ operation, requires, place }: Pick<FetchStep, 'operation' | 'requires' | 'place'>, mayBeOne: (place: string) => boolean): AnswerForm | undefined => {
  const definition = operation.document.definitions.find((each) => each.kind === Kind.OPERATION_DEFINITION);
  if (!definition) return undefined;
  const base = place === '' ? [] : place.split('.');
  if (!requires) return formBelow([definition.selectionSet], base, mayBeOne);
  // Entities are merged into their targets.
  const [entities] = formBelow([definition.selectionSet], [], () => false);
  const sets = definition.selectionSet.selections.flatMap((each) => (each.kind === Kind.FIELD && each.selectionSet ? [each.selectionSet] : []));
  return entities && [{ ...entities, fields: formBelow(sets, base, mayBeOne) }];
};

const formBelow = (sets: readonly SelectionSetNode[], path: readonly string[], mayBeOne: (place: string) => boolean): AnswerForm => {
  const found = new Map<string, SelectionSetNode[]>();
  for (const set of sets) collect(set, found);
  return [...found].map(([name, below]) => {
    const place = [...path, name];
    return { name, mayBeOne: below.length > 0 && mayBeOne(place.join('.')), fields: below.length > 0 ? formBelow(below, place, mayBeOne) : null };
  });
};

const collect = (set: SelectionSetNode, into: Map<string, SelectionSetNode[]>): void => {
  for (const selection of set.selections) {
    if (selection.kind === Kind.FRAGMENT_SPREAD) throw new TypeError('The planner is asked for operations without fragments.');
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      collect(selection.selectionSet, into);
      continue;
    }
    const name = (selection.alias ?? selection.name).value;
    const below = into.get(name) ?? [];
    if (selection.selectionSet) below.push(selection.selectionSet);
    into.set(name, below);
  }
};
