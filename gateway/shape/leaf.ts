/** Leaf values as JSON (GraphQL specification, 3.5 "Scalars" and 3.9 "Enums": result coercion). */
import { type GraphQLLeafType, isEnumType, isSpecifiedScalarType } from 'graphql';

/** The value as JSON; undefined for one that the type cannot have. Never called with null. */
export type WriteLeaf = (value: unknown) => string | undefined;

export const leafWriter = (type: GraphQLLeafType): WriteLeaf => {
  if (isEnumType(type)) {
    const texts = new Map<unknown, string>(type.getValues().map(({ name }) => [name, JSON.stringify(name)]));
    return (value) => texts.get(value);
  }
  // What a subgraph's own scalar looks like is between it and the client.
  if (!isSpecifiedScalarType(type)) return (value) => JSON.stringify(value) ?? 'null';
  const coerce = coercion(type);
  switch (type.name) {
    case 'String':
    case 'ID':
      return (value) => (typeof value === 'string' ? quote(value) : coerce(value));
    case 'Int':
      return (value) => (typeof value === 'number' && value === (value | 0) ? String(value) : coerce(value));
    case 'Boolean':
      return (value) => (value === true ? 'true' : value === false ? 'false' : coerce(value));
    default:
      return (value) => (typeof value === 'number' && Number.isFinite(value) ? String(value) : coerce(value));
  }
};

/** What the type makes of a value of another kind: `5` for an ID is `"5"`. */
const coercion = (type: GraphQLLeafType): WriteLeaf => (value) => {
  try {
    return JSON.stringify(type.serialize(value));
  } catch {
    return undefined;
  }
};

/** Most strings are short and need no escapes; looking at them costs less than calling JSON.stringify. */
const shortString = 48;

export const quote = (text: string): string => {
  if (text.length > shortString) return JSON.stringify(text);
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // Control characters, `"`, `\` and halves of surrogate pairs.
    if (code < 0x20 || code === 0x22 || code === 0x5c || (code >= 0xd800 && code <= 0xdfff)) return JSON.stringify(text);
  }
  return `"${text}"`;
};
