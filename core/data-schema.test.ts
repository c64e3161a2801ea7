import { expect, test } from 'vitest';
import { compileDataSchema, mismatchOf } from './data-schema.ts';

test('a sample that meets the schema has no mismatch, another says where and why', () => {
  const validate = compileDataSchema({ type: 'object', required: ['participants'], properties: { participants: { type: 'object', properties: { total: { type: 'integer', minimum: 0 } } } } });
  expect(mismatchOf(validate, { participants: { total: 500 } })).toBeNull();
  expect(mismatchOf(validate, { participants: { total: -1 } })).toBe('/participants/total must be >= 0');
});

test('what is no JSON Schema, answers later or is huge is refused by its code', () => {
  for (const schema of [{ type: 'no such type' }, { $async: true }, { description: 'x'.repeat(70_000) }])
    expect(() => compileDataSchema(schema)).toThrow(expect.objectContaining({ code: 'DATA_SCHEMA_INVALID' }));
});

test('a pattern that never ends on a text is stopped', () => {
  const validate = compileDataSchema({ type: 'string', pattern: '^(a|a)*$' });
  expect(() => mismatchOf(validate, `${'a'.repeat(60)}!`)).toThrow(expect.objectContaining({ code: 'DATA_SCHEMA_TOO_SLOW' }));
});
