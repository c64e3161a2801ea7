/** A plan for people and tools who run the hub: as the planner prints it, and as the steps that are run. */
import type { Batch, Path, Plan } from '../plan/plan.ts';

export type PlanDescription = {
  readonly text: string;
  readonly steps: readonly StepDescription[];
};

/** What is asked of one subgraph in one request, as far as it is ready together. */
export type StepDescription = {
  readonly batch: number;
  readonly subgraph: string;
  /** How many requests stand before it, one behind the other. */
  readonly stage: number;
  /** The batches that it takes something from. */
  readonly after: readonly number[];
  /** The part of an incremental answer that it belongs to; 0 is the initial one. */
  readonly block: number;
  /** Where the objects are that its fetches add fields to; empty for root fields. */
  readonly paths: readonly string[];
  /** Everything it can ask for at once. */
  readonly operation: string;
};

export const describePlan = (plan: Plan): PlanDescription => {
  const before = new Map(plan.batches.map((batch) => [batch, batchesBefore(plan, batch)]));
  const stageOf = (batch: Batch): number => (before.get(batch) ?? []).reduce((stage, earlier) => Math.max(stage, stageOf(earlier) + 1), 0);
  const steps = plan.batches.map((batch): StepDescription => ({
    batch: batch.index,
    subgraph: batch.subgraph,
    stage: stageOf(batch),
    after: (before.get(batch) ?? []).map(({ index }) => index),
    block: batch.fetches[0]?.block ?? 0,
    paths: batch.fetches.map(({ path }) => textOf(path)),
    operation: operationOf(batch),
  }));
  return { text: plan.text(), steps };
};

const batchesBefore = (plan: Plan, batch: Batch): readonly Batch[] => {
  const before = new Set(batch.fetches.flatMap(({ after }) => after.flatMap((index) => plan.batchOf[index] ?? [])));
  before.delete(batch);
  return [...before].sort((a, b) => a.index - b.index);
};

const operationOf = ({ fetches, selections, operationFor }: Batch): string => {
  const [first] = fetches;
  return first?.requires ? operationFor(selections.map((_, position) => position)).operation.query : (first?.operation.query ?? '');
};

const textOf = (path: Path): string => path.map(({ name, types }) => `${name ?? '@'}${types ? `|[${types.join(',')}]` : ''}`).join('.');
