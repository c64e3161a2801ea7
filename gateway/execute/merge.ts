/** Results of fetches are merged into the answer in place. */
import type { TypeMatcher } from '../supergraph.ts';
import { type JsonObject, isObject } from './context.ts';

/**
 * Adds what a subgraph answered to an object of the answer.
 *
 * A value that is known is not taken back by a null of another subgraph, and the name of an object's type is not
 * replaced by that of an interface: a subgraph that knows the type as `@interfaceObject` has no better name for it.
 */
export const mergeInto = (target: JsonObject, source: JsonObject, matchesType: TypeMatcher): void => {
  for (const key of Object.keys(source)) {
    if (key === '__proto__') continue;
    const value = source[key];
    const known = target[key];
    if (known === undefined || known === null) {
      if (value !== undefined) target[key] = value;
    } else if (value === undefined || value === null) {
      continue;
    } else if (key === '__typename') {
      target[key] = narrower(String(known), String(value), matchesType);
    } else if (isObject(known) && isObject(value)) {
      mergeInto(known, value, matchesType);
    } else if (Array.isArray(known) && Array.isArray(value) && known.length === value.length) {
      mergeLists(known, value, matchesType);
    } else {
      target[key] = value;
    }
  }
};

const mergeLists = (target: unknown[], source: readonly unknown[], matchesType: TypeMatcher): void => {
  source.forEach((value, index) => {
    const known = target[index];
    if (isObject(known) && isObject(value)) mergeInto(known, value, matchesType);
    else if (Array.isArray(known) && Array.isArray(value) && known.length === value.length) mergeLists(known, value, matchesType);
    else if (value !== undefined && value !== null) target[index] = value;
  });
};

const narrower = (known: string, offered: string, matchesType: TypeMatcher): string => (known !== offered && matchesType(offered, known) ? known : offered);

/** Two objects of the answer never share parts: later fetches may add different things to each. */
export const copy = <T>(value: T): T => {
  if (Array.isArray(value)) return value.map(copy) as T;
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, copy(part)])) as T;
};
