/**
 * Arguments taken from an object further up in the answer (`@context`, `@fromContext`). The planner names where each
 * value stands relative to the entity: `..` is one object up, then a field below it.
 */
import type { FetchStep, Rewrite } from '../plan/plan.ts';
import type { TypeMatcher } from '../supergraph.ts';
import { type JsonObject, type Target, isObject } from './context.ts';

/** Contextual arguments are variables, so one request can serve only the entities with equal values. */
export const contextGroups = (step: FetchStep, targets: readonly Target[], matchesType: TypeMatcher): readonly { readonly targets: readonly Target[]; readonly variables: JsonObject }[] => {
  const groups = new Map<string, { targets: Target[]; variables: JsonObject }>();
  for (const target of targets) {
    const variables: JsonObject = {};
    for (const rewrite of step.contextRewrites) {
      const value = lookUp(rewrite, target, matchesType);
      if (value !== undefined && 'rename' in rewrite.change) variables[rewrite.change.rename] = value;
    }
    const key = JSON.stringify(variables);
    const group = groups.get(key);
    if (group) group.targets.push(target);
    else groups.set(key, { targets: [target], variables });
  }
  return [...groups.values()];
};

const lookUp = (rewrite: Rewrite, target: Target, matchesType: TypeMatcher): unknown => {
  let above: Target | undefined = target;
  let value: unknown;
  let down = false;
  for (const part of rewrite.path) {
    if ('parent' in part) {
      above = above?.place?.parent;
      continue;
    }
    if (!down) value = above?.value;
    down = true;
    if (Array.isArray(value) && 'field' in part) value = value.map((element: unknown) => (isObject(element) ? element[part.field] : undefined));
    else if (!isObject(value)) return undefined;
    else if ('field' in part) value = value[part.field];
    else if (typeof value['__typename'] === 'string' && !matchesType(part.type, value['__typename'])) return undefined;
  }
  return value;
};
