/** One request to one subgraph, merged into the answer. */
import { EventgraphError } from '#core/errors.ts';
import type { EntityLists } from '../cache/cached-run.ts';
import type { SubgraphOperation, SubgraphVariables } from '../sources/data-source.ts';
import type { Batch, FetchStep } from '../plan/plan.ts';
import { PlainVariables } from '../sources/subgraph-variables.ts';
import type { TypeMatcher } from '../supergraph.ts';
import { type Execution, type JsonObject, isObject } from './context.ts';
import { contextGroups } from './contextual-arguments.ts';
import { copy, mergeInto } from './merge.ts';
import { type Slot, findTargets } from './places.ts';
import { Entities, type Entity, addEntities, mayUnify } from './entities.ts';
import { type Representer, createRepresenter } from './representations.ts';
import { applyRewrites } from './rewrites.ts';
import { type AskedEntities, noteEntityErrors, noteErrors, noteFailure, noteIncomplete } from './subgraph-errors.ts';
import { EntityVariables } from './variables.ts';

/** What goes wrong with the subgraph becomes an error of the answer. Rejects with a fault of ours, or of a value that is no JSON. */
export const runFetches = (execution: Execution, batch: Batch, fetches: readonly FetchStep[]): Promise<void> => {
  const [fetch] = fetches;
  if (!fetch) return Promise.resolve();
  if (!fetch.requires) return fetchRootFields(execution, batch, fetch);
  return fetch.contextRewrites.length === 0 ? fetchEntities(execution, batch, fetches) : fetchInContexts(execution, batch, fetch);
};

const fetchRootFields = async (execution: Execution, batch: Batch, fetch: FetchStep): Promise<void> => {
  try {
    execution.counts.subgraph(fetch.subgraph).carried(1, 0, 0);
    execution.cached?.noteRoots(fetch);
    takeRootResult(execution, fetch, await send(execution, batch, fetch.operation, new PlainVariables(usedVariables(execution, fetch))));
  } catch (error) {
    noteFailure(execution, fetch.subgraph, error, []);
  }
};

/** Also how a subscription's event, answered by its source, enters the answer. */
export const takeRootResult = (execution: Execution, fetch: FetchStep, result: unknown): void => {
  const { data, errors } = readResult(execution, result);
  noteErrors(execution, fetch.subgraph, errors);
  if (!data) return;
  applyRewrites(fetch.outputRewrites, data, execution.matchesType);
  mergeInto(execution.data, data, execution.matchesType);
};

/** What is asked for with one selection. */
type Question = AskedEntities & { readonly fetch: FetchStep };

const fetchEntities = async (execution: Execution, batch: Batch, fetches: readonly FetchStep[]): Promise<void> => {
  const bySelection = batch.selections.map(() => new Entities());
  let carried = 0;
  let objects = 0;
  for (const fetch of fetches) {
    const entities = bySelection[batch.selectionOf.get(fetch) ?? 0];
    const unify = mayUnify(execution, fetch);
    const slots = findTargets(execution, fetch, unify);
    if (entities) objects += add(execution, entities, fetch, slots, unify);
    if (slots.length > 0) carried++;
  }
  const { cached } = execution;
  const lists = bySelection.map(({ list }) => list);
  const missing = cached ? await cached.take(batch, lists, (fetch) => usedVariables(execution, fetch), (entity, answer) => placeEntity(execution, entity, answer)) : lists;
  await ask(execution, batch, missing, {}, carried, objects);
};

const fetchInContexts = async (execution: Execution, batch: Batch, fetch: FetchStep): Promise<void> => {
  await Promise.all(contextGroups(execution, fetch).map((group) => fetchInContext(execution, batch, fetch, group.slots, group.variables)));
};

const fetchInContext = async (execution: Execution, batch: Batch, fetch: FetchStep, slots: readonly Slot[], variables: JsonObject): Promise<void> => {
  const entities = new Entities();
  add(execution, entities, fetch, slots, false);
  execution.cached?.note(fetch, entities.list);
  await ask(execution, batch, [entities.list], variables, 1, slots.length);
};

/** Answers how many objects there were. */
const add = (execution: Execution, entities: Entities, fetch: FetchStep, slots: readonly Slot[], unify: boolean): number => {
  const { objects, incomplete } = addEntities(execution, entities, fetch, representerOf(fetch, execution.matchesType), slots, unify);
  if (incomplete) noteIncomplete(execution, fetch, incomplete);
  return objects;
};

/** `lists[i]` are the entities that the i-th selection of the batch is wanted of: by so many fetches, for so many objects. */
const ask = async (execution: Execution, batch: Batch, lists: EntityLists, own: JsonObject, carried: number, objects: number): Promise<void> => {
  const wanted = lists.flatMap((entities, position) => (entities.length > 0 ? [position] : []));
  if (wanted.length === 0) return;
  const { operation, aliases, variables: names } = batch.operationFor(wanted);
  const variables = new EntityVariables(own);
  let representations = 0;
  const questions = wanted.map((position, place): Question => {
    const fetch = batch.selections[position] as FetchStep;
    const entities = lists[position] as readonly Entity[];
    const alias = aliases[place] ?? '';
    variables.add(usedVariables(execution, fetch), { alias, name: names[place] ?? '', entities });
    representations += entities.length;
    return { fetch, alias, entities };
  });
  execution.counts.subgraph(batch.subgraph).carried(carried, objects, representations);
  try {
    takeEntities(execution, batch.subgraph, await send(execution, batch, operation, variables), questions);
  } catch (error) {
    noteFailure(execution, batch.subgraph, error, questions);
  }
};

const takeEntities = (execution: Execution, subgraph: string, result: unknown, questions: readonly Question[]): void => {
  const { data, errors } = readResult(execution, result);
  noteEntityErrors(execution, subgraph, errors, questions);
  for (const { fetch, alias, entities } of questions) {
    const answered = data?.[alias];
    if (!Array.isArray(answered) || answered.length !== entities.length) {
      if (errors.length > 0) continue;
      throw new EventgraphError('SUBREQUEST_MALFORMED_RESPONSE', `The subgraph answered ${Array.isArray(answered) ? answered.length : 'no'} entities instead of ${entities.length}.`);
    }
    if (fetch.outputRewrites.length > 0) applyRewrites(fetch.outputRewrites, answered, execution.matchesType);
    if (errors.length === 0) execution.cached?.keep(entities, answered);
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

const send = (execution: Execution, batch: Batch, operation: SubgraphOperation, variables: SubgraphVariables): Promise<unknown> => {
  const { viewer, requestId, signal, deadline, trace, cached } = execution;
  const dataSource = execution.dataSources.get(batch.subgraph);
  if (!dataSource) throw new EventgraphError('SUBREQUEST_FAILED', 'The subgraph is not connected.');
  const request = { operation, variables, viewer, requestId, signal, deadline, version: cached?.version };
  return trace ? trace.request(batch, request, (traced) => dataSource.execute(traced)) : dataSource.execute(request);
};

export const usedVariables = (execution: Pick<Execution, 'variables'>, fetch: FetchStep): JsonObject => {
  const used: JsonObject = {};
  for (const name of fetch.variables) if (Object.hasOwn(execution.variables, name) && execution.variables[name] !== undefined) used[name] = execution.variables[name];
  return used;
};

const representers = new WeakMap<FetchStep, Representer>();
const representerOf = (fetch: FetchStep, matchesType: TypeMatcher): Representer => {
  let representer = representers.get(fetch);
  if (!representer) representers.set(fetch, (representer = createRepresenter(fetch, matchesType)));
  return representer;
};

const malformed = () => new EventgraphError('SUBREQUEST_MALFORMED_RESPONSE', 'The subgraph answered something that is not a GraphQL response.');

const readResult = (execution: Execution, result: unknown): { readonly data: JsonObject | null; readonly errors: readonly unknown[] } => {
  if (!isObject(result)) throw malformed();
  const { data, errors, shared } = result;
  if (errors !== undefined && errors !== null && !Array.isArray(errors)) throw malformed();
  if (data !== undefined && data !== null && !isObject(data)) throw malformed();
  if (!data && !(Array.isArray(errors) && errors.length > 0)) throw malformed();
  if (shared instanceof Set) for (const object of shared) execution.shared.add(object as object);
  return { data: data ?? null, errors: errors ?? [] };
};
