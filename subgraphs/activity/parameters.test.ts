import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parameterBounds, readParameters } from './parameters.ts';

const read = (given: unknown) => {
  const reading = readParameters(given, 'p');
  return 'mistake' in reading ? [reading.mistake.code, reading.mistake.field] : reading.json;
};
const nested = (levels: number): object => (levels === 1 ? {} : { a: nested(levels - 1) });

describe('parameters', () => {
  test('are a JSON object; nothing is an empty one', () => {
    expect([read(undefined), read(null), read({})]).toEqual(['{}', '{}', '{}']);
    for (const given of ['text', 5, true, [], [{}]]) expect(read(given)).toEqual(['PARAMETERS_INVALID', 'p']);
  });

  test('have a largest size, in bytes', () => {
    const fits = { text: 'x'.repeat(parameterBounds.bytes - '{"text":""}'.length) };
    expect(read(fits)).toBe(JSON.stringify(fits));
    expect(read({ text: `${fits.text}x` })).toEqual(['PARAMETERS_TOO_LARGE', 'p']);
    expect(read({ text: 'ü'.repeat(parameterBounds.bytes / 2) })).toEqual(['PARAMETERS_TOO_LARGE', 'p']);
  });

  test('have a largest depth, number of values and length of names', () => {
    expect(read(nested(parameterBounds.depth))).toBe(JSON.stringify(nested(parameterBounds.depth)));
    expect(read(nested(parameterBounds.depth + 1))).toEqual(['PARAMETERS_TOO_DEEP', 'p.a.a.a.a.a']);
    expect(read(nested(5_000))).toEqual(['PARAMETERS_TOO_DEEP', 'p.a.a.a.a.a']);
    const many = Object.fromEntries(Array.from({ length: parameterBounds.values - 1 }, (_, n) => [`n${n}`, n]));
    expect(read({ ...many, last: 1 })).toEqual(expect.any(String));
    expect(read({ ...many, last: [1] })).toEqual(['PARAMETERS_TOO_MANY', 'p']);
    expect(read({ ['x'.repeat(201)]: 1 })).toEqual(['PARAMETER_NAME_TOO_LONG', 'p']);
  });

  test('come back as they came, or are refused', () => {
    fc.assert(fc.property(fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toJSON')), fc.jsonValue({ maxDepth: 6 })), (given) => {
      const sent = JSON.parse(JSON.stringify(given)) as unknown;
      const reading = readParameters(sent, 'p');
      if ('mistake' in reading) expect(reading.mistake.code).toMatch(/^PARAMETER/);
      else expect(JSON.parse(reading.json)).toEqual(sent);
    }));
  });
});
