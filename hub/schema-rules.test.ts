/** Rules that hold for the schemas of all subgraphs, whoever adds the next one. */
import { readFileSync } from 'node:fs';
import { type FieldDefinitionNode, Kind, type ObjectTypeDefinitionNode, type ObjectTypeExtensionNode, parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import { listSubgraphs } from './subgraphs.ts';

const guards = ['authenticated', 'requiresScopes', 'policy'];
const isGuarded = ({ directives = [] }: FieldDefinitionNode): boolean => directives.some(({ name }) => guards.includes(name.value));

type Field = { readonly name: string; readonly field: FieldDefinitionNode };
const fieldsOf = (sdl: string): Field[] =>
  parse(sdl)
    .definitions.filter((each): each is ObjectTypeDefinitionNode | ObjectTypeExtensionNode => [Kind.OBJECT_TYPE_DEFINITION, Kind.OBJECT_TYPE_EXTENSION, Kind.INTERFACE_TYPE_DEFINITION].includes(each.kind as Kind.OBJECT_TYPE_DEFINITION))
    .flatMap((type) => (type.fields ?? []).map((field) => ({ name: `${type.name.value}.${field.name.value}`, field })));

/** A refused field answers null: where it may not be null, what holds it is lost with it. A mutation or a subscription
 * is asked for alone, so that nothing else is. */
const losesItsParent = ({ name, field }: Field): boolean => !/^(Mutation|Subscription)\./.test(name) && isGuarded(field) && field.type.kind === Kind.NON_NULL_TYPE;
const atFault = (sdl: string): string[] => fieldsOf(sdl).filter(losesItsParent).map(({ name }) => name);

describe('a field that a viewer can be refused may be null', () => {
  test.each(listSubgraphs().map(({ name }) => name))('in the subgraph %s', (name) => {
    expect(atFault(readFileSync(new URL(`../subgraphs/${name}/schema.graphql`, import.meta.url), 'utf8'))).toEqual([]);
  });

  test('and this rule finds the ones that may not', () => {
    const sdl = 'type Query { a: Int! @authenticated b: [Int!] @requiresScopes(scopes: [["x"]]) c: Int! } type Mutation { d: Int! @authenticated } extend type E { f: Int! @policy(policies: [["x"]]) } interface I { g: Int! @authenticated }';
    expect(atFault(sdl)).toEqual(['Query.a', 'E.f', 'I.g']);
  });
});
