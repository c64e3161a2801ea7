/**
 * The gateway's numbers in the text format of Prometheus. They are read when somebody asks; names and labels are listed
 * in docs/operations.md and stay.
 */
import { Counter, Gauge, type Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { CacheCounts } from '../cache/counts.ts';
import type { Gateway } from '../index.ts';
import type { CircuitState } from '../resilience/observe.ts';
import type { SubgraphCounts } from './counts.ts';
import { type Durations, durationBounds } from './durations.ts';

export type Metrics = { readonly contentType: string; text(): Promise<string> };

export type MetricsOptions = {
  readonly gateway: Gateway;
  /** Sockets and streams that are open. */
  readonly connections?: () => number;
  /** Tags of cached answers that this process invalidated. */
  readonly invalidatedTags?: () => number;
};

type Labels = Readonly<Record<string, string>>;
type Tell = (value: number, labels?: Labels) => void;

export const createMetrics = ({ gateway, connections, invalidatedTags }: MetricsOptions): Metrics => {
  const registry = new Registry();
  const { counts } = gateway;
  const define = definitions(registry);
  const { counter, gauge, histogram } = define;

  counter('operations_total', 'Operations by kind and outcome: ok, partial, or the code they were refused with.', ['kind', 'outcome'], (tell) => {
    for (const [kind, outcomes] of Object.entries(counts.operations)) for (const [outcome, count] of outcomes.byWord) tell(count, { kind, outcome });
  });
  histogram('operation_duration_seconds', 'From the request to its answer, or to the first part of it.', (tell) => {
    for (const [kind, durations] of Object.entries(counts.durations)) tell(durations, { kind });
  });
  histogram('client_operation_duration_seconds', 'The same by client and operation, at every door.', (tell) => {
    for (const { client, operation, durations } of counts.clients.all()) tell(durations, { client, operation });
  });
  counter('client_operation_cost_total', 'What answers cost, in the units of budgets.', ['client', 'operation'], (tell) => {
    for (const { client, operation, cost } of counts.clients.all()) tell(cost, { client, operation });
  });
  counter('coalesced_answers_total', 'Queries that got the answer of an equal one under way.', [], (tell) => tell(gateway.coalesced()));
  counter('plans_total', 'Plans made.', [], (tell) => tell(counts.plans));
  counter('plan_cache_hits_total', 'Operations whose plan was known.', [], (tell) => tell(counts.planCacheHits));
  histogram('plan_duration_seconds', 'Making a plan.', (tell) => tell(counts.planDurations, {}));
  gauge('subscriptions_open', 'Subscriptions that are open.', [], (tell) => tell(gateway.subscriptions()));
  gauge('subscription_groups', 'Groups of subscribers that share executions.', [], (tell) => tell(gateway.liveGroups()));
  counter('subscription_events_executed_total', 'Executions for events of subscriptions.', [], (tell) => tell(counts.eventsExecuted));
  counter('subscription_events_delivered_total', 'Answers that subscribers took.', [], (tell) => tell(counts.eventsDelivered));
  counter('http_responses_total', 'Responses of /graphql by status.', ['status'], (tell) => {
    for (const [status, count] of counts.responses.byWord) tell(count, { status });
  });
  gauge('operations_broken', 'Persisted operations that the serving supergraph would refuse.', ['owner'], (tell) => {
    for (const [owner, count] of Object.entries(counts.brokenOperations)) tell(count, { owner });
  });
  if (connections) gauge('live_connections', 'Sockets and streams that are open.', [], (tell) => tell(connections()));
  defineCache(define, counts.cache, invalidatedTags);
  defineSubgraphs(define, counts.subgraphs);

  return { contentType: registry.contentType, text: async () => `${await registry.metrics()}\n${await processMetrics().metrics()}` };
};

const defineCache = ({ counter }: Definitions, cache: CacheCounts, invalidatedTags: (() => number) | undefined): void => {
  const kinds = [['answer', cache.answers], ['entity', cache.entities]] as const;
  counter('cache_lookups_total', 'Whole answers and entities that were looked for in the cache.', ['kind', 'outcome'], (tell) => {
    for (const [kind, { hits, misses }] of kinds) for (const [outcome, count] of [['hit', hits], ['miss', misses]] as const) tell(count, { kind, outcome });
  });
  counter('cache_stores_total', 'Whole answers and entities that were read, and kept or not: refused is what changed while it was read.', ['kind', 'outcome'], (tell) => {
    for (const [kind, { stores, refusals }] of kinds) for (const [outcome, count] of [['kept', stores], ['refused', refusals]] as const) tell(count, { kind, outcome });
  });
  if (invalidatedTags) counter('cache_invalidated_tags_total', 'Tags of cached answers that this process invalidated.', [], (tell) => tell(invalidatedTags()));
};

const circuitStates: Readonly<Record<CircuitState, number>> = { closed: 0, 'half-open': 1, open: 2 };

const defineSubgraphs = ({ counter, gauge, histogram }: Definitions, subgraphs: ReadonlyMap<string, SubgraphCounts>): void => {
  const each = (read: (counts: SubgraphCounts) => number) => (tell: Tell) => {
    for (const [subgraph, counts] of subgraphs) tell(read(counts), { subgraph });
  };
  counter('subgraph_requests_total', 'Requests to subgraphs by outcome: ok, errors, or the code of those that brought no answer.', ['subgraph', 'outcome'], (tell) => {
    for (const [subgraph, { outcomes }] of subgraphs) for (const [outcome, count] of outcomes.byWord) tell(count, { subgraph, outcome });
  });
  histogram('subgraph_request_duration_seconds', 'From the request to a subgraph to its answer, waiting and retries included.', (tell) => {
    for (const [subgraph, { durations }] of subgraphs) tell(durations, { subgraph });
  });
  gauge('subgraph_requests_under_way', 'Requests to subgraphs that are not answered yet.', ['subgraph'], each(({ underWay }) => underWay));
  counter('subgraph_fetches_total', 'Steps of plans that requests carried; more than requests where they are batched.', ['subgraph'], each(({ fetches }) => fetches));
  counter('subgraph_objects_total', 'Objects of answers that requests for entities were to complete.', ['subgraph'], each(({ objects }) => objects));
  counter('subgraph_representations_total', 'Representations sent for them, each distinct one once a request.', ['subgraph'], each(({ representations }) => representations));
  counter('subgraph_requests_shared_total', 'Requests that took the answer of an equal one under way.', ['subgraph'], each(({ shared }) => shared));
  counter('subgraph_retries_total', 'Further tries after a failure.', ['subgraph'], each(({ retries }) => retries));
  counter('subgraph_hedges_total', 'Second requests beside a late one.', ['subgraph'], each(({ hedges }) => hedges));
  counter('subgraph_shed_total', 'Requests turned away because too many were waiting.', ['subgraph'], each(({ shed }) => shed));
  gauge('subgraph_requests_queued', 'Requests that wait for their turn.', ['subgraph'], each(({ source }) => source?.state?.().queued ?? 0));
  gauge('subgraph_connections', 'Connections that are open.', ['subgraph'], each(({ source }) => source?.state?.().connections ?? 0));
  gauge('subgraph_circuit', 'State of the circuit: 0 closed, 1 half-open, 2 open.', ['subgraph'], each(({ circuit }) => circuitStates[circuit]));
};

type Define = (name: string, help: string, labelNames: readonly string[], read: (tell: Tell) => void) => void;
type Definitions = {
  readonly counter: Define;
  readonly gauge: Define;
  readonly histogram: (name: string, help: string, read: (tell: (durations: Durations, labels: Labels) => void) => void) => void;
};

const definitions = (registry: Registry): Definitions => {
  const common = (name: string, help: string) => ({ name: `eventgraph_${name}`, help });
  return {
    counter(name, help, labelNames, read) {
      new Counter({
        ...common(name, help),
        labelNames,
        registers: [registry],
        collect() {
          this.reset();
          read((value, labels = {}) => this.inc(labels, value));
        },
      });
    },
    gauge(name, help, labelNames, read) {
      new Gauge({
        ...common(name, help),
        labelNames,
        registers: [registry],
        collect() {
          this.reset();
          read((value, labels = {}) => this.set(labels, value));
        },
      });
    },
    histogram(name, help, read) {
      const { name: full } = common(name, help);
      const get = async () => {
        const values: Sample[] = [];
        read((durations, labels) => values.push(...samplesOf(full, durations, labels)));
        return { name: full, help, type: 'histogram', aggregator: 'sum', values };
      };
      // A registry asks its metrics for values and nothing else; prom-client's own histogram would count for itself, at ten times the price.
      registry.registerMetric({ name: full, get } as unknown as Histogram);
    },
  };
};

type Sample = { readonly metricName: string; readonly labels: Readonly<Record<string, string | number>>; readonly value: number };

const samplesOf = (name: string, { buckets, sum }: Durations, labels: Labels): readonly Sample[] => {
  let count = 0;
  const samples = buckets.map((within, index): Sample => {
    const bound = durationBounds[index];
    return { metricName: `${name}_bucket`, labels: { ...labels, le: bound === undefined ? '+Inf' : bound / 1_000 }, value: (count += within) };
  });
  return [...samples, { metricName: `${name}_sum`, labels, value: sum / 1_000 }, { metricName: `${name}_count`, labels, value: count }];
};

let ofProcess: Registry | null = null;

/** Memory, processor, event loop, garbage: measured once, however many gateways a process has. */
const processMetrics = (): Registry => {
  if (!ofProcess) collectDefaultMetrics({ register: (ofProcess = new Registry()) });
  return ofProcess;
};
