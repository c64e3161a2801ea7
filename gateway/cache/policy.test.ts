/** What `@cacheControl` comes to for an operation, and for what a subgraph is asked of entities. */
import { expect, test } from 'vitest';
import { createOperations } from '../operations.ts';
import { defaultLimits } from '../limits.ts';
import { loadSupergraph } from '../supergraph.ts';
import { createPlanning } from '../plan/planning.ts';
import { composeAll } from '../testing/kit.ts';
import { hinted } from '../testing/hinted.ts';
import { createTerms } from './terms.ts';

const sdl = composeAll([
  hinted(
    'things',
    `type Query {
      thing: Thing @cacheControl(maxAge: 60) bare: Thing number: Int list: [Item!]! typed: Typed @cacheControl(maxAge: 600) none: Int @cacheControl(maxAge: 0)
      mine: Int @cacheControl(maxAge: 10, scope: PRIVATE) scoped: Int @cacheControl(scope: PRIVATE) any: Any @cacheControl(maxAge: 100) node: Node @cacheControl(maxAge: 100)
      whole: Whole @cacheControl(inheritMaxAge: true)
    }
    type Thing @key(fields: "id") { id: ID! name: String short: String @cacheControl(maxAge: 5) below: Value deep: Value @cacheControl(inheritMaxAge: true) inherits: Inheriting }
    type Value { a: Int b: Int @cacheControl(maxAge: 20) }
    type Inheriting @cacheControl(inheritMaxAge: true) { a: Int secret: Int @cacheControl(scope: PRIVATE) }
    type Typed @cacheControl(maxAge: 30) { a: Int self: Typed other: Thing @cacheControl(maxAge: 40) }
    type Item @cacheControl(maxAge: 50) { a: Int }
    type Whole { a: Int }
    union Any = Typed | Item
    interface Node { a: Int }
    type One implements Node { a: Int @cacheControl(maxAge: 7) } type Two implements Node { a: Int @cacheControl(maxAge: 9) }`,
  ),
  hinted('more', `type Thing @key(fields: "id") { id: ID! price: Int @cacheControl(maxAge: 3) stock: Int secret: Int @cacheControl(maxAge: 8, scope: PRIVATE) } type Owned @key(fields: "id") @cacheControl(maxAge: 12) { id: ID! size: Int } type Query { owned: Owned @cacheControl(maxAge: 1000) }`),
  hinted('sizes', `type Owned @key(fields: "id") { id: ID! width: Int height: Int @cacheControl(maxAge: 4) depth: Value2 } type Value2 { x: Int }`),
]);
const supergraph = loadSupergraph(sdl);
const operations = createOperations(supergraph.apiSchema, defaultLimits);
const terms = createTerms(supergraph);

test('clients see nothing of the hints', () => {
  expect(supergraph.apiSchema.getDirective('cacheControl')).toBeUndefined();
  expect(supergraph.apiSchema.getType('CacheControlScope')).toBeUndefined();
});

test.each<[rule: string, query: string, maxAge: number, isPrivate?: true]>([
  ['a field may be kept as long as its hint says', '{ thing { name } }', 60],
  ['a root field without a hint is not kept', '{ bare { name } }', 0],
  ['nor one that answers no object', '{ number }', 0],
  ['the lowest of an answer counts', '{ thing { name short } }', 5],
  ['the lowest of several root fields counts', '{ thing { name } mine }', 10, true],
  ['a field with an object and without a hint is not kept', '{ thing { below { a } } }', 0],
  ['unless it inherits from its parent', '{ thing { deep { a } } }', 60],
  ['or its type does', '{ thing { inherits { a } } }', 60],
  ['a hint below what inherits counts', '{ thing { deep { b } } }', 20],
  ['the hint of a type counts for fields without their own', '{ list { a } }', 50],
  ['the hint of a field counts before that of its type', '{ typed { a } }', 600],
  ['the hint of a type counts wherever it stands', '{ typed { self { a } } }', 30],
  ['0 is a hint', '{ thing { name } none }', 0],
  ['PRIVATE anywhere makes the answer private', '{ thing { inherits { secret } } }', 60, true],
  ['a scope is no age', '{ scoped }', 0, true],
  ['a root field cannot inherit', '{ whole { a } }', 0],
  ['fragments count for the types that they can meet', '{ any { ... on Item { a } } }', 100],
  ['each object that can stand there counts', '{ node { a } }', 7],
  ['one that cannot does not', '{ node { ... on Two { a } } }', 9],
  ['aliases and named fragments change nothing', 'query { one: thing { ...F } } fragment F on Thing { alias: short }', 5],
  ['introspection is not kept', '{ thing { name } __schema { queryType { name } } }', 0],
  ['the name of a type changes nothing', '{ __typename thing { __typename name } }', 60],
])('%s', (_, query, maxAge, isPrivate) => {
  expect(terms.operation(operations.find(query, null))).toEqual({ maxAge, isPrivate: isPrivate ?? false });
});

const entityPolicies = (query: string) => createPlanning(supergraph).planOf(operations.find(query, null)).fetches.filter(({ requires }) => requires).map((fetch) => terms.fetch(fetch).policy);

test.each<[rule: string, query: string, maxAge: number, isPrivate?: true]>([
  ['what is asked of an entity is kept as long as its fields say', '{ thing { price } }', 3],
  ['a field of an entity without any hint is not', '{ thing { price stock } }', 0],
  ['one that is private is', '{ thing { price secret } }', 3, true],
  ['a field without a hint has that of its entity', '{ owned { width } }', 12],
  ['and a lower one counts', '{ owned { width height } }', 4],
  ['an object without a hint is not kept', '{ owned { depth { x } } }', 0],
])('of entities: %s', (_, query, maxAge, isPrivate) => {
  expect(entityPolicies(query)).toEqual([{ maxAge, isPrivate: isPrivate ?? false }]);
});

const tagsFor = (query: string, subgraph: string) => createPlanning(supergraph).planOf(operations.find(query, null)).fetches.filter((fetch) => fetch.subgraph === subgraph).map((fetch) => terms.fetch(fetch));

test('an answer to root fields has the tags of the fields, and of each type of entities that it can hold', () => {
  expect(tagsFor('{ typed { other { name } } number }', 'things').map(({ tags }) => [...tags].sort())).toEqual([['things/', 'things/Query.number', 'things/Query.typed', 'things/Thing!', 'things/Thing?']]);
});

test('what is asked of an entity has the tag of its key, whatever is sent along', () => {
  const [fetch] = tagsFor('{ thing { price } }', 'more');
  expect(fetch?.tagsOf('{"__typename":"Thing","id":"a \\" b","required":{"x":1}}')).toEqual(['more/Thing!', 'more/Thing:{"id":"a \\" b"}']);
});
