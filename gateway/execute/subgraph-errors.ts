/** Errors of subgraphs, told with the paths of the client's answer. */
import type { GraphQLFormattedError } from 'graphql';
import { EventgraphError, isPublicError } from '#core/errors.ts';
import { type ResponsePath, inputError, maxErrorsTold, withoutStack } from '../errors.ts';
import type { FetchStep } from '../plan/plan.ts';
import type { Execution, JsonObject } from './context.ts';
import { findPlaces } from './places.ts';
import type { Entity } from './entities.ts';

/** Errors inside an answer to a fetch of root fields. */
export const noteErrors = (execution: Execution, subgraph: string, errors: readonly unknown[]): void => {
  for (const error of errors) execution.errors.push(translated(subgraph, error, (path) => path));
};

/** What was asked in one `_entities` of a request: under which response name, and the entities in the order sent. */
export type AskedEntities = { readonly alias: string; readonly entities: readonly Entity[] };

/** Errors inside an answer of entities: `["_e1", 2, "name"]` is the field `name` wherever entity 2 of `_e1` stands. */
export const noteEntityErrors = (execution: Execution, subgraph: string, errors: readonly unknown[], asked: readonly AskedEntities[]): void => {
  const places = createPlaceFinder(execution);
  for (const error of errors) {
    const [alias, index, ...rest] = pathIn(error) ?? [];
    const entity = typeof index === 'number' ? asked.find((each) => each.alias === alias)?.entities[index] : undefined;
    if (!entity) execution.errors.push(translated(subgraph, error, () => solePlace(asked, places)));
    else for (const keys of placesOf(entity, places)) execution.errors.push(translated(subgraph, error, () => [...keys, ...rest]));
  }
};

/** Errors of a subscription's source, before its first event. */
export const subgraphErrors = (subgraph: string, errors: readonly unknown[]): readonly GraphQLFormattedError[] => errors.map((error) => translated(subgraph, error, (path) => path));

/** The request as a whole failed: no answer, or one that is not an answer. */
export const noteFailure = (execution: Execution, subgraph: string, thrown: unknown, asked: readonly AskedEntities[]): void => {
  const error = isPublicError(thrown) ? thrown : new EventgraphError('SUBREQUEST_FAILED', 'A subgraph could not be asked.', { requestId: execution.requestId }, { cause: thrown });
  if (error.cause !== undefined) execution.report?.(error, execution.requestId);
  const path = solePlace(asked, createPlaceFinder(execution));
  execution.errors.push({ message: error.message, ...(path ? { path } : {}), extensions: { ...error.facts, code: error.code, serviceName: subgraph } });
};

/**
 * Something is not asked of these objects: a part of what it requires, further down, could not be fetched. The error of
 * that fetch stands where the part does, and tells nobody why there is a null here.
 */
export const noteIncomplete = (execution: Execution, fetch: FetchStep, objects: readonly JsonObject[]): void => {
  const places = createPlaceFinder(execution)(fetch);
  for (const path of objects.flatMap((object) => places.get(object) ?? [])) {
    execution.errors.push({ message: 'What the subgraph requires of others could not be fetched.', path, extensions: { code: 'REQUIREMENT_NOT_FETCHED', serviceName: fetch.subgraph } });
  }
};

type PlaceFinder = (fetch: FetchStep) => ReadonlyMap<JsonObject, readonly ResponsePath[]>;

/** The places of each fetch's targets, looked for once for all errors of an answer. */
const createPlaceFinder = (execution: Execution): PlaceFinder => {
  const known = new Map<FetchStep, Map<JsonObject, ResponsePath[]>>();
  return (fetch) => {
    const found = known.get(fetch) ?? new Map<JsonObject, ResponsePath[]>();
    if (known.has(fetch)) return found;
    known.set(fetch, found);
    for (const { object, keys } of findPlaces(execution, fetch.path, maxErrorsTold)) {
      const places = found.get(object);
      if (places) places.push(keys);
      else found.set(object, [keys]);
    }
    return found;
  };
};

const placesOf = (entity: Entity, places: PlaceFinder): readonly ResponsePath[] => entity.uses.flatMap(({ fetch, target }) => places(fetch).get(target) ?? []);

/** An error about a whole request stands at one place only where the request concerned one place. */
const solePlace = (asked: readonly AskedEntities[], places: PlaceFinder): ResponsePath | undefined => {
  const [only, ...others] = asked;
  const entity = only && others.length === 0 && only.entities.length === 1 ? only.entities[0] : undefined;
  const found = entity ? placesOf(entity, places) : [];
  return found.length === 1 ? found[0] : undefined;
};

type Loose = { readonly message?: unknown; readonly path?: unknown; readonly extensions?: unknown };

const pathIn = (error: unknown): ResponsePath | undefined => {
  const { path } = (error ?? {}) as Loose;
  return Array.isArray(path) && path.every((part) => typeof part === 'string' || typeof part === 'number') ? path : undefined;
};

const translated = (subgraph: string, error: unknown, place: (path: ResponsePath) => ResponsePath | undefined): GraphQLFormattedError => {
  const { message, extensions } = (error ?? {}) as Loose;
  const own = typeof extensions === 'object' && extensions !== null ? withoutStack(extensions as Record<string, unknown>) : {};
  const path = place(pathIn(error) ?? []);
  const formatted: GraphQLFormattedError = { message: typeof message === 'string' ? message : 'The subgraph answered an error without a message.', ...(path && path.length > 0 ? { path } : {}) };
  const known = typeof own['code'] === 'string' ? undefined : inputError(formatted);
  return { ...formatted, extensions: { code: 'DOWNSTREAM_SERVICE_ERROR', ...known?.extensions, ...own, serviceName: subgraph } };
};
