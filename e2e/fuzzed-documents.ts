/** Random and mutated GraphQL: documents, values for variables, operations of this supergraph that take some. */
import fc from 'fast-check';

/** Texts that parsers, databases and formats trip over. */
const nasty = ['\u0000', 'a\u0000b', '\ud800', '\uffff', '__proto__', 'constructor', 'toString', '', ' ', "' or 1=1 --", '${x}', '../../etc/passwd', '%00', '9'.repeat(400), '1e999', '-0', 'NaN', '2024-02-30T00:00:00Z', '+275760-09-13T00:00:00Z', '-271821-04-20T00:00:00Z', '0000-00-00T00:00:00Z', '9999-12-31T23:59:59.999999999Z', '\u202e', '🤷'.repeat(50), 'fair'];
export const nastyText: fc.Arbitrary<string> = fc.oneof(fc.constantFrom(...nasty), fc.string({ unit: 'binary', maxLength: 30 }), fc.string({ maxLength: 300 }));
const nastyNumber = fc.oneof(fc.constantFrom(0, -1, 1.5, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 1e21, 1e308, -0), fc.integer(), fc.double());
const leaf = fc.oneof({ weight: 3, arbitrary: nastyText }, nastyNumber, fc.boolean(), fc.constant(null));

/** Any JSON, mostly of such texts. */
export const nastyJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, { weight: 4, arbitrary: leaf }, fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(nastyText, tie('value'), { maxKeys: 4 })),
})).value;

/** Values of which none, one or two are replaced, wherever they stand in the objects. */
export const nearly = (valid: unknown): fc.Arbitrary<unknown> => {
  const change = fc.record({ place: fc.constantFrom(...placesIn(valid)), value: fc.oneof({ weight: 3, arbitrary: nastyText }, nastyJson) });
  return fc.array(change, { maxLength: 2 }).map((changes) => changes.reduce((value, { place, value: other }) => replaced(value, place, other), valid));
};

type Place = readonly string[];
const placesIn = (value: unknown): readonly Place[] => [[], ...(isObject(value) ? Object.entries(value).flatMap(([name, inner]) => placesIn(inner).map((place) => [name, ...place])) : [])];
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const replaced = (value: unknown, [name, ...rest]: Place, other: unknown): unknown => {
  if (name === undefined) return other;
  if (!isObject(value)) return value;
  if (Array.isArray(value)) return value.map((inner: unknown, index) => (String(index) === name ? replaced(inner, rest, other) : inner));
  return { ...value, [name]: replaced(value[name], rest, other) };
};

const page = { first: 2, after: null };
const at = '2024-09-17T08:00:00Z';

/** Operations whose every argument is a variable, and values that fit. */
export const operations: readonly { readonly query: string; readonly valid: Readonly<Record<string, unknown>> }[] = [
  { query: 'query ($id: ID!) { event(id: $id) { id name attendance { currentAttendees } } }', valid: { id: 'fair' } },
  { query: 'query ($first: Int, $after: String, $filter: EventFilter) { events(first: $first, after: $after, filter: $filter) { totalCount edges { cursor node { id } } } }', valid: { ...page, filter: { status: 'ONGOING', region: 'x', type: 'x', startsFrom: at, startsBefore: at } } },
  { query: 'query ($first: Int, $after: String) { event(id: "fair") { checkIns(first: $first, after: $after) { totalCount edges { node { id } } } } }', valid: page },
  { query: 'query ($from: DateTime, $to: DateTime) { event(id: "fair") { attendanceHistory(from: $from, to: $to) { __typename } } }', valid: { from: at, to: '2024-09-18T08:00:00Z' } },
  { query: 'query ($first: Int, $after: String) { apiKeys(first: $first, after: $after) { totalCount } auditLog(first: $first, after: $after) { totalCount } eventServices(first: $first, after: $after) { totalCount } }', valid: page },
  { query: 'query ($first: Int, $after: String, $client: String) { publishedOperations(first: $first, after: $after, client: $client) { totalCount } }', valid: { ...page, client: 'x' } },
  { query: 'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { userErrors { code field } } }', valid: { input: { clientName: 'x', permissions: ['read_events'], eventAccess: ['fair'], expiresAt: null, tier: 'PARTNER', documents: 'ANY' } } },
  { query: 'mutation ($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { userErrors { code field } } }', valid: { input: { id: 'key_none' } } },
  { query: 'mutation ($input: PublishOperationsInput!) { publishOperations(input: $input) { userErrors { code field } } }', valid: { input: { client: 'x', manifest: { format: 'apollo-persisted-query-manifest', version: 1, operations: [{ id: 'x', name: 'X', type: 'query', body: 'query X { viewer { id } }' }] } } } },
  { query: 'mutation ($input: PublishOperationsInput!) { publishOperations(input: $input) { userErrors { code field } } }', valid: { input: { client: 'y', operations: [{ id: 'y', name: 'Y', type: 'QUERY', body: 'query Y { viewer { id } }' }] } } },
  {
    query: 'mutation ($input: RegisterEventServiceInput!) { registerEventService(input: $input) { userErrors { code field } } }',
    valid: { input: { product: 'gatekeeper', serviceName: 'x', eventId: 'other', endpoints: { api: 'http://127.0.0.1:1' }, authentication: { type: 'API_KEY', credentials: { apiKey: 'x' } }, syncSettings: { interval: 60, dataSchema: { type: 'object', properties: { a: { type: 'string', pattern: 'a+' } } } } } },
  },
];

const tokens = ['{', '}', '(', ')', '[', ']', ':', '!', '$', '@', '=', '|', '&', '...', '"', '"""', '#', '\\u', ',', '\n', 'query', 'mutation', 'subscription', 'fragment', 'on', 'A', 'events', 'event', 'id', 'node', 'edges', 'attendance', 'first', '20', '-1', '1e400', 'null', 'true', '@skip', '@include(if:', '@defer', '__typename', '__schema', '__type', 'type', 'extend', 'schema', 'directive', '\ufeff', '\u0000'];

const corpus = [
  ...operations.map(({ query }) => query),
  '{ events(first: 5, filter: {status: ONGOING}) { totalCount edges { node { id name ... on GateEvent { gates { id } } } } } }',
  'query A($x: Boolean!) { viewer { id } ...F @include(if: $x) } fragment F on Query { events { ...G } } fragment G on EventConnection { totalCount }',
  'query { event(id: "fair") { ... @defer(label: "x") { attendance { currentAttendees gateActivity { gateId } } } } }',
  'query I { __schema { types { name fields { name args { name type { name ofType { name } } } } } } }',
  'subscription { attendanceChanged(eventIds: ["fair"]) { cursor attendance { currentAttendees } } }',
];

type Change = { readonly at: number; readonly remove: number; readonly insert: string };
const change: fc.Arbitrary<Change> = fc.record({ at: fc.nat(1_000), remove: fc.nat(12), insert: fc.oneof(fc.constantFrom(...tokens, ''), fc.string({ unit: 'binary', maxLength: 4 })) });
const changed = (document: string, changes: readonly Change[]): string =>
  changes.reduce((sofar, { at, remove, insert }) => sofar.slice(0, at % (sofar.length + 1)) + insert + sofar.slice((at % (sofar.length + 1)) + remove), document);

/** Noise, tokens in any order, and documents with some characters changed. */
export const document: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.array(fc.constantFrom(...tokens), { maxLength: 40 }).map((list) => list.join(' ')),
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...corpus), fc.array(change, { minLength: 1, maxLength: 3 })).map(([text, changes]) => changed(text, changes)) },
);

/** Small texts that ask for much, and the code of what refuses them. */
export const bombs: readonly (readonly [name: string, query: string, code: string])[] = [
  ['aliases', `{ ${Array.from({ length: 500 }, (_, index) => `a${index}: __typename`).join(' ')} }`, 'MAX_ALIASES_EXCEEDED'],
  ['root fields', `{ ${'events { totalCount } '.repeat(100)} }`, 'MAX_ROOT_FIELDS_EXCEEDED'],
  ['fragments that double', `{ ...F0 } ${Array.from({ length: 40 }, (_, index) => `fragment F${index} on Query { ...F${index + 1} ...F${index + 1} }`).join(' ')} fragment F40 on Query { __typename }`, 'MAX_'],
  ['fragments in a circle', '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }', 'GRAPHQL_VALIDATION_FAILED'],
  ['depth', `${'{a'.repeat(10_000)}${'}'.repeat(10_000)}`, 'MAX_'],
  ['lists in lists', `{ event(id: ${'['.repeat(9_000)}${']'.repeat(9_000)}) { id } }`, 'MAX_'],
  ['objects in objects', `{ events(filter: ${'{a:'.repeat(4_000)}1${'}'.repeat(4_000)}) { totalCount } }`, 'MAX_'],
  ['tokens', `{ ${'id '.repeat(20_000)} }`, 'MAX_TOKENS_EXCEEDED'],
  ['directives', `{ __typename ${'@skip(if: false) '.repeat(1_000)} }`, 'GRAPHQL_VALIDATION_FAILED'],
  ['equal fields to merge', `{ ${'event(id: "x") { id } '.repeat(49)} ${Array.from({ length: 300 }, (_, index) => `...F${index}`).join(' ')} } ${Array.from({ length: 300 }, (_, index) => `fragment F${index} on Query { event(id: "x") { id } }`).join(' ')}`, 'MAX_ROOT_FIELDS_EXCEEDED'],
  ['variables', `query (${Array.from({ length: 1_500 }, (_, index) => `$v${index}: Int`).join(' ')}) { __typename }`, 'GRAPHQL_VALIDATION_FAILED'],
  ['length', `{ __typename } #${'x'.repeat(200_000)}`, 'MAX_DOCUMENT_LENGTH_EXCEEDED'],
];
