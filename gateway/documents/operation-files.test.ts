import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parse, print } from 'graphql';
import { afterEach, expect, test } from 'vitest';
import { sha256Hex } from '#core/digest.ts';
import { ConfigError } from '#core/errors.ts';
import { readOperationFile, readOperationFiles } from './operation-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'operations-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const write = (file: string, text: string): void => {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
};
const problem = (act: () => unknown): ConfigError => {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

test('every file of the folder and below is one operation, known by the hash of its body', () => {
  write('b.graphql', 'query B { b ...F } fragment F on Query { c }');
  write('deep/a.graphql', '# says what it is for\nmutation A($x: Int) { a(x: $x) }');
  write('notes.md', 'no operation');
  const [b, a] = readOperationFiles(folder);
  expect(b).toMatchObject({ name: 'B', type: 'query', file: 'b.graphql', rest: null, body: print(parse('query B { b ...F } fragment F on Query { c }')) });
  expect(a).toMatchObject({ name: 'A', type: 'mutation', file: 'deep/a.graphql' });
  for (const each of [a, b]) expect(each?.id).toBe(sha256Hex(each?.body ?? ''));
});

test('where an operation is served over REST is handed over, and is no part of its body', () => {
  const { body, rest } = readOperationFile('x.graphql', 'query X($id: ID!) @rest(method: GET, path: "/x/{id}") @other { x(id: $id) @rest }');
  expect(rest && print(rest)).toBe('@rest(method: GET, path: "/x/{id}")');
  expect(body).toBe(print(parse('query X($id: ID!) @other { x(id: $id) @rest }')));
});

test('two operations with one name are refused, and both files named', () => {
  write('one.graphql', 'query Same { a }');
  write('two.graphql', 'query Same { b }');
  expect(problem(() => readOperationFiles(folder)).facts).toEqual({ files: ['one.graphql', 'two.graphql'], operation: 'Same' });
});

test.each(['query {', '{ a }', 'query A { a } query B { b }', 'fragment F on Query { a }', 'query A { a } type B { b: Int }', 'query A @rest(a: 1) @rest(b: 2) { a }'])('a file that is no single named operation is refused, and named: %s', (text) => {
  expect(problem(() => readOperationFile('x.graphql', text)).facts).toMatchObject({ file: 'x.graphql' });
});

test('a folder that does not exist has no operations', () => {
  expect(readOperationFiles(join(folder, 'none'))).toEqual([]);
});
