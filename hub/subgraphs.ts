/** Loads the subgraphs that supergraph.yaml lists, each from its folder. */
import { join } from 'node:path';
import type { AnySubgraph } from '#core/subgraph.ts';
import { type ListedSubgraph, readSupergraphList } from '#core/supergraph-list.ts';

export const root = join(import.meta.dirname, '..');
export const supergraphFile = join(root, 'supergraph.graphql');
/** The hub's own operations, one a file. */
export const operationsFolder = join(root, 'operations');

export const listSubgraphs = (env: Readonly<Record<string, string | undefined>> = process.env): ListedSubgraph[] => readSupergraphList(join(root, 'supergraph.yaml'), env);

/** In the order of the list, which is the order in which they write a batch of facts. */
export const loadSubgraphs = (): Promise<AnySubgraph[]> =>
  Promise.all(
    listSubgraphs().map(async ({ name }) => {
      const module = (await import(`../subgraphs/${name}/index.ts`)) as { subgraph: AnySubgraph };
      return module.subgraph;
    }),
  );
