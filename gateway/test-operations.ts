/**
 * Random operations over a schema, from a tape of numbers: each choice takes the next number, so that a shorter or
 * smaller tape is a smaller operation, and a failing one shrinks to what matters.
 */
import { type GraphQLCompositeType, type GraphQLField, type GraphQLSchema, getNamedType, isAbstractType, isCompositeType, isObjectType, isUnionType } from 'graphql';

type State = { readonly schema: GraphQLSchema; readonly tape: readonly number[]; at: number; readonly fragments: Map<string, string> };

/** Variables that every operation declares; `$yes` and `$no` decide `@skip` and `@include`. */
export const operationVariables = { yes: true, no: false, first: 2 };

export const operationFrom = (schema: GraphQLSchema, tape: readonly number[], maxDepth = 5): string => {
  const state: State = { schema, tape, at: 0, fragments: new Map() };
  const query = schema.getQueryType();
  if (!query) throw new TypeError('The schema has no queries.');
  const selection = selectionOf(state, query, maxDepth);
  return [`query ($yes: Boolean = true, $no: Boolean = false, $first: Int = 2) ${selection}`, ...state.fragments.values()].join('\n');
};

const choose = (state: State, count: number): number => (state.tape[state.at++] ?? 0) % count;

const selectionOf = (state: State, type: GraphQLCompositeType, depth: number): string => {
  const parts = Array.from({ length: 1 + choose(state, 5) }, () => partOf(state, type, depth));
  return `{ ${parts.join(' ')} }`;
};

const partOf = (state: State, type: GraphQLCompositeType, depth: number): string => {
  const kind = choose(state, 10);
  if (kind === 0 || isUnionType(type)) return kind < 3 ? '__typename' : fragmentOf(state, type, depth);
  if (kind < (isAbstractType(type) ? 6 : 2) && depth > 0) return fragmentOf(state, type, depth);
  const fields = Object.values(type.getFields()).filter((field) => depth > 1 || !isCompositeType(getNamedType(field.type)));
  const field = fields[choose(state, Math.max(fields.length, 1))];
  return field ? fieldOf(state, field, depth) : '__typename';
};

const conditionOf = (state: State): string => ['', '', '', '', '', '', '', '', ' @include(if: $yes)', ' @skip(if: $no)', ' @include(if: $no)', ' @skip(if: $yes)'][choose(state, 12)] ?? '';

const fieldOf = (state: State, field: GraphQLField<unknown, unknown>, depth: number): string => {
  const named = getNamedType(field.type);
  const takesFirst = field.args.some(({ name }) => name === 'first');
  const first = takesFirst ? choose(state, 3) : 0;
  const args = takesFirst ? ['', '(first: 1)', '(first: $first)'][first] : '';
  // An alias that tells the arguments apart, as equal names with different arguments are not valid.
  const alias = first > 0 ? `${field.name}${first}: ` : choose(state, 4) === 0 ? `a_${field.name}: ` : '';
  return `${alias}${field.name}${args}${conditionOf(state)}${isCompositeType(named) ? ` ${selectionOf(state, named, depth - 1)}` : ''}`;
};

const fragmentOf = (state: State, type: GraphQLCompositeType, depth: number): string => {
  const candidates = related(state.schema, type);
  const condition = candidates[choose(state, candidates.length)] ?? type;
  if (choose(state, 3) > 0) return `... on ${condition.name}${conditionOf(state)} ${selectionOf(state, condition, depth - 1)}`;
  const name = `F${state.fragments.size}`;
  state.fragments.set(name, '');
  state.fragments.set(name, `fragment ${name} on ${condition.name} ${selectionOf(state, condition, depth - 1)}`);
  return `...${name}${conditionOf(state)}`;
};

/** The type itself, what it can turn out to be, and what that is besides. */
const related = (schema: GraphQLSchema, type: GraphQLCompositeType): readonly GraphQLCompositeType[] => {
  const objects = isAbstractType(type) ? schema.getPossibleTypes(type) : isObjectType(type) ? [type] : [];
  return [...new Set<GraphQLCompositeType>([type, ...objects, ...objects.flatMap((object) => [...object.getInterfaces()])])];
};
