/** What each subgraph of a random supergraph says of itself. */
import { type FieldModel, type Key, type Model, type ObjectModel, type Requirement, argumentTypes, isExternal, keyFields, moods, topFields } from './supergraph-model.ts';

export const sdlOf = (model: Model, subgraph: string): string =>
  [
    `enum Mood { ${moods.join(' ')} } input How { times: Int = 2 mood: Mood } type Org @shareable { id: ID! no: Int! }`,
    rootOf(model, subgraph),
    ...model.entities.filter(({ keys }) => keys.has(subgraph)).map((entity) => entityOf(model, entity, subgraph)),
    ...model.values.filter(({ keys, external }) => keys.has(subgraph) || external.has(subgraph)).map((value) => valueOf(value, subgraph)),
    ...model.abstracts.flatMap(({ kind, name, knownIn }) => {
      const members = knownIn.get(subgraph);
      if (!members) return [];
      return kind === 'union' ? [`union ${name} = ${members.map((member) => member.name).join(' | ')}`] : [`interface ${name} { id: ID! }`];
    }),
    interfaceEntityOf(model, subgraph),
  ]
    .filter((part) => part !== '')
    .join('\n');

const rootOf = ({ root }: Model, subgraph: string): string => {
  const own = root.filter(({ owners }) => owners.includes(subgraph)).map((field) => resolvedField(field, subgraph));
  return own.length > 0 ? `type Query { ${own.join(' ')} }` : '';
};

const entityOf = (model: Model, entity: ObjectModel, subgraph: string): string => {
  const keys = entity.keys.get(subgraph) ?? [];
  const interfaces = model.abstracts.flatMap(({ kind, name, knownIn }) => (kind === 'interface' && knownIn.get(subgraph)?.includes(entity) ? [name] : []));
  if (model.interfaceEntity?.home === subgraph && model.interfaceEntity.members.includes(entity)) interfaces.push('I');
  const implemented = interfaces.length > 0 ? ` implements ${interfaces.join(' & ')}` : '';
  return `type ${entity.name}${implemented}${keysOf(keys)} { ${[...keyFieldsOf(keys), ...entity.fields.flatMap((field) => fieldIn(entity, field, subgraph))].join(' ')} }`;
};

const keysOf = (keys: readonly Key[]): string => keys.map(({ text, isResolvable }) => ` @key(fields: "${text}"${isResolvable ? '' : ', resolvable: false'})`).join('');
const keyFieldsOf = (keys: readonly Key[]): string[] => [...new Set(keys.flatMap(({ text }) => topFields(text)))].map((name) => `${name}: ${keyFields[name as keyof typeof keyFields]}`);

const valueOf = (value: ObjectModel, subgraph: string): string =>
  `type ${value.name} { ${value.fields.flatMap((field) => (value.isSplit ? fieldIn(value, { ...field, isShareable: true }, subgraph) : [`${head(field)} @shareable`])).join(' ')} }`;

const interfaceEntityOf = ({ interfaceEntity }: Model, subgraph: string): string => {
  if (!interfaceEntity) return '';
  const { home, objectIn, fields, object } = interfaceEntity;
  if (subgraph === home) return `interface I @key(fields: "id") { id: ID! ${fields.map(head).join(' ')} }`;
  if (subgraph !== objectIn) return '';
  const external = fields.filter(({ name }) => isExternal(object, subgraph, name)).map((field) => `${head(field)} @external`);
  return `type I @interfaceObject @key(fields: "id") { id: ID! ${[...external, ...object.fields.map((field) => resolvedField(field, subgraph))].join(' ')} }`;
};

const fieldIn = (type: ObjectModel, field: FieldModel, subgraph: string): string[] => {
  if (isExternal(type, subgraph, field.name)) return [`${head(field)} @external`];
  return field.owners.includes(subgraph) || field.overridden === subgraph ? [resolvedField(field, subgraph)] : [];
};

const resolvedField = (field: FieldModel, subgraph: string): string => {
  const provided = field.provides.get(subgraph);
  const directives = [
    field.isShareable ? ' @shareable' : '',
    field.overridden !== null && field.owners.includes(subgraph) ? ` @override(from: "${field.overridden}")` : '',
    field.requires ? ` @requires(fields: "${textOf(field.requires)}")` : '',
    provided === undefined ? '' : ` @provides(fields: "${provided}")`,
  ];
  return `${head(field)}${directives.join('')}`;
};

const head = ({ name, args, type }: FieldModel): string => `${name}${args.length > 0 ? `(${args.map((arg) => `${arg}: ${argumentTypes[arg]}`).join(' ')})` : ''}: ${type}`;

const textOf = (requirements: readonly Requirement[]): string => requirements.map(({ name, below }) => (below ? `${name} { ${textOf(below)} }` : name)).join(' ');
