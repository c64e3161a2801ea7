/** The shop as four subgraphs, as their supergraph, and as one schema that tells what every gateway must answer. */
import { composeServices } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { type ExecutionResult, type GraphQLSchema, buildSchema, execute, parse } from 'graphql';
import { products, reviews, shippingEstimate, users } from './shop.ts';

const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@external", "@requires", "@provides", "@shareable"])\n';

const sdl = {
  accounts: `
    type Query { me: User user(id: ID!): User users: [User] }
    type User @key(fields: "id") { id: ID! name(zone: Int): String username: String @shareable }`,
  inventory: `
    type Product @key(fields: "upc") {
      upc: String! weight: Int @external price: Int @external
      inStock(zone: Int): Boolean
      shippingEstimate(zone: Int): Int @requires(fields: "price weight")
    }`,
  products: `
    type Query { topProducts(first: Int = 5): [Product] }
    type Product @key(fields: "upc") { upc: String! name(zone: Int): String price: Int weight: Int }`,
  reviews: `
    type Review @key(fields: "id") { id: ID! body(zone: Int): String author: User @provides(fields: "username") product: Product }
    type User @key(fields: "id") { id: ID! username: String @external reviews: [Review] }
    type Product @key(fields: "upc") { upc: String! reviews: [Review] }`,
};

export type SubgraphName = keyof typeof sdl;
export const subgraphNames = Object.keys(sdl) as readonly SubgraphName[];

/** What a gateway sends of an entity; `price` and `weight` are there for the field that requires them. */
type Representation = { readonly id: string; readonly upc: string; readonly price: number; readonly weight: number };
type Reference = { __resolveReference(representation: Representation): unknown };

const userOf: Reference = { __resolveReference: ({ id }) => users.find((user) => user.id === id) };
const productOf: Reference = { __resolveReference: ({ upc }) => products.find((product) => product.upc === upc) };
const reviewOf: Reference = { __resolveReference: ({ id }) => reviews.find((review) => review.id === id) };

const query = { me: () => users[0], user: ({ id }: { id: string }) => users.find((user) => user.id === id), users: () => users, topProducts: ({ first }: { first: number }) => products.slice(0, first) };

const resolvers = {
  accounts: { User: userOf },
  inventory: {
    Product: {
      __resolveReference: ({ upc, price, weight }: Representation) => ({ upc, inStock: products.find((product) => product.upc === upc)?.inStock, shippingEstimate: (args: { zone?: number }) => shippingEstimate(price, weight, args) }),
    },
  },
  products: { Product: productOf },
  reviews: { Review: reviewOf, User: userOf, Product: productOf },
};

export const subgraphSchema = (name: SubgraphName): GraphQLSchema => buildSubgraphSchema({ typeDefs: parse(link + sdl[name]), resolvers: resolvers[name] });

/** Of Query's fields in every subgraph. */
export const rootValue = query;

export const supergraphOf = (urls: Readonly<Record<SubgraphName, string>>): string => {
  const composed = composeServices(subgraphNames.map((name) => ({ name, url: urls[name], typeDefs: parse(link + sdl[name]) })));
  if (composed.errors) throw new AggregateError(composed.errors, 'The shop does not compose.');
  return composed.supergraphSdl;
};

/** The same supergraph with fields that only some viewers may see. */
export const guarded = (supergraph: string): string => {
  const linked = supergraph.replace('schema\n', 'schema\n  @link(url: "https://specs.apollo.dev/authenticated/v0.1", for: SECURITY)\n  @link(url: "https://specs.apollo.dev/requiresScopes/v0.1", for: SECURITY)\n');
  const named = linked
    .replaceAll(/^ {2}(inStock|shippingEstimate|username)(.*)$/gm, '  $1$2 @authenticated')
    .replaceAll(/^ {2}(body|price)(.*)$/gm, '  $1$2 @requiresScopes(scopes: [["read_events"]])');
  if (named.match(/@authenticated$/gm)?.length !== 3) throw new Error('The supergraph is not of the form that was expected.');
  return `${named}\ndirective @authenticated on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM\nscalar requiresScopes__Scope\ndirective @requiresScopes(scopes: [[requiresScopes__Scope!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM\n`;
};

const whole = buildSchema(`
  type Query { me: User user(id: ID!): User users: [User] topProducts(first: Int = 5): [Product] }
  type User { id: ID! name(zone: Int): String username: String reviews: [Review] }
  type Product { upc: String! name(zone: Int): String price: Int weight: Int inStock(zone: Int): Boolean shippingEstimate(zone: Int): Int reviews: [Review] }
  type Review { id: ID! body(zone: Int): String author: User product: Product }`);

/** What graphql-js answers where nothing is federated. */
export const referenceAnswer = async (text: string, variables: Readonly<Record<string, unknown>>): Promise<ExecutionResult> => {
  const result = await execute({ schema: whole, document: parse(text), rootValue, variableValues: variables });
  if (result.errors) throw new AggregateError(result.errors, 'The reference cannot be computed.');
  return JSON.parse(JSON.stringify(result)) as ExecutionResult;
};
