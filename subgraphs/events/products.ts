/** The types that implement `Event`: one a product, as `npm run compose` wrote them into the schema. */
import { Kind } from 'graphql';
import { readTypeDefs } from '#core/subgraph.ts';

export const productTypes: readonly string[] = readTypeDefs({ folder: import.meta.dirname }).definitions.flatMap((node) =>
  node.kind === Kind.OBJECT_TYPE_DEFINITION && node.interfaces?.some(({ name }) => name.value === 'Event') ? [node.name.value] : [],
);
