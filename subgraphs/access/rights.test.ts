import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Viewer, isAllowed, maySeeEvent, permissions } from '#core/viewer.ts';
import { parseTokenRequest } from './domain.ts';
import { type Rights, intersect } from './rights.ts';

const ids = ['a', 'b', 'c', 'd'];
const rights: fc.Arbitrary<Rights> = fc.record({
  permissions: fc.subarray([...permissions]),
  eventAccess: fc.option(fc.subarray(ids), { freq: 3 }),
  documents: fc.constantFrom('any' as const, 'persisted' as const),
});
const viewer = ({ permissions: held, eventAccess }: Rights): Viewer => ({ kind: 'key', keyId: 'k', permissions: new Set(held), events: eventAccess ? new Set(eventAccess) : 'all' });
/** All that somebody with these rights can do, as the rest of the hub decides it. */
const abilities = (held: Rights): string[] => [
  ...permissions.filter((permission) => isAllowed(viewer(held), permission)),
  ...ids.filter((id) => maySeeEvent(viewer(held), id)).map((id) => `event ${id}`),
  ...(maySeeEvent(viewer(held), 'one that is made tomorrow') ? ['every event'] : []),
  ...(held.documents === 'any' ? ['any document'] : []),
];

describe('what came of another credential', () => {
  test('can do exactly what both can: nothing is won and nothing lost', () => {
    fc.assert(
      fc.property(rights, rights, (one, other) => {
        const both = abilities(one).filter((ability) => abilities(other).includes(ability));
        expect(new Set(abilities(intersect(one, other)))).toEqual(new Set(both));
      }),
    );
  });

  test('never grows by a longer chain, in whatever order', () => {
    fc.assert(
      fc.property(fc.array(rights, { minLength: 1, maxLength: 5 }), (chain) => {
        const [first, ...rest] = chain;
        const all = abilities(rest.reduce(intersect, first as Rights));
        const reversed = chain.toReversed();
        expect(new Set(abilities(reversed.slice(1).reduce(intersect, reversed[0] as Rights)))).toEqual(new Set(all));
        for (const link of chain) expect(abilities(link)).toEqual(expect.arrayContaining(all));
      }),
    );
  });

  test('is refused as a token, or can do no more than its key and ends no later', () => {
    const now = new Date('2024-06-01');
    fc.assert(
      fc.property(rights, fc.option(fc.date({ min: new Date('2024-06-02'), max: new Date('2025-06-01'), noInvalidDate: true })), rights, fc.option(fc.constantFrom('ANY' as const, 'PERSISTED' as const)), fc.integer({ min: -10, max: 400 * 86_400 }), (key, expiresAt, wanted, documents, expiresInSeconds) => {
        try {
          const token = parseTokenRequest({ permissions: wanted.permissions, eventAccess: wanted.eventAccess ?? null, documents, expiresInSeconds }, now, { ...key, expiresAt });
          expect(abilities(key)).toEqual(expect.arrayContaining(abilities(token)));
          expect(token.expiresAt > now && token.expiresAt <= (expiresAt ?? new Date('2025-06-03'))).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ field: expect.stringMatching(/^input\./), code: expect.stringMatching(/^[A-Z_]+$/) });
        }
      }),
    );
  });
});
