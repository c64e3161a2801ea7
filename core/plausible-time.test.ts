import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { implausibleMoment } from './plausible-time.ts';

describe('whether a moment can be true', () => {
  const day = 86_400_000;
  test('is decided by the period and the hub clock alone, for events of any year', () => {
    const instant = fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2060, 0) });
    fc.assert(
      fc.property(instant, fc.integer({ min: 0, max: 10 * day }), instant, instant, (from, length, now, at) => {
        const plausible = at <= now + day && at >= from - 30 * day && at <= from + length + 30 * day;
        expect(implausibleMoment(new Date(at), { start: new Date(from), end: new Date(from + length) }, new Date(now)) === null).toBe(plausible);
      }),
    );
  });
  test('is decided by what is known: without an end, or a period, only by the rest', () => {
    const [start, now] = [new Date('2024-06-01T00:00:00Z'), new Date('2030-01-01T00:00:00Z')];
    expect(implausibleMoment(now, { start, end: null }, now)).toBeNull();
    expect(implausibleMoment(new Date('2024-01-01T00:00:00Z'), { start, end: null }, now)).toContain('before');
    expect(implausibleMoment(new Date(0), null, now)).toBeNull();
    expect(implausibleMoment(new Date('2030-01-03T00:00:00Z'), null, now)).toContain('ahead');
  });
});
