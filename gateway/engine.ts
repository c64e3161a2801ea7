/**
 * Everything that belongs to one supergraph. A reload makes a new engine; requests under way finish on the old one.
 */
import type { GraphQLFormattedError } from 'graphql';
import type { Viewer } from '#core/viewer.ts';
import { Answer } from './answer.ts';
import { type Access, type AllowsPolicy, createAuthorization } from './authorization.ts';
import { createConditions } from './conditions.ts';
import type { DataSource } from './data-source.ts';
import type { ReportError } from './errors.ts';
import type { Execution } from './execute/context.ts';
import { takeRootResult } from './execute/fetch.ts';
import { createWalks } from './execute/places.ts';
import { runPlan } from './execute/run.ts';
import type { Limits } from './limits.ts';
import { type Operation, type Operations, type Variables, checkSubscriptionRoot, createOperations } from './operations.ts';
import type { Plan } from './plan/plan.ts';
import { createPlanning } from './plan/planning.ts';
import { complete } from './shape/complete.ts';
import { createIntrospection } from './shape/introspection.ts';
import { JsonWriter } from './shape/json-writer.ts';
import { locateErrors } from './shape/locate-errors.ts';
import { type Selection, rootSelection } from './shape/selection.ts';
import { type LoadedSupergraph, loadSupergraph } from './supergraph.ts';
import type { Trace } from './trace.ts';

export type EngineOptions = {
  readonly limits: Limits;
  readonly allowsPolicy?: AllowsPolicy | undefined;
  readonly report?: ReportError | undefined;
};

/** An operation made ready for everybody with the same access: planned, and the form of its answer worked out. */
export type Compiled = {
  /** As the client wrote it, `@skip` and `@include` evaluated away. */
  readonly operation: Operation;
  readonly access: Access;
  readonly plan: Plan;
  readonly selection: Selection;
};

/** A compiled operation with the variables of one request. */
export type Prepared = Compiled & { readonly variables: Variables };

export type Asked = { readonly viewer: Viewer; readonly requestId: string; readonly signal: AbortSignal; readonly deadline?: number | undefined; readonly trace?: Trace | undefined };

export type Engine = {
  readonly supergraph: LoadedSupergraph;
  readonly operations: Operations;
  readonly dataSources: ReadonlyMap<string, DataSource>;
  /** How many plans were made so far. */
  planned(): number;
  /** Throws RequestRefused, or `QUERY_PLANNING_FAILED`. */
  prepare(operation: Operation, rawVariables: Variables | null | undefined, viewer: Viewer): Prepared;
  /** `primary` is the source's answer for one event of a subscription. Never rejects. */
  run(prepared: Prepared, asked: Asked, primary?: unknown): Promise<Answer>;
};

export const createEngine = (sdl: string, connect: (name: string, url: string) => DataSource, options: EngineOptions): Engine => {
  const supergraph = loadSupergraph(sdl);
  const operations = createOperations(supergraph.apiSchema, options.limits);
  const authorization = createAuthorization(supergraph.apiSchema, supergraph.requirements, options.allowsPolicy);
  const conditions = createConditions();
  const planning = createPlanning(supergraph);
  const introspect = createIntrospection(supergraph.apiSchema);
  const dataSources = new Map(supergraph.subgraphs.map(({ name, url }) => [name, connect(name, url)]));
  const compiled = createCompiler((operation, access): Compiled => {
    if (operation.kind === 'subscription') checkSubscriptionRoot(operation);
    const plan = planning.planOf(authorization.restrict(operation, access));
    return { operation, access, plan, selection: rootSelection({ schema: supergraph.apiSchema, operation, access, defers: false, internalName: ({ alias, name }) => (alias ?? name).value }) };
  });

  return {
    supergraph,
    operations,
    dataSources,
    planned: () => planning.made,
    prepare(found, rawVariables, viewer) {
      const variables = operations.coerce(found, rawVariables);
      return { ...compiled(conditions.evaluate(found, variables), authorization.accessOf(viewer)), variables };
    },
    async run({ operation, variables, plan, selection }, { viewer, requestId, signal, deadline, trace }, primary) {
      const introspection = introspect(operation, variables);
      const data = introspection ? { ...introspection.data } : {};
      const errors: GraphQLFormattedError[] = introspection ? [...introspection.errors] : [];
      const { matchesType, knowsType } = supergraph;
      const execution: Execution = { dataSources, matchesType, variables, viewer, requestId, signal, deadline, trace, report: options.report, data, errors, shared: new Set(), held: new Set(), walks: createWalks() };
      if (plan.primary) takeRootResult(execution, plan.primary, primary);
      await runPlan(execution, plan).block(0);
      const located = errors.length > 0 ? locateErrors(selection, data, errors) : errors;
      const writer = new JsonWriter();
      writer.ascii('{"data":');
      complete(selection, data, { writer, knowsType, errors: located, shared: execution.shared });
      if (located.length > 0) writer.json(`,"errors":${JSON.stringify(located)}`);
      writer.ascii('}');
      return new Answer(writer.finish(), true, located);
    },
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
