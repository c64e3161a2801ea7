import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Key, connectionOf, encodeKey, momentOf, pageOf } from './pagination.ts';

/** A list behind keyset pages, as a store would read it: in order, one row more than the page. */
const readPage = (rows: readonly Key[], first: number | undefined, after: string | null) => {
  const page = pageOf({ first, after }, 2);
  const behind = page.after;
  const found = rows.filter((row) => behind === null || compare(row, behind) > 0).slice(0, page.size + 1);
  return connectionOf(found, page, (row) => row, async () => rows.length);
};
const compare = (a: Key, b: Key): number => (Number(a[0]) !== Number(b[0]) ? Number(a[0]) - Number(b[0]) : String(a[1]) < String(b[1]) ? -1 : a[1] === b[1] ? 0 : 1);

const lists = fc.uniqueArray(fc.tuple(fc.nat(5), fc.string({ unit: 'grapheme' })), { maxLength: 60, selector: (row) => JSON.stringify(row) }).map((rows) => rows.toSorted(compare));

describe('pages', () => {
  test('of any size, walked to the end, give the list once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(lists, fc.integer({ min: 1, max: 100 }), async (rows, size) => {
        const walked: Key[] = [];
        for (let after: string | null = null, more = true; more; ) {
          const { edges, pageInfo, totalCount } = readPage(rows, size, after);
          expect(edges.length).toBeLessThanOrEqual(size);
          expect(pageInfo).toMatchObject({ hasPreviousPage: after !== null, startCursor: edges[0]?.cursor ?? null, endCursor: edges.at(-1)?.cursor ?? null });
          expect(await totalCount()).toBe(rows.length);
          walked.push(...edges.map(({ node }) => node));
          expect(pageInfo.hasNextPage).toBe(walked.length < rows.length);
          [after, more] = [pageInfo.endCursor, pageInfo.hasNextPage];
        }
        expect(walked).toEqual(rows);
      }),
    );
  });

  test('have 20 entries unless told, and 1 to 100', () => {
    expect(pageOf({}, 2).size).toBe(20);
    expect(pageOf({ first: null, after: null }, 2)).toEqual({ size: 20, after: null });
    expect([pageOf({ first: 1 }, 2).size, pageOf({ first: 100 }, 2).size]).toEqual([1, 100]);
    for (const first of [0, -1, 101, 2 ** 31 - 1]) expect(() => pageOf({ first }, 2)).toThrow(expect.objectContaining({ code: 'PAGE_SIZE_INVALID', field: 'first' }));
  });
});

describe('a cursor', () => {
  test('is the key that it stands for', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer()), { minLength: 1, maxLength: 3 }), (key) => {
        fc.pre(!key.some((part) => String(part).includes('\u0000')));
        expect(pageOf({ after: encodeKey(key) }, key.length).after).toEqual(key);
      }),
    );
  });

  test('that no page of this kind gave is refused, and the field is named', () => {
    const refused = expect.objectContaining({ code: 'CURSOR_INVALID', field: 'after' });
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        expect(() => pageOf({ after: text }, 2)).toThrow(refused);
      }),
    );
    for (const key of [['a'], ['a', 'b', 'c'], ['a', null], ['a', { b: 1 }], { 0: 'a', 1: 'b', length: 2 }, 'ab', null, ['a', 'zero\u0000byte']])
      expect(() => pageOf({ after: Buffer.from(JSON.stringify(key)).toString('base64url') }, 2), JSON.stringify(key)).toThrow(refused);
  });

  test('whose moment is none is refused', () => {
    expect(momentOf('2024-01-02T03:04:05.678Z')).toEqual(new Date('2024-01-02T03:04:05.678Z'));
    for (const part of ['', 'yesterday', '2024-13-45T00:00:00.000Z', '2024', 5, undefined]) expect(() => momentOf(part), String(part)).toThrow(expect.objectContaining({ code: 'CURSOR_INVALID', field: 'after' }));
  });
});
