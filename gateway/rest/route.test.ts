import { buildSchema } from 'graphql';
import { expect, test } from 'vitest';
import { ConfigError } from '#core/errors.ts';
import { readOperationFile } from '../documents/operation-files.ts';
import { compileRoutes } from './route.ts';

const schema = buildSchema(`
  type Query {
    "One thing."
    thing("Its id." id: ID!, in: In, nested: Nested): String
    many(in: [In!]): String
  }
  type Mutation { make(title: String): String }
  input In { "How many." count: Int = 3 }
  input Nested { inner: Nested }
`);
const compile = (...texts: string[]) => compileRoutes(texts.map((text, index) => readOperationFile(`${index}.graphql`, text)), schema);
const rest = (more: string) => `@rest(summary: "x", schema: "X", answer: "thing", ${more})`;
const query = (more: string, variables = '$id: ID!', use = 'id: $id') => `query Thing(${variables}) ${rest(more)} { thing(${use}) }`;

test('operations without @rest are served nowhere; the directive is no part of what is executed', () => {
  expect(compile('query A { thing(id: 1) }')).toEqual([]);
  expect(compile(query('paths: [{ path: "/api/v1/things/{id}" }]'))[0]?.text).not.toContain('@rest');
});

test('parameters come from the path, else the query string, else the body, described by the schema', () => {
  const placesOf = (text: string) => compile(text)[0]?.inputs.map(({ name, in: place, required, argument, schema: { description } }) => ({ name, in: place, required, argument, description }));
  expect(placesOf(query('paths: [{ path: "/api/v1/things/{id}" }]', '$id: ID!, $count: Int', 'id: $id, in: { count: $count }'))).toEqual([
    { name: 'id', in: 'path', required: true, argument: 'id', description: 'Its id.' },
    { name: 'count', in: 'query', required: false, argument: 'in.count', description: 'How many.' },
  ]);
  expect(placesOf(`mutation Make($title: String = "a") ${rest('method: POST, paths: [{ path: "/api/v1/make" }], parameters: [{ variable: "title", name: "name", description: "Told." }]')} { make(title: $title) }`)).toEqual([
    { name: 'name', in: 'body', required: false, argument: 'title', description: 'Told.' },
  ]);
});

test('a variable that stands in an entry of a list is named by its place there', () => {
  const [route] = compile(`query Many($count: Int) ${rest('paths: [{ path: "/api/v1/many" }]')} { many(in: [{ count: 1 }, { count: $count }]) }`);
  expect(route?.inputs.map(({ argument }) => argument)).toEqual(['in.1.count']);
});

test('what cannot be served is told when the hub starts, with the file', () => {
  const path = 'paths: [{ path: "/api/v1/things" }]';
  const wrong = {
    'members of mistakes that are no JSON object': query(`${path}, problem: "[1]"`, '$id: ID!'),
    'members of mistakes that are no JSON': query(`${path}, problem: "ok: false"`, '$id: ID!'),
    'an argument that there is none of': query(`${path}, statsu: 200`),
    'a missing argument': 'query Thing @rest(paths: [{ path: "/api/v1/a" }]) { thing(id: 1) }',
    'a mutation by GET': `mutation Make ${rest(path)} { make }`,
    'a subscription': `subscription S ${rest(path)} { thing }`,
    'a path elsewhere': query('paths: [{ path: "/graphql" }]'),
    'no path': query('paths: []'),
    'paths with other parameters': query('paths: [{ path: "/api/v1/{id}" }, { path: "/api/v2/things" }]'),
    'a parameter of the path that is no variable': query('paths: [{ path: "/api/v1/{other}" }]'),
    'a parameter of no variable': query(`${path}, parameters: [{ variable: "other" }]`),
    'a mapping that is no JSONata': `query Thing @rest(summary: "x", schema: "X", answer: "{", ${path}) { thing(id: 1) }`,
    'a type that contains itself': query(path, '$nested: Nested', 'id: 1, nested: $nested'),
  };
  for (const [what, text] of Object.entries(wrong)) {
    expect(() => compile(text), what).toThrow(ConfigError);
  }
  expect(() => compile(query(path), query(path).replace('Thing', 'Other'))).toThrow(/Thing and Other are both served at GET \/api\/v1\/things/);
});
