/** What a subgraph is told about the entities it is asked for: their type, a key, and what `@requires` names. */
import type { FetchStep, RequiredSelection } from '../plan/plan.ts';
import type { TypeMatcher } from '../supergraph.ts';
import { type JsonObject, type Target, isObject } from './context.ts';
import { mergeInto } from './merge.ts';
import { applyRewrites } from './rewrites.ts';

/** One distinct representation, with every object of the answer that it stands for. */
export type Entity = { readonly representation: JsonObject; readonly targets: Target[] };

/** Equal representations are sent once. Objects that the fetch does not concern, or that miss a key, are left out. */
export const collectEntities = (step: FetchStep, targets: readonly Target[], matchesType: TypeMatcher): readonly Entity[] => {
  const entities = new Map<string, Entity>();
  for (const target of targets) {
    const representation = represent(step.requires ?? [], target.value, matchesType);
    if (!representation || typeof representation['__typename'] !== 'string') continue;
    applyRewrites(step.inputRewrites, representation, matchesType);
    const key = JSON.stringify(representation);
    const known = entities.get(key);
    if (known) known.targets.push(target);
    else entities.set(key, { representation, targets: [target] });
  }
  return [...entities.values()];
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
