/** Random supergraphs over random data: the subgraphs, and the plain schema's answers to compare with. */
import { type DocumentNode, type ExecutionResult, GraphQLObjectType, type GraphQLResolveInfo, type GraphQLSchema, execute, parse } from 'graphql';
import { composeServices } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { type Model, type ObjectModel, isExternal, objectNamed, topFields } from './supergraph-model.ts';
import { modelFrom } from './supergraph-builder.ts';
import { type Arguments, type Dataset, type Thing, datasetFrom, resolveField, resolveRequiring } from './supergraph-data.ts';
import { sdlOf } from './supergraph-sdl.ts';
import { tapeOf } from './tape.ts';

export type World = {
  readonly supergraph: string;
  readonly subgraphs: ReadonlyMap<string, { readonly sdl: string; readonly schema: GraphQLSchema }>;
  /** The answer of one schema that holds all the data. */
  plainly(schema: GraphQLSchema, document: DocumentNode, variables: Readonly<Record<string, unknown>>, note?: (info: GraphQLResolveInfo) => void): Promise<ExecutionResult>;
};

/** Null for subgraphs that do not compose. */
export const worldFrom = (numbers: readonly number[], options: { readonly mayFail?: boolean } = {}): World | null => {
  const tape = tapeOf(numbers);
  const model = modelFrom(tape, options);
  const dataset = datasetFrom(model, tape);
  const sdls = model.subgraphs.map((name) => ({ name, sdl: linked(sdlOf(model, name)) }));
  const { supergraphSdl, errors } = composeServices(sdls.map(({ name, sdl }) => ({ name, url: `http://${name}.test`, typeDefs: parse(sdl) })));
  if (errors || supergraphSdl === undefined) return null;
  return {
    supergraph: supergraphSdl,
    subgraphs: new Map(sdls.map(({ name, sdl }) => [name, { sdl, schema: subgraphSchema(dataset, name, sdl) }])),
    plainly: async (schema, document, variableValues, note) => {
      const fieldResolver = ({ thing }: Handle, args: Arguments, _: unknown, info: GraphQLResolveInfo): unknown => (note?.(info), handled(resolveField(dataset, thing, info.fieldName, args), (typename) => typename));
      return execute({ schema, document, variableValues, rootValue: { thing: dataset.root }, fieldResolver });
    },
  };
};

const directives = ['@key', '@requires', '@provides', '@external', '@shareable', '@override', '@interfaceObject'];
const linked = (sdl: string): string => `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ${JSON.stringify(directives)})\n${sdl}`;

/** An object as one subgraph's resolvers see it; made anew wherever one is answered. */
type Handle = { readonly __typename: string; readonly thing: Thing; readonly reference?: Readonly<Record<string, unknown>>; readonly provided?: string | undefined };

const handled = (value: unknown, nameOf: (typename: string) => string, provided?: string): unknown => {
  if (Array.isArray(value)) return value.map((element) => handled(element, nameOf, provided));
  return typeof value === 'object' && value !== null ? ({ __typename: nameOf((value as Thing).typename), thing: value as Thing, provided } satisfies Handle) : value;
};

const subgraphSchema = (dataset: Dataset, subgraph: string, sdl: string): GraphQLSchema => {
  const { model } = dataset;
  const resolvers = Object.fromEntries(typesWithReferences(model, subgraph).map(({ name, types }) => [name, { __resolveReference: (reference: Record<string, unknown>) => entityOf(dataset, subgraph, name, types, reference) }]));
  const schema = buildSubgraphSchema({ typeDefs: parse(sdl), resolvers });
  const nameOf = (typename: string): string => (model.interfaceEntity?.objectIn === subgraph && model.interfaceEntity.members.some(({ name }) => name === typename) ? 'I' : typename);
  for (const type of Object.values(schema.getTypeMap())) {
    if (!(type instanceof GraphQLObjectType) || type.name.startsWith('_')) continue;
    for (const field of Object.values(type.getFields())) {
      if (!field.name.startsWith('_')) field.resolve = (source: Handle | undefined, args: Arguments) => resolveIn(dataset, subgraph, source ?? { __typename: 'Query', thing: dataset.root }, field.name, args, nameOf);
    }
  }
  return schema;
};

const resolveIn = (dataset: Dataset, subgraph: string, { __typename, thing, reference, provided }: Handle, name: string, args: Arguments, nameOf: (typename: string) => string): unknown => {
  const { model } = dataset;
  const type = __typename === 'Query' ? undefined : objectNamed(model, __typename);
  const field = (type?.fields ?? model.root).find((each) => each.name === name);
  if (type && isExternal(type, subgraph, name) && provided !== name) throw new Error(`${subgraph} does not resolve ${__typename}.${name}.`);
  if (field?.overridden === subgraph) throw new Error(`${__typename}.${name} was taken over from ${subgraph}.`);
  if (field?.requires) {
    if (!reference) throw new Error(`${__typename}.${name} was asked for without what it requires.`);
    return resolveRequiring(field.requires, reference);
  }
  return handled(resolveField(dataset, thing, name, args), nameOf, field?.provides.get(subgraph));
};

type Referenced = { readonly name: string; readonly types: readonly ObjectModel[] };

const typesWithReferences = ({ entities, interfaceEntity }: Model, subgraph: string): readonly Referenced[] => {
  const known: Referenced[] = entities.filter(({ keys }) => keys.has(subgraph)).map((entity) => ({ name: entity.name, types: [entity] }));
  if (interfaceEntity && (subgraph === interfaceEntity.home || subgraph === interfaceEntity.objectIn)) known.push({ name: 'I', types: interfaceEntity.members });
  return known;
};

/** Found by a key that the subgraph resolves and that was sent whole. */
const entityOf = (dataset: Dataset, subgraph: string, name: string, types: readonly ObjectModel[], reference: Readonly<Record<string, unknown>>): Handle => {
  const keys = name === 'I' ? [{ text: 'id', isResolvable: true }] : (types[0]?.keys.get(subgraph) ?? []);
  const key = keys.find(({ text, isResolvable }) => isResolvable && topFields(text).every((field) => reference[field] !== undefined));
  if (!key) throw new Error(`${subgraph} resolves no key in ${JSON.stringify(reference)}.`);
  const thing = types.flatMap((type) => dataset.things.get(type.name) ?? []).find((each) => topFields(key.text).every((field) => matches(each.values[field], reference[field])));
  if (!thing) throw new Error(`${subgraph} does not know ${JSON.stringify(reference)}.`);
  const isObject = name === 'I' && dataset.model.interfaceEntity?.objectIn === subgraph;
  return { __typename: isObject ? 'I' : thing.typename, thing, reference };
};

const matches = (value: unknown, sent: unknown): boolean =>
  typeof sent === 'object' && sent !== null ? Object.entries(sent).every(([key, part]) => key === '__typename' || (value as Thing).values[key] === part) : value === sent;

export const describeWorld = ({ subgraphs }: World): string => [...subgraphs].map(([name, { sdl }]) => `# ${name}\n${sdl.slice(sdl.indexOf('\n') + 1)}`).join('\n');
