/** Engines over random supergraphs, for the tests that hold them against the plain schema. */
import fc from 'fast-check';
import { type FormattedExecutionResult, type GraphQLOutputType, type GraphQLSchema, parse, responsePathAsArray, validate } from 'graphql';
import { EventgraphError } from '#core/errors.ts';
import { publicViewer } from '#core/viewer.ts';
import type { Answer } from '../answer.ts';
import type { DataSource, SubgraphRequest } from '../sources/data-source.ts';
import { createConditions } from '../conditions.ts';
import { type Gateway, createGateway } from '../index.ts';
import { defaultLimits } from '../limits.ts';
import { createLocalDataSource } from '../sources/local-data-source.ts';
import { createOperations } from '../operations.ts';
import { createDefers } from '../plan/defer.ts';
import type { Plan } from '../plan/plan.ts';
import { createPlanning } from '../plan/planning.ts';
import { loadSupergraph } from '../supergraph.ts';
import { readingAnswers } from './read-answers.ts';
import { operationFrom, operationVariables } from './operations.ts';
import { type World, describeWorld, worldFrom } from './supergraphs.ts';
import { type Tape, tapeOf } from './tape.ts';

/** What is done with a request on its way: `answer` asks the subgraph. */
export type Handle = (request: SubgraphRequest, subgraph: string, answer: () => ReturnType<DataSource['execute']>) => ReturnType<DataSource['execute']>;

export type TestEngine = {
  readonly gateway: Gateway;
  readonly schema: GraphQLSchema;
  readonly world: World;
  /** How an operation is planned, answered whole; null for what the planner refuses. */
  planOf(query: string): Plan | null;
  handle: Handle;
};

const limits = { ...defaultLimits, maxDocumentLength: 1_000_000, maxTokens: 100_000, maxAliases: 10_000, maxFields: 100_000, maxRootFields: 1_000 };

export const engineOver = (world: World): TestEngine => {
  const connect = (name: string): DataSource => {
    const schema = world.subgraphs.get(name)?.schema;
    if (!schema) throw new Error(`The test has no subgraph ${name}.`);
    const source = readingAnswers(createLocalDataSource({ schema, contextFor: () => ({}) }));
    return { ...source, execute: (request) => tested.handle(request, name, () => source.execute(request)) };
  };
  const gateway = createGateway({ supergraph: world.supergraph, dataSources: connect, limits });
  const tested: TestEngine = { gateway, schema: gateway.apiSchema(), world, planOf: plannerOver(world.supergraph), handle: (_, __, answer) => answer() };
  return tested;
};

const plannerOver = (sdl: string): TestEngine['planOf'] => {
  const supergraph = loadSupergraph(sdl);
  const operations = createOperations(supergraph.apiSchema, limits);
  const [conditions, defers, planning] = [createConditions(), createDefers(supergraph.apiSchema), createPlanning(supergraph)];
  return (query) => {
    try {
      return planning.planOf(defers.stripped(conditions.evaluate(operations.find(query, undefined), operationVariables)));
    } catch (error) {
      if (error instanceof EventgraphError && error.code === 'QUERY_PLANNING_FAILED') return null;
      throw error;
    }
  };
};

/** One operation over one supergraph, with the plain schema's answer. */
export type Case = {
  readonly tested: TestEngine;
  readonly query: string;
  readonly plan: Plan;
  readonly plain: FormattedExecutionResult;
  /** The type of the field at each place of the plain answer. */
  readonly types: ReadonlyMap<string, GraphQLOutputType>;
  /** More choices, for what happens on the way. */
  readonly tape: Tape;
};

export const run = ({ tested, query }: Pick<Case, 'tested' | 'query'>, inParts = false): Promise<Answer> =>
  tested.gateway.answer({ query, variables: operationVariables, viewer: publicViewer, requestId: 'r', signal: new AbortController().signal, inParts });

export type Tapes = { readonly supergraph: readonly number[]; readonly operation: readonly number[]; readonly more: readonly number[] };
export type CaseOptions = { readonly mayFail?: boolean; readonly defer?: boolean };
export type Check = (found: Case) => Promise<void>;

/** Null for an operation that is not valid or not planned. */
const caseFrom = async (tested: TestEngine, { operation, more }: Pick<Tapes, 'operation' | 'more'>, { defer = false }: CaseOptions): Promise<Case | null> => {
  const query = operationFrom(tested.schema, operation, 5, defer);
  const document = parse(query);
  const plan = validate(tested.schema, document).length === 0 ? tested.planOf(query) : null;
  if (!plan) return null;
  const types = new Map<string, GraphQLOutputType>();
  const plain = await tested.world.plainly(tested.schema, document, operationVariables, ({ path, returnType }) => void types.set(responsePathAsArray(path).join('.'), returnType));
  return { tested, query, plan, plain: JSON.parse(JSON.stringify(plain)), types, tape: tapeOf(more) };
};

/** Checks one case; what it throws tells the operation, its plan and the subgraphs. Answers whether there was one. */
export const checkCase = async (tested: TestEngine, tapes: Pick<Tapes, 'operation' | 'more'>, options: CaseOptions, check: Check): Promise<boolean> => {
  const found = await caseFrom(tested, tapes, options);
  if (!found) return false;
  try {
    await check(found);
  } catch (error) {
    if (error instanceof Error) error.message = `${error.message}\n\n${found.query}\n\n${found.plan.text()}\n\n${describeWorld(tested.world)}`;
    throw error;
  }
  return true;
};

export type Count = { supergraphs: number; composed: number; operations: number; checked: number };

/**
 * Checks a claim for random supergraphs, data and operations. `PROPERTY_RUNS` multiplies how many; `PROPERTY_SHRINK`
 * has a failing case made small, which takes minutes, as each try is a composition.
 */
export const forCases = async ({ supergraphs, ...options }: CaseOptions & { readonly supergraphs: number }, check: Check): Promise<Count> => {
  const count: Count = { supergraphs: 0, composed: 0, operations: 0, checked: 0 };
  const { PROPERTY_RUNS = 1, PROPERTY_SHRINK } = process.env;
  await fc.assert(
    fc.asyncProperty(numbers(100, 1000), fc.array(numbers(60, 400), { minLength: 1, maxLength: 5 }), numbers(20, 40), async (supergraph, operations, more) => {
      count.supergraphs++;
      const world = worldFrom(supergraph, options);
      fc.pre(world !== null);
      count.composed++;
      const tested = engineOver(world);
      for (const operation of operations) {
        count.operations++;
        if (await checkCase(tested, { operation, more }, options, check)) count.checked++;
      }
      await tested.gateway.dispose();
    }),
    { numRuns: Math.ceil(supergraphs * Number(PROPERTY_RUNS)), endOnFailure: PROPERTY_SHRINK === undefined },
  );
  return count;
};

const numbers = (minLength: number, maxLength: number) => fc.array(fc.nat(999), { minLength, maxLength });
