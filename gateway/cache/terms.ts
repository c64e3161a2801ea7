/** What is to be known, once for each operation and each fetch of a plan, to keep their answers. */
import { type FieldNode, Kind, type OperationDefinitionNode, type SelectionSetNode, print, visit } from 'graphql';
import { type CompositeType, type NamedType, type Schema, isCompositeType, isInterfaceType, isObjectType, isUnionType, possibleRuntimeTypes } from '@apollo/federation-internals';
import { sha256 } from '#core/digest.ts';
import { tags } from '#core/invalidation.ts';
import type { Operation } from '../operations.ts';
import type { FetchStep } from '../plan/plan.ts';
import type { LoadedSupergraph } from '../supergraph.ts';
import { type AskedField, eachField } from './each-field.ts';
import type { Hints } from './hints.ts';
import { type CachePolicy, PolicyBuilder } from './policy.ts';

export type FetchTerms = {
  /** Of what is selected of each entity; `maxAge` 0 for a fetch of root fields, which is kept as part of whole answers alone. */
  readonly policy: CachePolicy;
  /** Of all its answers, whatever is asked for. */
  readonly tags: readonly string[];
  /** Stands for the subgraph and what it is asked, not for the operation that asks. */
  readonly digest: string;
  /** The further tags of the answer for one representation (JSON). */
  tagsOf(representation: string): readonly string[];
};

export type Terms = {
  /** Of a whole answer, without what the viewer may not see. */
  operation(operation: Operation): CachePolicy;
  fetch(fetch: FetchStep): FetchTerms;
};

export const createTerms = ({ federated: { schema }, hints, id }: LoadedSupergraph): Terms => {
  const operations = new WeakMap<Operation, CachePolicy>();
  const fetches = new WeakMap<FetchStep, FetchTerms>();
  const entityTypes = createEntityTypes(hints);
  return {
    operation(operation) {
      let policy = operations.get(operation);
      if (!policy) operations.set(operation, (policy = operationPolicy(schema, hints, operation)));
      return policy;
    },
    fetch(fetch) {
      let terms = fetches.get(fetch);
      if (!terms) fetches.set(fetch, (terms = fetchTerms(schema, hints, entityTypes, id, fetch)));
      return terms;
    },
  };
};

const operationPolicy = (schema: Schema, hints: Hints, { definition, fragments }: Operation): CachePolicy => {
  const root = schema.schemaDefinition.rootType(definition.operation);
  const builder = new PolicyBuilder(hints);
  if (root) eachField(schema, root, definition.selectionSet, fragments, (asked) => builder.add(asked, null));
  return builder.policy;
};

/** For a type of an answer, the names under which its objects may be said to have changed: entities alone. */
type EntityTypes = (type: NamedType) => readonly string[];

const createEntityTypes = ({ keys }: Hints): EntityTypes => {
  const known = new Map<string, readonly string[]>();
  return (type) => {
    if (!isCompositeType(type)) return [];
    let names = known.get(type.name);
    if (!names) {
      const objects = possibleRuntimeTypes(type);
      const all = [type, ...objects, ...objects.flatMap((each) => each.interfaces())].map(({ name }) => name);
      known.set(type.name, (names = [...new Set(all)].filter((name) => keys.has(name))));
    }
    return names;
  };
};

const fetchTerms = (schema: Schema, hints: Hints, entityTypes: EntityTypes, supergraphId: string, fetch: FetchStep): FetchTerms => {
  const { subgraph, requires, operation } = fetch;
  const found = new Set([tags.subgraph(subgraph)]);
  const builder = new PolicyBuilder(hints);
  const noteTypes = ({ returns }: AskedField): void => {
    if (returns) for (const name of entityTypes(returns)) found.add(tags.someOf(subgraph, name)).add(tags.anyOf(subgraph, name));
  };
  for (const definition of operation.document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    if (!requires) {
      const root = schema.schemaDefinition.rootType(definition.operation);
      if (root) eachField(schema, root, definition.selectionSet, noFragments, (asked) => (noteTypes(asked), asked.isTop && found.add(tags.query(subgraph, asked.name))));
      continue;
    }
    for (const { type, set } of entitySelections(schema, definition)) {
      eachField(schema, type, set, noFragments, (asked) => {
        noteTypes(asked);
        builder.add(asked, hints.types.get(asked.parent.name) ?? hints.types.get(type.name) ?? {});
      });
    }
  }
  return {
    policy: builder.policy,
    tags: [...found],
    digest: sha256(JSON.stringify([supergraphId, subgraph, print(visit(operation.document, { OperationDefinition: (node) => ({ ...node, name: undefined }) })), fetch.inputRewrites, fetch.outputRewrites])),
    tagsOf: (representation) => representationTags(schema, hints, entityTypes, subgraph, representation),
  };
};

const noFragments = new Map<string, never>();

/** What is selected of the entities of each type: `_entities(…) { ... on Type { … } }`. */
const entitySelections = (schema: Schema, { selectionSet }: OperationDefinitionNode): readonly { readonly type: CompositeType; readonly set: SelectionSetNode }[] =>
  selectionSet.selections
    .filter((each): each is FieldNode => each.kind === Kind.FIELD)
    .flatMap(({ selectionSet: entities }) => entities?.selections ?? [])
    .flatMap((each) => {
      const type = each.kind === Kind.INLINE_FRAGMENT && each.typeCondition ? schema.type(each.typeCondition.name.value) : undefined;
      return each.kind === Kind.INLINE_FRAGMENT && type && (isObjectType(type) || isInterfaceType(type) || isUnionType(type)) ? [{ type, set: each.selectionSet }] : [];
    });

const representationTags = (schema: Schema, { keys }: Hints, entityTypes: EntityTypes, subgraph: string, text: string): readonly string[] => {
  const representation = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const type = schema.type(String(representation['__typename']));
  return (type ? entityTypes(type) : []).flatMap((name) => [
    tags.anyOf(subgraph, name),
    ...(keys.get(name) ?? []).flatMap((key) => {
      const part = picked(key, representation);
      return part ? [tags.entity(subgraph, name, part)] : [];
    }),
  ]);
};

/** A key's fields of a representation; undefined where it was not sent by this key. */
const picked = (key: SelectionSetNode, source: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> | undefined => {
  const result: Record<string, unknown> = {};
  for (const each of key.selections) {
    if (each.kind !== Kind.FIELD || each.name.value === '__typename') continue;
    const value = source[each.name.value];
    const part = each.selectionSet && typeof value === 'object' && value !== null ? picked(each.selectionSet, value as Readonly<Record<string, unknown>>) : value;
    if (part === undefined) return undefined;
    result[each.name.value] = part;
  }
  return result;
};
