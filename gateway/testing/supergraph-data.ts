/**
 * The data of a random supergraph: one graph of objects, and one resolver for each field over it. The plain schema and
 * every subgraph that owns a field answer with the same resolver, so that they agree by construction.
 */
import { type FieldModel, type Model, type ObjectModel, type Requirement, fieldsOf, moods, objectNamed } from './supergraph-model.ts';
import type { Tape } from './tape.ts';

export type Thing = { readonly typename: string; readonly values: Record<string, unknown> };

/** What stands where a resolver fails. */
const failing = Symbol('fails');

export type Dataset = { readonly model: Model; readonly things: ReadonlyMap<string, readonly Thing[]>; readonly root: Thing };

const texts = ['plain', 'é', '"quoted"\n', '𝄞', '', 'a text that is longer than the sixty-four characters up to which one is written by hand'];
const leaves: Readonly<Record<string, (tape: Tape) => unknown>> = {
  String: (tape) => tape.pick(texts),
  Int: (tape) => tape.choose(100) - 50,
  Boolean: (tape) => tape.choose(2) === 1,
  Float: (tape) => tape.choose(100) / 4,
  ID: (tape) => `x${tape.choose(5)}`,
  Mood: (tape) => tape.pick(moods),
};

type Making = { readonly model: Model; readonly tape: Tape; readonly things: Map<string, Thing[]> };

export const datasetFrom = (model: Model, tape: Tape): Dataset => {
  const making: Making = { model, tape, things: new Map() };
  for (const { name } of model.entities) making.things.set(name, Array.from({ length: 1 + tape.choose(3) }, (_, index) => newEntity(name, index)));
  for (const entity of model.entities) for (const thing of making.things.get(entity.name) ?? []) fill(making, thing, fieldsOf(model, entity));
  const root: Thing = { typename: 'Query', values: {} };
  fill(making, root, model.root);
  return { model, things: making.things, root };
};

const newEntity = (typename: string, index: number): Thing => ({
  typename,
  values: { id: `${typename}-${index}`, code: `"${typename}"\\${index}`, org: { typename: 'Org', values: { id: `${typename}/${index}`, no: index } } satisfies Thing },
});

const fill = (making: Making, { values }: Thing, fields: readonly FieldModel[]): void => {
  for (const field of fields) if (!field.requires) values[field.name] = valueOf(making, field.type, field, field.mayFail);
};

/** A value for a type as it is written in SDL. */
const valueOf = (making: Making, type: string, field: FieldModel, mayFail: boolean): unknown => {
  const { tape } = making;
  const isNonNull = type.endsWith('!');
  if (mayFail && tape.chance(3)) return tape.choose(2) === 0 ? null : failing;
  if (!isNonNull && tape.chance(8)) return null;
  const inner = isNonNull ? type.slice(0, -1) : type;
  if (inner.startsWith('[')) return Array.from({ length: tape.pick([2, 1, 3, 0]) }, () => valueOf(making, inner.slice(1, -1), field, false));
  const leaf = leaves[inner];
  return leaf ? leaf(tape) : objectOf(making, inner, field, isNonNull);
};

const objectOf = (making: Making, base: string, field: FieldModel, isNonNull: boolean): Thing | null => {
  const { model, tape, things } = making;
  const type = base === 'I' ? tape.pick(model.interfaceEntity?.members ?? []) : (memberOf(making, base, field) ?? (base === 'U' || base === 'N' ? undefined : objectNamed(model, base)));
  if (!type) return isNonNull ? { typename: 'nothing', values: {} } : null;
  if (type.kind === 'entity') return tape.pick(things.get(type.name) ?? []);
  const value: Thing = { typename: type.name, values: {} };
  fill(making, value, type.fields);
  return value;
};

/** Those that every subgraph knows that resolves the field. */
const memberOf = ({ model, tape }: Making, base: string, { owners }: FieldModel): ObjectModel | undefined => {
  const abstract = model.abstracts.find(({ name }) => name === base);
  const members = abstract?.members.filter((member) => owners.every((owner) => abstract.knownIn.get(owner)?.includes(member)));
  return members && members.length > 0 ? tape.pick(members) : undefined;
};

export type Arguments = { readonly first?: number | null; readonly say?: string | null; readonly how?: { readonly times?: number | null; readonly mood?: string | null } | null };

/** The resolver of every field. */
export const resolveField = (dataset: Dataset, thing: Thing, name: string, args: Arguments = {}): unknown => {
  const requires = fieldOf(dataset.model, thing.typename, name)?.requires;
  const value = requires ? told(summary(dataset, requires, thing)) : thing.values[name];
  if (value === failing) throw new Error('The test wants this field to fail.');
  if (Array.isArray(value)) return value.slice(0, args.first ?? value.length);
  if (typeof value !== 'string') return value;
  return `${value}${args.say ?? ''}${args.how ? `${args.how.mood ?? 'NONE'}×${args.how.times}` : ''}`;
};

/** The same for a field with `@requires`, out of what was sent along. */
export const resolveRequiring = (requires: readonly Requirement[], reference: Readonly<Record<string, unknown>>): string => told(sent(requires, reference));

const told = (required: unknown): string => JSON.stringify(required);

const fieldOf = (model: Model, typename: string, name: string): FieldModel | undefined => {
  const type = objectNamed(model, typename);
  return type && fieldsOf(model, type).find((field) => field.name === name);
};

const summary = (dataset: Dataset, requires: readonly Requirement[], value: unknown): unknown => {
  if (Array.isArray(value)) return value.map((element) => summary(dataset, requires, element));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    requires.map(({ name, below }) => {
      const model = fieldOf(dataset.model, (value as Thing).typename, name);
      const inner = resolveField(dataset, value as Thing, name, model?.args.includes('say') ? { say: '.' } : {});
      return [name, below ? summary(dataset, below, inner) : inner];
    }),
  );
};

const sent = (requires: readonly Requirement[], value: unknown): unknown => {
  if (Array.isArray(value)) return value.map((element) => sent(requires, element));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    requires.map(({ name, below }) => {
      const inner = (value as Record<string, unknown>)[name];
      if (inner === undefined) throw new Error(`${name} is required and was not sent.`);
      return [name, below ? sent(below, inner) : inner];
    }),
  );
};
