/** One request to one subgraph, merged into the answer. */
import { EventgraphError } from '#core/errors.ts';
import type { FetchStep } from '../plan/plan.ts';
import { type Execution, type JsonObject, type Target, isObject } from './context.ts';
import { contextGroups } from './contextual-arguments.ts';
import { copy, mergeInto } from './merge.ts';
import { type Entity, collectEntities } from './representations.ts';
import { applyRewrites } from './rewrites.ts';
import { noteEntityErrors, noteErrors, noteFailure } from './subgraph-errors.ts';

/** Never rejects: what goes wrong becomes an error of the answer, and the rest of the plan goes on. */
export const runFetch = async (execution: Execution, step: FetchStep, targets: readonly Target[]): Promise<void> => {
  if (targets.length === 0) return;
  if (!step.requires) return fetchRootFields(execution, step, targets);
  if (step.contextRewrites.length === 0) return fetchEntities(execution, step, targets, {});
  const groups = contextGroups(step, targets, execution.matchesType);
  await Promise.all(groups.map((group) => fetchEntities(execution, step, group.targets, group.variables)));
};

const fetchRootFields = async (execution: Execution, step: FetchStep, targets: readonly Target[]): Promise<void> => {
  try {
    const result = await send(execution, step, {});
    takeRootResult(execution, step, result, targets);
  } catch (error) {
    noteFailure(execution, step, error, []);
  }
};

/** Also how a subscription's event, answered by its source, enters the answer. */
export const takeRootResult = (execution: Execution, step: FetchStep, result: unknown, targets: readonly Target[]): void => {
  const { data, errors } = readResult(result);
  noteErrors(execution, step, errors, targets);
  if (!data) return;
  applyRewrites(step.outputRewrites, data, execution.matchesType);
  targets.forEach((target, index) => mergeInto(target.value, index === 0 ? data : copy(data), execution.matchesType));
};

const fetchEntities = async (execution: Execution, step: FetchStep, targets: readonly Target[], variables: JsonObject): Promise<void> => {
  const entities = collectEntities(step, targets, execution.matchesType);
  if (entities.length === 0) return;
  try {
    const result = await send(execution, step, { ...variables, representations: entities.map(({ representation }) => representation) });
    takeEntities(execution, step, result, entities);
  } catch (error) {
    noteFailure(execution, step, error, entities);
  }
};

const takeEntities = (execution: Execution, step: FetchStep, result: unknown, entities: readonly Entity[]): void => {
  const { data, errors } = readResult(result);
  const answered = data?.['_entities'];
  if (!Array.isArray(answered) || answered.length !== entities.length) {
    if (errors.length === 0) throw new EventgraphError('SUBREQUEST_MALFORMED_RESPONSE', `The subgraph answered ${Array.isArray(answered) ? answered.length : 'no'} entities instead of ${entities.length}.`);
    return noteEntityErrors(execution, step, errors, entities);
  }
  noteEntityErrors(execution, step, errors, entities);
  applyRewrites(step.outputRewrites, answered, execution.matchesType);
  entities.forEach(({ targets }, index) => {
    const answer: unknown = answered[index];
    if (isObject(answer)) targets.forEach((target, use) => mergeInto(target.value, use === 0 && targets.length === 1 ? answer : copy(answer), execution.matchesType));
  });
};

const send = (execution: Execution, step: FetchStep, own: JsonObject): Promise<unknown> => {
  const dataSource = execution.dataSources.get(step.subgraph);
  if (!dataSource) throw new EventgraphError('SUBREQUEST_FAILED', 'The subgraph is not connected.');
  return dataSource.execute({
    query: step.query,
    document: step.document,
    operationName: step.operationName,
    variables: { ...usedVariables(execution, step), ...own },
    viewer: execution.viewer,
    requestId: execution.requestId,
    signal: execution.signal,
  });
};

export const usedVariables = (execution: Pick<Execution, 'variables'>, step: FetchStep): JsonObject => {
  const used: JsonObject = {};
  for (const name of step.variables) if (execution.variables[name] !== undefined) used[name] = execution.variables[name];
  return used;
};

const readResult = (result: unknown): { readonly data: JsonObject | null; readonly errors: readonly unknown[] } => {
  const malformed = () => new EventgraphError('SUBREQUEST_MALFORMED_RESPONSE', 'The subgraph answered something that is not a GraphQL response.');
  if (!isObject(result)) throw malformed();
  const { data, errors } = result;
  if (errors !== undefined && errors !== null && !Array.isArray(errors)) throw malformed();
  if (data !== undefined && data !== null && !isObject(data)) throw malformed();
  if (!data && !(Array.isArray(errors) && errors.length > 0)) throw malformed();
  return { data: data ?? null, errors: errors ?? [] };
};
