/**
 * What a subgraph is: one definition, built into one executable schema, which runs in the gateway's process or
 * behind a server of its own.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSubgraphSchema } from '@apollo/subgraph';
import type { EntitySchema } from '@mikro-orm/core';
import { type DocumentNode, type GraphQLSchema, Kind, parse } from 'graphql';
import { type GraphQLResolverMap } from '@apollo/subgraph/dist/schema-helper/resolverMap.js';
import { type IMiddlewareFunction, type IMiddlewareTypeMap, type IRules, allow, applyMiddleware, shield } from './shield.ts';
import { DateTimeResolver, JSONResolver } from 'graphql-scalars';
import type { Bus } from './bus.ts';
import type { Cache } from './cache.ts';
import type { Connector } from './connector.ts';
import type { Database, EntityManager } from './database.ts';
import type { DomainEvent, DomainEventType, NewDomainEvent } from './domain-events.ts';
import { ForbiddenError, InputError } from './errors.ts';
import type { Fact } from './facts.ts';
import type { IngestPort } from './ingest-port.ts';
import type { Invalidates } from './invalidation.ts';
import type { LogTail } from './log-tail.ts';
import type { Logger } from './logging.ts';
import type { MigrationSource } from './migrations.ts';
import type { OperationsPort } from './operations-port.ts';
import type { PublishedOperations } from './published-operations.ts';
import type { Secrets } from './secrets.ts';
import type { TaggedCache } from './tagged-cache.ts';
import type { Viewer } from './viewer.ts';

/** What a process hands to the subgraphs that run in it. */
export type Hub = {
  readonly database: Database;
  readonly bus: Bus;
  readonly cache: Cache;
  /** What the gateway keeps of answers; whoever commits a change tells it before the change is acknowledged. */
  readonly answers: TaggedCache;
  readonly tail: LogTail;
  readonly secrets: Secrets;
  readonly ingest: IngestPort;
  readonly operations: OperationsPort;
  readonly logger: Logger;
  readonly now: () => Date;
  /** Where the hub is reached from outside. */
  readonly publicUrl: string;
  readonly eventLogDays: number;
  /** How long collected activities are kept. */
  readonly activityDays: number;
};

/** What resolvers get. `loaders` are the subgraph's own, fresh for each request. */
export type SubgraphContext<Loaders = unknown> = {
  readonly viewer: Viewer;
  readonly em: EntityManager;
  readonly loaders: Loaders;
  readonly hub: Hub;
  readonly requestId: string;
  readonly signal: AbortSignal;
};

/** Work that was promised by `enqueue`, done at least once; `hub` is the process's own. */
export type SubgraphTask = (payload: unknown, hub: Hub, signal: AbortSignal) => Promise<void>;

export type FactContext = { readonly serviceId: string; readonly now: Date };

/** Reacts to a domain event, once, inside a transaction of its own. */
export type Handlers = { readonly [T in DomainEventType]?: (em: EntityManager, event: DomainEvent<T>, hub: Hub) => Promise<void> };

export type SubgraphDefinition<Loaders = unknown> = {
  /** Also the folder, the PostgreSQL schema and the name in supergraph.yaml. */
  readonly name: string;
  /** The subgraph's folder (`import.meta.dirname`), where schema.graphql is. */
  readonly folder: string;
  readonly resolvers: object;
  /** graphql-shield rules. Every field of Query, Mutation and Subscription must have one. */
  readonly permissions: IRules;
  /** Root fields that tell by themselves of texts with a zero byte: one in a batch is to cost no other. */
  readonly readsZeroBytes?: readonly string[];
  /** Who may resolve a reference to each entity that has a reference resolver; false answers null. */
  readonly references: Readonly<Record<string, (reference: { readonly id?: unknown }, context: SubgraphContext<Loaders>) => boolean>>;
  /** `signal` ends with the request. */
  readonly loaders: (em: EntityManager, viewer: Viewer, hub: Hub, signal: AbortSignal) => Loaders;
  readonly entities: readonly EntitySchema[];
  readonly migrations: readonly MigrationSource[];
  readonly connector?: Connector<never>;
  /** Writes this subgraph's part of new facts inside the batch's transaction; answers what happened. */
  readonly applyFacts?: (em: EntityManager, facts: readonly Fact[], context: FactContext) => Promise<NewDomainEvent[]>;
  readonly on?: Handlers;
  /** What its own jobs do, by the name that they are enqueued with: `<subgraph>.<task>`. */
  readonly tasks?: Readonly<Record<`${string}.${string}`, SubgraphTask>>;
  /** Which of this subgraph's cached answers change with what happens; applied after the commit, before it is acknowledged. */
  readonly invalidates?: Invalidates;
  /** Turns a presented credential into a viewer, for the gateway; null when it is not known. One subgraph has it. */
  readonly identify?: (hub: Hub) => (credential: string) => Promise<Viewer | null>;
  /** The operations that clients published, for the gateway. One subgraph has it. */
  readonly publishedOperations?: (hub: Hub) => PublishedOperations;
  /** Throws an InputError that says what to do, where removing this service now would leave something half done. Not asked by who forces the removal. */
  readonly assertRemovable?: (em: EntityManager, serviceId: string) => Promise<void>;
  /** Deletes what it keeps of these events and of this service, in the transaction that removes their service with its data. */
  readonly forgetEvents?: (em: EntityManager, eventIds: readonly string[], serviceId: string) => Promise<void>;
  /** Marks what it keeps of these events as last known and no more: their service is removed and its data stays. In that transaction. */
  readonly retireEvents?: (em: EntityManager, eventIds: readonly string[]) => Promise<void>;
  /** Keeps the subgraph's tables from growing for ever; run every hour. */
  readonly maintain?: (em: EntityManager, now: Date, hub: Omit<Hub, 'ingest'>) => Promise<void>;
  /** Work that time brings about (a status that changes at an event's start); run by one worker every second. */
  readonly onTick?: (em: EntityManager, now: Date) => Promise<NewDomainEvent[]>;
};

/** A definition without its type parameter, as rooms that handle all subgraphs alike take it. */
export type AnySubgraph = Omit<SubgraphDefinition<never>, 'loaders' | 'references'> & {
  readonly loaders: (em: EntityManager, viewer: Viewer, hub: Hub, signal: AbortSignal) => unknown;
  readonly references: Readonly<Record<string, (reference: { readonly id?: unknown }, context: never) => boolean>>;
};

export const defineSubgraph = <Loaders>(definition: SubgraphDefinition<Loaders>): AnySubgraph => definition;

export type BuiltSubgraph = {
  readonly name: string;
  readonly schema: GraphQLSchema;
  readonly contextFor: (viewer: Viewer, requestId: string, signal: AbortSignal) => SubgraphContext;
};

export const readTypeDefs = (definition: Pick<AnySubgraph, 'folder'>): DocumentNode => parse(readFileSync(join(definition.folder, 'schema.graphql'), 'utf8'));

export const buildSubgraph = (definition: AnySubgraph, hub: Hub): BuiltSubgraph => {
  const typeDefs = readTypeDefs(definition);
  const resolvers = { ...scalarsOf(typeDefs), ...guardReferences(definition, typeDefs) };
  assertRootFieldsCovered(definition, typeDefs);
  const bare = buildSubgraphSchema({ typeDefs, resolvers: resolvers as GraphQLResolverMap<unknown> });
  const guard = shield(withFederationFields(definition.permissions, bare), { fallbackRule: allow, fallbackError: new ForbiddenError(), allowExternalErrors: true });
  return {
    name: definition.name,
    schema: withSubscribeGuarded(bare, (schema) => applyMiddleware(schema, guard, refuseZeroBytes(schema, definition.readsZeroBytes))),
    contextFor(viewer, requestId, signal) {
      const em = hub.database.em();
      return { viewer, em, loaders: definition.loaders(em, viewer, hub, signal), hub, requestId, signal };
    },
  };
};

/** Resolvers of the hub's shared scalars, for those that the schema declares. */
const scalarsOf = (typeDefs: DocumentNode): object => {
  const shared: Record<string, object> = { DateTime: DateTimeResolver, JSON: JSONResolver };
  const declared = typeDefs.definitions.flatMap((node) => (node.kind === Kind.SCALAR_TYPE_DEFINITION ? [node.name.value] : []));
  return Object.fromEntries(declared.flatMap((name) => (shared[name] ? [[name, shared[name]]] : [])));
};

/**
 * The middleware guards a field's `resolve` where it has one, and `subscribe` only where it has not: of a subscription,
 * where every event runs `resolve`, it would let anybody subscribe. So `resolve` is put aside while it works.
 */
const withSubscribeGuarded = (bare: GraphQLSchema, guard: (schema: GraphQLSchema) => GraphQLSchema): GraphQLSchema => {
  const fields = Object.values(bare.getSubscriptionType()?.getFields() ?? {});
  const resolvers = new Map(fields.map((field) => [field.name, field.resolve]));
  for (const field of fields) field.resolve = undefined;
  const guarded = guard(bare);
  for (const field of Object.values(guarded.getSubscriptionType()?.getFields() ?? {})) field.resolve = resolvers.get(field.name);
  return guarded;
};

/** PostgreSQL takes no text with a zero byte: said at the door, by the argument's name, instead of as a fault within. */
const refuseZeroBytes = (schema: GraphQLSchema, readBy: readonly string[] = []): IMiddlewareTypeMap => {
  const refuse: IMiddlewareFunction = (resolve, parent, args: Record<string, unknown>, context, info) => {
    const field = readBy.includes(info.fieldName) ? null : findZeroByte(args, []);
    if (field !== null) throw new InputError('TEXT_INVALID', field, `${field} contains a zero byte.`);
    return resolve(parent, args, context, info) as Promise<unknown>;
  };
  return Object.fromEntries([schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap((type) => (type ? [[type.name, refuse]] : [])));
};

/** Path of the first text with a zero byte, as `input.names.0`. */
export const findZeroByte = (value: unknown, path: readonly string[]): string | null => {
  if (typeof value === 'string') return value.includes('\u0000') ? path.join('.') : null;
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, each] of Object.entries(value)) {
    const found = findZeroByte(each, [...path, key]);
    if (found !== null) return found;
  }
  return null;
};

/** Federation's own fields; `_entities` is there only where the subgraph has entities. */
const withFederationFields = (rules: IRules, schema: GraphQLSchema): IRules => {
  const tree = rules as Record<string, object>;
  const own = Object.keys(schema.getQueryType()?.getFields() ?? {}).filter((name) => name.startsWith('_'));
  return { ...tree, Query: { ...tree.Query, ...Object.fromEntries(own.map((name) => [name, allow])) } } as IRules;
};

type Resolvers = Record<string, Record<string, unknown>>;

/**
 * Shield covers fields only: references are guarded here, and none may be left out. An entity without a resolver of its
 * own is taken as it was referred to, so it needs its rule as well.
 */
const guardReferences = (definition: AnySubgraph, typeDefs: DocumentNode): Resolvers => {
  const resolvers = definition.resolvers as Resolvers;
  const guarded = entitiesOf(typeDefs, resolvers).map((type) => {
    const mayResolve = definition.references[type];
    if (!mayResolve) throw new Error(`subgraph ${definition.name}: ${type} can be referred to but has no rule in \`references\``);
    const resolve = (resolvers[type]?.__resolveReference ?? ((reference: object) => reference)) as (reference: object, context: never, info: unknown) => unknown;
    // Async: one that throws fails its own entity and not the whole batch.
    return [type, { ...resolvers[type], __resolveReference: async (reference: object, context: never, info: unknown) => (mayResolve(reference, context) ? resolve(reference, context, info) : null) }] as const;
  });
  return { ...resolvers, ...Object.fromEntries(guarded) };
};

/** Types with a key that resolves, and whatever else has a reference resolver. */
const entitiesOf = (typeDefs: DocumentNode, resolvers: Resolvers): string[] => {
  const keyed = typeDefs.definitions.flatMap((node) => {
    if (node.kind !== Kind.OBJECT_TYPE_DEFINITION && node.kind !== Kind.OBJECT_TYPE_EXTENSION) return [];
    const keys = (node.directives ?? []).filter((directive) => directive.name.value === 'key');
    const resolvable = keys.filter((key) => !key.arguments?.some(({ name, value }) => name.value === 'resolvable' && value.kind === Kind.BOOLEAN && !value.value));
    return resolvable.length > 0 ? [node.name.value] : [];
  });
  return [...new Set([...keyed, ...Object.keys(resolvers).filter((type) => resolvers[type]?.__resolveReference)])];
};

const assertRootFieldsCovered = (definition: AnySubgraph, typeDefs: DocumentNode): void => {
  const rules = definition.permissions as Record<string, Record<string, unknown>>;
  for (const node of typeDefs.definitions) {
    if (node.kind !== Kind.OBJECT_TYPE_DEFINITION && node.kind !== Kind.OBJECT_TYPE_EXTENSION) continue;
    if (!['Query', 'Mutation', 'Subscription'].includes(node.name.value)) continue;
    for (const field of node.fields ?? [])
      if (!rules[node.name.value]?.[field.name.value]) throw new Error(`subgraph ${definition.name}: ${node.name.value}.${field.name.value} has no rule in permissions.ts`);
  }
};
