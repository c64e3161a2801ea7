/**
 * Everything that belongs to one supergraph. A reload makes a new engine; requests under way finish on the old one.
 */
import { LRUCache } from 'lru-cache';
import type { FormattedExecutionResult } from 'graphql';
import type { Viewer } from '#core/viewer.ts';
import { type Access, type AllowsPolicy, createAuthorization } from './authorization.ts';
import { createConditions } from './conditions.ts';
import type { DataSource } from './data-source.ts';
import type { ReportError } from './errors.ts';
import type { Execution, JsonObject, Target } from './execute/context.ts';
import { takeRootResult } from './execute/fetch.ts';
import { runStep } from './execute/run.ts';
import type { Limits } from './limits.ts';
import { type Operation, type Operations, type Variables, checkSubscriptionRoot, createOperations } from './operations.ts';
import type { Plan } from './plan/plan.ts';
import { createPlanning } from './plan/planning.ts';
import { complete } from './shape/complete.ts';
import { createIntrospection } from './shape/introspection.ts';
import { locateErrors } from './shape/locate-errors.ts';
import { type Selection, rootSelection } from './shape/selection.ts';
import { type LoadedSupergraph, loadSupergraph } from './supergraph.ts';

export type EngineOptions = {
  readonly limits: Limits;
  readonly allowsPolicy?: AllowsPolicy | undefined;
  readonly report?: ReportError | undefined;
};

/** One client operation for one set of rights, ready to run with these variables. */
export type Prepared = {
  /** As the client wrote it, `@skip` and `@include` evaluated away. */
  readonly operation: Operation;
  readonly access: Access;
  readonly variables: Variables;
  readonly plan: Plan;
  readonly selection: Selection;
};

export type Asked = { readonly viewer: Viewer; readonly requestId: string; readonly signal: AbortSignal };

export type Engine = {
  readonly supergraph: LoadedSupergraph;
  readonly operations: Operations;
  readonly dataSources: ReadonlyMap<string, DataSource>;
  /** How many plans were made so far. */
  planned(): number;
  /** Throws RequestRefused, or `QUERY_PLANNING_FAILED`. */
  prepare(operation: Operation, rawVariables: Variables | null | undefined, viewer: Viewer): Prepared;
  /** `primary` is the source's answer for one event of a subscription. */
  run(prepared: Prepared, asked: Asked, primary?: unknown): Promise<FormattedExecutionResult>;
};

export const createEngine = (sdl: string, connect: (name: string, url: string) => DataSource, options: EngineOptions): Engine => {
  const supergraph = loadSupergraph(sdl);
  const operations = createOperations(supergraph.apiSchema, options.limits);
  const authorization = createAuthorization(supergraph.apiSchema, supergraph.requirements, options.allowsPolicy);
  const conditions = createConditions();
  const planning = createPlanning(supergraph);
  const selections = createSelections(supergraph);
  const introspect = createIntrospection(supergraph.apiSchema);
  const dataSources = new Map(supergraph.subgraphs.map(({ name, url }) => [name, connect(name, url)]));

  return {
    supergraph,
    operations,
    dataSources,
    planned: () => planning.made,
    prepare(found, rawVariables, viewer) {
      const variables = operations.coerce(found, rawVariables);
      const operation = conditions.evaluate(found, variables);
      if (operation.kind === 'subscription') checkSubscriptionRoot(operation);
      const access = authorization.accessOf(viewer);
      const plan = planning.planOf(authorization.restrict(operation, access));
      return { operation, access, variables, plan, selection: selections(operation, access) };
    },
    async run({ operation, variables, plan, selection }, asked, primary) {
      const introspection = introspect(operation, variables);
      const data: JsonObject = introspection ? { ...introspection.data } : {};
      const errors = [...(introspection?.errors ?? [])];
      const execution: Execution = { ...asked, dataSources, matchesType: supergraph.matchesType, variables, report: options.report, errors };
      const root: Target = { value: data, place: undefined };
      if (plan.primary) takeRootResult(execution, plan.primary, primary, [root]);
      if (plan.root) await runStep(execution, plan.root, [root]);
      const located = locateErrors(selection, data, errors);
      const completed = complete(selection, data, { knowsType: supergraph.knowsType, errors: located });
      return located.length > 0 ? { errors: located, data: completed } : { data: completed };
    },
  };
};

/** Shapes are kept per operation and access. */
const createSelections = (supergraph: LoadedSupergraph): ((operation: Operation, access: Access) => Selection) => {
  const selections = new LRUCache<string, Selection>({ max: 4_000 });
  return (operation, access) => {
    const key = `${operation.key}\n#without ${access.key}`;
    let selection = selections.get(key);
    if (!selection) selections.set(key, (selection = rootSelection({ schema: supergraph.apiSchema, operation, access })));
    return selection;
  };
};
