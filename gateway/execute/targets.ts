/** The objects of the answer that a path of the plan leads to. */
import type { FlattenPart } from '../plan/plan.ts';
import type { TypeMatcher } from '../supergraph.ts';
import { type Target, isObject } from './context.ts';

/**
 * Follows a path from each target: a name to a field, `@` to every element of a list. What is null or was never
 * answered has no target behind it.
 */
export const findTargets = (targets: readonly Target[], path: readonly FlattenPart[], matchesType: TypeMatcher): readonly Target[] => {
  const found: Target[] = [];
  for (const target of targets) walk({ found, path, matchesType }, target, target.value, 0, []);
  return found;
};

type Walk = { readonly found: Target[]; readonly path: readonly FlattenPart[]; readonly matchesType: TypeMatcher };

const walk = (state: Walk, parent: Target, value: unknown, position: number, keys: readonly (string | number)[]): void => {
  const part = state.path[position];
  if (!part) {
    if (Array.isArray(value)) value.forEach((element, index) => walk(state, parent, element, position, [...keys, index]));
    else if (isObject(value)) state.found.push(keys.length === 0 ? parent : { value, place: { parent, keys } });
    return;
  }
  if (part.name === null) {
    if (Array.isArray(value)) value.forEach((element, index) => walk(state, parent, element, position + 1, [...keys, index]));
    return;
  }
  if (!isObject(value)) return;
  // Every object on the way is a target of its own, so that a context can be looked up along the way.
  const here: Target = keys.length === 0 ? parent : { value, place: { parent, keys } };
  const next = value[part.name];
  if (part.types && isObject(next) && !part.types.some((type) => state.matchesType(type, String(next['__typename'])))) return;
  walk(state, here, next, position + 1, [part.name]);
};
