import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonWriter } from './json-writer.ts';

const textOf = (write: (writer: JsonWriter) => void): string => {
  const writer = new JsonWriter();
  write(writer);
  return writer.finish().toString();
};

/** Any units at all, halves of surrogate pairs among them; short and long ones are written in different ways. */
const units = fc.oneof(fc.nat(0xffff), fc.integer({ min: 0x20, max: 0x7e }), fc.constantFrom(0x22, 0x5c, 0x0a, 0x7f, 0x80, 0xd83d, 0xde00, 0x2028));
const strings = fc.oneof({ weight: 3, arbitrary: fc.array(units, { maxLength: 130 }).map((each) => String.fromCharCode(...each)) }, fc.integer({ min: 0, max: 200 }).map((length) => 'x'.repeat(length)), fc.string({ unit: 'grapheme' }));

/** Writes any JSON value by the parts that it is made of. */
const write = (writer: JsonWriter, value: unknown): void => {
  if (typeof value === 'string') return writer.string(value);
  if (typeof value !== 'object' || value === null) return writer.json(JSON.stringify(value));
  const entries = Array.isArray(value) ? value.map((element: unknown) => [null, element] as const) : Object.entries(value);
  writer.ascii(Array.isArray(value) ? '[' : '{');
  entries.forEach(([key, part], index) => {
    if (index > 0) writer.ascii(',');
    if (key !== null) writer.json(`${JSON.stringify(key)}:`);
    write(writer, part);
  });
  writer.ascii(Array.isArray(value) ? ']' : '}');
};

describe('what is written', () => {
  test('of a string is its JSON, whatever its characters and its length', () => {
    fc.assert(fc.property(strings, (text) => void expect(textOf((writer) => writer.string(text))).toBe(JSON.stringify(text))), { numRuns: 500 });
  });

  test('of a value, part by part, is its JSON', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => void expect(textOf((writer) => write(writer, value))).toBe(JSON.stringify(value))));
  });

  test('has the length of its bytes', () => {
    fc.assert(
      fc.property(strings, (text) => {
        const writer = new JsonWriter();
        writer.string(text);
        expect(writer.length).toBe(Buffer.byteLength(JSON.stringify(text)));
        expect(writer.finish()).toHaveLength(writer.length);
      }),
    );
  });
});

describe('a text that is under way', () => {
  /** What is done, and what the text is then, said by a plain string. */
  const steps = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('string' as const), text: strings }),
      fc.record({ kind: fc.constant('truncate' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ kind: fc.constant('repeat' as const), from: fc.double({ min: 0, max: 1, noNaN: true }), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ kind: fc.constant('long' as const), length: fc.integer({ min: 1, max: 400_000 }) }),
    ),
    { maxLength: 20 },
  );

  test('can be taken back and repeated anywhere, also where it moves to more memory', () => {
    fc.assert(
      fc.property(steps, (done) => {
        const writer = new JsonWriter();
        let expected = Buffer.alloc(0);
        for (const step of done) {
          if (step.kind === 'string') {
            writer.string(step.text);
            expected = Buffer.concat([expected, Buffer.from(JSON.stringify(step.text))]);
          } else if (step.kind === 'long') {
            writer.ascii('y'.repeat(step.length));
            expected = Buffer.concat([expected, Buffer.alloc(step.length, 'y')]);
          } else if (step.kind === 'truncate') {
            const length = Math.floor(expected.length * step.share);
            writer.truncate(length);
            expected = expected.subarray(0, length);
          } else {
            const from = Math.floor(expected.length * step.from);
            const to = from + Math.floor((expected.length - from) * step.share);
            writer.repeat(from, to);
            expected = Buffer.concat([expected, expected.subarray(from, to)]);
          }
          expect(writer.length).toBe(expected.length);
        }
        expect(writer.finish().equals(expected)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('moves whole when it does not fit, at every place where memory ends', () => {
    // Texts of a length that does not divide the memory end at ever other places of it.
    for (let round = 0; round < 60; round++) {
      const text = textOf((writer) => {
        for (let part = 0; part < 300; part++) writer.string(`${'ab'.repeat(57)}${part}é`);
      });
      expect(text).toBe(Array.from({ length: 300 }, (_, part) => JSON.stringify(`${'ab'.repeat(57)}${part}é`)).join(''));
    }
  });
});

test('a text that is finished stays as it is, whatever is written after it', () => {
  fc.assert(
    fc.property(fc.array(strings, { minLength: 2, maxLength: 10 }), (texts) => {
      const finished = texts.map((text) => {
        const writer = new JsonWriter();
        writer.string(text);
        return writer.finish();
      });
      expect(finished.map(String)).toEqual(texts.map((text) => Buffer.from(JSON.stringify(text)).toString()));
    }),
  );
});
