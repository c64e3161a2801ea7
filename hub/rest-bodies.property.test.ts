/** What JSONata makes of an answer to a query, held to the schema that the OpenAPI document declares, whatever the graph may answer by its types. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { type FieldNode, type GraphQLOutputType, type GraphQLSchema, Kind, type OperationDefinitionNode, type SelectionSetNode, getNamedType, isEnumType, isInterfaceType, isListType, isNonNullType, isObjectType, parse } from 'graphql';
import { afterAll, describe, expect, test } from 'vitest';
import { readOperationFiles } from '#gateway/documents/operation-files.ts';
import { createGateway } from '#gateway/index.ts';
import { createAjv } from '#gateway/rest/parameters.ts';
import { type Route, compileRoutes } from '#gateway/rest/route.ts';
import { operationsFolder, supergraphFile } from './subgraphs.ts';

const nobody = () => Promise.reject(new Error('nobody is asked here'));
const gateway = createGateway({ supergraph: readFileSync(supergraphFile, 'utf8'), dataSources: () => ({ execute: nobody, subscribe: nobody }) });
afterAll(() => gateway.dispose());
const schema: GraphQLSchema = gateway.apiSchema();
const schemas = JSON.parse(readFileSync(join(operationsFolder, 'rest', 'schemas.json'), 'utf8')) as Readonly<Record<string, object>>;
const ajv = createAjv();

/** Numbers that are counted, measured or paid are none below zero, which their types do not say. */
const scalars: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  ID: fc.string({ minLength: 1 }), String: fc.string(), Boolean: fc.boolean(), Int: fc.nat(), Float: fc.double({ min: 0, max: 1e9, noNaN: true }),
  DateTime: fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }).map((date) => date.toISOString()),
  Decimal: fc.nat().map((cents) => (cents / 100).toFixed(2)), JSON: fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 }),
};

type Selection = SelectionSetNode | undefined;

const anyOf = (type: GraphQLOutputType, selection: Selection): fc.Arbitrary<unknown> => (isNonNullType(type) ? present(type.ofType, selection) : fc.option(present(type, selection), { nil: null }));

const present = (type: GraphQLOutputType, selection: Selection): fc.Arbitrary<unknown> => {
  if (isNonNullType(type)) return present(type.ofType, selection);
  if (isListType(type)) return fc.array(anyOf(type.ofType, selection), { maxLength: 3, size: 'max' });
  if (isEnumType(type)) return fc.constantFrom(...type.getValues().map(({ name }) => name));
  if (!isObjectType(type) && !isInterfaceType(type)) return scalars[getNamedType(type).name] ?? expect.fail(`no values of ${String(type)}`);
  const fields = type.getFields();
  return fc.record(Object.fromEntries(fieldsIn(selection).map(({ name, alias, selectionSet }) => {
    const field = fields[name.value] ?? expect.fail(`no field ${name.value}`);
    return [(alias ?? name).value, anyOf(field.type, selectionSet)];
  })));
};

const fieldsIn = (selection: Selection): readonly FieldNode[] =>
  (selection?.selections ?? []).map((each) => (each.kind === Kind.FIELD ? each : expect.fail('operations over REST have no fragments; teach this test the first one')));

/** Where what is looked for was found: a problem is answered else. */
const answersTo = ({ text, found }: Route): fc.Arbitrary<unknown> => {
  const operation = parse(text).definitions[0] as OperationDefinitionNode;
  const root = schema.getQueryType()?.getFields() ?? {};
  return fc.record(Object.fromEntries(fieldsIn(operation.selectionSet).map(({ name, alias, selectionSet }) => {
    const { type } = root[name.value] ?? expect.fail(`no field ${name.value}`);
    const key = (alias ?? name).value;
    return [key, found === key ? present(type, selectionSet) : anyOf(type, selectionSet)];
  })));
};

describe('the body of', () => {
  test.each(compileRoutes(readOperationFiles(operationsFolder), schema).filter(({ kind }) => kind === 'query').map((route) => [route.name, route] as const))('%s is as documented, whatever the types let the graph answer', async (_, route) => {
    const validate = ajv.compile({ $ref: `#/components/schemas/${route.schema}`, components: { schemas } });
    await fc.assert(fc.asyncProperty(answersTo(route), async (data) => {
      const body = JSON.parse(JSON.stringify(await route.mapping(data))) as unknown;
      expect(validate(body) ? null : validate.errors).toBeNull();
    }), { numRuns: 50 });
  });
});
