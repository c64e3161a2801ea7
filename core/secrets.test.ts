import fc from 'fast-check';
import { SignJWT, UnsecuredJWT, decodeJwt } from 'jose';
import { createHmac, hkdfSync } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { constantTimeEqual, createSecrets, hashCredential, hmacHex, randomToken } from './secrets.ts';
import { type Viewer, permissions, publicViewer, rightsOf } from './viewer.ts';

const secret = 'one secret of thirty-two characters or more';
const secrets = createSecrets(secret);
const other = createSecrets(`${secret}!`);

describe('encryption at rest', () => {
  test('gives back what went in, and never the same text twice', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (plain) => {
        const sealed = secrets.encrypt(plain);
        expect(secrets.decrypt(sealed)).toBe(plain);
        expect(secrets.encrypt(plain)).not.toBe(sealed);
        expect(sealed).toMatch(/^[\w-]+$/);
      }),
    );
  });

  test('refuses what was changed anywhere, cut, or made under another secret', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(), fc.integer({ min: 1, max: 255 }), (plain, place, flip) => {
        const bytes = Buffer.from(secrets.encrypt(plain), 'base64url');
        const changed = Buffer.from(bytes);
        const at = place % bytes.length;
        changed[at] = (changed[at] ?? 0) ^ flip;
        expect(() => secrets.decrypt(changed.toString('base64url'))).toThrow();
        expect(() => secrets.decrypt(bytes.subarray(0, at).toString('base64url'))).toThrow();
        expect(() => secrets.decrypt(other.encrypt(plain))).toThrow();
      }),
    );
  });
});

describe('the hash of a participant', () => {
  test('is equal for the same one at the same service, and for nobody else', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (scope, raw, otherScope, otherRaw) => {
        const hash = secrets.hashParticipant(scope, raw);
        expect(secrets.hashParticipant(scope, raw)).toBe(hash);
        expect(secrets.hashParticipant(otherScope, otherRaw) === hash).toBe(scope === otherScope && raw === otherRaw);
        expect(other.hashParticipant(scope, raw)).not.toBe(hash);
      }),
    );
  });

  test('keeps services apart whose names run into the number', () => {
    expect(secrets.hashParticipant('svc', '11')).not.toBe(secrets.hashParticipant('svc1', '1'));
  });

  test('tells nothing of the participant without the key: a plain hash of every guess is another one', () => {
    const hash = secrets.hashParticipant('svc', 'ann@example.org');
    expect(hash).toMatch(/^[\w-]{22}$/);
    expect([hashCredential('ann@example.org').slice(0, 22), hashCredential('svcann@example.org').slice(0, 22)]).not.toContain(hash);
  });
});

test('each purpose has a key of its own', async () => {
  const keyOf = (purpose: string) => Buffer.from(hkdfSync('sha256', secret, 'eventgraph', purpose, 32));
  const keys = ['encryption at rest', 'participants', 'viewers between processes'].map(keyOf);
  expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(3);
  const withEncryptionKey = createHmac('sha256', keys[0] ?? '').update('3:svcraw').digest('base64url').slice(0, 22);
  expect(secrets.hashParticipant('svc', 'raw')).not.toBe(withEncryptionKey);
  for (const key of keys.slice(0, 2)) {
    const forged = await new SignJWT({ viewer: { kind: 'hub', keyId: null, permissions: ['admin'], events: 'all' } }).setProtectedHeader({ alg: 'HS256' }).setIssuer('eventgraph').setExpirationTime('60s').sign(key);
    await expect(secrets.verifyViewer(forged)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  }
});

describe('a viewer between processes', () => {
  afterEach(() => void vi.useRealTimers());
  const texts = fc.array(fc.string()).map((all) => new Set(all));
  const viewers: fc.Arbitrary<Viewer> = fc.record({
    scopes: texts, policies: texts,
    kind: fc.constantFrom('public', 'key', 'hub'), keyId: fc.option(fc.string()), permissions: fc.subarray([...permissions]).map((some) => new Set(some)),
    events: fc.oneof(fc.constant('all' as const), fc.array(fc.string()).map((ids) => new Set(ids))),
  });

  test('arrives as it left', async () => {
    await fc.assert(
      fc.asyncProperty(viewers, async (viewer) => {
        const arrived = await secrets.verifyViewer(await secrets.signViewer(viewer));
        expect([rightsOf(arrived), arrived.keyId]).toEqual([rightsOf(viewer), viewer.keyId]);
      }),
      { numRuns: 30 },
    );
  });

  test('is good for a minute and no longer', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const token = await secrets.signViewer(publicViewer);
    vi.advanceTimersByTime(59_000);
    expect((await secrets.verifyViewer(token)).kind).toBe('public');
    vi.advanceTimersByTime(2_000);
    await expect(secrets.verifyViewer(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('is refused when it is forged, changed, unsigned, without an end, or not a token at all', async () => {
    const token = await secrets.signViewer(publicViewer);
    const [head, , signature] = token.split('.');
    const more = Buffer.from(JSON.stringify({ ...decodeJwt(token), viewer: { kind: 'hub', keyId: null, permissions: ['admin'], events: 'all' } })).toString('base64url');
    const key = Buffer.from(hkdfSync('sha256', secret, 'eventgraph', 'viewers between processes', 32));
    const viewer = { kind: 'hub', keyId: null, permissions: ['admin'], events: 'all' };
    const forged = [
      await other.signViewer(publicViewer), `${head}.${more}.${signature}`, new UnsecuredJWT({ viewer }).setIssuer('eventgraph').setExpirationTime('60s').encode(),
      await new SignJWT({ viewer }).setProtectedHeader({ alg: 'HS256' }).setIssuer('eventgraph').sign(key),
      await new SignJWT({ viewer }).setProtectedHeader({ alg: 'HS256' }).setIssuer('another').setExpirationTime('60s').sign(key),
      await new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).setIssuer('eventgraph').setExpirationTime('60s').sign(key),
      '', 'token', 'a.b.c',
    ];
    for (const each of forged) await expect(secrets.verifyViewer(each), each).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

test('texts are compared by content, of whatever length', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(constantTimeEqual(a, b)).toBe(a === b);
    }),
  );
  expect(constantTimeEqual('abc', 'abc')).toBe(true);
});

test('a webhook signature is HMAC-SHA256 over the parts as one (test case 2 of RFC 4231)', () => {
  expect(hmacHex('Jefe', 'what do ya want ', Buffer.from('for nothing?'))).toBe('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843');
});

test('random tokens are never equal', () => {
  expect(new Set(Array.from({ length: 1000 }, () => randomToken(16))).size).toBe(1000);
});
