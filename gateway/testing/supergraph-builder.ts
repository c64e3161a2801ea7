/** Random models of supergraphs: most of them compose. */
import { type ArgumentName, type FieldModel, type InterfaceEntity, type Model, type ObjectModel, type Requirement, addExternal, baseOf, isExternal } from './supergraph-model.ts';
import { type Building, hasId, isResolved, makeKnown, mayKnow } from './supergraph-knowledge.ts';
import type { Tape } from './tape.ts';

const scalars = ['String', 'Int', 'Boolean', 'Float', 'ID', 'Mood'];
const wrappings = ['%', '%!', '[%]', '[%!]', '[%!]!', '[%]!', '[[%]]', '[[%!]!]!', '[[%!]]'];
const keyTexts = ['id', 'code', 'id code', 'org { id }', 'org { id } code'];

export const modelFrom = (tape: Tape, { mayFail = true } = {}): Model => {
  const subgraphs = Array.from({ length: 2 + tape.choose(4) }, (_, index) => `s${index}`);
  const start: Building = { tape, subgraphs, entities: [], values: [], abstracts: [], interfaceEntity: null, root: [] };
  for (let count = 1 + tape.choose(3); count > 0; count--) addValue(start);
  const objectIn = subgraphs.length > 2 && tape.choose(2) === 1 ? subgraphs.at(-1) : undefined;
  for (let count = 1 + tape.choose(4); count > 0; count--) addEntity(start);
  const building: Building = { ...start, interfaceEntity: objectIn === undefined ? null : interfaceEntityFrom(start, objectIn) };
  if (tape.choose(2) === 1) addUnion(building);
  if (tape.choose(2) === 1) addInterface(building);
  for (const value of building.values) for (let count = 1 + tape.choose(3); count > 0; count--) addValueField(building, value);
  for (const entity of building.entities) for (const subgraph of [...entity.keys.keys()]) if (isResolved(entity, subgraph)) addFields(building, entity, subgraph, mayFail);
  addInterfaceFields(building);
  for (const entity of building.entities) addSplitValue(building, entity);
  for (const entity of building.entities) addOverride(building, entity);
  for (const subgraph of subgraphs) addRoot(building, subgraph);
  for (const entity of building.entities) for (const subgraph of [...entity.keys.keys()]) if (isResolved(entity, subgraph) && tape.choose(3) > 0) addRequiring(building, entity, subgraph);
  if (building.interfaceEntity && tape.choose(2) === 1) addRequiring(building, building.interfaceEntity.object, building.interfaceEntity.objectIn);
  for (const field of [...building.root, ...building.entities.flatMap(({ fields }) => fields)]) if (tape.choose(2) === 1) addProvided(building, field);
  for (const each of building.abstracts) if (each.kind === 'interface') for (const subgraph of [...each.knownIn.keys()]) each.knownIn.set(subgraph, each.members.filter((member) => hasId(member, subgraph)));
  return building;
};

const newObject = (kind: ObjectModel['kind'], name: string, isSplit = false): ObjectModel => ({ kind, name, fields: [], keys: new Map(), external: new Map(), isSplit });

const addValue = ({ values }: Building): void => void values.push(newObject('value', `V${values.length}`));

/** The first subgraph of an entity has every key that another one has, mostly: so each can be reached from each. */
const addEntity = ({ tape, subgraphs, entities }: Building): void => {
  const entity = newObject('entity', `E${entities.length}`);
  const first = tape.choose(subgraphs.length);
  const home = subgraphs[first] as string;
  const main = tape.chance(6) ? tape.pick(keyTexts) : 'id';
  entity.keys.set(home, [{ text: main, isResolvable: true }]);
  for (const subgraph of subgraphs) {
    if (subgraph === home || tape.choose(3) === 0) continue;
    const texts = [...new Set(Array.from({ length: 1 + tape.choose(2) }, () => (tape.choose(2) === 0 ? main : tape.pick(keyTexts))))];
    entity.keys.set(subgraph, texts.map((text) => ({ text, isResolvable: true })));
    const known = entity.keys.get(home) ?? [];
    for (const text of texts) if (!known.some((key) => key.text === text) && !tape.chance(10)) known.push({ text, isResolvable: true });
  }
  entities.push(entity);
};

const interfaceEntityFrom = ({ tape, entities, subgraphs }: Building, objectIn: string): InterfaceEntity | null => {
  const home = tape.pick(subgraphs.filter((each) => each !== objectIn));
  const members = entities.filter((_, index) => index === 0 || tape.choose(2) === 1);
  for (const member of members) {
    member.keys.delete(objectIn);
    if (member.keys.size === 0 || !hasId(member, home)) member.keys.set(home, [...(member.keys.get(home) ?? []), { text: 'id', isResolvable: true }]);
    if (!member.keys.get(home)?.some(({ text }) => text === 'id')) member.keys.get(home)?.push({ text: 'id', isResolvable: true });
  }
  const object = newObject('entity', 'I');
  object.keys.set(objectIn, [{ text: 'id', isResolvable: true }]);
  return { members, home, objectIn, fields: [], object };
};

const addUnion = ({ tape, abstracts, entities, values }: Building): void => {
  const members = [entities[0], ...tape.some([...entities.slice(1), ...values], 2)].filter((member): member is ObjectModel => member !== undefined);
  abstracts.push({ kind: 'union', name: 'U', members, knownIn: new Map() });
};

const addInterface = ({ abstracts, entities }: Building): void => void abstracts.push({ kind: 'interface', name: 'N', members: entities, knownIn: new Map() });

const bases = (building: Building, owners: readonly string[]): readonly string[] => {
  const composites = [...building.entities, ...building.values.filter(({ isSplit }) => !isSplit), ...building.abstracts].map(({ name }) => name);
  if (building.interfaceEntity) composites.push('I');
  return composites.filter((name) => owners.every((owner) => mayKnow(building, owner, name)));
};

type FieldOptions = { readonly owners: readonly string[]; readonly composite: boolean; readonly mayFail?: boolean; readonly nullable?: boolean };

const newField = (building: Building, prefix: string, { owners, composite, mayFail = false }: FieldOptions): FieldModel => {
  const { tape } = building;
  const candidates = composite ? bases(building, owners) : [];
  const base = candidates.length > 0 ? tape.pick(candidates) : tape.pick(scalars);
  const wrapping = tape.choose(2) === 0 ? tape.choose(2) : tape.choose(wrappings.length);
  const type = (wrappings[wrapping] ?? '%').replace('%', base);
  for (const owner of owners) makeKnown(building, owner, base);
  const args: ArgumentName[] = [];
  if (type.startsWith('[') && tape.chance(2)) args.push('first');
  if (base === 'String' && !type.startsWith('[') && tape.chance(2)) args.push(tape.choose(2) === 0 ? 'say' : 'how');
  return { name: `${prefix}${base.toLowerCase()}${wrapping}${args.join('')}`, type, args, owners, isShareable: owners.length > 1, overridden: null, requires: null, provides: new Map(), mayFail: mayFail && tape.chance(3) };
};

const add = (fields: FieldModel[], field: FieldModel): void => void (fields.some(({ name }) => name === field.name) || fields.push(field));

const addValueField = (building: Building, value: ObjectModel): void => {
  const { tape, values, entities, interfaceEntity } = building;
  const field = newField(building, 'v', { owners: [], composite: false });
  // Values in values have no end unless they go downwards; entities that implement the interface are not known everywhere.
  const below = [...values.slice(0, values.indexOf(value)), ...entities.filter((each) => !interfaceEntity?.members.includes(each))];
  const inner = tape.chance(4) ? below[tape.choose(below.length)] : undefined;
  const type = inner && (wrappings[tape.choose(wrappings.length)] ?? '%').replace('%', inner.name);
  add(value.fields, type === undefined ? field : { ...field, name: `v${inner?.name.toLowerCase()}`, type, args: [] });
};

const addFields = (building: Building, entity: ObjectModel, subgraph: string, mayFail: boolean): void => {
  const { tape } = building;
  for (let count = 1 + tape.choose(3); count > 0; count--) {
    const others = [...entity.keys.keys()].filter((each) => each !== subgraph && isResolved(entity, each));
    const owners = [subgraph, ...(tape.chance(4) ? tape.some(others, 2) : [])];
    // Names are those of the type: several types have the same ones, and one type each of them once.
    add(entity.fields, newField(building, tape.choose(2) === 0 ? 'a' : subgraph, { owners, composite: tape.choose(2) === 1, mayFail }));
  }
};

const addInterfaceFields = (building: Building): void => {
  const { interfaceEntity, tape } = building;
  if (!interfaceEntity) return;
  const { members, home, objectIn, fields, object } = interfaceEntity;
  for (let count = tape.choose(3); count > 0; count--) {
    const field = newField(building, 'c', { owners: [home], composite: tape.choose(2) === 1 });
    add(fields as FieldModel[], field);
  }
  for (const member of members) for (const field of fields) member.fields.push({ ...field, provides: new Map() });
  for (let count = 1 + tape.choose(3); count > 0; count--) add(object.fields, newField(building, 'o', { owners: [objectIn], composite: tape.choose(2) === 1 }));
};

/** One value whose fields come from several subgraphs: each that resolves the field of the entity tells a part. */
const addSplitValue = (building: Building, entity: ObjectModel): void => {
  const { tape, values } = building;
  const owners = [...entity.keys.keys()].filter((each) => isResolved(entity, each)).slice(0, 3);
  if (owners.length < 2 || tape.choose(2) === 0) return;
  const value = newObject('value', `S${entity.name}`, true);
  const part = (name: string, of: readonly string[]): FieldModel => ({ ...newField(building, 'p', { owners: of, composite: false }), name, args: [], type: tape.choose(2) === 0 ? 'Int' : 'String!' });
  value.fields.push(part('all', owners));
  for (const owner of owners) if (tape.choose(3) > 0) value.fields.push(part(`of${owner}`, [owner]));
  for (const owner of owners) value.keys.set(owner, []);
  values.push(value);
  const type = tape.pick(['%', '%!', '[%!]', '[%]!']).replace('%', value.name);
  entity.fields.push({ name: `split${entity.name.toLowerCase()}`, type, args: [], owners, isShareable: true, overridden: null, requires: null, provides: new Map(), mayFail: false });
};

const addOverride = ({ tape, interfaceEntity }: Building, entity: ObjectModel): void => {
  const field = entity.fields.find(({ owners, type }) => owners.length === 1 && scalars.includes(baseOf(type)));
  if (!field || tape.choose(3) > 0 || interfaceEntity?.fields.some(({ name }) => name === field.name)) return;
  const others = [...entity.keys.keys()].filter((each) => !field.owners.includes(each) && isResolved(entity, each));
  const other = others[tape.choose(others.length)];
  if (other === undefined) return;
  field.overridden = field.owners[0] ?? null;
  field.owners = [other];
};

const addRoot = (building: Building, subgraph: string): void => {
  const { tape, subgraphs } = building;
  for (let count = 1 + tape.choose(2); count > 0; count--) {
    const owners = tape.chance(5) ? [...new Set([subgraph, tape.pick(subgraphs)])] : [subgraph];
    add(building.root, newField(building, `${subgraph}_`, { owners, composite: !tape.chance(8) }));
  }
};

const plainLeaf = (field: FieldModel): boolean => scalars.includes(baseOf(field.type)) && !field.mayFail;

/** A text that tells what is required: it is right only where the right values were sent. */
const addRequiring = (building: Building, entity: ObjectModel, subgraph: string): void => {
  const { tape, interfaceEntity } = building;
  const isObject = entity === interfaceEntity?.object;
  const all = isObject ? interfaceEntity.fields : entity.fields;
  // The planner gets requirements of requirements wrong: it asks a subgraph for a field that is external there.
  const foreign = all.filter((field) => !field.owners.includes(subgraph) && field.overridden !== subgraph && !field.mayFail && !field.requires);
  const requires: Requirement[] = [];
  for (const field of tape.some(foreign, 2).slice(0, 3)) {
    const below = belowOf(building, subgraph, baseOf(field.type));
    if (below === 'not') continue;
    requires.push({ name: field.name, below });
    addExternal(entity, subgraph, field.name);
  }
  if (requires.length === 0) return;
  const type = tape.choose(2) === 0 ? 'String' : 'String!';
  entity.fields.push({ name: `r${subgraph}${entity.name.toLowerCase()}`, type, args: [], owners: [subgraph], isShareable: false, overridden: null, requires, provides: new Map(), mayFail: false });
};

const belowOf = (building: Building, subgraph: string, base: string): readonly Requirement[] | null | 'not' => {
  if (scalars.includes(base)) return null;
  const type = [...building.entities, ...building.values].find(({ name }) => name === base);
  if (!type || !mayKnow(building, subgraph, base)) return 'not';
  if (type.kind === 'value') {
    const leaf = building.tape.pick(type.fields);
    const inner = belowOf(building, subgraph, baseOf(leaf.type));
    if (inner === 'not') return 'not';
    if (type.isSplit && !leaf.owners.includes(subgraph)) addExternal(type, subgraph, leaf.name);
    makeKnown(building, subgraph, base);
    return [{ name: leaf.name, below: inner }];
  }
  const leaf = type.fields.find((field) => plainLeaf(field) && !field.requires && !field.owners.includes(subgraph) && field.overridden !== subgraph);
  if (!leaf) return 'not';
  makeKnown(building, subgraph, base);
  addExternal(type, subgraph, leaf.name);
  return [{ name: leaf.name, below: null }];
};

/** The field's own subgraph tells a field of the entity, on this path alone. */
const addProvided = ({ entities, interfaceEntity }: Building, field: FieldModel): void => {
  const [owner, ...others] = field.owners;
  const entity = entities.find(({ name }) => name === baseOf(field.type));
  const isCommon = (name: string): boolean => interfaceEntity?.fields.some((each) => each.name === name) ?? false;
  if (owner === undefined || others.length > 0 || !entity || field.requires || isCommon(field.name)) return;
  const leaf = entity.fields.find((each) => plainLeaf(each) && each.args.length === 0 && !each.requires && each.overridden === null && !each.owners.includes(owner) && !isCommon(each.name) && !isExternal(entity, owner, each.name));
  if (!leaf) return;
  leaf.isShareable = true;
  addExternal(entity, owner, leaf.name);
  field.provides.set(owner, leaf.name);
};
