import { afterAll, describe, expect, test } from 'vitest';
import { query } from '#core/sql.ts';
import { subgraph } from '../index.ts';
import { wrongKeys } from './interactions.ts';
import { authorize, begin, createApplication, createBrowser, follow } from './test-browser.ts';
import { openOAuth, redirectUri } from './test-oauth.ts';

const { hub, base, identify, serve, register, createKey, revokeKey, close } = await openOAuth();
afterAll(close);

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
    await subgraph.maintain?.(hub.database.em(), new Date(Date.now() + 366 * 86_400_000), hub);
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
