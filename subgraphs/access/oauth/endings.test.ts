import { afterAll, describe, expect, test } from 'vitest';
import { query } from '#core/sql.ts';
import { viewerOf } from '#core/testing-hub.ts';
import { saveGrant } from '../oauth-grants.ts';
import { createAdapter } from './adapter.ts';
import { authorize, createApplication } from './test-browser.ts';
import { admin, openOAuth } from './test-oauth.ts';

const { hub, base, ask, identify, register, createKey, revokeKey, audited, close } = await openOAuth();
afterAll(close);

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
    const nobody = await fetch(`${base}/oauth/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', client_id: '\0', client_secret: 'x' }) });
    expect([nobody.status, await nobody.json()]).toMatchObject([401, { error: 'invalid_client' }]);
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
