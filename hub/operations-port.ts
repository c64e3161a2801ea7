/** The gateway's rules for operations, handed to subgraphs: by the supergraph that gateways serve, from its file. */
import { readFileSync, statSync } from 'node:fs';
import type { OperationCheck, OperationsPort } from '#core/operations-port.ts';
import { withoutSuggestion } from '#gateway/documents/closing.ts';
import { createOperationCheck } from '#gateway/documents/operation-check.ts';
import { readOperationFiles } from '#gateway/documents/operation-files.ts';
import type { Limits } from '#gateway/limits.ts';
import { loadSupergraph } from '#gateway/supergraph.ts';
import { operationsFolder } from './subgraphs.ts';

export type OperationsPortOptions = {
  readonly supergraphFile: string;
  /** Whether mistakes may be told with names of the schema. */
  readonly introspection: boolean;
  readonly limits: Limits;
};

export const createOperationsPort = ({ supergraphFile, introspection, limits }: OperationsPortOptions): OperationsPort => {
  const checkBy = (supergraph: string): OperationCheck => createOperationCheck(loadSupergraph(supergraph).apiSchema, limits);
  let loaded: { readonly version: string; readonly check: OperationCheck } | null = null;
  return {
    own: readOperationFiles(operationsFolder).map(({ id, name, type, body }) => ({ client: null, id, name, type, body })),
    current() {
      const { mtimeMs, size } = statSync(supergraphFile);
      const version = `${mtimeMs} ${size}`;
      if (loaded?.version === version) return loaded.check;
      try {
        const check = checkBy(readFileSync(supergraphFile, 'utf8'));
        loaded = { version, check: introspection ? check : plain(check) };
      } catch (error) {
        // Gateways stay with the old one too.
        if (!loaded) throw error;
      }
      return loaded.check;
    },
    against: checkBy,
  };
};

/** Whoever publishes operations need not be one who may ask for the schema. */
const plain =
  (check: OperationCheck): OperationCheck =>
  (body) => {
    const checked = check(body);
    return { ...checked, mistakes: checked.mistakes.map((each) => ({ ...each, message: withoutSuggestion(each.message) })) };
  };
