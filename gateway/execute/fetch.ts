/** One request to one subgraph, merged into the answer. */
import { EventgraphError } from '#core/errors.ts';
import type { SubgraphOperation } from '../data-source.ts';
import type { Batch, FetchStep } from '../plan/plan.ts';
import { type Execution, type JsonObject, isObject } from './context.ts';
import { contextGroups } from './contextual-arguments.ts';
import { copy, mergeInto } from './merge.ts';
import { findTargets } from './places.ts';
import { type Entities, type Entity, addEntities } from './representations.ts';
import { applyRewrites } from './rewrites.ts';
import { type AskedEntities, noteEntityErrors, noteErrors, noteFailure } from './subgraph-errors.ts';

/** Never rejects: what goes wrong becomes an error of the answer, and the rest of the plan goes on. */
export const runFetches = async (execution: Execution, batch: Batch, fetches: readonly FetchStep[]): Promise<void> => {
  const [fetch] = fetches;
  if (!fetch) return;
  if (!fetch.requires) return fetchRootFields(execution, fetch);
  if (fetch.contextRewrites.length === 0) return fetchEntities(execution, batch, fetches);
  await Promise.all(contextGroups(execution, fetch).map((group) => fetchInContext(execution, batch, fetch, group.targets, group.variables)));
};

const fetchRootFields = async (execution: Execution, fetch: FetchStep): Promise<void> => {
  try {
    takeRootResult(execution, fetch, await send(execution, fetch.subgraph, fetch.operation, usedVariables(execution, fetch)));
  } catch (error) {
    noteFailure(execution, fetch.subgraph, error, []);
  }
};

/** Also how a subscription's event, answered by its source, enters the answer. */
export const takeRootResult = (execution: Execution, fetch: FetchStep, result: unknown): void => {
  const { data, errors } = readResult(result);
  noteErrors(execution, fetch.subgraph, errors);
  if (!data) return;
  applyRewrites(fetch.outputRewrites, data, execution.matchesType);
  mergeInto(execution.data, data, execution.matchesType);
};

/** `selections[i]` of the batch is asked for `entities[i]`. */
type Question = AskedEntities & { readonly fetch: FetchStep };

const fetchEntities = async (execution: Execution, batch: Batch, fetches: readonly FetchStep[]): Promise<void> => {
  const bySelection = batch.selections.map((): Entities => new Map());
  for (const fetch of fetches) {
    const entities = bySelection[batch.selectionOf.get(fetch) ?? 0];
    if (entities) addEntities(entities, fetch, findTargets(execution, fetch.path), execution.matchesType);
  }
  const wanted: number[] = [];
  bySelection.forEach(({ size }, position) => size > 0 && wanted.push(position));
  if (wanted.length > 0) await ask(execution, batch, wanted, bySelection, {});
};

const fetchInContext = async (execution: Execution, batch: Batch, fetch: FetchStep, targets: readonly JsonObject[], variables: JsonObject): Promise<void> => {
  const entities: Entities = new Map();
  addEntities(entities, fetch, targets, execution.matchesType);
  if (entities.size > 0) await ask(execution, batch, [0], [entities], variables);
};

const ask = async (execution: Execution, batch: Batch, wanted: readonly number[], bySelection: readonly Entities[], own: JsonObject): Promise<void> => {
  const { operation, aliases, variables: names } = batch.operationFor(wanted);
  const variables = { ...own };
  const questions: Question[] = [];
  wanted.forEach((position, place) => {
    const fetch = batch.selections[position];
    const entities = [...(bySelection[position]?.values() ?? [])];
    if (!fetch) return;
    Object.assign(variables, usedVariables(execution, fetch));
    variables[names[place] ?? ''] = entities.map(({ representation }) => representation);
    questions.push({ fetch, alias: aliases[place] ?? '', entities });
  });
  try {
    takeEntities(execution, batch.subgraph, await send(execution, batch.subgraph, operation, variables), questions);
  } catch (error) {
    noteFailure(execution, batch.subgraph, error, questions);
  }
};

const takeEntities = (execution: Execution, subgraph: string, result: unknown, questions: readonly Question[]): void => {
  const { data, errors } = readResult(result);
  noteEntityErrors(execution, subgraph, errors, questions);
  for (const { fetch, alias, entities } of questions) {
    const answered = data?.[alias];
    if (!Array.isArray(answered) || answered.length !== entities.length) {
      if (errors.length > 0) continue;
      throw new EventgraphError('SUBREQUEST_MALFORMED_RESPONSE', `The subgraph answered ${Array.isArray(answered) ? answered.length : 'no'} entities instead of ${entities.length}.`);
    }
    if (fetch.outputRewrites.length > 0) applyRewrites(fetch.outputRewrites, answered, execution.matchesType);
    for (let index = 0; index < entities.length; index++) {
      const answer: unknown = answered[index];
      const entity = entities[index];
      if (entity && isObject(answer)) placeEntity(execution, entity, answer);
    }
  }
};

/** The targets of one fetch may hold the same objects (`mayShare`); those of another get copies of their own. */
const placeEntity = ({ matchesType, shared }: Execution, { uses }: Entity, answer: JsonObject): void => {
  let last: FetchStep | null = null;
  let own = answer;
  for (const { fetch, target } of uses) {
    const isFirst = last === null;
    const isShared = fetch === last && fetch.mayShare;
    if (isShared) for (const key in own) markShared(shared, own[key]);
    else if (!isFirst) own = copy(answer);
    last = fetch;
    mergeInto(target, own, matchesType);
  }
};

const markShared = (shared: Set<object>, value: unknown): void => {
  if (typeof value === 'object' && value !== null) shared.add(value);
};

const send = (execution: Execution, subgraph: string, operation: SubgraphOperation, variables: JsonObject): Promise<unknown> => {
  const { viewer, requestId, signal, deadline, trace } = execution;
  const dataSource = execution.dataSources.get(subgraph);
  if (!dataSource) throw new EventgraphError('SUBREQUEST_FAILED', 'The subgraph is not connected.');
  const request = { operation, variables, viewer, requestId, signal, deadline };
  return trace ? trace(subgraph, request, () => dataSource.execute(request)) : dataSource.execute(request);
};

export const usedVariables = (execution: Pick<Execution, 'variables'>, fetch: FetchStep): JsonObject => {
  const used: JsonObject = {};
  for (const name of fetch.variables) if (execution.variables[name] !== undefined) used[name] = execution.variables[name];
  return used;
};

const malformed = () => new EventgraphError('SUBREQUEST_MALFORMED_RESPONSE', 'The subgraph answered something that is not a GraphQL response.');

const readResult = (result: unknown): { readonly data: JsonObject | null; readonly errors: readonly unknown[] } => {
  if (!isObject(result)) throw malformed();
  const { data, errors } = result;
  if (errors !== undefined && errors !== null && !Array.isArray(errors)) throw malformed();
  if (data !== undefined && data !== null && !isObject(data)) throw malformed();
  if (!data && !(Array.isArray(errors) && errors.length > 0)) throw malformed();
  return { data: data ?? null, errors: errors ?? [] };
};
