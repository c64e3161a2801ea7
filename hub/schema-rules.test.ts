/** Rules that hold for the schemas of all subgraphs, whoever adds the next one. */
import { readFileSync } from 'node:fs';
import { type FieldDefinitionNode, Kind, type ObjectTypeDefinitionNode, type ObjectTypeExtensionNode, type TypeNode, parse } from 'graphql';
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

const isConnection = ({ field: { type } }: Field): boolean => /Connection$/.test(nameOf(type));
const saysItsSize = ({ field: { directives = [] } }: Field): boolean => directives.some(({ name }) => name.value === 'listSize');
const nameOf = (type: TypeNode): string => (type.kind === Kind.NAMED_TYPE ? type.name.value : nameOf(type.type));
const withoutSize = (sdl: string): string[] => fieldsOf(sdl).filter((each) => isConnection(each) && !saysItsSize(each)).map(({ name }) => name);

describe('a connection says which argument decides how long it is, for the cost of operations', () => {
  test.each(listSubgraphs().map(({ name }) => name))('in the subgraph %s', (name) => {
    expect(withoutSize(readFileSync(new URL(`../subgraphs/${name}/schema.graphql`, import.meta.url), 'utf8'))).toEqual([]);
  });

  test('and this rule finds the ones that do not', () => {
    const sdl = 'type Query { a: AConnection b(first: Int): BConnection! @listSize(slicingArguments: ["first"]) c: [Int!] } extend type E { d: DConnection! @cost(weight: 1) }';
    expect(withoutSize(sdl)).toEqual(['Query.a', 'E.d']);
  });
});
