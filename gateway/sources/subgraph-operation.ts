/** The text of an operation, made ready to be sent. */
import { Kind, OperationTypeNode, parse } from 'graphql';
import type { SubgraphOperation } from './data-source.ts';

export const subgraphOperation = (query: string): SubgraphOperation => {
  const document = parse(query, { noLocation: true });
  const definition = document.definitions.find((each) => each.kind === Kind.OPERATION_DEFINITION);
  return { kind: definition?.operation ?? OperationTypeNode.QUERY, name: definition?.name?.value, query, document };
};
