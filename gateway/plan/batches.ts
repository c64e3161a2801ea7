/**
 * Which fetches travel together. Fetches of entities at the same stage (so many fetches after the start) from the same
 * subgraph are one request, with one `_entities` for each distinct selection. A fetch that nothing waits for joins a
 * later stage's request to its subgraph: the answer is not complete before that one anyway.
 *
 * Root fields are not batched (the planner asks each subgraph once), nor are fetches with arguments from further up in
 * the answer (each such argument is a variable of its own).
 */
import { type DocumentNode, OperationTypeNode, print, visit } from 'graphql';
import { mergeEntityOperations } from './merge-operations.ts';
import type { Batch, FetchStep, MergedOperation } from './plan.ts';

export const batchesOf = (fetches: readonly FetchStep[], dependents: readonly (readonly number[])[]): readonly Batch[] => {
  const stages = stagesOf(fetches);
  const lastStage = new Map<string, number>();
  for (const fetch of fetches) if (isBatchable(fetch)) lastStage.set(routeOf(fetch), Math.max(lastStage.get(routeOf(fetch)) ?? 0, stages[fetch.index] ?? 0));
  const members = new Map<string, FetchStep[]>();
  for (const fetch of fetches) {
    const isAwaited = (dependents[fetch.index]?.length ?? 0) > 0;
    const stage = isAwaited ? stages[fetch.index] : lastStage.get(routeOf(fetch));
    const key = isBatchable(fetch) ? `${routeOf(fetch)} ${stage}` : `alone ${fetch.index}`;
    members.set(key, [...(members.get(key) ?? []), fetch]);
  }
  return [...members.values()].map((each, index) => createBatch(index, each));
};

const isBatchable = ({ requires, contextRewrites, operation }: FetchStep): boolean => requires !== null && contextRewrites.length === 0 && operation.kind === OperationTypeNode.QUERY;

const routeOf = ({ subgraph, block }: FetchStep): string => JSON.stringify([subgraph, block]);

/** Fetches stand behind what they wait for, so one pass is enough. */
const stagesOf = (fetches: readonly FetchStep[]): readonly number[] => {
  const stages: number[] = [];
  for (const { after } of fetches) stages.push(after.reduce((latest, before) => Math.max(latest, (stages[before] ?? 0) + 1), 0));
  return stages;
};

const unnamed = (document: DocumentNode): string => print(visit(document, { OperationDefinition: (node) => ({ ...node, name: undefined }) }));

/** What may be one at the places of one fetch may not be at those of another. */
const ofBothForms = (one: FetchStep, other: FetchStep): FetchStep =>
  JSON.stringify(one.operation.form) === JSON.stringify(other.operation.form) ? one : { ...one, operation: { ...one.operation, form: undefined } };

const createBatch = (index: number, fetches: readonly FetchStep[]): Batch => {
  const positions = new Map<string, number>();
  const selections: FetchStep[] = [];
  const selectionOf = new Map<FetchStep, number>();
  for (const fetch of fetches) {
    // Answers differ with the operation (but not its name) and rewrites, whatever the representations are made of.
    const key = JSON.stringify([unnamed(fetch.operation.document), fetch.outputRewrites]);
    const position = positions.get(key) ?? selections.push(fetch) - 1;
    selections[position] = ofBothForms(selections[position] ?? fetch, fetch);
    positions.set(key, position);
    selectionOf.set(fetch, position);
  }
  const made = new Map<string, MergedOperation>();
  return {
    index,
    subgraph: fetches[0]?.subgraph ?? '',
    fetches,
    selections,
    selectionOf,
    operationFor(wanted) {
      const key = wanted.join(' ');
      let operation = made.get(key);
      if (!operation) made.set(key, (operation = mergeEntityOperations(wanted.flatMap((position) => selections[position]?.operation ?? []))));
      return operation;
    },
  };
};
