/**
 * A request's path, query string and body as the operation's variables. What is checked here is what the OpenAPI
 * document says: both are the same JSON Schema.
 */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import formatsModule from 'ajv-formats';
import { type JsonSchema } from './json-schema.ts';
import { type FieldError, ProblemError } from './problem.ts';
import type { Parameter, Route } from './route.ts';

export type Sent = { readonly path: Readonly<Record<string, unknown>>; readonly query: Readonly<Record<string, unknown>>; readonly body: unknown };

export type ReadVariables = (sent: Sent) => Readonly<Record<string, unknown>>;

const formats = formatsModule as unknown as typeof formatsModule.default;

export const createAjv = (): Ajv2020 => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats(ajv);
  return ajv;
};

/** Errors that one answer tells. */
const maxErrors = 20;

/** Throws a ProblemError that names each field at fault; unknown ones are refused, so that a slip of the pen is told. */
export const compileParameters = ({ inputs, toGraphql }: Pick<Route, 'inputs' | 'toGraphql'>): ReadVariables => {
  // An instance keeps what it compiled for ever, and routes are made anew with each supergraph.
  const validate = createAjv().compile(schemaOf(inputs));
  const byPlace = (place: Parameter['in']) => inputs.filter((each) => each.in === place);
  const [inQuery, inBody] = [byPlace('query'), byPlace('body')];
  return ({ path, query, body }) => {
    const texts = [...byPlace('path').map((each) => [each.name, fromText(each.schema, path[each.name])] as const), ...fromQuery(inQuery, query)];
    // The next page of a POST is at a URL with `after`, to which the same body is sent.
    const values = { ...(inBody.length > 0 ? objectOf(body) : {}), ...Object.fromEntries(texts) };
    check(validate, values);
    return Object.fromEntries(inputs.flatMap(({ name, variable, type }) => (Object.hasOwn(values, name) ? [[variable, toGraphql(values[name], type)]] : [])));
  };
};

/** Of all parameters together, or of those in the body. */
export const schemaOf = (inputs: readonly Parameter[]): JsonSchema => {
  const required = inputs.filter((each) => each.required).map(({ name }) => name);
  return { type: 'object', properties: Object.fromEntries(inputs.map(({ name, schema }) => [name, schema])), ...(required.length > 0 ? { required } : {}), additionalProperties: false };
};

const objectOf = (body: unknown): Record<string, unknown> => {
  if (body === undefined) throw new ProblemError('BODY_MISSING', 'The request needs a body: one JSON object.');
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new ProblemError('BAD_REQUEST', 'The body must be one JSON object.', { field: 'body' });
  return body as Record<string, unknown>;
};

/** Names that are no parameter go on as they are and are refused with the rest. */
const fromQuery = (inputs: readonly Parameter[], query: Readonly<Record<string, unknown>>): (readonly [string, unknown])[] =>
  Object.entries(query).map(([name, value]) => [name, fromText(inputs.find((each) => each.name === name)?.schema, value)]);

/** Texts as what the parameter is; those that are none stay texts, which its schema refuses. A list is one that is given several times. */
const fromText = (schema: JsonSchema | undefined, value: unknown): unknown => {
  const types = [schema?.type].flat();
  if (types.includes('array')) return [value].flat().map((each) => fromText(schema?.items as JsonSchema, each));
  if (typeof value !== 'string') return value;
  if (types.includes('integer') || types.includes('number')) return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  if (types.includes('boolean')) return value === 'true' ? true : value === 'false' ? false : value;
  return value;
};

const check = (validate: ValidateFunction, values: Readonly<Record<string, unknown>>): void => {
  if (validate(values)) return;
  const errors = (validate.errors ?? []).slice(0, maxErrors).map(asFieldError);
  const [first] = errors;
  throw new ProblemError('BAD_USER_INPUT', errors.map(({ message }) => message).join(' '), { field: first?.field, errors });
};

const asFieldError = ({ instancePath, keyword, params, message }: ErrorObject): FieldError => {
  const at = instancePath.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const facts = params as Record<string, unknown>;
  if (keyword === 'required') {
    const field = [...at, String(facts['missingProperty'])].join('.');
    return { field, code: 'MISSING', message: `${field} is missing.` };
  }
  if (keyword === 'additionalProperties') {
    const field = [...at, String(facts['additionalProperty'])].join('.').slice(0, 200);
    return { field, code: 'UNKNOWN_FIELD', message: `There is no ${field}.` };
  }
  const field = at.join('.');
  const allowed = Array.isArray(facts['allowedValues']) ? `: ${(facts['allowedValues'] as unknown[]).filter((value) => value !== null).join(', ')}` : '';
  return { field, code: keyword === 'enum' ? 'NOT_ONE_OF' : 'INVALID', message: `${field} ${message ?? 'is not valid'}${allowed}.` };
};
