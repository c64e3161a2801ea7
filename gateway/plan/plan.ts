/**
 * Query plans of the planner, translated once into the form the executor runs: texts parsed, type conditions and
 * rewrites prepared.
 */
import { type DocumentNode, type OperationTypeNode, parse } from 'graphql';
import type { FetchDataRewrite, FetchNode, PlanNode, QueryPlan, QueryPlanSelectionNode } from '@apollo/query-planner';

/** Glossary: a *step* is a node of a plan; a *target* is an object of the answer that a fetch adds fields to. */
export type Step =
  | FetchStep
  | { readonly kind: 'sequence'; readonly steps: readonly Step[] }
  | { readonly kind: 'parallel'; readonly steps: readonly Step[] }
  | { readonly kind: 'flatten'; readonly path: readonly FlattenPart[]; readonly step: Step }
  | { readonly kind: 'condition'; readonly variable: string; readonly then: Step | null; readonly otherwise: Step | null };

/** A response name, or every element of a list; `types` narrows to objects of these types. */
export type FlattenPart = { readonly name: string | null; readonly types: readonly string[] | null };

export type FetchStep = {
  readonly kind: 'fetch';
  readonly subgraph: string;
  readonly query: string;
  readonly document: DocumentNode;
  readonly operationName: string | undefined;
  readonly operationKind: OperationTypeNode;
  /** Names of the client's variables that the fetch passes on. */
  readonly variables: readonly string[];
  /** What a representation is made of; null for a fetch of root fields. */
  readonly requires: readonly RequiredSelection[] | null;
  readonly inputRewrites: readonly Rewrite[];
  readonly outputRewrites: readonly Rewrite[];
  readonly contextRewrites: readonly Rewrite[];
};

export type RequiredSelection =
  | { readonly kind: 'field'; readonly name: string; readonly selections: readonly RequiredSelection[] | null }
  | { readonly kind: 'fragment'; readonly type: string | null; readonly selections: readonly RequiredSelection[] };

/** Changes what stands at `path`: sets a value (`__typename` of interface objects) or renames a key (aliases). */
export type Rewrite = { readonly path: readonly RewritePart[]; readonly change: { readonly set: unknown } | { readonly rename: string } };
export type RewritePart = { readonly field: string } | { readonly type: string } | { readonly parent: true };

export type Plan = {
  readonly root: Step | null;
  /** A subscription's source stream; `root` is then what is done for each of its events, after the source answered. */
  readonly primary: FetchStep | null;
};

export const translatePlan = (plan: QueryPlan): Plan => {
  const { node } = plan;
  if (!node) return { root: null, primary: null };
  if (node.kind === 'Subscription') return { primary: translateFetch(node.primary), root: node.rest ? translate(node.rest) : null };
  return { root: translate(node), primary: null };
};

const translate = (node: PlanNode): Step => {
  switch (node.kind) {
    case 'Sequence':
      return { kind: 'sequence', steps: node.nodes.map(translate) };
    case 'Parallel':
      return { kind: 'parallel', steps: node.nodes.map(translate) };
    case 'Flatten':
      return { kind: 'flatten', path: node.path.map(translatePart), step: translate(node.node) };
    case 'Condition':
      return { kind: 'condition', variable: node.condition, then: node.ifClause ? translate(node.ifClause) : null, otherwise: node.elseClause ? translate(node.elseClause) : null };
    case 'Fetch':
      return translateFetch(node);
    case 'Defer':
      throw new TypeError('The planner is configured without @defer.');
  }
};

const translateFetch = (node: FetchNode): FetchStep => ({
  kind: 'fetch',
  subgraph: node.serviceName,
  query: node.operation,
  document: parse(node.operation, { noLocation: true }),
  operationName: node.operationName,
  operationKind: node.operationKind,
  variables: node.variableUsages ?? [],
  requires: node.requires ? node.requires.map(translateSelection) : null,
  inputRewrites: (node.inputRewrites ?? []).map(translateRewrite),
  outputRewrites: (node.outputRewrites ?? []).map(translateRewrite),
  contextRewrites: (node.contextRewrites ?? []).map(translateRewrite),
});

/** `@`, `name`, and either with `|[Type,Type]` behind it. */
const translatePart = (part: string | number): FlattenPart => {
  const [name = '', types] = String(part).split('|');
  return { name: name === '@' ? null : name, types: types ? types.slice(1, -1).split(',') : null };
};

const translateSelection = (node: QueryPlanSelectionNode): RequiredSelection =>
  node.kind === 'Field'
    ? { kind: 'field', name: node.alias ?? node.name, selections: node.selections ? node.selections.map(translateSelection) : null }
    : { kind: 'fragment', type: node.typeCondition ?? null, selections: node.selections.map(translateSelection) };

const translateRewrite = (rewrite: FetchDataRewrite): Rewrite => ({
  path: rewrite.path.map((part) => (part === '..' ? { parent: true } : part.startsWith('... on ') ? { type: part.slice('... on '.length) } : { field: part })),
  change: rewrite.kind === 'ValueSetter' ? { set: rewrite.setValueTo } : { rename: rewrite.renameKeyTo },
});
