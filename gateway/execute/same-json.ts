/** Comparing parts of answers. */
import { isObject } from './context.ts';

/** Values looked at, and levels gone down, before giving up: a subgraph in this process can answer what has no end. */
const mostCompared = 10_000;
const mostLevels = 100;
let left = 0;

/** Whether two values are the same as JSON, whatever the order of their keys; false also where that cannot be told. */
export const isSameJson = (one: unknown, other: unknown): boolean => {
  left = mostCompared;
  return isSame(one, other, 0);
};

const isSame = (one: unknown, other: unknown, level: number): boolean => {
  if (one === other) return true;
  if (--left < 0 || level > mostLevels) return false;
  if (Array.isArray(one)) return Array.isArray(other) && one.length === other.length && one.every((element, index) => isSame(element, other[index], level + 1));
  if (!isPlain(one) || !isPlain(other)) return false;
  let more = 0;
  for (const key in one) {
    if (!isSame(one[key], other[key], level + 1)) return false;
    more++;
  }
  for (const _ in other) more--;
  return more === 0;
};

/** What JSON.parse and graphql-js make: of dates and the like only their JSON tells what is in them. */
const isPlain = (value: unknown): value is Record<string, unknown> => {
  if (!isObject(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
};
