/**
 * The form of a plan that the executor runs.
 *
 * Glossary: a *fetch* asks one subgraph for the fields of the objects at one path; a *batch* is the fetches that
 * travel in one request; a *target* is an object of the answer that a fetch adds fields to.
 */
import type { SubgraphOperation } from '../sources/data-source.ts';

/** A response name, or every element of a list (`name` null); `types` narrows to objects of these types. */
export type PathPart = { readonly name: string | null; readonly types: readonly string[] | null };
export type Path = readonly PathPart[];

export type FetchStep = {
  /** Its place in `Plan.fetches`. */
  readonly index: number;
  readonly subgraph: string;
  readonly operation: SubgraphOperation;
  /** Names of the client's variables that the fetch passes on. */
  readonly variables: readonly string[];
  /** Where its targets are in the answer; empty for root fields. */
  readonly path: Path;
  /** The names of the path, joined by dots. */
  readonly place: string;
  /** For each part of the path, the path up to there as a text. */
  readonly routes: readonly string[];
  /** How many parts of the path, from its start, lead to the same objects whenever they are followed. */
  readonly stable: number;
  /** What a representation is made of; null for a fetch of root fields. */
  readonly requires: readonly RequiredSelection[] | null;
  readonly inputRewrites: readonly Rewrite[];
  readonly outputRewrites: readonly Rewrite[];
  readonly contextRewrites: readonly Rewrite[];
  /** The fetches that must have ended before this one starts. */
  readonly after: readonly number[];
  /** The part of an incremental answer that it belongs to; 0 is the initial one. */
  readonly block: number;
  /** Whether several targets may hold the same objects of the fetch's answer: see `sharing.ts`. */
  readonly mayShare: boolean;
  /** Whether equal targets may become one object, if no other fetch holds them yet. */
  readonly mayUnify: boolean;
};

export type RequiredSelection =
  | { readonly kind: 'field'; readonly name: string; readonly selections: readonly RequiredSelection[] | null }
  | { readonly kind: 'fragment'; readonly type: string | null; readonly selections: readonly RequiredSelection[] };

/** Changes what stands at `path`: sets a value (`__typename` of interface objects) or renames a key (aliases). */
export type Rewrite = { readonly path: readonly RewritePart[]; readonly change: { readonly set: unknown } | { readonly rename: string } };
export type RewritePart = { readonly field: string } | { readonly type: string } | { readonly parent: true };

/** Fetches of one stage to one subgraph, sent as one request as far as they are ready together. */
export type Batch = {
  readonly index: number;
  readonly subgraph: string;
  readonly fetches: readonly FetchStep[];
  /** The distinct selections of its entity fetches, each as the first fetch that has it; `selectionOf[i]` is that of `fetches[i]`. */
  readonly selections: readonly FetchStep[];
  readonly selectionOf: ReadonlyMap<FetchStep, number>;
  /** One operation for some of the selections (positions in ascending order), made when first needed. */
  operationFor(selections: readonly number[]): MergedOperation;
};

/** `aliases[i]` is the response name, `variables[i]` the name of the representations of the i-th selection asked for. */
export type MergedOperation = { readonly operation: SubgraphOperation; readonly aliases: readonly string[]; readonly variables: readonly string[] };

/** A part of an answer that comes later (`@defer`). */
export type DeferredBlock = {
  readonly block: number;
  readonly label: string;
  /** The block whose objects it hangs below. */
  readonly parent: number;
};

export type Plan = {
  readonly fetches: readonly FetchStep[];
  readonly batches: readonly Batch[];
  /** For each fetch, the fetches that wait for it. */
  readonly dependents: readonly (readonly number[])[];
  /** For each fetch, its batch. */
  readonly batchOf: readonly Batch[];
  /** A subscription's source stream; `fetches` are then what is done for each of its events, after the source answered. */
  readonly primary: FetchStep | null;
  readonly deferred: readonly DeferredBlock[];
  /** The plan as the planner printed it, for those who run the hub. */
  readonly text: () => string;
};
