/** Whether an error that is known says already why a null stands at a place. */
import type { GraphQLFormattedError } from 'graphql';
import type { ResponsePath } from '../errors.ts';

/** An error explains a null at its own place, above it (nulls move up), and below it (an entity that failed whole). */
export const createExplainer = (errors: readonly GraphQLFormattedError[]): ((path: ResponsePath) => boolean) => {
  const atOrAbove = new Set<string>();
  const exact = new Set<string>();
  for (const { path } of errors) {
    if (!path || path.length === 0) continue;
    exact.add(JSON.stringify(path));
    path.forEach((_, index) => atOrAbove.add(JSON.stringify(path.slice(0, index + 1))));
  }
  return (path) => atOrAbove.has(JSON.stringify(path)) || path.some((_, index) => exact.has(JSON.stringify(path.slice(0, index + 1))));
};
