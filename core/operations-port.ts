/**
 * What subgraphs may ask about operations of clients: whether they are valid. The rules are the gateway's, which a
 * subgraph does not know; whoever assembles the hub hands them over.
 */
import { setImmediate } from 'node:timers/promises';
import type { PublishedOperation } from './published-operations.ts';

/** Why a gateway would refuse an operation. */
export type OperationMistake = {
  readonly code: string;
  readonly message: string;
  /** In the body, from 1; null for what concerns all of it. */
  readonly line: number | null;
  readonly column: number | null;
  /** The selected field at that place, from its operation or fragment: `Events.events.edges.node.nmae`. */
  readonly field: string | null;
};

/** `name` and `type` are those of the operation where the body is a valid one. */
export type CheckedOperation = { readonly name: string | null; readonly type: PublishedOperation['type'] | null; readonly mistakes: readonly OperationMistake[] };

export type OperationCheck = (body: string) => CheckedOperation;

/** An operation of the hub's own or of a client. */
export type OwnedOperation = Omit<PublishedOperation, 'client'> & { readonly client: string | null };

export type OperationsPort = {
  /** The hub's own. */
  readonly own: readonly OwnedOperation[];
  /** By the schema that gateways serve now. */
  current(): OperationCheck;
  /** By a proposed supergraph. Throws EventgraphError with `SUPERGRAPH_INVALID`. */
  against(supergraph: string): OperationCheck;
};

export type BrokenOperation = { readonly operation: OwnedOperation; readonly mistakes: readonly OperationMistake[] };

/** The operations that would be refused. Lets others work in between, as there may be many. */
export const brokenAmong = async (operations: readonly OwnedOperation[], check: OperationCheck): Promise<readonly BrokenOperation[]> => {
  const broken: BrokenOperation[] = [];
  for (const [index, operation] of operations.entries()) {
    if (index % breath === breath - 1) await setImmediate();
    const { mistakes } = check(operation.body);
    if (mistakes.length > 0) broken.push({ operation, mistakes });
  }
  return broken;
};

const breath = 20;
