/**
 * Glossary
 * - route: an operation as it is served over REST, at one path or several.
 * - parameter: a variable of the operation as clients send it: in the path, the query string or the body.
 */
import { type GraphQLInputType, type GraphQLSchema, Kind, type OperationDefinitionNode, TypeInfo, parse, typeFromAST, valueFromASTUntyped, visit, visitWithTypeInfo } from 'graphql';
import { z } from 'zod';
import { ConfigError } from '#core/errors.ts';
import type { OperationFile } from '../documents/operation-files.ts';
import { type RestDirective, type RestParameter, readRestDirective } from './directive.ts';
import { type JsonSchema, defaultOf, jsonSchemaOf, withDescription } from './json-schema.ts';
import { type Mapping, compileMapping } from './mapping.ts';
import { type Words, createWords } from './words.ts';

export type Parameter = {
  /** As clients write it. */
  readonly name: string;
  readonly variable: string;
  readonly in: 'path' | 'query' | 'body';
  readonly required: boolean;
  readonly type: GraphQLInputType;
  readonly schema: JsonSchema;
  /** Where its value goes in the operation's arguments, as errors name it: `input.endpoints.api`. */
  readonly argument: string | null;
};

export type Route = Omit<RestDirective, 'problem'> & {
  /** Members that every mistake has besides its own. */
  readonly problem: Readonly<Record<string, unknown>>;
  readonly name: string;
  readonly kind: 'query' | 'mutation';
  /** The operation's text. */
  readonly text: string;
  readonly inputs: readonly Parameter[];
  readonly mapping: Mapping;
  readonly toGraphql: Words['toGraphql'];
};

/** What clients call a variable. */
export const nameOf = ({ inputs }: Pick<Route, 'inputs'>, variable: string): string => inputs.find((each) => each.variable === variable)?.name ?? variable;

/** The files that are served over REST; throws a ConfigError that names the file at fault. */
export const compileRoutes = (files: readonly OperationFile[], schema: GraphQLSchema): readonly Route[] => {
  const routes = files.flatMap((file) => (file.rest ? [compileRoute(file, readRestDirective(file.file, file.type, file.rest), schema)] : []));
  const taken = new Map<string, string>();
  for (const { name, method, paths } of routes) {
    for (const { path } of paths) {
      const other = taken.get(`${method} ${path}`);
      if (other !== undefined) throw new ConfigError(`The operations ${other} and ${name} are both served at ${method} ${path}.`);
      taken.set(`${method} ${path}`, name);
    }
  }
  return routes;
};

const compileRoute = (file: OperationFile, rest: RestDirective, schema: GraphQLSchema): Route => {
  const document = parse(file.body);
  const operation = document.definitions.find((each) => each.kind === Kind.OPERATION_DEFINITION) as OperationDefinitionNode;
  const words = createWords(rest.words);
  const inputs = parametersOf(file, rest, operation, schema, words);
  const missing = rest.parameters.find(({ variable }) => !inputs.some((each) => each.variable === variable));
  if (missing) throw new ConfigError(`@rest of ${file.file}: there is no variable ${missing.variable}.`, { file: file.file });
  return { ...rest, name: file.name, kind: operation.operation as Route['kind'], text: file.body, inputs, mapping: compileMapping(file.file, rest.answer, words), problem: problemMembers(file, rest), toGraphql: words.toGraphql };
};

const problemMembers = ({ file }: OperationFile, { problem }: RestDirective): Readonly<Record<string, unknown>> => {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(problem));
  } catch {
    throw new ConfigError(`@rest of ${file}: \`problem\` is no JSON object.`, { file });
  }
};

const parametersOf = (file: OperationFile, rest: RestDirective, operation: OperationDefinitionNode, schema: GraphQLSchema, words: Words): readonly Parameter[] => {
  const uses = usesOf(operation, schema);
  const inPath = namesInPaths(file, rest);
  const parameters = (operation.variableDefinitions ?? []).map((definition): Parameter => {
    const variable = definition.variable.name.value;
    const type = typeFromAST(schema, definition.type) as GraphQLInputType | undefined;
    if (!type) throw new ConfigError(`${file.file}: the schema has no type for the variable ${variable}.`, { file: file.file });
    const told = rest.parameters.find((each) => each.variable === variable);
    const name = told?.name ?? variable;
    const use = uses.get(variable);
    const given = definition.defaultValue ? valueFromASTUntyped(definition.defaultValue) : undefined;
    const constrained = withConstraints({ ...jsonSchemaOf(type, words), ...defaultOf(given, words) }, told);
    return { name, variable, type, schema: withDescription(constrained, told?.description ?? use?.description), argument: use?.argument ?? null, required: definition.type.kind === Kind.NON_NULL_TYPE && given === undefined, in: inPath.has(name) ? 'path' : rest.method === 'GET' ? 'query' : 'body' };
  });
  for (const name of inPath) if (!parameters.some((each) => each.name === name)) throw new ConfigError(`@rest of ${file.file}: the path's parameter ${name} is no variable.`, { file: file.file });
  return parameters;
};

/** Every path must have the same parameters: what is left out of one would come from elsewhere. */
const namesInPaths = (file: OperationFile, { paths }: RestDirective): ReadonlySet<string> => {
  const [first = new Set<string>(), ...others] = paths.map(({ path }) => new Set([...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)));
  if (paths.length === 0 || others.some((each) => each.size !== first.size || [...each].some((name) => !first.has(name)))) throw new ConfigError(`@rest of ${file.file}: it needs paths, all with the same parameters.`, { file: file.file });
  const bad = paths.find(({ path }) => !/^\/api(\/[\w.-]+|\/\{\w+\})+$/.test(path));
  if (bad) throw new ConfigError(`@rest of ${file.file}: ${bad.path} is no path below /api.`, { file: file.file });
  return first;
};

const withConstraints = (schema: JsonSchema, told: RestParameter | undefined): JsonSchema => {
  if (!told) return schema;
  const { minimum, maximum, minLength, maxLength, pattern, oneOf } = told;
  const isList = [schema.type].flat().includes('array');
  const sizes = isList ? { minItems: minLength, maxItems: maxLength } : { minLength, maxLength };
  const entries = isList && oneOf ? { items: { ...(schema.items as JsonSchema), enum: oneOf } } : { enum: oneOf };
  const constraints = Object.entries({ minimum, maximum, pattern, ...sizes, ...entries }).filter(([, value]) => value !== null && value !== undefined);
  return { ...schema, ...Object.fromEntries(constraints) };
};

type Use = { readonly description: string | null; readonly argument: string };

/** Of each variable: what the schema says of the argument or input field that it is given to first, and that one's path. */
const usesOf = (operation: OperationDefinitionNode, schema: GraphQLSchema): ReadonlyMap<string, Use> => {
  const uses = new Map<string, Use>();
  const path: string[] = [];
  const info = new TypeInfo(schema);
  let input: { readonly description?: string | null | undefined } | null | undefined;
  const enter = (name: string): void => {
    path.push(name);
    const parent = info.getParentInputType();
    const fields = parent && 'getFields' in parent ? parent.getFields() : null;
    input = fields?.[name] ?? info.getArgument();
  };
  visit(
    operation,
    visitWithTypeInfo(info, {
      VariableDefinition: () => false,
      Argument: { enter: ({ name }) => enter(name.value), leave: () => void path.pop() },
      // An entry of a list is named by its place.
      ObjectValue: { enter: (_node, key, parent) => void (Array.isArray(parent) && path.push(String(key))), leave: (_node, _key, parent) => void (Array.isArray(parent) && path.pop()) },
      ObjectField: { enter: ({ name }) => enter(name.value), leave: () => void path.pop() },
      Variable: ({ name }) => void (uses.has(name.value) || uses.set(name.value, { description: input?.description ?? null, argument: path.join('.') })),
    }),
  );
  return uses;
};
