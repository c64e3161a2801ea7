/**
 * Everything that belongs to one supergraph. A reload makes a new engine; requests under way finish on the old one.
 */
import type { GraphQLFormattedError } from 'graphql';
import type { Viewer } from '#core/viewer.ts';
import { Answer, failure } from './answer.ts';
import { type Access, type AllowsPolicy, type Denied, createAuthorization, refuseDenied } from './authorization.ts';
import { type Costs, createCosts } from './budgets/cost.ts';
import { createPrices } from './budgets/prices.ts';
import type { CachedRun } from './cache/cached-run.ts';
import { createConditions } from './conditions.ts';
import type { DataSource } from './sources/data-source.ts';
import { type ReportError, formatThrown } from './errors.ts';
import type { Execution } from './execute/context.ts';
import { takeRootResult } from './execute/fetch.ts';
import { createWalks } from './execute/places.ts';
import { runPlan } from './execute/run.ts';
import type { Limits } from './limits.ts';
import type { GatewayCounts } from './observe/counts.ts';
import { type Operation, type Operations, type Variables, checkSubscriptionRoot, createOperations } from './operations.ts';
import { answerIncrementally } from './incremental.ts';
import { createDefers } from './plan/defer.ts';
import { createInternalNames } from './plan/internal-names.ts';
import type { Plan } from './plan/plan.ts';
import { createPlanning } from './plan/planning.ts';
import { type Tally, complete } from './shape/complete.ts';
import { createIntrospection } from './shape/introspection.ts';
import { JsonWriter } from './shape/json-writer.ts';
import { locateErrors } from './shape/locate-errors.ts';
import { type Selection, rootSelection } from './shape/selection.ts';
import { type LoadedSupergraph, loadSupergraph } from './supergraph.ts';
import type { Trace } from './trace.ts';

export type EngineOptions = {
  readonly limits: Limits;
  /** Entries that a list is taken to have where the schema says nothing. */
  readonly listSize?: number | undefined;
  readonly allowsPolicy?: AllowsPolicy | undefined;
  readonly denied?: Denied | undefined;
  readonly report?: ReportError | undefined;
  readonly counts: GatewayCounts;
};

/** An operation made ready for everybody with the same access: planned, and the form of its answer worked out. */
export type Compiled = {
  /** As the client wrote it, `@skip` and `@include` evaluated away. */
  readonly operation: Operation;
  readonly access: Access;
  readonly plan: Plan;
  readonly selection: Selection;
  /** How the answer comes in parts; null for one that comes whole. */
  readonly parts: { readonly initial: Selection; readonly labels: ReadonlyMap<string, string | undefined> } | null;
};

/** A compiled operation with the variables of one request. */
export type Prepared = Compiled & { readonly variables: Variables };

export type Asked = {
  readonly viewer: Viewer;
  readonly requestId: string;
  readonly signal: AbortSignal;
  readonly deadline?: number | undefined;
  readonly trace?: Trace | undefined;
  /** What is asked instead of the engine's own data sources: the same, seen through something. */
  readonly dataSources?: ReadonlyMap<string, DataSource> | undefined;
  /** What is kept of answers, for queries. */
  readonly cached?: CachedRun | undefined;
};

export type Engine = {
  readonly supergraph: LoadedSupergraph;
  readonly operations: Operations;
  readonly costs: Costs;
  readonly dataSources: ReadonlyMap<string, DataSource>;
  /** How many plans were made so far. */
  planned(): number;
  /** Whether the operation has an answer in parts, with some variables at least. */
  mayDefer(operation: Operation): boolean;
  /** Throws RequestRefused, or `QUERY_PLANNING_FAILED`. `inParts`: whether the client takes an answer in parts (`@defer`). */
  prepare(operation: Operation, rawVariables: Variables | null | undefined, viewer: Viewer, inParts?: boolean): Prepared;
  /** `primary` is the source's answer for one event of a subscription. Never rejects. */
  run(prepared: Prepared, asked: Asked, primary?: unknown): Promise<Answer>;
};

export const createEngine = (sdl: string, connect: (name: string, url: string) => DataSource, options: EngineOptions): Engine => {
  const supergraph = loadSupergraph(sdl);
  const operations = createOperations(supergraph.apiSchema, options.limits);
  const authorization = createAuthorization(supergraph.apiSchema, supergraph.requirements, options.allowsPolicy);
  const conditions = createConditions();
  const { counts } = options;
  const planning = createPlanning(supergraph);
  const introspect = createIntrospection(supergraph.apiSchema);
  const dataSources = new Map(supergraph.subgraphs.map(({ name, url }) => [name, connect(name, url)]));
  const defers = createDefers(supergraph.apiSchema);
  const prices = createPrices(supergraph.apiSchema, supergraph.weights, options.listSize);
  const costs = createCosts(supergraph.apiSchema, prices);
  const internalName = createInternalNames(sdl);
  const shapeOf = (operation: Operation, access: Access, defers: ReadonlySet<string> = new Set()) => rootSelection({ schema: supergraph.apiSchema, operation, access, defers, internalName, prices });

  const planOf = (operation: Operation): Plan => {
    const { made } = planning;
    const begun = performance.now();
    try {
      return planning.planOf(operation);
    } finally {
      if (planning.made > made) counts.planned(performance.now() - begun);
    }
  };

  const compileWhole = createCompiler((deferring, access): Compiled => {
    const operation = defers.stripped(deferring);
    if (operation.kind === 'subscription') checkSubscriptionRoot(operation);
    const plan = planOf(authorization.restrict(operation, access));
    return { operation, access, plan, selection: shapeOf(operation, access), parts: null };
  });
  const compileInParts = createCompiler((deferring, access): Compiled => {
    const { operation, labels } = defers.labelled(deferring);
    try {
      const plan = planOf(authorization.restrict(operation, access));
      return { operation, access, plan, selection: shapeOf(operation, access), parts: { initial: shapeOf(operation, access, new Set(plan.deferred.map(({ label }) => label))), labels } };
    } catch {
      // What the planner cannot plan in parts is answered whole.
      return compileWhole(deferring, access);
    }
  });

  const execute = async ({ operation, variables, plan, selection, parts }: Prepared, { viewer, requestId, signal, deadline, trace, dataSources: seen = dataSources, cached }: Asked, primary?: unknown): Promise<Answer> => {
    const introspection = introspect(operation, variables);
    const data = introspection ? { ...introspection.data } : {};
    const errors: GraphQLFormattedError[] = introspection ? [...introspection.errors] : [];
    const { matchesType, knowsType } = supergraph;
    const execution: Execution = { dataSources: seen, matchesType, variables, viewer, requestId, signal, deadline, trace, counts, report: options.report, data, errors, shared: new Set(), held: new Set(), walks: createWalks(), cached };
    if (plan.primary) takeRootResult(execution, plan.primary, primary);
    const executions = [execution, ...plan.deferred.map((): Execution => ({ ...execution, errors: [] }))];
    const run = runPlan(executions, plan);
    const tally: Tally = { variables, cost: 0 };
    if (parts) return answerIncrementally({ ...parts, plan, run, trace, data, errors: executions.map((each) => each.errors), whole: selection, completion: { knowsType, shared: execution.shared, tally }, formatted: (error) => formatThrown(error, requestId, options.report) });
    await run.block(0);
    trace?.fetched();
    const located = errors.length > 0 ? locateErrors(selection, data, errors) : errors;
    const writer = new JsonWriter();
    writer.ascii('{"data":');
    complete(selection, data, { writer, knowsType, errors: located, shared: execution.shared, tally });
    if (located.length > 0) writer.json(`,"errors":${JSON.stringify(located)}`);
    const extensions = trace?.extensions();
    if (extensions) writer.json(`,"extensions":${extensions}`);
    writer.ascii('}');
    return new Answer(writer.finish(), true, located, undefined, tally.isCut ? null : tally.cost);
  };

  return {
    supergraph,
    operations,
    costs,
    dataSources,
    planned: () => planning.made,
    mayDefer: defers.isDeferring,
    prepare(found, rawVariables, viewer, inParts = false) {
      const variables = operations.coerce(found, rawVariables);
      const operation = conditions.evaluate(found, variables);
      const { made } = planning;
      const compile = inParts && defers.isDeferring(operation) ? compileInParts : compileWhole;
      const access = authorization.accessOf(viewer);
      if (options.denied === 'refuse') refuseDenied(authorization.deniedIn(operation, access));
      const compiled = compile(operation, access);
      if (planning.made === made) counts.planCacheHits++;
      return { ...compiled, variables };
    },
    run: (prepared, asked, primary) => execute(prepared, asked, primary).catch((error: unknown) => failure(formatThrown(error, asked.requestId, options.report))),
  };
};

/** Kept as long as the operation is; what the key of an access tells apart is kept apart. */
const createCompiler = (compile: (operation: Operation, access: Access) => Compiled): ((operation: Operation, access: Access) => Compiled) => {
  const known = new WeakMap<Operation, Map<string, Compiled>>();
  return (operation, access) => {
    let byAccess = known.get(operation);
    if (!byAccess) known.set(operation, (byAccess = new Map<string, Compiled>()));
    let compiled = byAccess.get(access.key);
    if (!compiled) byAccess.set(access.key, (compiled = compile(operation, access)));
    return compiled;
  };
};
