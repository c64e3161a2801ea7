/** What random supergraphs are made of: types, and which subgraph resolves which field of them. */

/** A field of a requirement (`@requires`). */
export type Requirement = { readonly name: string; readonly below: readonly Requirement[] | null };

export type FieldModel = {
  readonly name: string;
  /** As in SDL: `[E0!]`. */
  readonly type: string;
  readonly args: readonly ArgumentName[];
  /** The subgraphs that resolve it. */
  owners: readonly string[];
  /** Resolved by several subgraphs, be it on some paths alone (`@provides`). */
  isShareable: boolean;
  /** The subgraph that resolved it before its owner did (`@override`); asking it is a mistake. */
  overridden: string | null;
  readonly requires: readonly Requirement[] | null;
  /** What each subgraph provides on this path, by the name of the subgraph. */
  readonly provides: Map<string, string>;
  /** Whether objects may break the promise of its type or fail to tell it: nothing else depends on it. */
  readonly mayFail: boolean;
};

export type ArgumentName = keyof typeof argumentTypes;
export const argumentTypes = { first: 'Int', say: 'String = "."', how: 'How' } as const;

export type Key = { readonly text: string; readonly isResolvable: boolean };

export type ObjectModel = {
  readonly kind: 'entity' | 'value';
  readonly name: string;
  readonly fields: FieldModel[];
  /** The keys of an entity, by subgraph; the subgraphs that know it. */
  readonly keys: Map<string, Key[]>;
  /** Fields that a subgraph names and does not resolve, by subgraph. */
  readonly external: Map<string, Set<string>>;
  /** A value type whose fields not every subgraph that has it resolves. */
  readonly isSplit: boolean;
};

/** An interface with a key, whose objects one subgraph knows; another one adds fields to all of them. */
export type InterfaceEntity = { readonly members: readonly ObjectModel[]; readonly home: string; readonly objectIn: string; readonly fields: readonly FieldModel[]; readonly object: ObjectModel };

/** A union, or an interface without key, with the members that each subgraph knows. */
export type AbstractModel = { readonly kind: 'union' | 'interface'; readonly name: string; readonly members: readonly ObjectModel[]; readonly knownIn: Map<string, readonly ObjectModel[]> };

export type Model = {
  readonly subgraphs: readonly string[];
  readonly entities: readonly ObjectModel[];
  readonly values: readonly ObjectModel[];
  readonly abstracts: readonly AbstractModel[];
  readonly interfaceEntity: InterfaceEntity | null;
  readonly root: FieldModel[];
};

export const keyFields = { id: 'ID!', code: 'String!', org: 'Org!' } as const;
export const moods = ['HAPPY', 'SAD', 'CALM'] as const;

/** `[E0!]!` is about `E0`. */
export const baseOf = (type: string): string => type.replaceAll(/[[\]!]/g, '');
/** The names at the top of a set of fields: of `org { id } code`, `org` and `code`. */
export const topFields = (text: string): string[] => text.replaceAll(/\{[^}]*\}/g, '').split(' ').filter((name) => name !== '');

export const objectNamed = (model: Pick<Model, 'entities' | 'values' | 'interfaceEntity'>, name: string): ObjectModel | undefined =>
  [...model.entities, ...model.values, ...(model.interfaceEntity ? [model.interfaceEntity.object] : [])].find((each) => each.name === name);

/** The fields that an object of the type has in the client's schema, besides keys. */
export const fieldsOf = (model: Model, type: ObjectModel): readonly FieldModel[] => (model.interfaceEntity?.members.includes(type) ? [...type.fields, ...model.interfaceEntity.object.fields] : type.fields);

export const isExternal = (type: ObjectModel, subgraph: string, name: string): boolean => type.external.get(subgraph)?.has(name) ?? false;
export const addExternal = (type: ObjectModel, subgraph: string, name: string): void => {
  type.external.set(subgraph, (type.external.get(subgraph) ?? new Set()).add(name));
};
