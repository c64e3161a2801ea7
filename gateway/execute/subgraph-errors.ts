/** Errors of subgraphs, told with the paths of the client's answer. */
import type { GraphQLFormattedError } from 'graphql';
import { EventgraphError, isPublicError } from '#core/errors.ts';
import { type ResponsePath, inputError, withoutStack } from '../errors.ts';
import type { FetchStep } from '../plan/plan.ts';
import { type Execution, type Target, pathOf } from './context.ts';
import type { Entity } from './representations.ts';

/** Errors inside an answer to a fetch of root fields. */
export const noteErrors = (execution: Execution, step: FetchStep, errors: readonly unknown[], targets: readonly Target[]): void => {
  const base = targets.length === 1 && targets[0] ? pathOf(targets[0]) : [];
  for (const error of errors) execution.errors.push(translated(step, error, (path) => [...base, ...path]));
};

/** Errors inside an answer of `_entities`: `["_entities", 2, "name"]` is the field `name` wherever entity 2 stands. */
export const noteEntityErrors = (execution: Execution, step: FetchStep, errors: readonly unknown[], entities: readonly Entity[]): void => {
  for (const error of errors) {
    const [root, index, ...rest] = pathIn(error) ?? [];
    const entity = root === '_entities' && typeof index === 'number' ? entities[index] : undefined;
    if (!entity) execution.errors.push(translated(step, error, () => soleTarget(entities)));
    else for (const target of entity.targets) execution.errors.push(translated(step, error, () => [...pathOf(target), ...rest]));
  }
};

/** Errors of a subscription's source, before its first event. */
export const subgraphErrors = (step: FetchStep, errors: readonly unknown[]): readonly GraphQLFormattedError[] => errors.map((error) => translated(step, error, (path) => path));

/** The fetch as a whole failed: no answer, or one that is not an answer. */
export const noteFailure = (execution: Execution, step: FetchStep, thrown: unknown, entities: readonly Entity[]): void => {
  const error = isPublicError(thrown) ? thrown : new EventgraphError('SUBREQUEST_FAILED', 'A subgraph could not be asked.', { requestId: execution.requestId }, { cause: thrown });
  if (error.cause !== undefined) execution.report?.(error, execution.requestId);
  const path = soleTarget(entities);
  execution.errors.push({ message: error.message, ...(path ? { path } : {}), extensions: { ...error.facts, code: error.code, serviceName: step.subgraph } });
};

/** An error about the whole fetch stands at one place only where the fetch concerned one place. */
const soleTarget = (entities: readonly Entity[]): ResponsePath | undefined => {
  const target = entities.length === 1 && entities[0]?.targets.length === 1 ? entities[0].targets[0] : undefined;
  return target && pathOf(target);
};

type Loose = { readonly message?: unknown; readonly path?: unknown; readonly extensions?: unknown };

const pathIn = (error: unknown): ResponsePath | undefined => {
  const { path } = (error ?? {}) as Loose;
  return Array.isArray(path) && path.every((part) => typeof part === 'string' || typeof part === 'number') ? path : undefined;
};

const translated = (step: FetchStep, error: unknown, place: (path: ResponsePath) => ResponsePath | undefined): GraphQLFormattedError => {
  const { message, extensions } = (error ?? {}) as Loose;
  const own = typeof extensions === 'object' && extensions !== null ? withoutStack(extensions as Record<string, unknown>) : {};
  const path = place(pathIn(error) ?? []);
  const formatted: GraphQLFormattedError = { message: typeof message === 'string' ? message : 'The subgraph answered an error without a message.', ...(path && path.length > 0 ? { path } : {}) };
  const known = typeof own['code'] === 'string' ? undefined : inputError(formatted);
  return { ...formatted, extensions: { code: 'DOWNSTREAM_SERVICE_ERROR', ...known?.extensions, ...own, serviceName: step.subgraph } };
};
