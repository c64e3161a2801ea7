/** Random operations over a schema: see `test-tape.ts`. */
import { type GraphQLArgument, type GraphQLCompositeType, type GraphQLField, type GraphQLSchema, getNamedType, isAbstractType, isCompositeType, isObjectType, isUnionType } from 'graphql';
import { type Tape, tapeOf } from './tape.ts';

type State = { readonly schema: GraphQLSchema; readonly tape: Tape; readonly fragments: Map<string, string>; readonly used: Set<string>; readonly defer: boolean; deferred: number; isInFragment: boolean };

const variableTypes = { yes: 'Boolean = true', no: 'Boolean = false', first: 'Int = 2', say: 'String = "?"', mood: 'Mood', how: 'How' } as const;
/** Variables that operations may declare; `$yes` and `$no` decide `@skip` and `@include`. */
export const operationVariables = { yes: true, no: false, first: 2, say: '"𝄞"', mood: 'CALM', how: { times: 5 } };

/** What the arguments of these names can be given, besides nothing. */
const argumentValues: Readonly<Record<string, readonly string[]>> = { first: ['1', '$first'], say: ['"a"', '$say', 'null'], how: ['{ mood: SAD }', '{ times: 3, mood: $mood }', '$how'] };

/** `defer`: with `@defer` on some fragments. */
export const operationFrom = (schema: GraphQLSchema, tape: readonly number[], maxDepth = 5, defer = false): string => {
  const state: State = { schema, tape: tapeOf(tape), fragments: new Map(), used: new Set(), defer, deferred: 0, isInFragment: false };
  const query = schema.getQueryType();
  if (!query) throw new TypeError('The schema has no queries.');
  const selection = selectionOf(state, query, maxDepth);
  const variables = Object.entries(variableTypes).flatMap(([name, type]) => (state.used.has(name) ? [`$${name}: ${type}`] : []));
  return [`query ${variables.length > 0 ? `(${variables.join(', ')}) ` : ''}${selection}`, ...state.fragments.values()].join('\n');
};

/** Notes the variables in a text that becomes part of the operation. */
const using = (state: State, text: string): string => {
  for (const [, name = ''] of text.matchAll(/\$(\w+)/g)) state.used.add(name);
  return text;
};

const selectionOf = (state: State, type: GraphQLCompositeType, depth: number): string => {
  const parts = Array.from({ length: 1 + state.tape.choose(5) }, () => partOf(state, type, depth));
  return `{ ${parts.join(' ')} }`;
};

const partOf = (state: State, type: GraphQLCompositeType, depth: number): string => {
  const kind = state.tape.choose(10);
  if (kind === 0 || isUnionType(type)) return kind < 3 ? '__typename' : fragmentOf(state, type, depth);
  if (kind < (isAbstractType(type) ? 6 : 2) && depth > 0) return fragmentOf(state, type, depth);
  const fields = Object.values(type.getFields()).filter((field) => depth > 1 || !isCompositeType(getNamedType(field.type)));
  const field = fields[state.tape.choose(Math.max(fields.length, 1))];
  return field ? fieldOf(state, field, depth) : '__typename';
};

const conditionOf = (state: State): string => using(state, ['', '', '', '', '', '', '', '', ' @include(if: $yes)', ' @skip(if: $no)', ' @include(if: $no)', ' @skip(if: $yes)'][state.tape.choose(12)] ?? '');

const fieldOf = (state: State, field: GraphQLField<unknown, unknown>, depth: number): string => {
  const wasInFragment = state.isInFragment;
  state.isInFragment = false;
  try {
    return fieldWith(state, field, depth);
  } finally {
    state.isInFragment = wasInFragment;
  }
};

const fieldWith = (state: State, field: GraphQLField<unknown, unknown>, depth: number): string => {
  const named = getNamedType(field.type);
  const given = field.args.flatMap((argument) => argumentOf(state, argument) ?? []);
  // An alias that tells the arguments apart, as equal names with different arguments are not valid.
  const alias = given.length > 0 ? `${field.name}_${given.map(({ choice }) => choice).join('_')}: ` : aliasOf(state, field.name, isCompositeType(named));
  const args = given.length > 0 ? `(${given.map(({ text }) => text).join(', ')})` : '';
  return `${alias}${field.name}${args}${conditionOf(state)}${isCompositeType(named) ? ` ${selectionOf(state, named, depth - 1)}` : ''}`;
};

/** Some are names that fetches of entities need for themselves. */
const aliasOf = (state: State, name: string, isComposite: boolean): string => {
  const kind = state.tape.choose(40);
  if (kind === 39 && !isComposite) return `${state.tape.pick(['id', 'code', 'org'])}: `;
  return kind % 4 === 0 ? `a_${name}: ` : '';
};

const argumentOf = (state: State, { name }: GraphQLArgument): { readonly text: string; readonly choice: number } | undefined => {
  const values = argumentValues[name] ?? [];
  const choice = state.tape.choose(values.length + 1);
  const value = values[choice - 1];
  return value === undefined ? undefined : { text: using(state, `${name}: ${value}`), choice };
};

/** None is deferred inside another one: the planner has no end with `... on T { ... on I { ... on T @defer { x } } }`. */
const fragmentOf = (state: State, type: GraphQLCompositeType, depth: number): string => {
  const defer = state.isInFragment ? '' : deferOf(state);
  const wasInFragment = state.isInFragment;
  state.isInFragment = true;
  try {
    return fragmentWith(state, type, depth, defer);
  } finally {
    state.isInFragment = wasInFragment;
  }
};

const fragmentWith = (state: State, type: GraphQLCompositeType, depth: number, defer: string): string => {
  const candidates = related(state.schema, type);
  const condition = state.tape.pick(candidates);
  if (state.tape.choose(3) > 0) return `... on ${condition.name}${defer}${conditionOf(state)} ${selectionOf(state, condition, depth - 1)}`;
  const name = `F${state.fragments.size}`;
  state.fragments.set(name, '');
  state.fragments.set(name, `fragment ${name} on ${condition.name} ${selectionOf(state, condition, depth - 1)}`);
  return `...${name}${defer}${conditionOf(state)}`;
};

const deferOf = (state: State): string => (state.defer && state.tape.choose(2) === 1 ? ` @defer(label: "l${state.deferred++}")` : '');

/** The type itself, what it can turn out to be, and what that is besides. */
const related = (schema: GraphQLSchema, type: GraphQLCompositeType): readonly GraphQLCompositeType[] => {
  const objects = isAbstractType(type) ? schema.getPossibleTypes(type) : isObjectType(type) ? [type] : [];
  return [...new Set<GraphQLCompositeType>([type, ...objects, ...objects.flatMap((object) => [...object.getInterfaces()])])];
};
