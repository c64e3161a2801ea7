/** Runs of plans over sources that answer when a test says so. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { publicViewer } from '#core/viewer.ts';
import type { DataSource, SubgraphRequest } from '../sources/data-source.ts';
import type { Execution } from '../execute/context.ts';
import { createWalks } from '../execute/places.ts';
import { type PlanRun, runPlan } from '../execute/run.ts';
import { GatewayCounts } from '../observe/counts.ts';
import type { Plan } from '../plan/plan.ts';

export type TestRun = {
  readonly run: PlanRun;
  readonly execution: Execution;
  /** The subgraphs that were asked, in order. */
  readonly asked: readonly { readonly subgraph: string; readonly request: SubgraphRequest }[];
  /** Answers what the subgraph was asked first and has not answered yet. */
  answer(subgraph: string, data: unknown): Promise<void>;
  fail(subgraph: string): Promise<void>;
};

export const startRun = (plan: Plan, { signal = new AbortController().signal }: { readonly signal?: AbortSignal } = {}): TestRun => {
  const asked: { subgraph: string; request: SubgraphRequest }[] = [];
  const open = new Map<string, PromiseWithResolvers<{ data: Record<string, unknown> }>[]>();
  const source = (subgraph: string): DataSource => ({
    execute(request) {
      asked.push({ subgraph, request });
      const answer = Promise.withResolvers<{ data: Record<string, unknown> }>();
      open.set(subgraph, [...(open.get(subgraph) ?? []), answer]);
      return answer.promise;
    },
    subscribe: () => Promise.reject(new TypeError('Nobody subscribes here.')),
  });
  const execution: Execution = {
    dataSources: new Map(plan.fetches.map(({ subgraph }) => [subgraph, source(subgraph)])),
    matchesType: (condition, typename) => condition === typename,
    variables: {},
    viewer: publicViewer,
    requestId: 'r',
    signal,
    deadline: undefined,
    report: undefined,
    counts: new GatewayCounts(),
    trace: undefined,
    data: {},
    errors: [],
    shared: new Set(),
    held: new Set(),
    walks: createWalks(),
  };
  const next = (subgraph: string) => {
    const answer = open.get(subgraph)?.shift();
    if (!answer) throw new Error(`${subgraph} was not asked.`);
    return answer;
  };
  return {
    run: runPlan([execution, ...plan.deferred.map((): Execution => ({ ...execution, errors: [] }))], plan),
    execution,
    asked,
    async answer(subgraph, data) {
      next(subgraph).resolve({ data: data as Record<string, unknown> });
      await nextTurn();
    },
    async fail(subgraph) {
      next(subgraph).reject(new Error('The test wants this request to fail.'));
      await nextTurn();
    },
  };
};
