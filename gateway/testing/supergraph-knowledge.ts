/** Which types the subgraphs of a random supergraph know. */
import { type AbstractModel, type Model, type ObjectModel, baseOf, topFields } from './supergraph-model.ts';
import type { Tape } from './tape.ts';

export type Building = Model & { readonly tape: Tape; readonly entities: ObjectModel[]; readonly values: ObjectModel[]; readonly abstracts: AbstractModel[] };

export const isResolved = (entity: ObjectModel, subgraph: string): boolean => entity.keys.get(subgraph)?.some((key) => key.isResolvable) ?? false;
export const hasId = (entity: ObjectModel, subgraph: string): boolean => entity.keys.get(subgraph)?.some(({ text }) => topFields(text).includes('id')) ?? false;

/** Whether a subgraph may know a type: the one with the interface object must not know what implements the interface. */
export const mayKnow = (building: Building, subgraph: string, name: string): boolean => {
  const { interfaceEntity } = building;
  if (name === 'I') return interfaceEntity !== null && (subgraph === interfaceEntity.home || subgraph === interfaceEntity.objectIn);
  const isMember = (each: ObjectModel) => interfaceEntity?.members.includes(each) ?? false;
  if (interfaceEntity?.objectIn !== subgraph) return true;
  const abstract = building.abstracts.find((each) => each.name === name);
  if (abstract) return abstract.members[0] !== undefined && !isMember(abstract.members[0]);
  const object = [...building.entities, ...building.values].find((each) => each.name === name);
  return !object || !isMember(object);
};

/** A subgraph that answers with a type has to know it: an entity at least by a key. */
export const makeKnown = (building: Building, subgraph: string, name: string): void => {
  const { tape } = building;
  const entity = building.entities.find((each) => each.name === name);
  if (entity) return makeEntityKnown(building, entity, subgraph);
  const value = building.values.find((each) => each.name === name);
  if (value && !value.keys.has(subgraph)) {
    value.keys.set(subgraph, []);
    for (const field of value.fields) makeKnown(building, subgraph, baseOf(field.type));
  }
  const abstract = building.abstracts.find((each) => each.name === name);
  if (!abstract || abstract.knownIn.has(subgraph)) return;
  const isWhole = !tape.chance(4);
  const known = abstract.members.filter((member, index) => mayKnow(building, subgraph, member.name) && (index === 0 || isWhole || tape.choose(2) === 1));
  abstract.knownIn.set(subgraph, known);
  const [first] = known;
  if (abstract.kind === 'union') for (const member of known) makeKnown(building, subgraph, member.name);
  else if (first && !hasId(first, subgraph)) first.keys.set(subgraph, [...(first.keys.get(subgraph) ?? []), { text: 'id', isResolvable: true }]);
};

const makeEntityKnown = ({ tape }: Building, entity: ObjectModel, subgraph: string): void => {
  if (entity.keys.has(subgraph)) return;
  const [home] = entity.keys.values();
  const text = home?.[0]?.text ?? 'id';
  entity.keys.set(subgraph, [{ text, isResolvable: tape.choose(2) === 0 }]);
};
