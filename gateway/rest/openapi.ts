/**
 * The REST surface as OpenAPI 3.1, made from the operations: parameters from their variables, bodies from the schemas
 * beside them, examples from runs that the tests record.
 */
import { STATUS_CODES } from 'node:http';
import type { JsonSchema } from './json-schema.ts';
import { schemaOf } from './parameters.ts';
import { problemType } from './problem.ts';
import type { Parameter, Route } from './route.ts';

/** Of an operation: what was sent and answered. */
export type Example = { readonly path: string; readonly body?: unknown; readonly answer: unknown };

export type OpenapiOptions = {
  readonly routes: readonly Route[];
  /** By name: the schemas of bodies. */
  readonly schemas: Readonly<Record<string, JsonSchema>>;
  /** By name of the operation. */
  readonly examples: Readonly<Record<string, Example>>;
  readonly version: string;
  /** Base URL of the hub's OAuth 2.0 server. */
  readonly oauthUrl: string;
};

export type OpenapiDocument = {
  readonly openapi: '3.1.0';
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenapiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>>; readonly securitySchemes: JsonSchema };
  readonly [part: string]: unknown;
};
export type OpenapiOperation = { readonly operationId: string; readonly responses: Readonly<Record<string, unknown>>; readonly [part: string]: unknown };

export const openapiOf = ({ routes, schemas, examples, version, oauthUrl }: OpenapiOptions): OpenapiDocument => ({
  openapi: '3.1.0',
  info: {
    title: 'Eventgraph',
    version,
    description: 'Events and live attendance of every event management service of an organisation. Each path is an operation of the GraphQL API, with the same rights and the same budget. Mistakes are `application/problem+json` (RFC 9457) with a stable `code`; parameters that are not in this document are refused.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/', description: 'This hub.' }],
  tags: areas.map(({ name, description }) => ({ name, description })),
  paths: pathsOf(routes, examples),
  components: {
    schemas: { ...schemas, Problem: problemSchema },
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer', description: 'A key: `Authorization: Bearer IPK_…`.' },
      apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'The same key.' },
      oauth2: oauthOf(routes, oauthUrl),
    },
  },
});

const areas = [
  { name: 'public', description: 'Without a key.' },
  { name: 'v1', description: 'For every key.' },
  { name: 'partner', description: 'For keys of the tier partner and higher ones.' },
  { name: 'premium', description: 'For keys of the tier premium and higher ones: a higher rate.' },
  { name: 'platform', description: 'Running the hub.' },
  { name: 'unversioned', description: 'Paths that existing clients of other products know; for every key.' },
] as const;

const areaOf = (path: string): string => areas.find(({ name }) => name === path.split('/')[2])?.name ?? 'unversioned';

const pathsOf = (routes: readonly Route[], examples: OpenapiOptions['examples']): OpenapiDocument['paths'] => {
  const paths: Record<string, Record<string, OpenapiOperation>> = {};
  for (const route of routes) for (const { path, wants } of route.paths) (paths[path] ??= {})[route.method.toLowerCase()] = operationOf(route, path, wants === 'NOTHING', examples[route.name]);
  return Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1)));
};

const operationOf = (route: Route, path: string, isOpen: boolean, example: Example | undefined): OpenapiOperation => {
  const { inputs, method, summary, paths, permissions } = route;
  const inBody = inputs.filter((each) => each.in === 'body');
  const isFirst = paths[0]?.path === path;
  const rights = isOpen || permissions.length === 0 ? [] : [`Permissions: ${permissions.map((permission) => `\`${permission}\``).join(', ')}.`];
  return {
    operationId: isFirst ? route.name : `${route.name}_${areaOf(path)}`,
    tags: [areaOf(path)],
    summary,
    description: [`The operation \`${route.name}\`.`, ...rights].join(' '),
    security: [...(isOpen ? [{}] : []), { bearer: [] }, { apiKey: [] }, { oauth2: isOpen ? [] : permissions }],
    parameters: [...inputs.filter((each) => each.in !== 'body').map(parameterOf), ...(route.kind === 'mutation' ? [idempotencyKey] : [])],
    ...(inBody.length > 0 ? { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(inBody), ...(example?.body === undefined ? {} : { example: example.body }) } } } } : {}),
    responses: { [route.status]: successOf(route, example), ...(method === 'GET' ? { 304: { description: 'As the client has it (`If-None-Match`).' } } : {}), ...problemsOf(route, isOpen, method === 'POST') },
  };
};

/** Scopes are permissions. */
const oauthOf = (routes: readonly Route[], url: string): JsonSchema => {
  const scopes = Object.fromEntries([...new Set(routes.flatMap(({ permissions }) => permissions))].sort().map((permission) => [permission, `The permission \`${permission}\`.`]));
  const tokenUrl = `${url}/token`;
  return { type: 'oauth2', flows: { authorizationCode: { authorizationUrl: `${url}/authorize`, tokenUrl, refreshUrl: tokenUrl, scopes }, clientCredentials: { tokenUrl, scopes } } };
};

const parameterOf = ({ name, in: place, required, schema }: Parameter): JsonSchema => {
  const { description, ...type } = schema;
  return { name, in: place, required, ...(description ? { description } : {}), schema: withoutNull(type) };
};

/** A query string has no null. */
const withoutNull = (schema: JsonSchema): JsonSchema => {
  const { type, enum: values, items } = schema;
  return {
    ...schema,
    ...(Array.isArray(type) ? { type: type.find((each) => each !== 'null') as string } : {}),
    ...(Array.isArray(values) ? { enum: values.filter((each) => each !== null) } : {}),
    ...(items ? { items: withoutNull(items as JsonSchema) } : {}),
  };
};

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Makes a request safe to repeat for 24 hours: it is carried out once, and the same answer is given again with `Idempotency-Replayed: true`.',
  schema: { type: 'string', pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,255}$' },
};

const text = (description: string): JsonSchema => ({ description, schema: { type: 'string' } });
const budgetHeaders = { 'RateLimit-Policy': text('The budget and its window.'), RateLimit: text('What is left of the budget.') };

const successOf = (route: Route, example: Example | undefined): JsonSchema => ({
  description: `${route.summary}: done.`,
  headers: {
    ...budgetHeaders,
    ...(route.method === 'GET' ? { ETag: text('Of this answer, for `If-None-Match`.'), 'Cache-Control': text('How long it may be kept.') } : {}),
    ...(route.page ? { Link: text('`rel="first"`, and `rel="next"` while there is one (RFC 8288).') } : {}),
    ...(route.kind === 'mutation' ? { 'Idempotency-Replayed': text('`true` for an answer that is given again.') } : {}),
  },
  content: { 'application/json': { schema: { $ref: `#/components/schemas/${route.schema}` }, ...(example ? { example: example.answer } : {}) } },
});

const problemsOf = (route: Route, isOpen: boolean, hasBody: boolean): Record<string, JsonSchema> => {
  const statuses = [400, 401, ...(isOpen ? [] : [403]), ...(route.found || hasBody ? [404] : []), ...(hasBody ? [409, 413, 415] : []), 422, 429, 500, 502, 503, 504];
  return Object.fromEntries(statuses.map((status) => [String(status), problemResponse(status)]));
};

const problemResponse = (status: number): JsonSchema => ({
  description: STATUS_CODES[status],
  ...(status === 429 || status === 503 ? { headers: { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer', minimum: 1 } } } } : {}),
  content: { [problemType]: { schema: { $ref: '#/components/schemas/Problem' } } },
});

const problemSchema: JsonSchema = {
  type: 'object',
  description: 'A mistake (RFC 9457). Programs rely on `code`, never on the words.',
  properties: {
    type: { type: 'string', format: 'uri', description: 'Equal for equal mistakes.' },
    title: { type: 'string' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    detail: { type: 'string', description: 'What is wrong here and what to do.' },
    instance: { type: 'string', description: 'Path of the request.' },
    code: { type: 'string', description: 'Stable code.' },
    requestId: { type: 'string', description: 'Finds the request in the hub\'s log.' },
    field: { type: 'string', description: 'The parameter or body field at fault.' },
    errors: {
      type: 'array',
      description: 'Every field at fault.',
      items: { type: 'object', properties: { field: { type: 'string' }, code: { type: 'string' }, message: { type: 'string' } }, required: ['field', 'code', 'message'] },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'instance', 'code', 'requestId'],
};
