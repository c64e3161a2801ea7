/**
 * Of an entity is asked only what can be asked with what is sent of it.
 *
 * The planner makes one fetch of what it wants of several types: with `... on Gate { shout } ... on Event { mood }` all
 * events are asked for both, though gates alone are sent along with what `shout` requires, or with a key at all. So
 * such a fetch becomes one for each group of types of which the same can be asked.
 *
 * It also puts a field together with others of its subgraph that stand before what the field requires. So such a field
 * is fetched when everything else is there, if nothing waits for it. What cannot be asked and is wanted is refused.
 */
import type { DocumentNode, FieldNode } from 'graphql';
import { type Schema, type Supergraph, federationMetadata, isInterfaceType, isObjectType } from '@apollo/federation-internals';
import type { FetchNode, PlanNode, QueryPlan, QueryPlanSelectionNode } from '@apollo/query-planner';
import { EventgraphError } from '#core/errors.ts';
import type { TypeMatcher } from '../supergraph.ts';
import { type Asked, type Place, type PlacedFetch, createAsked, createNeeded, fetchesOf, placeKey, responseNameOf } from './asked.ts';
import { missingRequirement, unmetRequirement } from './check-requirements.ts';
import { type EntityField, entityFieldsOf, typeOf, withEntityFields } from './fetch-fields.ts';
import { mapPlan } from './map-fetches.ts';
import { fieldSet } from './requirement-rewriter.ts';
import { type CanStand, compositeType, createCanStand, createWanted, namesOf } from './wanted.ts';

export type Askable = {
  /** The plan with such fetches as several; throws `QUERY_PLANNING_FAILED`. `document` is what was planned. */
  separate(document: DocumentNode, plan: QueryPlan): QueryPlan;
};

export const createAskable = (supergraph: Supergraph, matchesType: TypeMatcher): Askable => {
  const schemas = new Map<string, Schema>([...supergraph.subgraphs()].map(({ name, schema }) => [name, schema]));
  return {
    separate(document, plan) {
      const fetches = fetchesOf(plan);
      if (!fetches.some(({ node }) => node.requires)) return plan;
      const senders = fetches.map((fetch): Sender => ({ ...fetch, needed: createNeeded([fetch], matchesType) }));
      const about: About = {
        supergraph,
        matchesType,
        fetches: senders,
        asked: createAsked(fetches, matchesType),
        isWanted: createIsWanted(senders, createWanted(document, supergraph.schema, matchesType), supergraph.schema, matchesType),
        canStand: createCanStand(fetches, supergraph, schemas),
      };
      const separated = new Map<FetchNode, Separated>();
      for (const fetch of fetches) {
        const schema = schemas.get(fetch.node.serviceName);
        if (schema && fetch.node.requires) separated.set(fetch.node, separateFetch(about, schema, fetch));
      }
      const late = fetches.flatMap(({ node, path }) => (separated.get(node)?.late ?? []).map((each): PlanNode => ({ kind: 'Flatten', path: [...path], node: each })));
      return withLast(mapPlan(plan, { fetch: (node) => node, split: (node) => separated.get(node)?.nodes ?? [node] }), late);
    },
  };
};

const withLast = (plan: QueryPlan, late: readonly PlanNode[]): QueryPlan => {
  const { node } = plan;
  if (!node || late.length === 0) return plan;
  const then = (before: PlanNode | undefined): PlanNode => ({ kind: 'Sequence', nodes: [...(before ? [before] : []), { kind: 'Parallel', nodes: [...late] }] });
  return { ...plan, node: node.kind === 'Subscription' ? { ...node, rest: then(node.rest) } : then(node) };
};

type About = { readonly supergraph: Supergraph; readonly matchesType: TypeMatcher; readonly fetches: readonly Sender[]; readonly asked: Asked; readonly isWanted: IsWanted; readonly canStand: CanStand };

/** A fetch with what it needs for its representations. */
type Sender = PlacedFetch & { readonly needed: Asked };
/** What a fetch becomes; `late` is what it could ask only when all others have ended. */
type Separated = { readonly nodes: readonly FetchNode[]; readonly late: readonly FetchNode[] };
/** Entities of one type: what is sent of them, what the fetch asks of them, and why some of that cannot be asked. */
type Sent = { readonly type: string; readonly selections: readonly QueryPlanSelectionNode[]; readonly fields: readonly EntityField[]; readonly unaskable: ReadonlyMap<FieldNode, EventgraphError> };

const separateFetch = (about: About, schema: Schema, fetch: PlacedFetch): Separated => {
  const { node, place } = fetch;
  const types = typesOf(about.supergraph.schema, node).filter((type) => about.canStand(place, type));
  const sents = types.map((type) => sentOf(about, schema, fetch, type, fetch.before));
  const objects = sents.filter(({ type }) => about.supergraph.schema.type(type)?.kind === 'ObjectType');
  if (objects.every(({ unaskable }) => unaskable.size === 0)) return { nodes: [node], late: [] };
  const late: Sent[] = [];
  for (const { type, fields, unaskable } of objects) {
    const missed = fields.filter((field) => unaskable.has(field.node) && !field.node.name.value.startsWith('__') && about.isWanted(place, type, field));
    if (missed.length === 0) continue;
    const eventually = { ...sentOf(about, schema, fetch, type), fields: missed };
    for (const field of missed) {
      const reason = unaskable.get(field.node);
      if (reason && (eventually.unaskable.has(field.node) || !mayWait(about, fetch, field))) throw reason;
    }
    late.push(eventually);
  }
  return { nodes: fetchesFor(node, sents), late: fetchesFor(node, late) };
};

/** A fetch for each group of types of which the same can be asked. */
const fetchesFor = (node: FetchNode, sents: readonly Sent[]): readonly FetchNode[] => {
  const groups = new Map<string, Sent[]>();
  for (const sent of sents) {
    const asked = sent.fields.filter((field) => !sent.unaskable.has(field.node));
    const key = sent.fields.flatMap((field) => (asked.includes(field) ? [] : [responseNameOf(field.node)])).join(' ');
    if (asked.length > 0) groups.set(key, [...(groups.get(key) ?? []), { ...sent, fields: asked }]);
  }
  return [...groups.values()].map((group): FetchNode => ({
    ...withEntityFields(node, ({ node: field }) => group.some(({ fields }) => fields.some((each) => each.node === field))),
    requires: group.map(({ type, selections }) => ({ kind: 'InlineFragment', typeCondition: type, selections: [...selections] })),
  }));
};

/** Whether nothing waits for the field. The parts of an incremental answer wait for fetches. */
const mayWait = ({ fetches }: About, { node, place }: PlacedFetch, field: EntityField): boolean => {
  const below = placeKey([...place, responseNameOf(field.node)]);
  return node.id === undefined && fetches.every((each) => !`${placeKey(each.place)}.`.startsWith(`${below}.`) && !each.needed.asks(place, undefined, responseNameOf(field.node)));
};

/** Whether the field is for the client, or for a fetch that sends it along and is itself wanted, of objects of this type. */
type IsWanted = (place: Place, type: string, field: EntityField) => boolean;

const createIsWanted = (senders: readonly Sender[], client: Asked, schema: Schema, matchesType: TypeMatcher): IsWanted => {
  const isWanted = (place: Place, type: string, name: string, passed: readonly FetchNode[]): boolean =>
    client.asks(place, type, name) || senders.some((sender) => !passed.includes(sender.node) && sender.needed.asks(place, type, name) && isSent(sender, placeKey(place) === placeKey(sender.place) ? [type] : typesOf(schema, sender.node), passed));
  const isSent = ({ node, place }: PlacedFetch, types: readonly string[], passed: readonly FetchNode[]): boolean =>
    types.some((type) => fieldsFor(node, type, matchesType).some((field) => isWanted(place, type, responseNameOf(field.node), [...passed, node])));
  return (place, type, field) => isWanted(place, type, responseNameOf(field.node), []);
};

const fieldsFor = (node: FetchNode, type: string, matchesType: TypeMatcher): readonly EntityField[] => entityFieldsOf(node).filter(({ conditions }) => conditions.every((condition) => matchesType(condition, type)));

const typesOf = (schema: Schema, node: FetchNode): readonly string[] => [...new Set(conditionsOf(node).flatMap((condition) => namesOfType(schema, condition)))];

const conditionsOf = ({ requires = [] }: FetchNode): readonly string[] => requires.flatMap((each) => (each.kind === 'InlineFragment' && each.typeCondition ? [each.typeCondition] : []));

const namesOfType = (schema: Schema, name: string): readonly string[] => {
  const type = compositeType(schema.type(name));
  return type ? namesOf(type) : [name];
};

/** `by`: the fetches that are to bring what is sent. */
const sentOf = ({ matchesType, asked }: About, schema: Schema, { node, place }: PlacedFetch, type: string, by?: ReadonlySet<FetchNode>): Sent => {
  const isThere = (at: Place, each: RequiredNode): boolean => nameOf(each) === '__typename' || asked.asks(at, type, nameOf(each), { above: place, by });
  const selections = selectionsFor(node.requires ?? [], (condition) => matchesType(condition, type)).filter((each) => isWhole(each, place, isThere));
  const names = new Set(selections.map(nameOf));
  const fields = fieldsFor(node, type, matchesType);
  const hasKey = [type, ...fields.map(typeOf)].some((each) => keysOf(schema, each).some((key) => key.every((name) => names.has(name))));
  const unaskable = new Map(fields.flatMap((field): [FieldNode, EventgraphError][] => {
    const reason = hasKey ? unmetIn(schema, field, type, names) : keyless(node, type);
    return reason ? [[field.node, reason]] : [];
  }));
  return { type, selections, fields, unaskable };
};

type RequiredNode = Extract<QueryPlanSelectionNode, { kind: 'Field' }>;

/** The fields that concern a type, each once. */
const selectionsFor = (selections: readonly QueryPlanSelectionNode[], matches: (condition: string) => boolean): readonly RequiredNode[] => {
  const byName = new Map<string, RequiredNode>();
  const collect = (each: QueryPlanSelectionNode): void => {
    if (each.kind === 'InlineFragment') {
      if (each.typeCondition === undefined || matches(each.typeCondition)) each.selections.forEach(collect);
      return;
    }
    const known = byName.get(nameOf(each));
    byName.set(nameOf(each), known?.selections && each.selections ? { ...each, selections: [...known.selections, ...each.selections] } : each);
  };
  selections.forEach(collect);
  return [...byName.values()];
};

/** Whether a field is there, with what is below it; what stands in fragments there may concern no object. */
const isWhole = (field: RequiredNode, place: Place, isThere: (at: Place, field: RequiredNode) => boolean): boolean =>
  isThere(place, field) && (field.selections ?? []).every((each) => each.kind !== 'Field' || isWhole(each, [...place, nameOf(field)], isThere));

const nameOf = ({ alias, name }: Pick<RequiredNode, 'alias' | 'name'>): string => alias ?? name;

/** The names of the fields of each key that a subgraph has for a type. */
const keysOf = (schema: Schema, name: string): readonly (readonly string[])[] => {
  const type = schema.type(name);
  const directive = federationMetadata(schema)?.keyDirective();
  if (!directive || !type || !(isObjectType(type) || isInterfaceType(type))) return [];
  return type.appliedDirectivesOf(directive).map((applied) => fieldSet(String(applied.arguments().fields)).selections.flatMap((each) => (each.kind === 'Field' ? [each.name.value] : [])));
};

const unmetIn = (schema: Schema, field: EntityField, type: string, names: ReadonlySet<string>): EventgraphError | undefined => {
  const owner = schema.type(typeOf(field));
  const definition = owner && (isObjectType(owner) || isInterfaceType(owner)) ? owner.field(field.node.name.value) : undefined;
  const missing = definition && missingRequirement(schema, definition, names);
  return missing === undefined ? undefined : unmetRequirement(`${type}.${field.node.name.value}`, missing);
};

const keyless = ({ serviceName }: FetchNode, type: string): EventgraphError =>
  new EventgraphError('QUERY_PLANNING_FAILED', `The operation cannot be planned right: ${serviceName} is asked for ${type}, of which the planner does not fetch a key before.`, { type });
