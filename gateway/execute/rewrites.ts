/** Changes to what is sent and received: names of interface objects, aliases that the planner had to invent. */
import type { Rewrite } from '../plan/plan.ts';
import type { TypeMatcher } from '../supergraph.ts';
import { type JsonObject, isObject } from './context.ts';

export const applyRewrites = (rewrites: readonly Rewrite[], value: unknown, matchesType: TypeMatcher): void => {
  for (const rewrite of rewrites) rewriteAt(rewrite, 0, value, matchesType);
};

const rewriteAt = (rewrite: Rewrite, position: number, value: unknown, matchesType: TypeMatcher): void => {
  if (Array.isArray(value)) return value.forEach((element) => rewriteAt(rewrite, position, element, matchesType));
  const part = rewrite.path[position];
  if (!part || !isObject(value)) return;
  if ('type' in part) {
    const typename = value['__typename'];
    // Without a name to compare, the key at the end of the path decides: the planner uses an invented alias once.
    if (typeof typename !== 'string' || matchesType(part.type, typename)) rewriteAt(rewrite, position + 1, value, matchesType);
    return;
  }
  if (!('field' in part)) return;
  if (position === rewrite.path.length - 1) change(rewrite, value, part.field);
  else rewriteAt(rewrite, position + 1, value[part.field], matchesType);
};

const change = ({ change }: Rewrite, value: JsonObject, field: string): void => {
  if ('set' in change) {
    value[field] = change.set;
  } else if (field in value) {
    value[change.rename] = value[field];
    delete value[field];
  }
};
