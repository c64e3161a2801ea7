/**
 * Changes that are there at the same time are executed together: what several executions ask of one subgraph with one
 * operation for the same viewer is one request for the entities of all, and each gets the answer it would have got alone.
 *
 * A request waits until every execution has asked for the same, but no longer than the rule of batches allows: one that
 * needs nothing there never asks.
 */
import type { ExecutionResult } from 'graphql';
import type { DataSource, SubgraphOperation, SubgraphRequest } from '../sources/data-source.ts';
import { isObject } from '../execute/context.ts';
import { copy } from '../execute/merge.ts';
import { type EntityList, EntityVariables } from '../execute/variables.ts';
import { SubrequestError } from '../resilience/failures.ts';

/** More representations than this do not become one request, unless a single execution asks for them. */
const mostRepresentations = 500;
/** How long a request waits for others: as long as the executions took so far, within these bounds, in milliseconds. */
const [shortestWaitMs, longestWaitMs] = [5, 25];

/** One execution of those that go together; it must say when it has ended. */
export type Member = { over(sources: ReadonlyMap<string, DataSource>): ReadonlyMap<string, DataSource>; end(): void };

type Part = { readonly dataSource: DataSource; readonly request: SubgraphRequest; readonly variables: EntityVariables; resolve(result: ExecutionResult | Promise<ExecutionResult>): void };
/** Requests that wait to go as one. `asked`: the executions that asked for the same already, sent or not. */
type Waiting = { parts: Part[]; representations: number; readonly asked: Set<Member>; timer: NodeJS.Timeout | undefined };

export class Gathering {
  readonly #begun = performance.now();
  readonly #executing = new Set<Member>();
  readonly #waiting = new Map<SubgraphOperation, Map<string, Waiting>>();

  join(): Member {
    const member: Member = {
      over: (sources) => new Map([...sources].map(([name, source]) => [name, this.#seenBy(member, source)])),
      end: () => {
        this.#executing.delete(member);
        for (const byVariables of this.#waiting.values()) for (const waiting of byVariables.values()) this.#sendIfComplete(waiting);
      },
    };
    this.#executing.add(member);
    return member;
  }

  #seenBy(member: Member, source: DataSource): DataSource {
    return {
      execute: (request) => (request.variables instanceof EntityVariables && this.#executing.size > 1 ? this.#gather(member, source, request, request.variables) : source.execute(request)),
      subscribe: (request) => source.subscribe(request),
    };
  }

  #gather(member: Member, dataSource: DataSource, request: SubgraphRequest, variables: EntityVariables): Promise<ExecutionResult> {
    const waiting = this.#waitingFor(request.operation, JSON.stringify(variables.plain));
    if (waiting.representations + variables.count > mostRepresentations) send(waiting);
    waiting.asked.add(member);
    waiting.representations += variables.count;
    return new Promise((resolve) => {
      waiting.parts.push({ dataSource, request, variables, resolve });
      this.#sendIfComplete(waiting);
      if (waiting.parts.length > 0) waiting.timer ??= setTimeout(send, Math.min(Math.max(shortestWaitMs, performance.now() - this.#begun), longestWaitMs), waiting);
    });
  }

  #waitingFor(operation: SubgraphOperation, plain: string): Waiting {
    let byVariables = this.#waiting.get(operation);
    if (!byVariables) this.#waiting.set(operation, (byVariables = new Map<string, Waiting>()));
    let waiting = byVariables.get(plain);
    if (!waiting) byVariables.set(plain, (waiting = { parts: [], representations: 0, asked: new Set(), timer: undefined }));
    return waiting;
  }

  #sendIfComplete(waiting: Waiting): void {
    if (waiting.parts.length === 0) return;
    for (const member of this.#executing) if (!waiting.asked.has(member)) return;
    send(waiting);
  }
}

const send = (waiting: Waiting): void => {
  clearTimeout(waiting.timer);
  const { parts } = waiting;
  [waiting.parts, waiting.representations, waiting.timer] = [[], 0, undefined];
  if (parts.length > 1) void sendAsOne(parts);
  else for (const part of parts) sendAlone(part);
};

const sendAlone = ({ dataSource, request, resolve }: Part): void => resolve(dataSource.execute(request));

/** Where an answer cannot be told apart, or one of them may have spoilt it for all, each asks for itself. */
const sendAsOne = async (parts: readonly Part[]): Promise<void> => {
  const [{ dataSource, request }] = parts as [Part];
  const { variables, places } = unionOf(parts.map((part) => part.variables));
  try {
    const answers = dividedAmong(parts, places, await dataSource.execute({ ...request, variables }));
    parts.forEach((part, index) => (answers ? part.resolve(answers[index] as ExecutionResult) : sendAlone(part)));
  } catch (error) {
    for (const part of parts) {
      if (wasAnswered(error)) sendAlone(part);
      else part.resolve(Promise.reject(error as Error));
    }
  }
};

/** Who is not answered is not asked more often for it: it may be overloaded, or away. */
const unanswered: ReadonlySet<string> = new Set(['SUBREQUEST_TIMEOUT', 'SUBREQUEST_CANCELLED', 'SUBREQUEST_CIRCUIT_OPEN', 'SUBREQUEST_OVERLOADED']);
const wasAnswered = (error: unknown): boolean => !(error instanceof SubrequestError) || (!error.mayRetry && !unanswered.has(error.code));

/** For each list of a request (all have the same), where its entities stand in the request for all. */
type Places = readonly (readonly number[])[];

/** Equal representations are sent once. */
const unionOf = (each: readonly EntityVariables[]): { readonly variables: EntityVariables; readonly places: readonly Places[] } => {
  const [first] = each as [EntityVariables];
  const variables = new EntityVariables(first.plain);
  const byPart = each.map((): number[][] => []);
  first.lists.forEach(({ alias, name }, position) => {
    const known = new Map<string, number>();
    const entities: EntityList['entities'][number][] = [];
    each.forEach(({ lists }, part) => {
      byPart[part]?.push(
        (lists[position]?.entities ?? []).map((entity) => {
          let place = known.get(entity.text);
          if (place === undefined) known.set(entity.text, (place = entities.push(entity) - 1));
          return place;
        }),
      );
    });
    variables.add({}, { alias, name, entities });
  });
  return { variables, places: byPart };
};

/** Null where the answer does not tell what is whose. */
const dividedAmong = (parts: readonly Part[], places: readonly Places[], result: ExecutionResult): readonly ExecutionResult[] | null => {
  const { lists } = (parts[0] as Part).variables;
  const byAlias = new Map<string, Shared[]>();
  for (const [position, { alias }] of lists.entries()) {
    const values: unknown = isObject(result) && isObject(result.data) ? result.data[alias] : undefined;
    if (!Array.isArray(values) || values.length !== countOf(places, position)) return null;
    byAlias.set(alias, values.map((value: unknown) => ({ value, isTaken: false })));
  }
  const errors = (result.errors ?? []).map(placed);
  if (!errors.every((each): each is PlacedError => each !== null && byAlias.get(each.alias)?.[each.place] !== undefined)) return null;
  return parts.map((_, part) => answerFor(lists, places[part] ?? [], byAlias, errors));
};

const countOf = (places: readonly Places[], position: number): number => 1 + Math.max(...places.map((lists) => Math.max(-1, ...(lists[position] ?? []))));

type PlacedError = { readonly error: object; readonly alias: string; readonly place: number; readonly below: readonly unknown[] };
const placed = (error: { readonly path?: unknown }): PlacedError | null => {
  const [alias, place, ...below] = Array.isArray(error?.path) ? (error.path as readonly unknown[]) : [];
  return typeof alias === 'string' && typeof place === 'number' ? { error, alias, place, below } : null;
};

const answerFor = (lists: readonly EntityList[], places: Places, byAlias: ReadonlyMap<string, readonly Shared[]>, errors: readonly PlacedError[]): ExecutionResult => {
  const own = new Map(lists.map(({ alias }, position) => [alias, places[position] ?? []]));
  const data = Object.fromEntries([...own].map(([alias, taken]) => [alias, taken.map((place) => take(byAlias.get(alias)?.[place]))]));
  const mine = errors.flatMap(({ error, alias, place, below }) => {
    const index = own.get(alias)?.indexOf(place) ?? -1;
    return index < 0 ? [] : [{ ...error, path: [alias, index, ...below] }];
  });
  return (mine.length > 0 ? { data, errors: mine } : { data }) as ExecutionResult;
};

/** What was answered about one entity. */
type Shared = { readonly value: unknown; isTaken: boolean };

/** It belongs to whoever gets it, who merges into it. */
const take = (entity: Shared | undefined): unknown => {
  if (!entity) return null;
  if (entity.isTaken) return copy(entity.value);
  entity.isTaken = true;
  return entity.value;
};
