/** What one run of a plan carries along. */
import type { GraphQLFormattedError } from 'graphql';
import type { Viewer } from '#core/viewer.ts';
import type { DataSource } from '../data-source.ts';
import type { ReportError, ResponsePath } from '../errors.ts';
import type { Variables } from '../operations.ts';
import type { TypeMatcher } from '../supergraph.ts';

export type JsonObject = Record<string, unknown>;

export type Execution = {
  readonly dataSources: ReadonlyMap<string, DataSource>;
  readonly matchesType: TypeMatcher;
  readonly variables: Variables;
  readonly viewer: Viewer;
  readonly requestId: string;
  readonly signal: AbortSignal;
  readonly report: ReportError | undefined;
  /** Errors of subgraphs, with paths of the client's answer where they are known. */
  readonly errors: GraphQLFormattedError[];
};

/** An object of the answer that a fetch adds fields to. Its way up is kept for errors and for contexts. */
export type Target = { readonly value: JsonObject; readonly place: Place | undefined };
export type Place = { readonly parent: Target | undefined; readonly keys: ResponsePath };

export const pathOf = (target: Target): ResponsePath => {
  const parts: ResponsePath[] = [];
  for (let place = target.place; place; place = place.parent?.place) parts.unshift(place.keys);
  return parts.flat();
};

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);
