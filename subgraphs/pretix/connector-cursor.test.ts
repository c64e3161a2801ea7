import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type StreamCursor, afterPage, beginPass, cursorSchema, readCursor, streamOf, withStream, withTouched } from './connector-cursor.ts';

/** A list of orders as pretix pages it: by last change, with a clock of its own; several may share an instant. */
const createList = () => {
  let clock = Date.UTC(2024, 0, 1);
  let version = 0;
  const rows = new Map<number, { version: number; changed: number }>();
  const iso = (ms: number) => new Date(ms).toISOString();
  return {
    rows,
    change(ids: readonly number[]) {
      clock += 1_000;
      version += 1;
      for (const id of ids) rows.set(id, { version, changed: clock });
    },
    pass(ms: number) {
      clock += ms;
    },
    page(since: string | null, number: number, size: number) {
      const from = since === null ? -Infinity : Date.parse(since);
      const found = [...rows].filter(([, { changed }]) => changed >= from).sort(([a, x], [b, y]) => x.changed - y.changed || a - b);
      const shown = found.slice((number - 1) * size, number * size);
      const last = shown.at(-1)?.[1].changed;
      return { rows: shown.map(([id, { version }]) => ({ id, version })), seen: { generated: iso(clock), last: last === undefined ? null : iso(last), pages: Math.ceil(found.length / size) } };
    },
    /** Trial orders can be deleted. */
    delete: (id: number) => rows.delete(id),
  };
};

const change = fc.uniqueArray(fc.nat(30), { minLength: 1, maxLength: 12 });

describe('a stream', () => {
  test('misses no change, however many happen between its pages and however many share an instant', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 10 }), fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 30 }), fc.integer({ min: 1, max: 6 }), fc.array(fc.nat(20_000), { maxLength: 5 }), fc.array(fc.nat(30), { maxLength: 6 }), (before, between, size, gaps, deletions) => {
        const list = createList();
        before.forEach((ids) => list.change(ids));
        const seen = new Map<number, number>();
        let stream: StreamCursor = { since: null, pass: null, sweptAt: 0 };
        const meanwhile = [...between];
        const readPass = () => {
          for (let pages = 0; pages < 2_000; pages++) {
            const begun = beginPass(stream, 1_000);
            const { rows, seen: page } = list.page(begun.pass.since, begun.pass.page, size);
            for (const { id, version } of rows) seen.set(id, Math.max(version, seen.get(id) ?? 0));
            // An interruption at any page goes on from what was stored.
            stream = cursorSchema.shape.streams.valueType.parse(JSON.parse(JSON.stringify(afterPage(begun, page, 1_000))));
            if (stream.pass === null) return;
            meanwhile.shift()?.forEach((ids) => list.change(ids));
            if (pages % 2 === 1) list.delete(deletions.shift() ?? -1);
          }
          throw new Error('a pass does not end');
        };
        readPass();
        for (const gap of gaps) {
          list.pass(gap);
          meanwhile.shift()?.forEach((ids) => list.change(ids));
          readPass();
        }
        // What changed while a pass went on is the next one's: nothing changes any more during the last.
        meanwhile.length = 0;
        readPass();
        for (const [id, { version }] of list.rows) expect(seen.get(id)).toBe(version);
      }),
      { numRuns: 2_000 },
    );
  });
  test('begins a little before the last pass, and an hour before it every ten minutes', () => {
    const stream = { since: '2024-01-01T12:00:00.123456Z', pass: null, sweptAt: 1_000_000 };
    expect(beginPass(stream, 1_000_001).pass).toMatchObject({ since: '2024-01-01T11:59:50.123Z', sweep: false });
    expect(beginPass(stream, 1_600_000).pass).toMatchObject({ since: '2024-01-01T11:00:00.123Z', sweep: true });
  });
  test('of several pages is read from its last page back to its first', () => {
    const generated = '2024-01-01T00:00:09.000001Z';
    const begun = beginPass({ since: null, pass: null, sweptAt: 0 }, 0);
    expect(begun.pass).toMatchObject({ since: null, page: 1, generated: null });
    let stream: StreamCursor = afterPage(begun, { generated, last: '2024-01-01T00:00:00Z', pages: 3 }, 0);
    const pages: (number | undefined)[] = [];
    while (stream.pass) {
      pages.push(stream.pass.page);
      stream = afterPage({ ...stream, pass: stream.pass }, { generated: '2024-01-01T00:00:10Z', last: null, pages: 4 }, 7);
    }
    expect(pages).toEqual([3, 2, 1]);
    expect(stream).toEqual({ since: generated, pass: null, sweptAt: 7 });
  });
  test('is read from its beginning when the clock of pretix went back', () => {
    const ahead = beginPass({ since: '2025-01-01T00:00:00Z', pass: null, sweptAt: 0 }, 0);
    expect(afterPage(ahead, { generated: '2024-01-01T00:00:00Z', last: null, pages: 1 }, 0)).toEqual({ since: null, pass: null, sweptAt: 0 });
  });
});

describe('a stored cursor', () => {
  test('that is not understood is a beginning', () => {
    for (const strange of [null, undefined, 7, 'x', {}, { version: 2 }, { version: 1, streams: { '*': { since: 'never' } }, events: {} }]) expect(readCursor(strange)).toEqual({ version: 1, streams: {}, events: {} });
  });
  test('comes back as it was', () => {
    const cursor = withTouched(withStream(readCursor(null), '*', { since: '2024-01-01T00:00:00Z', pass: null, sweptAt: 5 }), 'conf', ['', '3', '']);
    expect(readCursor(JSON.parse(JSON.stringify(cursor)))).toEqual(cursor);
    expect(streamOf(cursor, '*').since).toBe('2024-01-01T00:00:00Z');
    expect(cursor.events.conf?.touched).toEqual(['', '3']);
  });
});
