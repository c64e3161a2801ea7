import { afterAll, describe, expect, test } from 'vitest';
import { query } from '#core/sql.ts';
import { repeatSeconds } from './adapter.ts';
import { authorize, begin, createApplication, createBrowser, follow } from './test-browser.ts';
import { openOAuth, redirectUri } from './test-oauth.ts';

const { hub, base, identify, register, createKey, audited, close } = await openOAuth();
afterAll(close);

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
  const connected = async (scope = 'read_events read_attendance', input: Record<string, unknown> = {}) => {
    const [client, key] = [await register(input), await createKey(['read_events', 'read_attendance'])];
    return { client, key, tokens: await client.application.exchange(await authorize(client.application, client, key.key, scope)) };
  };

  test('whose answer got lost is good once more for a minute, for a client with a secret: nothing that came of it ends', async () => {
    const { client, tokens } = await connected();
    const [lost, other] = await Promise.all([client.application.refresh(tokens.refresh_token ?? ''), client.application.refresh(tokens.refresh_token ?? '')]);
    const again = await client.application.refresh(tokens.refresh_token ?? '');
    for (const answer of [lost, other, again]) {
      expect(answer.status).toBe(200);
      expect(await identify(answer.access_token)).not.toBeNull();
      expect((await client.application.refresh(answer.refresh_token ?? '')).status).toBe(200);
    }
  });

  test('is used once, and gives the same rights or fewer', async () => {
    const { client, tokens } = await connected();
    const second = await client.application.refresh(tokens.refresh_token ?? '');
    expect(second).toMatchObject({ status: 200, scope: 'read_events read_attendance' });
    const third = await client.application.refresh(second.refresh_token ?? '', { scope: 'read_events' });
    expect((await identify(third.access_token))?.permissions).toEqual(new Set(['read_events']));
    expect(await client.application.refresh(third.refresh_token ?? '', { scope: 'read_events read_orders' })).toMatchObject({ error: 'invalid_scope' });
  });

  test.each([['by a client without a secret', { authentication: 'NONE' }, 0], ['by a client with a secret more than a minute later', {}, repeatSeconds]])('that is used twice %s ends everything of its grant', async (_, input, seconds) => {
    const { client, tokens } = await connected('read_events read_attendance', input);
    const second = await client.application.refresh(tokens.refresh_token ?? '');
    await query(hub.database.em(), 'update access.oauth_artifacts set consumed_at = consumed_at - make_interval(secs => $2) where client_id = $1 and consumed_at is not null', [client.id, seconds]);
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
