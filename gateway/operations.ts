/**
 * From the text of a request to one operation that is valid against the API schema, with coerced variables.
 *
 * Parsing and validating are done once per text; both outcomes are remembered.
 */
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type OperationTypeNode,
  type SelectionSetNode,
  SingleFieldSubscriptionsRule,
  getVariableValues,
  parse,
  print,
  separateOperations,
  specifiedRules,
  validate,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { RequestRefused, inputError, refuse, withCode } from './errors.ts';
import { type Limits, checkDocumentLength, checkLimits, exceeded } from './limits.ts';

/** One operation of a valid document, with the fragments it uses and nothing else. */
export type Operation = {
  readonly name: string | undefined;
  readonly kind: OperationTypeNode;
  readonly definition: OperationDefinitionNode;
  readonly document: DocumentNode;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** The document printed: equal for two texts that differ in white space and comments alone. */
  readonly key: string;
};

export type Variables = Readonly<Record<string, unknown>>;

export type Operations = {
  /** Throws RequestRefused: parse, validation, limits, or no such operation. */
  find(text: string | null | undefined, operationName: string | null | undefined): Operation;
  /** Throws RequestRefused with `BAD_USER_INPUT` for values that do not fit their types. */
  coerce(operation: Operation, variables: Variables | null | undefined): Variables;
};

/**
 * Whether a subscription has one root field can depend on variables (`@skip`, `@include`); it is checked when the
 * values are known. The rule of graphql-js throws where a variable decides.
 */
const rules = specifiedRules.filter((rule) => rule !== SingleFieldSubscriptionsRule);
const maxErrors = 20;

/** `bytes`: about what it takes. */
type Entry = { readonly bytes: number } & ({ readonly operations: ReadonlyMap<string, Operation> } | { readonly refused: RequestRefused });

const cacheBytes = 200_000_000;
/** Measured: a field of a parsed document is 600 bytes, most other tokens less. */
const bytesPerToken = 600;

export const createOperations = (schema: GraphQLSchema, limits: Limits): Operations => {
  // Bounded by the memory that documents take, as an attacker chooses their number and how much is in them.
  const cache = new LRUCache<string, Entry>({ max: 2_000, maxSize: cacheBytes, sizeCalculation: ({ bytes }, text) => text.length + bytes });

  const read = (text: string): Entry => {
    const known = cache.get(text);
    if (known) return known;
    const entry = readDocument(schema, limits, text);
    cache.set(text, entry);
    return entry;
  };

  return {
    find(text, operationName) {
      if (typeof text !== 'string' || text === '') throw refuse('BAD_REQUEST', 'The request has no `query`.', { field: 'query' });
      checkDocumentLength(text, limits);
      const entry = read(text);
      if ('refused' in entry) throw entry.refused;
      const operation = select(entry.operations, operationName);
      // Validation leaves it to execution that a schema has no mutations or subscriptions.
      if (!schema.getRootType(operation.kind)) throw refuse('GRAPHQL_VALIDATION_FAILED', `The schema has no ${operation.kind}s.`, { operation: operation.kind });
      return operation;
    },
    coerce: (operation, variables) => coerceVariables(schema, operation, variables ?? {}),
  };
};

const readDocument = (schema: GraphQLSchema, limits: Limits, text: string): Entry => {
  try {
    const document = parseDocument(text, limits);
    checkLimits(document, limits);
    const errors = validate(schema, document, rules, { maxErrors });
    if (errors.length > 0) return refusedEntry(new RequestRefused(errors.map((error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED'))));
    return { operations: operationsOf(document), bytes: tokensIn(document) * bytesPerToken };
  } catch (error) {
    if (error instanceof RequestRefused) return refusedEntry(error);
    throw error;
  }
};

/** Errors are few and short, but can quote what they are about. */
const refusedEntry = (refused: RequestRefused): Entry => ({ refused, bytes: 1_000 + refused.errors.reduce((sum, { message }) => sum + 2 * message.length, 0) });

const tokensIn = ({ loc }: DocumentNode): number => {
  let count = 0;
  for (let token = loc?.startToken; token; token = token.next ?? undefined) count++;
  return count;
};

const parseDocument = (text: string, limits: Limits): DocumentNode => {
  try {
    return parse(text, { maxTokens: limits.maxTokens });
  } catch (error) {
    if (error instanceof GraphQLError && error.message.includes(`more that ${limits.maxTokens} tokens`)) throw exceeded('MAX_TOKENS_EXCEEDED', 'number of tokens', limits.maxTokens + 1, limits.maxTokens);
    if (error instanceof GraphQLError) throw new RequestRefused([withCode(error, 'GRAPHQL_PARSE_FAILED')]);
    // The parser is recursive: a document nested thousands of levels deep ends the stack, and nothing else.
    if (error instanceof RangeError) throw refuse('MAX_DEPTH_EXCEEDED', `The operation is nested too deeply; the maximum depth is ${limits.maxDepth}.`, { limit: 'depth', maximum: limits.maxDepth });
    throw error;
  }
};

const operationsOf = (document: DocumentNode): ReadonlyMap<string, Operation> =>
  new Map(Object.entries(separateOperations(document)).map(([name, separate]) => [name, operationOf(separate)]));

/** Documents are separated to one operation each, with the fragments it reaches. */
const operationOf = (document: DocumentNode): Operation => {
  const { definition, fragments } = partsOf(document);
  return { name: definition.name?.value, kind: definition.operation, definition, document, fragments, key: print(document) };
};

/** The operation with another document; `mark` says what was done to it, as part of its key. */
export const rebuilt = (operation: Operation, document: DocumentNode, mark: string): Operation => ({ ...operation, document, ...partsOf(document), key: `${operation.key}\n${mark}` });

const partsOf = (document: DocumentNode): Pick<Operation, 'definition' | 'fragments'> => {
  const fragments = new Map<string, FragmentDefinitionNode>();
  let definition: OperationDefinitionNode | undefined;
  for (const node of document.definitions) {
    if (node.kind === Kind.OPERATION_DEFINITION) definition = node;
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  }
  if (!definition) throw new TypeError('A separated document has one operation.');
  return { definition, fragments };
};

/** The fields at the root, fragments followed. */
export const rootFieldsOf = (operation: Operation, set: SelectionSetNode = operation.definition.selectionSet): readonly FieldNode[] =>
  set.selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD) return [selection];
    const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : operation.fragments.get(selection.name.value);
    return fragment ? rootFieldsOf(operation, fragment.selectionSet) : [];
  });

/** GraphQL specification, 5.2.3.1: a subscription has one root field, and it is not an introspection field. */
export const checkSubscriptionRoot = (operation: Operation): void => {
  const names = new Set(rootFieldsOf(operation).map(({ alias, name }) => (alias ?? name).value));
  const isIntrospection = rootFieldsOf(operation).some(({ name }) => name.value.startsWith('__'));
  if (names.size === 1 && !isIntrospection) return;
  throw refuse('GRAPHQL_VALIDATION_FAILED', `A subscription must select one field at its root; this one selects ${isIntrospection ? 'an introspection field' : names.size}.`, { rootFields: [...names] });
};

/** GraphQL specification, 6.1: without a name there must be one operation; with a name, it must exist. */
const select = (operations: ReadonlyMap<string, Operation>, name: string | null | undefined): Operation => {
  if (name !== null && name !== undefined && name !== '') {
    const named = operations.get(name);
    if (named) return named;
    throw refuse('OPERATION_RESOLUTION_FAILURE', `The document has no operation named ${JSON.stringify(name)}.`, { field: 'operationName' });
  }
  const [first] = operations.values();
  if (first && operations.size === 1) return first;
  throw refuse('OPERATION_RESOLUTION_FAILURE', operations.size === 0 ? 'The document has no operation.' : 'The document has several operations: `operationName` must name one.', { field: 'operationName' });
};

const coerceVariables = (schema: GraphQLSchema, operation: Operation, raw: Variables): Variables => {
  const definitions = operation.definition.variableDefinitions ?? [];
  if (definitions.length === 0) return {};
  const { coerced, errors } = getVariableValues(schema, definitions, raw, { maxErrors });
  if (errors) throw new RequestRefused(errors.map(asInputError));
  return coerced;
};

const asInputError = (error: GraphQLError): GraphQLFormattedError => inputError(error.toJSON()) ?? withCode(error, 'BAD_USER_INPUT');
