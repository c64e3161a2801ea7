import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { describe, expect, test } from 'vitest';
import { type Authentication } from '#simulators/custom/authentication.ts';
import { createCustomSimulator } from '#simulators/custom/index.ts';
import { type Credentials, type JwtAlgorithm } from './connector.ts';
import { UpstreamError } from './errors.ts';
import { signedIn } from './upstream-credentials.ts';
import { createUpstreamHttp } from './upstream-http.ts';

const begin = Date.UTC(2024, 5, 1, 9);

/** A service that lets in as told, and calls with these credentials. */
const open = async (authentication: Authentication, credentials: (url: string) => Credentials) => {
  const clock = { at: begin, now: () => clock.at };
  const service = await createCustomSimulator({ authentication, clock });
  const http = createUpstreamHttp({ allowPrivateAddresses: true, retries: 0, timeoutMs: 20_000 });
  const context = { http, httpFor: () => http, now: () => new Date(clock.at), service: { serviceId: 's', serviceName: 's', endpoints: { api: service.url, webhook: null, healthCheck: '' }, credentials: credentials(service.url.replace('/v0', '')), settings: {}, pushSecret: '', pushSecrets: [] } };
  const call = (headers = {}) => signedIn(context).request({ url: `${service.url}/health?q=1`, headers });
  return { service, clock, context, call, [Symbol.asyncDispose]: async () => void (await Promise.all([http.close(), service[Symbol.asyncDispose]()])) };
};
const refused = expect.objectContaining({ code: 'UPSTREAM_STATUS', facts: expect.objectContaining({ status: 401 }) as unknown }) as unknown;

describe('an API key', () => {
  test.each<[string, Authentication, Partial<Credentials>]>([
    ['in Authorization behind Bearer', { kind: 'header', name: 'Authorization', value: 'Bearer the-key' }, {}],
    ['behind another word', { kind: 'header', name: 'Authorization', value: 'Token the-key' }, { prefix: 'Token' }],
    ['bare in Authorization', { kind: 'header', name: 'Authorization', value: 'the-key' }, { prefix: '' }],
    ['bare in a header of its own', { kind: 'header', name: 'X-Api-Key', value: 'the-key' }, { header: 'X-Api-Key' }],
    ['in the query', { kind: 'query', name: 'key', value: 'the-key' }, { parameter: 'key' }],
  ])('is sent %s', async (_how, authentication, more) => {
    await using right = await open(authentication, () => ({ type: 'api_key', apiKey: 'the-key', ...more }) as Credentials);
    expect((await right.call()).json).toEqual({ up: true });
    expect(right.service.requests.at(-1)).toContain('q=1');
    await using wrong = await open(authentication, () => ({ type: 'api_key', apiKey: 'another', ...more }) as Credentials);
    await expect(wrong.call()).rejects.toEqual(refused);
  });
  test('goes the way of its product unless the credentials say otherwise', async () => {
    await using own = await open({ kind: 'header', name: 'Authorization', value: 'Token the-key' }, () => ({ type: 'api_key', apiKey: 'the-key' }));
    expect((await signedIn(own.context, { prefix: 'Token' }).request({ url: `${own.service.url}/health` })).status).toBe(200);
  });
});

const oauth2: Extract<Authentication, { kind: 'oauth2' }> = { kind: 'oauth2', clientId: 'the client', clientSecret: 's3cret: +ü&', method: 'basic', lifetime: 600 };
const client = (more: Partial<Extract<Credentials, { type: 'oauth2' }>> = {}) => (url: string): Credentials => ({ type: 'oauth2', clientId: oauth2.clientId, clientSecret: oauth2.clientSecret, tokenUrl: `${url}/token`, ...more });

describe('a token of OAuth 2.0 client credentials', () => {
  test.each<[string, Authentication, Parameters<typeof client>[0]]>([
    ['by HTTP Basic', oauth2, {}],
    ['in the body', { ...oauth2, method: 'post' }, { authMethod: 'client_secret_post' }],
    ['with scope and audience', { ...oauth2, scope: 'a b', audience: 'desk' }, { scope: 'a b', audience: 'desk' }],
  ])('is fetched %s', async (_how, authentication, more) => {
    await using own = await open(authentication, client(more));
    expect((await own.call()).status).toBe(200);
  });
  test('is fetched once for all who call at once, and kept until shortly before it ends', async () => {
    await using own = await open(oauth2, client());
    await Promise.all(Array.from({ length: 20 }, () => own.call()));
    own.clock.at += 569_000;
    await own.call();
    expect(own.service.tokens).toHaveLength(1);
    own.clock.at += 2_000;
    await own.call();
    expect(own.service.tokens).toHaveLength(2);
  });
  test('that the upstream forgot is fetched anew once, and no more than once', async () => {
    await using own = await open(oauth2, client());
    await own.call();
    own.service.forgetTokens();
    const answers = await Promise.all([own.call(), own.call(), own.call()]);
    expect([answers.map(({ status }) => status), own.service.tokens.length]).toEqual([[200, 200, 200], 2]);
    await using never = await open({ ...oauth2, lifetime: 1e-9 }, client());
    await expect(never.call()).rejects.toEqual(refused);
    expect(never.service.tokens).toHaveLength(2);
  });
  test('is another with other credentials', async () => {
    await using own = await open(oauth2, client());
    await own.call();
    const rotated = { ...own.context, service: { ...own.context.service, credentials: client({ clientSecret: 'rotated' })(own.service.url.replace('/v0', '')) } };
    await expect(signedIn(rotated).request({ url: `${own.service.url}/health` })).rejects.toMatchObject({ facts: { status: 401, field: 'input.authentication.credentials' } });
  });
  test('that cannot be had says so, without a secret', async () => {
    for (const day of ['status-500', 'html', 'wrong-shape'] as const) {
      await using own = await open(oauth2, client({ clientSecret: 'do not tell' }));
      own.service.misbehave(day, /token/);
      const error = await own.call().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(UpstreamError);
      expect(error).toMatchObject({ facts: { field: 'input.authentication.credentials' } });
      expect(JSON.stringify([error, String(error), (error as Error).stack])).not.toMatch(/do not tell|do\+not|Basic/);
    }
  });
  test('is asked for at no private address', async () => {
    const http = createUpstreamHttp({ allowPrivateAddresses: false, retries: 0 });
    await using own = await open(oauth2, client());
    await expect(signedIn({ ...own.context, http, httpFor: () => http }).request({ url: 'https://example.org/' })).rejects.toMatchObject({ code: 'UPSTREAM_FORBIDDEN_ADDRESS' });
    await http.close();
  });
});

const pem = (key: { export(options: { format: 'pem'; type: 'pkcs8' }): string | Buffer }) => String(key.export({ format: 'pem', type: 'pkcs8' }));
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const secret = 'a shared secret of sixty-four characters, as HS512 would have it!!';

describe('a JWT', () => {
  const keys: [JwtAlgorithm, string, Extract<Authentication, { kind: 'jwt' }>['key']][] = [
    ['HS256', secret, createSecretKey(Buffer.from(secret))], ['HS384', secret, createSecretKey(Buffer.from(secret))], ['HS512', secret, createSecretKey(Buffer.from(secret))],
    ['RS256', pem(rsa.privateKey), rsa.publicKey], ['PS256', pem(rsa.privateKey), rsa.publicKey], ['ES256', pem(ec.privateKey), ec.publicKey], ['EdDSA', JSON.stringify(ed.privateKey.export({ format: 'jwk' })), ed.publicKey],
  ];
  test.each(keys)('is signed with %s for each call, with its claims and for its lifetime', async (algorithm, key, publicKey) => {
    await using own = await open({ kind: 'jwt', algorithm, key: publicKey, issuer: 'hub', subject: 'reader', audience: 'desk' }, () => ({ type: 'jwt', sign: { algorithm, key, keyId: 'k1', issuer: 'hub', subject: 'reader', audience: 'desk', lifetime: 60 } }));
    expect((await own.call()).status).toBe(200);
    own.clock.at += 3_600_000;
    expect((await own.call()).status).toBe(200);
    await using other = await open({ kind: 'jwt', algorithm, key: publicKey, audience: 'another' }, () => ({ type: 'jwt', sign: { algorithm, key, audience: 'desk', lifetime: 60 } }));
    await expect(other.call()).rejects.toEqual(refused);
  });
  test('tells key, claims and times', async () => {
    let sent = '';
    const http = { request: async ({ headers }: { headers?: Readonly<Record<string, string>> }) => ((sent = headers?.authorization?.slice(7) ?? ''), { status: 200, headers: {}, json: null }), circuit: () => 'CLOSED' as const, budget: async () => null, close: async () => {} };
    await using own = await open({ kind: 'none' }, () => ({ type: 'jwt', sign: { algorithm: 'HS256', key: secret, keyId: 'k1', subject: 'x', lifetime: 60 } }));
    await signedIn({ ...own.context, http, httpFor: () => http }).request({ url: 'http://x' });
    expect(decodeProtectedHeader(sent)).toEqual({ alg: 'HS256', typ: 'JWT', kid: 'k1' });
    expect(decodeJwt(sent)).toEqual({ sub: 'x', iat: begin / 1000, exp: begin / 1000 + 60, jti: expect.any(String) as string });
  });
  test('that was given is sent as it is', async () => {
    await using own = await open({ kind: 'header', name: 'Authorization', value: 'Bearer a.b.c' }, () => ({ type: 'jwt', token: 'a.b.c' }));
    expect((await own.call()).status).toBe(200);
  });
});
