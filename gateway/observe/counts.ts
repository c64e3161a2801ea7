/**
 * What a gateway counts, as plain numbers: adding to one is all that a request pays for it. `metrics.ts` reads them when
 * somebody asks. What tells numbers apart is chosen by whoever runs the hub, never by a client.
 */
import { isPublicError } from '#core/errors.ts';
import type { Answer } from '../answer.ts';
import { CacheCounts } from '../cache/counts.ts';
import type { DataSource } from '../sources/data-source.ts';
import type { CircuitState, FetchObserver } from '../resilience/observe.ts';
import { ClientCounts } from './client-counts.ts';
import { Durations } from './durations.ts';

/** Codes may come from subgraphs: more of them than this, or of another form, are counted together. */
const maxWords = 64;
const other = 'OTHER';

/** How often each of a few words came. */
export class Tally {
  readonly byWord = new Map<string, number>();

  add(word: string): void {
    const known = this.byWord.get(word);
    if (known === undefined) this.#addNew(word);
    else this.byWord.set(word, known + 1);
  }

  #addNew(word: string): void {
    const isKept = this.byWord.size < maxWords && /^\w{1,64}$/.test(word);
    const kept = isKept ? word : other;
    this.byWord.set(kept, (this.byWord.get(kept) ?? 0) + 1);
  }
}

export class SubgraphCounts {
  /** `ok`, `errors` for an answer with errors in it, or the code of a request that brought no answer. */
  readonly outcomes = new Tally();
  readonly durations = new Durations();
  underWay = 0;
  /** Steps of plans that its requests carried. */
  fetches = 0;
  /** Objects of answers that its requests were to add fields to, and the distinct representations that were sent for them. */
  objects = 0;
  representations = 0;
  shared = 0;
  retries = 0;
  hedges = 0;
  shed = 0;
  circuit: CircuitState = 'closed';
  /** The source that serves now. */
  source: DataSource | null = null;
  /** For a source that can tell more. */
  readonly observer: FetchObserver = {
    shared: () => void this.shared++,
    retried: () => void this.retries++,
    hedged: () => void this.hedges++,
    shed: () => void this.shed++,
    circuit: (state) => void (this.circuit = state),
  };

  carried(fetches: number, objects: number, representations: number): void {
    this.fetches += fetches;
    this.objects += objects;
    this.representations += representations;
  }
}

/** `unknown` is what was refused before it could be told. */
export type OperationKind = 'query' | 'mutation' | 'subscription' | 'unknown';

export class GatewayCounts {
  /** By outcome: `ok`, `partial` for data with errors, or the code that an operation was refused with. */
  readonly operations: Readonly<Record<OperationKind, Tally>> = { query: new Tally(), mutation: new Tally(), subscription: new Tally(), unknown: new Tally() };
  readonly durations: Readonly<Record<'query' | 'mutation', Durations>> = { query: new Durations(), mutation: new Durations() };
  readonly clients = new ClientCounts();
  plans = 0;
  planCacheHits = 0;
  readonly planDurations = new Durations();
  /** Executions for events of subscriptions, and answers that subscribers took from them. */
  eventsExecuted = 0;
  eventsDelivered = 0;
  /** Responses of `/graphql` by status. */
  readonly responses = new Tally();
  readonly cache = new CacheCounts();
  /** Persisted operations that the serving supergraph would refuse. */
  brokenOperations: Readonly<Record<'hub' | 'clients', number>> = { hub: 0, clients: 0 };
  readonly subgraphs = new Map<string, SubgraphCounts>();

  subgraph(name: string): SubgraphCounts {
    let counts = this.subgraphs.get(name);
    if (!counts) this.subgraphs.set(name, (counts = new SubgraphCounts()));
    return counts;
  }

  answered(kind: OperationKind, answer: Answer, ms?: number): void {
    this.operations[kind].add(outcomeOf(answer));
    if (ms !== undefined && (kind === 'query' || kind === 'mutation')) this.durations[kind].add(ms);
  }

  /** Refused before it was known what was asked. */
  refused(error: unknown): void {
    this.operations.unknown.add(isPublicError(error) ? error.code : 'INTERNAL_SERVER_ERROR');
  }

  planned(ms: number): void {
    this.plans++;
    this.planDurations.add(ms);
  }
}

const outcomeOf = ({ hasData, errors }: Answer): string => {
  if (errors.length === 0) return 'ok';
  return hasData ? 'partial' : String(errors[0]?.extensions?.['code'] ?? other);
};

/** The source, with its requests counted. */
export const countedSource = (source: DataSource, counts: SubgraphCounts): DataSource => {
  counts.circuit = 'closed';
  counts.source = source;
  const ended = (begun: number, outcome: string) => {
    counts.underWay--;
    counts.durations.add(performance.now() - begun);
    counts.outcomes.add(outcome);
  };
  return {
    execute(request) {
      const begun = performance.now();
      counts.underWay++;
      return source.execute(request).then(
        (result) => {
          ended(begun, result?.errors ? 'errors' : 'ok');
          return result;
        },
        (error: unknown) => {
          ended(begun, codeOf(error));
          throw error;
        },
      );
    },
    subscribe: (request) => source.subscribe(request),
    close: async () => source.close?.(),
  };
};

/** Of a request to a subgraph that brought no answer. */
export const codeOf = (error: unknown): string => (isPublicError(error) ? error.code : 'SUBREQUEST_FAILED');
