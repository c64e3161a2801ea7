/**
 * The types of `Event` in `subgraphs/events/schema.graphql`, one a product. An interface and its implementations belong
 * to one subgraph, so `events` must declare what the products' own schemas already name: it is made from those.
 */
import { type DefinitionNode, type FieldDefinitionNode, type InterfaceTypeDefinitionNode, Kind, type ObjectTypeDefinitionNode, parse, print } from 'graphql';

const marker = '\n# One type a product, made from the products\' schemas by `npm run compose`. Do not edit below.\n';

/** What the schema is followed by: the schema of `events` with the types of these schemas' products. */
export const withProductTypes = (events: string, others: readonly string[]): string => {
  const own = events.split(marker)[0]?.trimEnd() ?? '';
  const { definitions } = parse(own);
  const event = definitions.find((each): each is InterfaceTypeDefinitionNode => each.kind === Kind.INTERFACE_TYPE_DEFINITION && each.name.value === 'Event');
  if (!event) throw new Error('the subgraph events declares no interface Event');
  const products = others.flatMap((schema) => parse(schema).definitions.filter(isProduct)).sort((a, b) => (a.name.value < b.name.value ? -1 : 1));
  return `${own}\n${marker}\n${products.map((product) => print(implementation(product, event))).join('\n\n')}\n`;
};

/** A type with the hub-wide event id as its key whose name ends as those of products do. */
const isProduct = (node: DefinitionNode): node is ObjectTypeDefinitionNode =>
  node.kind === Kind.OBJECT_TYPE_DEFINITION && /^[A-Z][A-Za-z]*Event$/.test(node.name.value) && node.directives?.some((each) => print(each) === '@key(fields: "id")') === true;

/** The interface's fields; the id as the product describes it. */
const implementation = (product: ObjectTypeDefinitionNode, event: InterfaceTypeDefinitionNode): ObjectTypeDefinitionNode => ({
  kind: Kind.OBJECT_TYPE_DEFINITION,
  name: product.name,
  ...(product.description && { description: product.description }),
  interfaces: [{ kind: Kind.NAMED_TYPE, name: event.name }],
  ...(event.directives && { directives: event.directives }),
  fields: (event.fields ?? []).map((field) => described(field, product.fields?.find(({ name }) => name.value === field.name.value))),
});

const described = (field: FieldDefinitionNode, by: FieldDefinitionNode | undefined): FieldDefinitionNode => (by?.description ? { ...field, description: by.description } : field);
