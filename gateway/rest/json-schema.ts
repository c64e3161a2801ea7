/** GraphQL input types as JSON Schema (2020-12), which OpenAPI 3.1 shows and the door checks with. */
import { type GraphQLInputType, type GraphQLNamedInputType, isEnumType, isInputObjectType, isListType, isNonNullType } from 'graphql';
import { ConfigError } from '#core/errors.ts';
import type { Words } from './words.ts';

export type JsonSchema = { readonly [keyword: string]: unknown };

const scalars: Readonly<Record<string, JsonSchema>> = {
  Int: { type: 'integer', minimum: -2_147_483_648, maximum: 2_147_483_647 },
  Float: { type: 'number' },
  String: { type: 'string' },
  ID: { type: 'string' },
  Boolean: { type: 'boolean' },
  DateTime: { type: 'string', format: 'date-time' },
  Decimal: { type: 'string', pattern: '^-?[0-9]+(\\.[0-9]+)?$' },
  JSON: {},
};

export const jsonSchemaOf = (type: GraphQLInputType, words: Words, within: readonly string[] = []): JsonSchema => {
  if (isNonNullType(type)) return notNull(type.ofType, words, within);
  const schema = notNull(type, words, within);
  // `null` says as much as leaving it out.
  if (schema.type === undefined) return schema;
  return { ...schema, type: [schema.type, 'null'], ...(Array.isArray(schema.enum) ? { enum: [...(schema.enum as unknown[]), null] } : {}) };
};

const notNull = (type: GraphQLInputType, words: Words, within: readonly string[]): JsonSchema => {
  if (isNonNullType(type)) return notNull(type.ofType, words, within);
  if (isListType(type)) return { type: 'array', items: jsonSchemaOf(type.ofType, words, within) };
  return named(type, words, within);
};

const named = (type: GraphQLNamedInputType, words: Words, within: readonly string[]): JsonSchema => {
  if (isEnumType(type)) return { type: 'string', enum: type.getValues().map(({ name }) => words.wordOf(name)) };
  if (!isInputObjectType(type)) return scalars[type.name] ?? {};
  if (within.includes(type.name)) throw new ConfigError(`The input type ${type.name} contains itself, which REST has no parameters for.`);
  const fields = Object.values(type.getFields());
  const properties = fields.map((field) => [field.name, withDescription({ ...jsonSchemaOf(field.type, words, [...within, type.name]), ...defaultOf(field.defaultValue, words) }, field.description)] as const);
  const required = fields.filter((field) => isNonNullType(field.type) && field.defaultValue === undefined).map(({ name }) => name);
  return { type: 'object', properties: Object.fromEntries(properties), ...(required.length > 0 ? { required } : {}), additionalProperties: false };
};

export const withDescription = (schema: JsonSchema, description: string | null | undefined): JsonSchema => (description ? { ...schema, description } : schema);

/** Defaults of enums are their names. */
export const defaultOf = (value: unknown, words: Words): JsonSchema => {
  if (value === undefined || value === null) return {};
  return { default: typeof value === 'string' && /^[A-Z][A-Z0-9_]*$/.test(value) ? words.wordOf(value) : value };
};
