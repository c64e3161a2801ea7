/** Enum values as REST writes them: in lower case, but for those that clients know by another word. */
import { type GraphQLInputType, getNamedType, isEnumType, isInputObjectType, isListType, isNonNullType } from 'graphql';

export type Words = {
  /** The word of an enum value. */
  wordOf(value: string): string;
  /** The same value of a type with words in place of enum values, the other way round: as GraphQL takes it. */
  toGraphql(value: unknown, type: GraphQLInputType): unknown;
};

export const createWords = (exceptions: readonly { readonly value: string; readonly word: string }[]): Words => {
  const words = new Map(exceptions.map(({ value, word }) => [value, word]));
  const wordOf = (value: string): string => words.get(value) ?? value.toLowerCase();
  const toGraphql = (value: unknown, type: GraphQLInputType): unknown => {
    if (value === null || value === undefined) return value;
    if (isNonNullType(type)) return toGraphql(value, type.ofType);
    if (isListType(type)) return Array.isArray(value) ? value.map((each) => toGraphql(each, type.ofType)) : value;
    const named = getNamedType(type);
    if (isEnumType(named)) return named.getValues().find(({ name }) => wordOf(name) === value)?.name ?? value;
    if (!isInputObjectType(named) || typeof value !== 'object') return value;
    const fields = named.getFields();
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, fields[name] ? toGraphql(each, fields[name].type) : each]));
  };
  return { wordOf, toGraphql };
};
