/**
 * Arguments taken from an object further up in the answer (`@context`, `@fromContext`). The planner names where each
 * value stands relative to the entity: `..` is one object up, then a field below it.
 */
import type { FetchStep, Rewrite } from '../plan/plan.ts';
import type { TypeMatcher } from '../supergraph.ts';
import { type Execution, type JsonObject, isObject } from './context.ts';
import { type Place, type Slot, findPlaces } from './places.ts';

/** Contextual arguments are variables, so one request can serve only the entities with equal values. */
export const contextGroups = (execution: Execution, fetch: FetchStep): readonly { readonly slots: readonly Slot[]; readonly variables: JsonObject }[] => {
  const groups = new Map<string, { slots: Slot[]; variables: JsonObject }>();
  for (const place of findPlaces(execution, fetch.path)) {
    const variables: JsonObject = {};
    for (const rewrite of fetch.contextRewrites) {
      const value = lookUp(rewrite, place, execution.matchesType);
      if (value !== undefined && 'rename' in rewrite.change) variables[rewrite.change.rename] = value;
    }
    const key = JSON.stringify(variables);
    const group = groups.get(key);
    // Nothing is unified in a plan with contexts, so it does not matter where the object hangs.
    const slot: Slot = { holder: {}, key: '', object: place.object };
    if (group) group.slots.push(slot);
    else groups.set(key, { slots: [slot], variables });
  }
  return [...groups.values()];
};

const lookUp = (rewrite: Rewrite, { object, above }: Place, matchesType: TypeMatcher): unknown => {
  const chain = [...above, object];
  let level = chain.length - 1;
  let value: unknown;
  let down = false;
  for (const part of rewrite.path) {
    if ('parent' in part) {
      level--;
      continue;
    }
    if (!down) value = chain[level];
    down = true;
    if (Array.isArray(value) && 'field' in part) value = value.map((element: unknown) => (isObject(element) ? element[part.field] : undefined));
    else if (!isObject(value)) return undefined;
    else if ('field' in part) value = value[part.field];
    else if (typeof value['__typename'] === 'string' && !matchesType(part.type, value['__typename'])) return undefined;
  }
  return value;
};
