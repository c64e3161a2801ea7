/** The objects of the answer that a path of the plan leads to. */
import type { ResponsePath } from '../errors.ts';
import type { FetchStep, Path, PathPart } from '../plan/plan.ts';
import type { TypeMatcher } from '../supergraph.ts';
import { type Execution, type JsonObject, isObject } from './context.ts';

/** An object of the answer that a fetch adds fields to, and where it hangs: `holder[key]` is the object. */
export type Slot = { readonly holder: JsonObject | unknown[]; readonly key: string | number; readonly object: JsonObject };

/** What was found on the way to targets, for the fetches of one run that go the same way. */
export type Walks = { readonly values: Map<string, readonly unknown[]>; readonly slots: Map<string, readonly Slot[]> };
export const createWalks = (): Walks => ({ values: new Map(), slots: new Map() });

/**
 * Follows a path from the root: a name to a field, `@` to every element of a list. What is null or was never answered
 * has no target behind it. An object that stands at several places is found once; with `everywhere`, in each object or
 * list that holds it.
 */
export const findTargets = (execution: Pick<Execution, 'data' | 'matchesType' | 'shared' | 'walks'>, { path, routes, stable }: Pick<FetchStep, 'path' | 'routes' | 'stable'>, everywhere = false): readonly Slot[] => {
  const { data, matchesType, shared, walks } = execution;
  const end = path.length - 1;
  const last = path[end];
  if (!last) return [{ holder: {}, key: '', object: data }];
  const known = walks.slots.get(routes[end] ?? '');
  if (known) return known;
  const slots: Slot[] = [];
  for (const value of valuesBefore(execution, path, routes, Math.min(stable, end), end)) {
    if (last.name === null) addSlots(value, last, matchesType, slots);
    else if (isObject(value)) addSlot(value, last.name, value[last.name], last, matchesType, slots);
  }
  const found = shared.size > 0 && !everywhere ? distinctSlots(slots) : slots;
  if (stable > end) walks.slots.set(routes[end] ?? '', found);
  return found;
};

/** Objects of a place that became one are one target from now on. */
export const forgetDuplicates = ({ walks }: Pick<Execution, 'walks'>, { path, routes }: FetchStep, slots: readonly Slot[]): void => {
  const route = routes[path.length - 1] ?? '';
  if (walks.slots.has(route)) walks.slots.set(route, distinctSlots(slots.map(({ holder, key }) => ({ holder, key, object: (holder as Record<string | number, JsonObject>)[key] ?? {} }))));
  walks.values.delete(route);
};

/** The values that the first `end` parts of a path lead to; those of the first `stable` parts are kept. */
const valuesBefore = ({ data, matchesType, shared, walks }: Pick<Execution, 'data' | 'matchesType' | 'shared' | 'walks'>, path: Path, routes: readonly string[], stable: number, end: number): readonly unknown[] => {
  let at = stable;
  while (at > 0 && !walks.values.has(routes[at - 1] ?? '')) at--;
  let values: readonly unknown[] = at === 0 ? [data] : (walks.values.get(routes[at - 1] ?? '') ?? []);
  for (; at < end; at++) {
    const part = path[at] as PathPart;
    const next: unknown[] = [];
    if (part.name === null) for (const value of values) addElements(value, part, matchesType, next);
    else for (const value of values) addField(value, part.name, part, matchesType, next);
    values = shared.size > 0 ? distinct(next) : next;
    if (at < stable) walks.values.set(routes[at] ?? '', values);
  }
  return values;
};

const distinct = <T>(values: T[]): T[] => (values.length < 2 ? values : [...new Set(values)]);

const distinctSlots = (slots: readonly Slot[]): Slot[] => {
  const seen = new Set<JsonObject>();
  return slots.filter(({ object }) => !seen.has(object) && seen.add(object));
};

const addField = (value: unknown, name: string, part: PathPart, matchesType: TypeMatcher, into: unknown[]): void => {
  if (!isObject(value)) return;
  const next = value[name];
  if (next !== null && next !== undefined && fits(next, part, matchesType)) into.push(next);
};

const addElements = (value: unknown, part: PathPart, matchesType: TypeMatcher, into: unknown[]): void => {
  if (!Array.isArray(value)) return;
  for (const element of value) if (element !== null && fits(element, part, matchesType)) into.push(element);
};

const addSlots = (value: unknown, part: PathPart, matchesType: TypeMatcher, into: Slot[]): void => {
  if (!Array.isArray(value)) return;
  for (let index = 0; index < value.length; index++) addSlot(value, index, value[index], part, matchesType, into);
};

/** Lists of lists: the planner writes one `@` for each level, but a path may also end at a list. */
const addSlot = (holder: Slot['holder'], key: string | number, value: unknown, part: PathPart, matchesType: TypeMatcher, into: Slot[]): void => {
  if (Array.isArray(value)) addSlots(value, part, matchesType, into);
  else if (isObject(value) && fits(value, part, matchesType)) into.push({ holder, key, object: value });
};

const fits = (value: unknown, { types }: PathPart, matchesType: TypeMatcher): boolean => types === null || !isObject(value) || types.some((type) => matchesType(type, String(value['__typename'])));

/** One place of an object: the keys that lead to it, and the objects on the way, the root first. */
export type Place = { readonly object: JsonObject; readonly keys: ResponsePath; readonly above: readonly JsonObject[] };

/** Every place that a path leads to, or the first `most` of them. Slower than `findTargets`: for errors, and for arguments from further up. */
export const findPlaces = ({ data, matchesType }: Pick<Execution, 'data' | 'matchesType'>, path: Path, most = Infinity): readonly Place[] => {
  const places: Place[] = [];
  walk({ places, path, matchesType, most }, data, 0, [], []);
  return places;
};

type Walk = { readonly places: Place[]; readonly path: Path; readonly matchesType: TypeMatcher; readonly most: number };

const walk = (state: Walk, value: unknown, position: number, keys: ResponsePath, above: readonly JsonObject[]): void => {
  const part = state.path[position];
  if (Array.isArray(value)) {
    if (part && part.name !== null) return;
    value.forEach((element, index) => (!part || fits(element, part, state.matchesType)) && walk(state, element, part ? position + 1 : position, [...keys, index], above));
  } else if (isObject(value)) {
    if (state.places.length >= state.most) return;
    if (!part) state.places.push({ object: value, keys, above });
    else if (part.name !== null && fits(value[part.name], part, state.matchesType)) walk(state, value[part.name], position + 1, [...keys, part.name], [...above, value]);
  }
};
