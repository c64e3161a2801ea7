/** What a subgraph is told about the entities it is asked for: their type, a key, and what `@requires` names. */
import type { FetchStep, RequiredSelection } from '../plan/plan.ts';
import type { TypeMatcher } from '../supergraph.ts';
import { type JsonObject, isObject } from './context.ts';
import { mergeInto } from './merge.ts';
import { applyRewrites } from './rewrites.ts';

/** One distinct representation, with every object of the answer that it stands for, and the fetch that wants it there. */
export type Entity = { readonly representation: JsonObject; readonly uses: { readonly fetch: FetchStep; readonly target: JsonObject }[] };

/** Distinct representations by their JSON, in the order in which they are sent. */
export type Entities = Map<string, Entity>;

/** Equal representations are sent once. Objects that the fetch does not concern, or that miss a key, are left out. */
export const addEntities = (entities: Entities, fetch: FetchStep, targets: readonly JsonObject[], matchesType: TypeMatcher): void => {
  for (const target of targets) {
    const representation = represent(fetch.requires ?? [], target, matchesType);
    if (!representation || typeof representation['__typename'] !== 'string') continue;
    if (fetch.inputRewrites.length > 0) applyRewrites(fetch.inputRewrites, representation, matchesType);
    const key = JSON.stringify(representation);
    const known = entities.get(key);
    if (known) known.uses.push({ fetch, target });
    else entities.set(key, { representation, uses: [{ fetch, target }] });
  }
};

/** Null when something that is needed was never answered: the fetch that should have brought it failed. */
const represent = (selections: readonly RequiredSelection[], source: JsonObject, matchesType: TypeMatcher): JsonObject | null => {
  const result: JsonObject = {};
  for (const selection of selections) {
    if (selection.kind === 'fragment') {
      const typename = source['__typename'];
      if (selection.type !== null && (typeof typename !== 'string' || !matchesType(selection.type, typename))) continue;
      const part = represent(selection.selections, source, matchesType);
      if (part) mergeInto(result, part, matchesType);
      continue;
    }
    const value = source[selection.name];
    if (value === undefined) return null;
    result[selection.name] = selection.selections ? representValue(selection.selections, value, matchesType) : value;
  }
  return result;
};

const representValue = (selections: readonly RequiredSelection[], value: unknown, matchesType: TypeMatcher): unknown => {
  if (Array.isArray(value)) return value.map((element) => representValue(selections, element, matchesType));
  return isObject(value) ? represent(selections, value, matchesType) : value;
};
