import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { SignJWT, exportSPKI } from 'jose';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLogger, within } from '#core/testing.ts';
import { type JwtIdentify, createJwtIdentify, isJwt } from './jwt.ts';
import { type JwtIssuer, readJwtIssuers } from './jwt-issuers.ts';
import { type TestIssuer, createKey, startIssuer } from './test-issuer.ts';

let issuer: TestIssuer;
const open: AsyncDisposable[] = [];
beforeEach(async () => {
  issuer = await startIssuer();
});
afterEach(async () => {
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]();
  await issuer[Symbol.asyncDispose]();
});

const configured = (settings: Record<string, unknown> = {}): readonly JwtIssuer[] => readJwtIssuers(JSON.stringify([{ issuer: issuer.issuer, audience: 'eventgraph', ...settings }]));
const start = (settings: Record<string, unknown> = {}, times: Parameters<typeof createJwtIdentify>[0]['times'] = {}): JwtIdentify => {
  const jwt = createJwtIdentify({ issuers: configured(settings), logger: silentLogger, times: { trustMs: 1, ...times } });
  open.push(jwt);
  return jwt;
};
const refusal = (jwt: JwtIdentify, token: string): Promise<unknown> => jwt.identify(token).then(() => 'taken', (error: unknown) => error);
const refused = (reason: string) => expect.objectContaining({ code: 'UNAUTHENTICATED', facts: expect.objectContaining({ reason }) });
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
const json = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a token of a configured issuer', () => {
  test('is the viewer that its claims allow, found by discovery', async () => {
    const exp = inSeconds(120);
    const viewer = await start().identify(await issuer.sign({ scope: 'read_events other:scope', realm_access: { roles: ['read_attendance', 'admin'] }, events: ['e1', 'e2'], azp: 'Back office', tier: 'premium', documents: 'any', policies: ['vip'], exp }));
    expect(viewer).toEqual({
      kind: 'key', keyId: expect.stringMatching(/^jwt:[0-9a-f]{12}:ann$/), permissions: new Set(['read_events', 'read_attendance']), events: new Set(['e1', 'e2']),
      scopes: new Set(['other:scope']), policies: new Set(['vip']), expiresAt: new Date(exp * 1000), terms: { client: `${issuer.issuer}#Back office`, tier: 'premium', documents: 'any' },
    });
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/keys']);
  });

  test('is not discovered where its keys are given, and keys are fetched once for many tokens at once', async () => {
    const jwt = start({ jwksUri: issuer.jwksUri });
    const tokens = await Promise.all(Array.from({ length: 20 }, (_, n) => issuer.sign({ sub: `u${n}` })));
    expect(new Set((await Promise.all(tokens.map((token) => jwt.identify(token)))).map(({ keyId }) => keyId)).size).toBe(20);
    expect(issuer.asked).toEqual(['/keys']);
  });

  test('has a stable id for each account, and another one at another issuer', async () => {
    await using other = await startIssuer();
    const jwt = createJwtIdentify({ issuers: readJwtIssuers(JSON.stringify([issuer, other].map((each) => ({ issuer: each.issuer, audience: 'eventgraph' })))), logger: silentLogger });
    open.push(jwt);
    const ids = await Promise.all([issuer.sign(), issuer.sign({ scope: 'read_events' }), issuer.sign({ sub: 'bob' }), other.sign()].map(async (token) => (await jwt.identify(await token)).keyId));
    expect([ids[0] === ids[1], new Set(ids).size]).toEqual([true, 3]);
  });

  test('is taken within the tolerance of clocks, and no further', async () => {
    const jwt = start({ clockToleranceSeconds: 60 });
    for (const claims of [{ exp: inSeconds(-30) }, { nbf: inSeconds(30) }]) expect(await jwt.identify(await issuer.sign(claims))).toMatchObject({ kind: 'key' });
    expect(await refusal(jwt, await issuer.sign({ exp: inSeconds(-90) }))).toEqual(refused('expired'));
    expect(await refusal(jwt, await issuer.sign({ nbf: inSeconds(90) }))).toEqual(refused('not_yet_valid'));
  });

  test('that was verified is trusted for a moment, and never beyond its end', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const jwt = start({ clockToleranceSeconds: 0 }, { trustMs: 3_600_000 });
      const token = await issuer.sign({ exp: inSeconds(60) });
      expect(await jwt.identify(token)).toBe(await jwt.identify(token));
      vi.setSystemTime(Date.now() + 61_000);
      expect(await refusal(jwt, token)).toEqual(refused('expired'));
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a token is refused', () => {
  const payload = () => ({ iss: issuer.issuer, aud: 'eventgraph', sub: 'ann', exp: inSeconds(300), scope: 'read_events' });

  test.each([
    ['that has expired', { exp: 1 }, 'expired'],
    ['that is not valid yet', { nbf: 4_000_000_000 }, 'not_yet_valid'],
    ['without an end', { exp: undefined }, 'claim'],
    ['with an end that is no number', { exp: 'never' }, 'claim'],
    ['that is good for years', { exp: 4_000_000_000 }, 'lifetime'],
    ['that is good for ever', { exp: Number.MAX_SAFE_INTEGER }, 'lifetime'],
    ['for somebody else', { aud: 'another hub' }, 'audience'],
    ['for nobody', { aud: undefined }, 'audience'],
    ['of another issuer', { iss: 'https://elsewhere.test' }, 'issuer'],
    ['of no issuer', { iss: undefined }, 'issuer'],
    ['whose issuer is no text', { iss: { a: 1 } }, 'issuer'],
    ['of nobody', { sub: undefined }, 'claim'],
    ['of an empty name', { sub: '' }, 'claim'],
    ['of a name that is no text', { sub: 7 }, 'claim'],
    ['of a name with a line break', { sub: 'ann\nroot' }, 'claim'],
    ['of a name without end', { sub: 'x'.repeat(256) }, 'claim'],
    ['whose events are no list', { events: 7 }, 'claim'],
    ['whose events are not all ids', { events: ['e1', { id: 'e2' }] }, 'claim'],
  ])('%s', async (_, claims, reason) => {
    expect(await refusal(start(), await issuer.sign(claims))).toEqual(refused(reason));
  });

  test('that is not signed, or signed with a secret, even with the public key as one', async () => {
    const jwt = start();
    const unsigned = (header: object) => `${json(header)}.${json(payload())}`;
    expect(await refusal(jwt, `${unsigned({ alg: 'none', kid: 'k1' })}.`)).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await refusal(jwt, `${unsigned({ alg: 'NONE', kid: 'k1' })}.AAAA`)).toMatchObject({ code: 'UNAUTHENTICATED' });
    for (const secret of [await exportSPKI(issuer.key().publicKey), JSON.stringify(issuer.key().jwk), '']) {
      const text = unsigned({ alg: 'HS256', kid: 'k1' });
      expect(await refusal(jwt, `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`)).toEqual(refused('algorithm'));
    }
  });

  test('that somebody else signed, under the same or another name of a key, or with a key that it brings along', async () => {
    const jwt = start();
    const stranger = await createKey('k1');
    const sign = (header: Record<string, unknown>) => new SignJWT(payload()).setProtectedHeader({ alg: 'ES256', ...header }).sign(stranger.privateKey);
    expect(await refusal(jwt, await sign({ kid: 'k1' }))).toEqual(refused('signature'));
    expect(await refusal(jwt, await sign({ kid: 'k9' }))).toEqual(refused('key'));
    expect(await refusal(jwt, await sign({}))).toEqual(refused('signature'));
    expect(await refusal(jwt, await sign({ kid: 'k1', jwk: stranger.jwk, jku: 'http://127.0.0.1:1/keys', x5u: 'http://127.0.0.1:1/' }))).toEqual(refused('signature'));
    expect(await refusal(jwt, await sign({ kid: 'k1', crit: ['b64'], b64: true }))).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('whose claims or signature were changed', async () => {
    const [header, , signature] = (await issuer.sign()).split('.');
    expect(await refusal(start(), `${header}.${json({ ...payload(), scope: 'read_orders' })}.${signature}`)).toEqual(refused('signature'));
  });

  test('that is too large, before it is read', async () => {
    expect(await refusal(start(), await issuer.sign({ padding: 'x'.repeat(9_000) }))).toEqual(refused('too_large'));
    expect(issuer.asked).toEqual([]);
  });

  test('that is anything else, and always as UNAUTHENTICATED', async () => {
    const jwt = start();
    const good = await issuer.sign({ scope: 'read_events' });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.tuple(fc.base64String(), fc.base64String(), fc.base64String()).map((parts) => parts.join('.')),
          fc.tuple(fc.json(), fc.json(), fc.string()).map(([header, body, signature]) => [header, body, signature].map((text) => Buffer.from(text).toString('base64url')).join('.')),
          fc.tuple(fc.nat(good.length - 1), fc.string({ minLength: 1, maxLength: 3 })).map(([at, text]) => good.slice(0, at) + text + good.slice(at + 1)),
        ).filter((token) => token !== good),
        async (token) => {
          // The last character of base64url has bits that mean nothing: such a token is the same one.
          const result = await jwt.identify(token).then((viewer) => viewer.keyId, (error: { code: string }) => error.code);
          expect(result === 'UNAUTHENTICATED' || Buffer.from(token.split('.')[2] ?? '', 'base64url').equals(Buffer.from(good.split('.')[2] ?? '', 'base64url'))).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('keys that rotate', () => {
  test('are fetched when a token names one that is not known, and the old ones hold while they are told', async () => {
    const jwt = start({}, { cooldownMs: 0 });
    const old = await issuer.sign();
    await jwt.identify(old);
    await issuer.rotate();
    expect(await jwt.identify(await issuer.sign())).toMatchObject({ kind: 'key' });
    expect(await jwt.identify(old)).toMatchObject({ kind: 'key' });
    expect(issuer.asked.filter((path) => path === '/keys')).toHaveLength(2);
  });

  test('that are made up cause no fetch within the cooldown, however many', async () => {
    const jwt = start({}, { cooldownMs: 60_000 });
    await jwt.identify(await issuer.sign());
    for (let n = 0; n < 50; n++) expect(await refusal(jwt, await issuer.sign({}, { kid: `made-up-${n}` }))).toEqual(refused('key'));
    expect(issuer.asked.filter((path) => path === '/keys')).toHaveLength(1);
  });

  test('do not hold for ever when they were withdrawn', async () => {
    const jwt = start({}, { refreshMs: 0 });
    const old = await issuer.sign();
    await jwt.identify(old);
    await issuer.rotate(true);
    await vi.waitFor(async () => expect(await refusal(jwt, old)).toEqual(refused('key')), within);
  });
});

describe('an issuer that cannot be reached', () => {
  test.each(['unavailable', 'never'] as const)('(%s) goes on to be trusted with the keys known so far, without waiting for it', async (answers) => {
    const jwt = start({}, { refreshMs: 0, cooldownMs: 0, restMs: 0, timeoutMs: 1_000 });
    await jwt.identify(await issuer.sign());
    issuer.answers = answers;
    for (const sub of ['bob', 'cid']) expect(await jwt.identify(await issuer.sign({ sub }))).toMatchObject({ keyId: expect.stringContaining(sub) });
    await issuer.rotate();
    expect(await refusal(jwt, await issuer.sign())).toEqual(refused('issuer_unavailable'));
    issuer.answers = 'well';
    expect(await jwt.identify(await issuer.sign())).toMatchObject({ kind: 'key' });
  });

  test.each([
    ['unavailable', 'unavailable' as const],
    ['hanging', 'never' as const],
    ['of no JSON', { body: '<html>' }],
    ['of another shape', { body: '{"keys":7}' }],
    ['of another issuer', { body: '{"issuer":"https://elsewhere.test","jwks_uri":"https://elsewhere.test/keys"}' }],
    ['without end', { body: JSON.stringify('x'.repeat(600_000)) }],
  ])('from the beginning (%s) makes its tokens UNAUTHENTICATED, and is asked again later', async (_, answers) => {
    const jwt = start({}, { timeoutMs: 1_000, restMs: 0 });
    issuer.answers = answers;
    expect(await refusal(jwt, await issuer.sign())).toEqual(refused('issuer_unavailable'));
    issuer.answers = 'well';
    expect(await jwt.identify(await issuer.sign())).toMatchObject({ kind: 'key' });
  });

  test('is left alone for a while', async () => {
    const jwt = start({}, { restMs: 60_000 });
    issuer.answers = 'unavailable';
    for (let n = 0; n < 20; n++) expect(await refusal(jwt, await issuer.sign({ sub: `u${n}` }))).toEqual(refused('issuer_unavailable'));
    expect(issuer.asked).toHaveLength(1);
  });
});

test('no key and no token of the hub is taken for a JWT', () => {
  expect(['IPK_abc', 'a.b', 'a.b.c.d', '', 'x'.repeat(43)].filter(isJwt)).toEqual([]);
  expect(isJwt('a.b.c')).toBe(true);
});
