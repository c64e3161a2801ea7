/**
 * The planner's tree of sequences, parallels and flattens → fetches that know what they wait for. What the planner
 * puts in sequence waits for all that stands before it; everything else may run at once.
 */
import { type DeferNode, type FetchDataRewrite, type FetchNode, type PlanNode, type QueryPlan, type QueryPlanSelectionNode, prettyFormatQueryPlan } from '@apollo/query-planner';
import { subgraphOperation } from '../sources/subgraph-operation.ts';
import { batchesOf } from './batches.ts';
import type { DeferredBlock, FetchStep, Path, PathPart, Plan, RequiredSelection, Rewrite } from './plan.ts';
import { markSharing } from './sharing.ts';

export const translatePlan = (plan: QueryPlan): Plan => {
  const { node } = plan;
  const text = () => prettyFormatQueryPlan(plan);
  const building: Building = { fetches: [], deferred: [], ids: new Map() };
  if (node?.kind === 'Subscription') {
    if (node.rest) translate(building, node.rest, start);
    return finish(building, asFetch(node.primary, { ...start, index: -1 }), text);
  }
  if (node) translate(building, node, start);
  return finish(building, null, text);
};

type Building = { readonly fetches: FetchStep[]; readonly deferred: DeferredBlock[]; readonly ids: Map<string, number> };

/** Where in the plan a node stands: what must have ended before it, at which objects, in which part of the answer. */
type Position = { readonly after: readonly number[]; readonly path: Path; readonly block: number };
const start: Position = { after: [], path: [], block: 0 };

const finish = ({ fetches, deferred }: Building, primary: FetchStep | null, text: () => string): Plan => {
  const marked = markSharing(fetches, primary);
  const dependents = marked.map((): number[] => []);
  for (const { index, after } of marked) for (const before of after) dependents[before]?.push(index);
  const batches = batchesOf(marked, dependents);
  const batchOf = marked.map((fetch) => {
    const batch = batches.find(({ fetches: members }) => members.includes(fetch));
    if (!batch) throw new TypeError('Every fetch has a batch.');
    return batch;
  });
  return { fetches: marked, batches, dependents, batchOf, primary, deferred, text };
};

/** Answers the fetches that end the node: what comes next waits for them. */
const translate = (building: Building, node: PlanNode, position: Position): readonly number[] => {
  switch (node.kind) {
    case 'Sequence':
      return node.nodes.reduce((after, part) => translate(building, part, { ...position, after }), position.after);
    case 'Parallel':
      return node.nodes.length === 0 ? position.after : [...new Set(node.nodes.flatMap((part) => translate(building, part, position)))];
    case 'Flatten':
      return translate(building, node.node, { ...position, path: [...position.path, ...node.path.map(partOf)] });
    case 'Fetch': {
      const index = building.fetches.length;
      building.fetches.push(asFetch(node, { ...position, index }));
      if (node.id !== undefined) building.ids.set(node.id, index);
      return [index];
    }
    case 'Defer':
      return translateDefer(building, node, position);
    case 'Condition':
      throw new TypeError('@skip and @include are evaluated before planning.');
  }
};

const translateDefer = (building: Building, { primary, deferred }: DeferNode, position: Position): readonly number[] => {
  const ends = primary.node ? translate(building, primary.node, position) : position.after;
  for (const { label, depends, node } of deferred) {
    const block = building.deferred.length + 1;
    building.deferred.push({ block, label: label ?? '', parent: position.block });
    const after = depends.flatMap(({ id }) => building.ids.get(id) ?? []);
    if (node) translate(building, node, { after, path: [], block });
  }
  return ends;
};

const asFetch = (node: FetchNode, { index, after, path, block }: Position & { readonly index: number }): FetchStep => ({
  index,
  subgraph: node.serviceName,
  operation: subgraphOperation(node.operation),
  variables: node.variableUsages ?? [],
  path,
  place: path.flatMap(({ name }) => (name === null ? [] : [name])).join('.'),
  routes: path.map((_, index) => JSON.stringify(path.slice(0, index + 1))),
  stable: 0,
  requires: node.requires ? inOrder(node.requires) : null,
  inputRewrites: (node.inputRewrites ?? []).map(rewriteOf),
  outputRewrites: (node.outputRewrites ?? []).map(rewriteOf),
  contextRewrites: (node.contextRewrites ?? []).map(rewriteOf),
  after,
  block,
  mayShare: false,
  mayUnify: false,
});

/** `@`, `name`, and either with `|[Type,Type]` behind it. */
const partOf = (part: string | number): PathPart => {
  const [name = '', types] = String(part).split('|');
  return { name: name === '@' ? null : name, types: types ? types.slice(1, -1).split(',') : null };
};

/** Always in one order: what is equal but for the planner's order makes representations that are equal as texts. */
const inOrder = (nodes: readonly QueryPlanSelectionNode[]): readonly RequiredSelection[] => {
  const selections = nodes.map((node): RequiredSelection =>
    node.kind === 'Field' ? { kind: 'field', name: node.alias ?? node.name, selections: node.selections ? inOrder(node.selections) : null } : { kind: 'fragment', type: node.typeCondition ?? null, selections: inOrder(node.selections) },
  );
  return selections.sort((one, other) => nameOf(one).localeCompare(nameOf(other), 'en'));
};

const nameOf = (selection: RequiredSelection): string => (selection.kind === 'field' ? selection.name : `... on ${selection.type}`);

const rewriteOf = (rewrite: FetchDataRewrite): Rewrite => ({
  path: rewrite.path.map((part) => (part === '..' ? { parent: true } : part.startsWith('... on ') ? { type: part.slice('... on '.length) } : { field: part })),
  change: rewrite.kind === 'ValueSetter' ? { set: rewrite.setValueTo } : { rename: rewrite.renameKeyTo },
});
