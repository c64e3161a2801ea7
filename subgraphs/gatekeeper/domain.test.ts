import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { implausibleMoment } from './domain.ts';

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
});
