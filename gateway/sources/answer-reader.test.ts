import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAnswerReader } from './answer-reader.ts';
import type { AnswerField, AnswerForm, SubgraphResult } from './data-source.ts';

const always = { leastSize: 0, leastRepeated: 0 };
const leaf = (name: string): AnswerField => ({ name, mayBeOne: false, fields: null });
const object = (name: string, fields: AnswerForm, mayBeOne = true): AnswerField => ({ name, mayBeOne, fields });

const form: AnswerForm = [object('reviews', [leaf('id'), leaf('body'), object('author', [leaf('__typename'), leaf('id'), leaf('name')]), object('size', [leaf('width')], false)], false)];
const read = (text: string, as: AnswerForm = form): SubgraphResult => createAnswerReader(as, always)(Buffer.from(text)) as SubgraphResult;
/** The same, or that it is no JSON. */
const outcome = (parse: () => unknown): unknown => {
  try {
    return parse();
  } catch (error) {
    return error instanceof SyntaxError ? 'no JSON' : error;
  }
};
const withoutShared = (result: unknown): unknown => {
  if (typeof result !== 'object' || result === null || Array.isArray(result)) return result;
  const { shared: _, ...rest } = result as SubgraphResult;
  return rest;
};

describe('what is read is what JSON.parse makes of it', () => {
  test.each([
    '{"data":{"reviews":[{"id":"1","body":"x","author":{"__typename":"User","id":"1","name":"Ada"},"size":null}]}}',
    '{"data":{"reviews":[]}}',
    '{"data":{"reviews":[[{"id":1}],[],null,{}]}}',
    '{"data":{}}',
    '{"data":null}',
    '{"data":{"reviews":[{"id":-0.5e+3,"body":true},{"id":0,"body":false},{"id":-0,"body":123456789012345678901234567890}]}}',
    '{"data":{"reviews":[{"id":"é €","body":"\\"\\\\\\n\\u00e9\\ud83d\\ude00"},{"id":"","body":"\\\\"}]}}',
    '{"data":{"reviews":[{"id":"a\u2028","body":"\u007f"}]}}',
    '{"data":{"reviews":[{"id":{"a":1},"body":[{"b":2}]}]}}',
    '{"data":{"reviews":[{"body":"x","id":"1"}]}}',
    '{"data":{"reviews":[{"id":"1","id":"2"}]}}',
    '{"data":{"reviews":[{"id":"1","more":"2"}]}}',
    '{"data":{"reviews":[{"id":"1","__proto__":{"x":1}}]}}',
    '{ "data": { "reviews": [ { "id": "1" } ] } }',
    '{"data":{"reviews":[]}}\n',
    '{"data":{"reviews":null},"errors":[{"message":"no"}]}',
    '{"errors":[{"message":"no"}],"data":null}',
    '{"data":{"reviews":[]},"extensions":{}}',
    '{"data":5}',
    '[]',
    'null',
    '"x"',
  ])('%s', (text) => expect(withoutShared(read(text))).toEqual(JSON.parse(text)));

  test.each(['', '{', '{"data":', '{"data":{"reviews":[{"id":"1', '{"data":{"reviews":[{"id":"\\', '{"data":{"reviews":[{"id":"1"},]}}', '{"data":{"reviews":[{"id":"1",}]}}', '{"data":{"reviews":[{"id":01}]}}', '{"data":{"reviews":[{"id":1.}]}}', '{"data":{"reviews":[{"id":--1}]}}', '{"data":{"reviews":[{"id":nul}]}}', '{"data":{"reviews":[{"id":"\n"}]}}', '{"data":{"reviews":[{"id":"\\x"}]}}', '{"data":{"reviews":[]}', '{"data":{"reviews":[]}}}', '{"data":{"reviews":[}}'])(
    'no JSON: %s',
    (text) => expect(outcome(() => read(text))).toBe('no JSON'),
  );

  const { answer } = fc.letrec<{ answer: [AnswerForm, unknown] }>(() => ({
    answer: fc.uniqueArray(fc.constantFrom('a', 'b', 'ab', '__typename', 'é'), { minLength: 1 }).chain((names) =>
      fc.tuple(
        fc.constant(names.map((name): AnswerField => (name === 'ab' ? object(name, [leaf('x'), object('y', [leaf('z')])]) : leaf(name)))),
        fc.array(fc.record(Object.fromEntries(names.map((name) => [name, name === 'ab' ? fc.record({ x: fc.constantFrom('1', 'é'), y: fc.record({ z: fc.constantFrom(1, 2) }, { requiredKeys: [] }) }, { requiredKeys: [] }) : fc.jsonValue({ maxDepth: 1 })])), { requiredKeys: [] })),
      ),
    ),
  }));
  test('whatever it is, also when something in it is broken', () => {
    fc.assert(
      fc.property(answer, fc.option(fc.tuple(fc.nat(), fc.constantFrom('', '"', '\\', '{', '}', ',', '0', '\n', 'é'))), ([fields, value], change) => {
        const whole = JSON.stringify({ data: { list: value } });
        const at = change ? change[0] % whole.length : 0;
        const text = change ? whole.slice(0, at) + change[1] + whole.slice(at + 1) : whole;
        expect(outcome(() => withoutShared(read(text, [object('list', fields)])))).toEqual(outcome(() => JSON.parse(text)));
      }),
      { numRuns: 500 },
    );
  });
});

describe('what is told again', () => {
  const author = (id: string) => `{"__typename":"User","id":"${id}","name":"A user with a name that is longer than what is compared byte by byte"}`;
  const answer = (...authors: string[]) => `{"data":{"reviews":[${authors.map((text, index) => `{"id":"${index}","body":"b","author":${text},"size":{"width":1}}`).join(',')}]}}`;
  type Review = { readonly author: object; readonly size: object };
  const reviewsIn = (result: SubgraphResult) => result.data?.['reviews'] as readonly Review[];

  test('is one object, told of as shared, where that is allowed', () => {
    const result = read(answer(author('1'), author('2'), author('1'), author('2')));
    const [first, second, third, fourth] = reviewsIn(result);
    expect(third?.author).toBe(first?.author);
    expect(fourth?.author).toBe(second?.author);
    expect(second?.author).not.toBe(first?.author);
    expect(result.shared).toEqual(new Set([first?.author, second?.author]));
    expect(second?.size).toEqual(first?.size);
    expect(second?.size).not.toBe(first?.size);
  });
  test('is another object at another place', () => {
    const [{ a, b }] = [read('{"data":{"a":{"x":1},"b":{"x":1}}}', [object('a', [leaf('x')]), object('b', [leaf('x')])]).data as { a: object; b: object }];
    expect(a).toEqual(b);
    expect(a).not.toBe(b);
  });
  test('two answers have no object in common', () => {
    const reader = createAnswerReader(form, always);
    const body = Buffer.from(answer(author('1'), author('1')));
    expect(reviewsIn(reader(body) as SubgraphResult)[0]?.author).not.toBe(reviewsIn(reader(body) as SubgraphResult)[0]?.author);
  });
  test('where little is, the next answers are parsed', () => {
    const reader = createAnswerReader(form, { leastSize: 0, answersParsed: 2 });
    const isRead = (text: string) => (reader(Buffer.from(text)) as SubgraphResult).shared !== undefined;
    const much = answer(...Array<string>(20).fill(author('1')));
    expect([much, answer(author('1')), much, much, much].map(isRead)).toEqual([true, true, false, false, true]);
  });
  test('in a small answer is parsed', () => expect(createAnswerReader(form)(Buffer.from(answer(author('1'), author('1'))))).not.toHaveProperty('shared'));
});
