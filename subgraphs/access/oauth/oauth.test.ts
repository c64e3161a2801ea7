import { fastify, type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '#core/embedded-postgres.ts';
import { query } from '#core/sql.ts';
import type { Hub } from '#core/subgraph.ts';
import { type TestHub, asker, openTestHub, viewerOf } from '#core/testing-hub.ts';
import type { Permission } from '#core/viewer.ts';
import { entities } from '../entities.ts';
import { createIdentify } from '../identify.ts';
import { subgraph } from '../index.ts';
import { saveGrant } from '../oauth-grants.ts';
import { createAdapter } from './adapter.ts';
import { wrongKeys } from './interactions.ts';
import { oauthRoutes } from './server.ts';
import { type Client, authorize, begin, createApplication, createBrowser, follow } from './test-browser.ts';

let own: TestHub;
let hub: Hub;
let base: string;
let ask: ReturnType<typeof asker>;
let identify: ReturnType<typeof createIdentify>;
const apps: FastifyInstance[] = [];
const serve = async (publicUrl?: string): Promise<Hub> => {
  const port = await freePort();
  const app = fastify();
  const served = { ...own.hub, publicUrl: publicUrl ?? `http://127.0.0.1:${port}`, now: () => new Date() };
  await app.register(oauthRoutes(served));
  await app.listen({ port, host: '127.0.0.1' });
  apps.push(app);
  return served;
};
beforeAll(async () => {
  own = await openTestHub({ entities });
  hub = await serve();
  base = hub.publicUrl;
  ask = asker(subgraph, hub);
  identify = createIdentify(hub);
});
afterAll(async () => {
  for (const app of apps) await app.close();
  await own[Symbol.asyncDispose]();
});

const admin = viewerOf(['admin'], 'all', 'key_admin');
const redirectUri = 'https://app.test/back';
const register = async (input: Record<string, unknown> = {}): Promise<Client & { application: ReturnType<typeof createApplication> }> => {
  type Answer = { registerOAuthClient: { clientSecret: string | null; client: { id: string } | null; userErrors: { code: string; field: string }[] } };
  const { data } = await ask<Answer>('mutation ($input: RegisterOAuthClientInput!) { registerOAuthClient(input: $input) { clientSecret client { id } userErrors { code field } } }', admin, {
    input: { clientName: 'Zapier', redirectUris: [redirectUri], grantTypes: ['AUTHORIZATION_CODE'], permissions: ['read_events', 'read_attendance'], ...input },
  });
  const { client, clientSecret, userErrors } = data.registerOAuthClient;
  if (!client) throw new Error(JSON.stringify(userErrors));
  const made = { id: client.id, secret: clientSecret, redirectUri };
  return { ...made, application: createApplication(base, made) };
};
const createKey = async (permissions: readonly Permission[] = ['read_events', 'read_orders'], more: Record<string, unknown> = {}): Promise<{ id: string; key: string }> => {
  const { data } = await ask<{ createApiKey: { apiKey: string; key: { id: string } } }>('mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey key { id } } }', admin, { input: { clientName: 'Back office', permissions, ...more } });
  return { id: data.createApiKey.key.id, key: data.createApiKey.apiKey };
};
const revokeKey = (id: string) => ask('mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { userErrors { code } } }', admin, { id });
const audited = (subject: string) => query<{ action: string; actor: string | null; details: Record<string, unknown> }>(hub.database.em(), 'select action, actor, details from access.audit_log where subject = $1 order by id', [subject]);

describe('an application with an authorization code', () => {
  test('gets what it asked for, as far as it, the key and the person allow, as an opaque token', async () => {
    const client = await register({ eventAccess: ['a', 'b', 'c'], tier: 'PREMIUM' });
    const { id, key } = await createKey(['read_events', 'read_orders'], { eventAccess: ['b', 'c', 'd'], documents: 'ANY' });
    const tokens = await client.application.exchange(await authorize(client.application, client, key, 'read_events read_attendance'));
    expect(tokens).toMatchObject({ status: 200, token_type: 'Bearer', scope: 'read_events', expires_in: expect.any(Number), access_token: expect.stringMatching(/^[\w-]{43}$/), refresh_token: expect.any(String) });
    expect(await identify(tokens.access_token)).toMatchObject({ kind: 'key', keyId: expect.any(String), permissions: new Set(['read_events']), events: new Set(['b', 'c']), standsOn: [expect.any(String), client.id, id], terms: { client: 'Zapier', tier: 'premium', documents: 'persisted' } });
    expect(await client.application.introspect(tokens.access_token)).toMatchObject({ active: true, scope: 'read_events', client_id: client.id });
  });

  test('gets only what the person ticked', async () => {
    const client = await register();
    const { key } = await createKey(['admin']);
    const tokens = await client.application.exchange(await authorize(client.application, client, key, 'read_events read_attendance', ['read_attendance', 'admin']));
    expect(tokens).toMatchObject({ status: 200, scope: 'read_attendance' });
    expect((await identify(tokens.access_token))?.permissions).toEqual(new Set(['read_attendance']));
  });

  test('may be one that keeps no secret, and proves itself by PKCE alone', async () => {
    const client = await register({ authentication: 'NONE' });
    const { key } = await createKey();
    expect(client.secret).toBeNull();
    const tokens = await client.application.exchange(await authorize(client.application, client, key, 'read_events'));
    expect(await client.application.refresh(tokens.refresh_token ?? '')).toMatchObject({ status: 200 });
    const wrong = await authorize(client.application, client, key, 'read_events');
    expect(await client.application.exchange(wrong, { code_verifier: 'x'.repeat(43) })).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  test('may send its secret in the body where it was registered so', async () => {
    const client = await register({ authentication: 'SECRET_POST', grantTypes: ['CLIENT_CREDENTIALS'] });
    const inBody = createApplication(base, { ...client, secret: null });
    expect(await inBody.byItself({ client_secret: client.secret ?? '' })).toMatchObject({ status: 200 });
    expect(await inBody.byItself({ client_secret: 'another' })).toMatchObject({ status: 401, error: 'invalid_client' });
  });

  test.each([
    ['without PKCE', { code_challenge: '', code_challenge_method: '' }, 'invalid_request'],
    ['with a plain challenge', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['for more than it was registered for', { scope: 'read_orders' }, 'invalid_scope'],
    ['for a token at once', { response_type: 'token' }, 'unsupported_response_type'],
    ['without a word to the person', { prompt: 'none' }, 'login_required'],
    ['for another hub', { resource: 'https://elsewhere.test' }, 'invalid_target'],
  ])('that asks %s is sent back with an error', async (_, more, error) => {
    const client = await register();
    const response = await createBrowser().go(client.application.authorizeUrl('read_events', more));
    const back = new URL(response.headers.get('location') ?? 'about:blank');
    const told = back.searchParams.get('error') ?? new URLSearchParams(back.hash.slice(1)).get('error');
    expect([response.status, back.origin + back.pathname, told]).toEqual([303, redirectUri, error]);
  });

  test('that names another place to return to is not followed there', async () => {
    const client = await register();
    for (const uri of ['https://evil.test/', `${redirectUri}/deeper`, `${redirectUri}?x=1`]) {
      const response = await createBrowser().go(client.application.authorizeUrl('read_events', { redirect_uri: uri }));
      expect([response.status, response.headers.get('location')]).toEqual([400, null]);
      expect(await response.text()).toContain('invalid_redirect_uri');
    }
  });

  test('learns that the person denied', async () => {
    const client = await register();
    const browser = createBrowser();
    const page = await begin(browser, client.application, 'read_events');
    const back = await follow(browser, await browser.post(`${page}/consent`, { decision: 'deny' }), redirectUri);
    expect([back.searchParams.get('error'), back.searchParams.get('state')]).toEqual(['access_denied', 'st']);
  });
});

describe('a refresh token', () => {
  const connected = async (scope = 'read_events read_attendance') => {
    const [client, key] = [await register(), await createKey(['read_events', 'read_attendance'])];
    return { client, key, tokens: await client.application.exchange(await authorize(client.application, client, key.key, scope)) };
  };

  test('is used once, and gives the same rights or fewer', async () => {
    const { client, tokens } = await connected();
    const second = await client.application.refresh(tokens.refresh_token ?? '');
    expect(second).toMatchObject({ status: 200, scope: 'read_events read_attendance' });
    const third = await client.application.refresh(second.refresh_token ?? '', { scope: 'read_events' });
    expect((await identify(third.access_token))?.permissions).toEqual(new Set(['read_events']));
    expect(await client.application.refresh(third.refresh_token ?? '', { scope: 'read_events read_orders' })).toMatchObject({ error: 'invalid_scope' });
  });

  test('that is used twice ends everything of its grant', async () => {
    const { client, tokens } = await connected();
    const second = await client.application.refresh(tokens.refresh_token ?? '');
    expect(await identify(second.access_token)).not.toBeNull();
    expect(await client.application.refresh(tokens.refresh_token ?? '')).toMatchObject({ status: 400, error: 'invalid_grant' });
    for (const token of [tokens.access_token, second.access_token]) expect(await identify(token)).toBeNull();
    expect(await client.application.refresh(second.refresh_token ?? '')).toMatchObject({ error: 'invalid_grant' });
  });

  test('is of no use to another client', async () => {
    const { tokens } = await connected();
    const other = await register();
    expect(await other.application.refresh(tokens.refresh_token ?? '')).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect(await other.application.revoke(tokens.access_token)).toBe(200);
    expect(await other.application.introspect(tokens.access_token)).toEqual({ active: false });
    expect(await identify(tokens.access_token)).not.toBeNull();
  });

  test('or an access token, revoked by its client, ends the grant, also for who has just seen it', async () => {
    for (const which of ['access_token', 'refresh_token'] as const) {
      const { client, tokens } = await connected();
      const grant = (await identify(tokens.access_token))?.keyId ?? '';
      expect(await client.application.revoke(tokens[which] ?? '')).toBe(200);
      expect(await identify(tokens.access_token)).toBeNull();
      expect(await client.application.refresh(tokens.refresh_token ?? '')).toMatchObject({ error: 'invalid_grant' });
      expect(await client.application.introspect(tokens.access_token)).toEqual({ active: false });
      expect(await audited(grant)).toMatchObject([{ action: 'grant.created' }, { action: 'grant.revoked', actor: client.id, details: { reason: 'its client revoked it' } }]);
    }
  });
});

describe('a code', () => {
  test('that is used twice gives nothing the second time, and ends what came of it', async () => {
    const [client, { key }] = [await register(), await createKey()];
    const code = await authorize(client.application, client, key, 'read_events');
    const tokens = await client.application.exchange(code);
    expect(await identify(tokens.access_token)).not.toBeNull();
    expect(await client.application.exchange(code)).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect(await identify(tokens.access_token)).toBeNull();
    expect(await client.application.refresh(tokens.refresh_token ?? '')).toMatchObject({ error: 'invalid_grant' });
  });

  test('of another client, or for another place, gives nothing', async () => {
    const [client, other, { key }] = [await register(), await register(), await createKey()];
    expect(await other.application.exchange(await authorize(client.application, client, key, 'read_events'))).toMatchObject({ error: 'invalid_grant' });
    expect(await client.application.exchange(await authorize(client.application, client, key, 'read_events'), { redirect_uri: 'https://evil.test/' })).toMatchObject({ error: 'invalid_grant' });
  });
});

describe('a client that comes by itself', () => {
  test('gets what it was registered with, or less where it asks for less, and no refresh token', async () => {
    const client = await register({ grantTypes: ['CLIENT_CREDENTIALS'], redirectUris: [], eventAccess: ['a'] });
    const all = await client.application.byItself();
    expect(all).toMatchObject({ status: 200, scope: 'read_events read_attendance' });
    expect(all).not.toHaveProperty('refresh_token');
    expect(await identify(all.access_token)).toMatchObject({ keyId: client.id, permissions: new Set(['read_events', 'read_attendance']), events: new Set(['a']), terms: { client: 'Zapier', tier: 'partner', documents: 'persisted' } });
    const less = await client.application.byItself({ scope: 'read_events' });
    expect((await identify(less.access_token))?.permissions).toEqual(new Set(['read_events']));
    expect(await client.application.byItself({ scope: 'read_events admin' })).toMatchObject({ status: 400, error: 'invalid_scope' });
    expect(await client.application.revoke(less.access_token)).toBe(200);
    expect([await identify(less.access_token), await identify(all.access_token)]).toEqual([null, expect.anything()]);
  });

  test('needs its secret, and to be registered for it', async () => {
    const client = await register({ grantTypes: ['CLIENT_CREDENTIALS'], redirectUris: [] });
    for (const secret of ['wrong', `${client.secret ?? ''}x`, client.secret?.slice(1) ?? '']) expect(await createApplication(base, { ...client, secret }).byItself()).toMatchObject({ status: 401, error: 'invalid_client' });
    const codeOnly = await register();
    expect(await codeOnly.application.byItself()).toMatchObject({ status: 400, error: 'invalid_request' });
  });
});

describe('whatever ends', () => {
  const connected = async () => {
    const [client, key] = [await register(), await createKey(['admin'])];
    const tokens = await client.application.exchange(await authorize(client.application, client, key.key, 'read_events'));
    expect(await identify(tokens.access_token)).not.toBeNull();
    return { client, key, tokens, grant: (await identify(tokens.access_token))?.keyId ?? '' };
  };
  const expectEnded = async ({ client, tokens }: Awaited<ReturnType<typeof connected>>) => {
    expect(await identify(tokens.access_token)).toBeNull();
    expect((await client.application.refresh(tokens.refresh_token ?? '')).status).toBeGreaterThanOrEqual(400);
    expect(await query(hub.database.em(), 'select 1 from access.oauth_artifacts where client_id = $1', [client.id])).toEqual([]);
  };

  test('with its key: grants, codes and tokens', async () => {
    const made = await connected();
    await revokeKey(made.key.id);
    await expectEnded(made);
    expect(await audited(made.grant)).toMatchObject([{ action: 'grant.created', actor: made.key.id, details: { client: made.client.id, permissions: ['read_events'] } }, { action: 'grant.revoked', actor: 'key_admin', details: { reason: 'its key was revoked' } }]);
  });

  test('with its client: grants, codes and tokens, also those of client credentials', async () => {
    const made = await connected();
    const alone = await register({ grantTypes: ['CLIENT_CREDENTIALS'], redirectUris: [] });
    const { access_token: token } = await alone.application.byItself();
    expect(await identify(token)).not.toBeNull();
    for (const id of [made.client.id, alone.id]) await ask('mutation ($id: ID!) { revokeOAuthClient(input: {id: $id}) { client { revokedAt } } }', admin, { id });
    await expectEnded(made);
    expect(await identify(token)).toBeNull();
    expect((await alone.application.byItself()).error).toBe('invalid_client');
  });

  test('with its grant, by an admin or by the key itself and by nobody else', async () => {
    const revoke = (id: string, viewer: typeof admin) => ask<{ revokeOAuthGrant: { grant: object | null } | null }>('mutation ($id: ID!) { revokeOAuthGrant(input: {id: $id}) { grant { revokedAt client { clientName } } userErrors { code } } }', viewer, { id });
    const made = await connected();
    for (const id of [made.grant, 'grant-of-nobody']) expect((await revoke(id, viewerOf(['read_events'], 'all', 'key_other'))).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    expect(await identify(made.tokens.access_token)).not.toBeNull();
    expect((await revoke(made.grant, viewerOf(['read_events'], 'all', made.key.id))).data).toMatchObject({ revokeOAuthGrant: { grant: { client: { clientName: 'Zapier' } } } });
    await expectEnded(made);
  });

  test('is listed for its key, and for admins', async () => {
    const made = await connected();
    const list = async (viewer: typeof admin, keyId?: string) => (await ask<{ oauthGrants: { totalCount: number; edges: { node: object }[] } }>('query ($keyId: ID) { oauthGrants(keyId: $keyId) { totalCount edges { node { id keyId permissions client { clientName } } } } }', viewer, { keyId })).data.oauthGrants;
    const node = { id: made.grant, keyId: made.key.id, permissions: ['read_events'], client: { clientName: 'Zapier' } };
    expect(await list(viewerOf(['read_events'], 'all', made.key.id))).toEqual({ totalCount: 1, edges: [{ node }] });
    expect(await list(admin, made.key.id)).toEqual({ totalCount: 1, edges: [{ node }] });
    expect(await list(viewerOf(['read_events'], 'all', 'key_other'), made.key.id)).toMatchObject({ totalCount: 0 });
    expect((await list(admin)).totalCount).toBeGreaterThan(1);
  });

  test('by itself with its key, and says so in what it answers', async () => {
    const client = await register();
    const { key } = await createKey(['read_events'], { expiresAt: new Date(Date.now() + 100_000).toISOString() });
    const tokens = await client.application.exchange(await authorize(client.application, client, key, 'read_events'));
    expect(tokens.expires_in).toBeLessThanOrEqual(100);
    expect((await identify(tokens.access_token))?.expiresAt?.getTime()).toBeLessThanOrEqual(Date.now() + 100_000);
  });
});

describe('races', () => {
  test('a code that is exchanged many times at once gives tokens to nobody that hold', async () => {
    for (let round = 0; round < 3; round++) {
      const [client, { key }] = [await register(), await createKey()];
      const code = await authorize(client.application, client, key, 'read_events');
      const answers = await Promise.all(Array.from({ length: 6 }, () => client.application.exchange(code)));
      expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
      for (const { access_token: token } of answers) if (token) expect(await identify(token)).toBeNull();
      expect(await query(hub.database.em(), `select model, grant_id, expires_at, scopes, (select revoked_at from access.oauth_grants g where g.id = grant_id) from access.oauth_artifacts where client_id = $1 and model <> 'AuthorizationCode'`, [client.id])).toEqual([]);
    }
  });

  test('a key that is revoked while codes are exchanged and tokens refreshed leaves no token', async () => {
    for (let round = 0; round < 4; round++) {
      const [client, key] = [await register(), await createKey()];
      const [first, ...codes] = await Promise.all(Array.from({ length: 4 }, () => authorize(client.application, client, key.key, 'read_events')));
      const { refresh_token: refresh = '' } = await client.application.exchange(first ?? '');
      const answers = await Promise.all([...codes.map((code) => client.application.exchange(code)), client.application.refresh(refresh), revokeKey(key.id).then(() => null)]);
      for (const answer of answers) if (answer?.access_token) expect(await identify(answer.access_token)).toBeNull();
      expect(await query(hub.database.em(), 'select model from access.oauth_artifacts where client_id = $1', [client.id])).toEqual([]);
      expect(await query(hub.database.em(), 'select 1 from access.oauth_grants where key_id = $1 and revoked_at is null', [key.id])).toEqual([]);
    }
  });
});

test('a code or refresh token that is consumed by several at the same moment is consumed by one, and its grant ends', async () => {
  for (const model of ['AuthorizationCode', 'RefreshToken']) {
    const [client, { id: keyId }] = [await register(), await createKey()];
    const grantId = `grant-of-${client.id}-${model}`;
    await saveGrant(hub.database.em(), hub, { id: grantId, clientId: client.id, keyId, permissions: ['read_events'], payload: {}, expiresAt: new Date(Date.now() + 60_000) });
    const artifacts = createAdapter(hub, base)(model);
    await artifacts.upsert('the-one', { grantId, clientId: client.id, exp: Math.floor(Date.now() / 1000) + 60 }, 60);
    const used = await Promise.allSettled(Array.from({ length: 4 }, () => artifacts.consume('the-one')));
    expect(used.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected']);
    expect(await audited(grantId)).toMatchObject([{ action: 'grant.created' }, { action: 'grant.revoked', actor: null, details: { reason: 'a code or refresh token was used twice' } }]);
    await expect(artifacts.upsert('what came of it', { grantId, clientId: client.id }, 60)).rejects.toMatchObject({ error: 'invalid_grant' });
  }
});

describe('the pages', () => {
  test('have no script, are in no frame, and escape what others named', async () => {
    const client = await register({ clientName: '<script>alert("x")</script>' });
    const { key } = await createKey(['read_events', 'read_attendance'], { clientName: '"><img src=x>', eventAccess: ['a-1', 'b-2'] });
    const browser = createBrowser();
    const page = await begin(browser, client.application, 'read_events');
    const login = await browser.go(page);
    await browser.post(`${page}/login`, { key });
    const consent = await browser.go(page);
    for (const response of [login, consent]) {
      const policy = response.headers.get('content-security-policy') ?? '';
      expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([200, 'text/html; charset=utf-8', 'no-store']);
      expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self' https:\/\/app\.test; frame-ancestors 'none'; base-uri 'none'$/);
      const text = await response.text();
      expect(text).not.toMatch(/<script|<img|\son\w+=/);
      expect(text).toContain('&lt;script&gt;');
      expect(text).not.toContain(key);
    }
  });

  test('belong to the browser that began, and to one authorization', async () => {
    const [client, { key }] = [await register(), await createKey()];
    const [mine, other] = [createBrowser(), createBrowser()];
    const page = await begin(mine, client.application, 'read_events');
    const another = await begin(other, client.application, 'read_events');
    for (const [browser, at] of [[other, page], [createBrowser(), page], [mine, another]] as const) {
      expect((await browser.go(at)).status).toBe(400);
      expect((await browser.post(`${at}/login`, { key })).status).toBe(400);
      expect((await browser.post(`${at}/consent`, { decision: 'allow', scope: 'read_events' })).status).toBe(400);
    }
    const interaction = [...mine.cookies.values()].filter(({ path }) => path.startsWith('/oauth/interaction')).map(({ text }) => text).join('; ');
    expect([(await fetch(page, { headers: { cookie: interaction } })).status, (await fetch(another, { headers: { cookie: interaction } })).status], 'the cookie of one on the page of another').toEqual([200, 400]);
    for (const { text } of mine.cookies.values()) expect(text).not.toContain(key);
  });

  test('send cookies that scripts cannot read and that forms of other sites do not carry', async () => {
    const client = await register();
    const response = await createBrowser().go(client.application.authorizeUrl('read_events'));
    expect(response.headers.getSetCookie().length).toBeGreaterThan(0);
    for (const cookie of response.headers.getSetCookie()) expect(cookie).toMatch(/httponly/i);
    for (const cookie of response.headers.getSetCookie()) expect(cookie).toMatch(/samesite=lax/i);
  });

  test('ask for a key each time, also in the same browser, where another one may be shown', async () => {
    const [client, { key }, other] = [await register(), await createKey(), await createKey()];
    const browser = createBrowser();
    const page = await begin(browser, client.application, 'read_events');
    await browser.post(`${page}/login`, { key });
    await follow(browser, await browser.post(`${page}/consent`, { decision: 'allow', scope: 'read_events' }), redirectUri);
    const again = await begin(browser, client.application, 'read_events');
    expect(await (await browser.go(again)).text()).toContain('API key');
    expect(await (await browser.post(`${again}/consent`, { decision: 'allow', scope: 'read_events' })).text()).toContain('Show another one');
    expect((await browser.post(`${again}/login`, { key: other.key })).status).toBe(303);
    const back = await follow(browser, await browser.post(`${again}/consent`, { decision: 'allow', scope: 'read_events' }), redirectUri);
    const tokens = await client.application.exchange(back.searchParams.get('code') ?? '');
    expect((await identify(tokens.access_token))?.standsOn).toContain(other.id);
  });

  test('take no key that does not hold, no token, and nothing without a choice', async () => {
    const [client, good, ended] = [await register(), await createKey(), await createKey()];
    await revokeKey(ended.id);
    const browser = createBrowser({ 'x-test': '1' });
    const page = await begin(browser, client.application, 'read_events');
    for (const key of ['', 'IPK_wrong', ended.key, good.id]) {
      const response = await browser.post(`${page}/login`, { key });
      expect([key, response.status]).toEqual([key, 401]);
      expect(await response.text()).toContain('role="alert"');
    }
    expect((await browser.post(`${page}/login`, { key: good.key })).status).toBe(303);
    for (const scope of [[], ['read_orders'], ['admin']]) expect((await browser.post(`${page}/consent`, { decision: 'allow', scope })).status).toBe(400);
    await revokeKey(good.id);
    expect((await browser.post(`${page}/consent`, { decision: 'allow', scope: 'read_events' })).status).toBe(401);
  });

  test('slow down who guesses keys, and say for how long', async () => {
    const application = createApplication((await serve()).publicUrl, await register());
    const browser = createBrowser();
    const page = await begin(browser, application, 'read_events');
    const statuses: number[] = [];
    for (let n = 0; n <= wrongKeys.points; n++) statuses.push((await browser.post(`${page}/login`, { key: `IPK_${n}` })).status);
    expect(statuses.at(-1)).toBe(429);
    const { key } = await createKey();
    const blocked = await browser.post(`${page}/login`, { key });
    expect([blocked.status, Number(blocked.headers.get('retry-after')) > 0]).toEqual([429, true]);
  });
});

describe('what is stored', () => {
  test('is of no use to who reads it: codes, tokens, secrets and cookies are not in it', async () => {
    const [client, { key }] = [await register(), await createKey()];
    const browser = createBrowser();
    const page = await begin(browser, client.application, 'read_events');
    const code = await authorize(client.application, client, key, 'read_events');
    const tokens = await client.application.exchange(code);
    const dump = JSON.stringify(await Promise.all(['api_keys', 'oauth_clients', 'oauth_grants', 'oauth_artifacts', 'audit_log'].map((table) => query(hub.database.em(), `select * from access.${table}`))));
    const cookies = [...browser.cookies.values()].map(({ text }) => text.split('=')[1] ?? '');
    for (const secret of [key, code, tokens.access_token, tokens.refresh_token ?? '', client.secret ?? '', page.split('/').at(-1) ?? '', ...cookies]) {
      expect(secret.length).toBeGreaterThan(20);
      expect(dump).not.toContain(secret);
    }
  });

  test('goes when it has ended', async () => {
    await subgraph.maintain?.(hub.database.em(), new Date(Date.now() + 366 * 86_400_000));
    expect(await query(hub.database.em(), 'select 1 from access.oauth_artifacts')).toEqual([]);
  });
});

test('clients find the server where RFC 8414 says, under the hub\'s own address whatever the request says', async () => {
  for (const path of ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']) {
    const response = await fetch(base + path, { headers: { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https' } });
    expect(await response.json()).toMatchObject({
      issuer: base, authorization_endpoint: `${base}/oauth/authorize`, token_endpoint: `${base}/oauth/token`, revocation_endpoint: `${base}/oauth/revoke`, introspection_endpoint: `${base}/oauth/introspect`,
      code_challenge_methods_supported: ['S256'], response_types_supported: ['code'], scopes_supported: expect.arrayContaining(['read_events']), grant_types_supported: expect.arrayContaining(['authorization_code', 'refresh_token', 'client_credentials']),
    });
  }
});
