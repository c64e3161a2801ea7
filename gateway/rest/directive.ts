/**
 * `@rest`: where an operation of the hub is served over REST. It is read when the hub starts and is no part of what is
 * executed.
 */
import { type ConstDirectiveNode, type DirectiveNode, type DocumentNode, Kind, type OperationTypeNode, buildSchema, getArgumentValues, parse, validate } from 'graphql';
import { ConfigError } from '#core/errors.ts';
import type { Permission } from '#core/viewer.ts';

const restDirective = `
"""
Serves an operation over REST. Variables named in a path come from there; the others come from the query string (GET) or
from the fields of a JSON body (POST). Enum values are written in lower case, unless \`words\` says otherwise.
"""
directive @rest(
  "How it is asked: GET for queries, POST for mutations and for queries with a body."
  method: RestMethod! = GET
  "Where it is served; everywhere alike."
  paths: [RestPath!]!
  "What it is for, in a few words."
  summary: String!
  "Permissions that the key needs, each of them; not asked where nobody needs a key."
  permissions: [String!]! = []
  "Variable with a hub-wide event id: a key whose event list does not have it is answered 403."
  event: String
  "Field at the root that is null where there is no such thing: answered 404."
  found: String
  "Status of a success."
  status: Int! = 200
  "JSONata expression (https://docs.jsonata.org) that makes the body out of the answer's \`data\`; \`$word(value)\` is the word of an enum value."
  answer: String!
  "Name of the body's JSON Schema in \`schemas.json\`, beside the operations."
  schema: String!
  "Field at the root that is a connection, whose pages are linked. Its variables are \`first\` and \`after\`."
  page: String
  "What a variable is called and may be, beyond its type."
  parameters: [RestParameter!]! = []
  "Enum values whose word is not their name in lower case."
  words: [RestWord!]! = []
  "JSON object whose members every mistake at these paths has besides its own (RFC 9457, 3.2), for clients that look for them."
  problem: String! = "{}"
) on QUERY | MUTATION

enum RestMethod { GET POST }

"A path and who may use it."
input RestPath {
  "From the root, with parameters in braces: \`/api/v1/events/{eventId}/attendance\`."
  path: String!
  "Who may use it."
  wants: RestAudience! = KEY
}

enum RestAudience {
  "Everybody; a key is taken where there is one."
  NOTHING
  "Every key."
  KEY
  "Keys of the tier PARTNER and higher ones."
  PARTNER
  "Keys of the tier PREMIUM and higher ones."
  PREMIUM
}

"A variable as a parameter."
input RestParameter {
  "Name of the variable."
  variable: String!
  "Name of the parameter; the variable's unless given."
  name: String
  "What it means; as the schema has it unless given."
  description: String
  "Smallest number."
  minimum: Int
  "Largest number."
  maximum: Int
  "Fewest characters or entries."
  minLength: Int
  "Most characters or entries."
  maxLength: Int
  "Regular expression that a text must meet."
  pattern: String
  "Words that a text, or each entry of a list, must be one of."
  oneOf: [String!]
}

"The word of an enum value."
input RestWord { value: String! word: String! }
`;

export type RestAudience = 'NOTHING' | 'KEY' | 'PARTNER' | 'PREMIUM';
export type RestParameter = {
  readonly variable: string;
  readonly name?: string | null;
  readonly description?: string | null;
  readonly minimum?: number | null;
  readonly maximum?: number | null;
  readonly minLength?: number | null;
  readonly maxLength?: number | null;
  readonly pattern?: string | null;
  readonly oneOf?: readonly string[] | null;
};
export type RestDirective = {
  readonly method: 'GET' | 'POST';
  readonly paths: readonly { readonly path: string; readonly wants: RestAudience }[];
  readonly summary: string;
  readonly permissions: readonly Permission[];
  readonly event?: string | null;
  readonly found?: string | null;
  readonly status: number;
  readonly answer: string;
  readonly schema: string;
  readonly page?: string | null;
  readonly parameters: readonly RestParameter[];
  readonly words: readonly { readonly value: string; readonly word: string }[];
  readonly problem: string;
};

const schema = buildSchema(`${restDirective} type Query { _: Boolean } type Mutation { _: Boolean }`);

/** Throws a ConfigError that names the file for a directive that is not as it is defined. */
export const readRestDirective = (file: string, type: OperationTypeNode, node: DirectiveNode | ConstDirectiveNode): RestDirective => {
  const [error] = validate(schema, bearing(type, node));
  const definition = schema.getDirective('rest');
  if (error || !definition) throw new ConfigError(`@rest of ${file}: ${error?.message}`, { file });
  const rest = getArgumentValues(definition, node) as RestDirective;
  if (type === 'mutation' && rest.method === 'GET') throw new ConfigError(`@rest of ${file}: a mutation is not served with GET.`, { file });
  return rest;
};

/** An operation of the small schema above that carries nothing but the directive. */
const bearing = (type: OperationTypeNode, node: DirectiveNode | ConstDirectiveNode): DocumentNode => {
  const document = parse(`${type} { _ }`);
  return { ...document, definitions: document.definitions.map((each) => (each.kind === Kind.OPERATION_DEFINITION ? { ...each, directives: [node] } : each)) };
};
