/** Leaf values as JSON (GraphQL specification, 3.5 "Scalars" and 3.9 "Enums": result coercion). */
import { type GraphQLLeafType, isEnumType, isSpecifiedScalarType } from 'graphql';
import type { JsonWriter } from './json-writer.ts';

/** Writes the value; false, and nothing written, for one that the type cannot have. Never called with null. */
export type WriteLeaf = (writer: JsonWriter, value: unknown) => boolean;

export const leafWriter = (type: GraphQLLeafType): WriteLeaf => {
  if (isEnumType(type)) {
    const texts = new Map<unknown, string>(type.getValues().map(({ name }) => [name, JSON.stringify(name)]));
    return (writer, value) => {
      const text = texts.get(value);
      if (text !== undefined) writer.ascii(text);
      return text !== undefined;
    };
  }
  // What a subgraph's own scalar looks like is between it and the client.
  if (!isSpecifiedScalarType(type)) return (writer, value) => (typeof value === 'string' ? (writer.string(value), true) : writeAsItIs(writer, value));
  switch (type.name) {
    case 'String':
    case 'ID':
      return (writer, value) => (typeof value === 'string' ? (writer.string(value), true) : writeCoerced(type, writer, value));
    case 'Int':
      return (writer, value) => (typeof value === 'number' && value === (value | 0) ? (writer.ascii(String(value)), true) : writeCoerced(type, writer, value));
    case 'Boolean':
      return (writer, value) => (typeof value === 'boolean' ? (writer.ascii(value ? 'true' : 'false'), true) : writeCoerced(type, writer, value));
    default:
      return (writer, value) => (typeof value === 'number' && Number.isFinite(value) ? (writer.ascii(String(value)), true) : writeCoerced(type, writer, value));
  }
};

/** A subgraph in this process can answer what is no JSON (a bigint, a circle); that fails its field alone. */
const writeAsItIs = (writer: JsonWriter, value: unknown): boolean => {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch {
    return false;
  }
  writer.json(json ?? 'null');
  return true;
};

/** What the type makes of a value of another kind: `5` for an ID is `"5"`. */
const writeCoerced = (type: GraphQLLeafType, writer: JsonWriter, value: unknown): boolean => {
  try {
    writer.json(JSON.stringify(type.serialize(value)));
    return true;
  } catch {
    return false;
  }
};
