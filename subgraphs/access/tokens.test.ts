import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { query } from '#core/sql.ts';
import { type TestHub, asker, openTestHub, viewerOf } from '#core/testing-hub.ts';
import { type Permission, type Viewer, publicViewer } from '#core/viewer.ts';
import { entities } from './entities.ts';
import { createIdentify } from './identify.ts';
import { subgraph } from './index.ts';

let own: TestHub;
let ask: ReturnType<typeof asker>;
let identify: ReturnType<typeof createIdentify>;
beforeAll(async () => {
  own = await openTestHub({ entities });
  ask = asker(subgraph, own.hub);
  identify = createIdentify(own.hub);
});
afterAll(() => own[Symbol.asyncDispose]());

const admin = viewerOf(['admin'], 'all', 'key_admin');
const createKey = async (permissions: readonly Permission[] = ['read_events', 'read_attendance'], more: Record<string, unknown> = {}) => {
  const { data } = await ask<{ createApiKey: { apiKey: string; key: { id: string } } }>('mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey key { id } } }', admin, { input: { clientName: 'Till', permissions, ...more } });
  const viewer = await identify(data.createApiKey.apiKey);
  if (!viewer) throw new Error('a key was made');
  return { id: data.createApiKey.key.id, viewer };
};
type Minted = null | { mintToken: { token: string | null; record: { id: string; parentId: string; permissions: string[] } | null; userErrors: { code: string; field: string }[] } | null };
const mint = (viewer: Viewer, input: Record<string, unknown> = {}) => ask<Minted>('mutation ($input: MintTokenInput!) { mintToken(input: $input) { token record { id parentId permissions eventAccess expiresAt } userErrors { code field } } }', viewer, { input: { permissions: ['read_events'], expiresInSeconds: 60, ...input } });
const minted = async (viewer: Viewer, input: Record<string, unknown> = {}) => {
  const { data, errors } = await mint(viewer, input);
  if (!data?.mintToken?.token || !data.mintToken.record) throw new Error(JSON.stringify([data, errors]));
  return { token: data.mintToken.token, id: data.mintToken.record.id };
};
const revoke = (id: string, viewer = admin) => ask<{ revokeApiKey: { key: { id: string } | null } | null }>('mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { key { id } userErrors { code } } }', viewer, { id });
const audited = (subject: string) => query(own.hub.database.em(), 'select actor, action, details from access.audit_log where subject = $1 order by id', [subject]);

describe('a token', () => {
  test('is what its key says that it may, and no more, until its end', async () => {
    const key = await createKey(['read_events', 'read_attendance'], { eventAccess: ['a', 'b'], tier: 'PREMIUM', documents: 'ANY' });
    const { token, id } = await minted(key.viewer, { eventAccess: ['b'], documents: 'PERSISTED' });
    expect(token).toMatch(/^IPT_[\w-]{43}$/);
    expect(await identify(token)).toEqual({
      kind: 'key', keyId: id, permissions: new Set(['read_events']), events: new Set(['b']), standsOn: [key.id],
      expiresAt: new Date(own.clock.now.getTime() + 60_000), terms: { client: 'Till', tier: 'premium', documents: 'persisted' },
    });
    const { token: same } = await minted(key.viewer);
    expect(await identify(same)).toMatchObject({ events: new Set(['a', 'b']), terms: { documents: 'any' } });
    const now = own.clock.now;
    own.clock.now = new Date(now.getTime() + 60_000);
    expect(await identify(token)).toBeNull();
    own.clock.now = now;
    expect(JSON.stringify(await query(own.hub.database.em(), 'select * from access.api_keys'))).not.toContain(token);
  });

  test.each([
    ['permissions of others', { permissions: ['read_events', 'read_orders'] }, 'PERMISSIONS_TOO_WIDE', 'input.permissions'],
    ['everything', { permissions: ['admin'] }, 'PERMISSIONS_TOO_WIDE', 'input.permissions'],
    ['what there is not', { permissions: ['root'] }, 'PERMISSION_UNKNOWN', 'input.permissions'],
    ['nothing', { permissions: [] }, 'PERMISSIONS_EMPTY', 'input.permissions'],
    ['other events', { eventAccess: ['a', 'z'] }, 'EVENT_ACCESS_TOO_WIDE', 'input.eventAccess'],
    ['any document', { documents: 'ANY' }, 'DOCUMENTS_TOO_WIDE', 'input.documents'],
    ['no time', { expiresInSeconds: 0 }, 'EXPIRY_INVALID', 'input.expiresInSeconds'],
    ['time without end', { expiresInSeconds: 2_000_000_000 }, 'EXPIRY_INVALID', 'input.expiresInSeconds'],
    ['more time than its key has', { expiresInSeconds: 3_601 }, 'EXPIRY_TOO_LATE', 'input.expiresInSeconds'],
  ])('for %s is not made, and the field is named', async (_, input, code, field) => {
    const key = await createKey(['read_events'], { eventAccess: ['a'], expiresAt: new Date(own.clock.now.getTime() + 3_600_000).toISOString() });
    expect((await mint(key.viewer, input)).data?.mintToken).toEqual({ token: null, record: null, userErrors: [{ code, field }] });
    expect(await query(own.hub.database.em(), 'select 1 from access.api_keys where parent_id = $1', [key.id])).toEqual([]);
  });

  test('is made by keys alone: not by tokens, grants, clients, accounts of others, or nobody', async () => {
    const key = await createKey(['admin']);
    const child = await identify((await minted(key.viewer, { permissions: ['admin'] })).token);
    for (const viewer of [child as Viewer, { ...key.viewer, keyId: 'grant' }, { ...key.viewer, keyId: 'client_x' }, { ...key.viewer, keyId: 'jwt:abc:ann' }]) expect((await mint(viewer)).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    expect((await mint(publicViewer)).errors).toMatchObject([{ code: 'UNAUTHENTICATED' }]);
  });

  test('makes nothing that would outlive it, though it be an admin\'s', async () => {
    const key = await createKey(['admin']);
    const child = (await identify((await minted(key.viewer, { permissions: ['admin'] })).token)) as Viewer;
    for (const source of ['mutation { createApiKey(input: {clientName: "x", permissions: ["admin"]}) { apiKey } }', 'mutation { registerOAuthClient(input: {clientName: "x", grantTypes: [CLIENT_CREDENTIALS], permissions: ["admin"]}) { clientSecret } }']) {
      expect((await ask(source, child)).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
      expect((await ask(source, key.viewer)).errors).toEqual([]);
    }
  });

  test('ends at once with its key, wherever it is remembered', async () => {
    const key = await createKey();
    const tokens = await Promise.all([minted(key.viewer), minted(key.viewer)]);
    for (const { token } of tokens) expect(await identify(token)).not.toBeNull();
    await revoke(key.id);
    for (const { token } of tokens) expect(await identify(token)).toBeNull();
  });

  test('that is minted while its key is revoked does not hold', async () => {
    for (let round = 0; round < 5; round++) {
      const key = await createKey();
      const [first, second] = await Promise.all([mint(key.viewer), mint(key.viewer), revoke(key.id)]);
      for (const { data } of [first, second]) if (data?.mintToken?.token) expect(await identify(data.mintToken.token)).toBeNull();
      expect(await query(own.hub.database.em(), 'select 1 from access.api_keys where parent_id = $1 and revoked_at is null', [key.id])).toEqual([]);
    }
  });

  test('is ended by its key, by itself and by admins, and by nobody else', async () => {
    const [key, other] = [await createKey(), await createKey()];
    const [one, two, three] = [await minted(key.viewer), await minted(key.viewer), await minted(key.viewer)];
    const second = (await identify(two.token)) as Viewer;
    for (const [id, viewer] of [[one.id, other.viewer], [one.id, second], [key.id, second], [key.id, other.viewer]] as const) expect((await revoke(id, viewer)).errors).toMatchObject([{ code: 'FORBIDDEN' }]);
    for (const [{ token, id }, viewer] of [[one, key.viewer], [two, second], [three, admin]] as const) {
      expect((await revoke(id, viewer)).data).toMatchObject({ revokeApiKey: { key: { id } } });
      expect(await identify(token)).toBeNull();
    }
  });

  test('and its end are in the audit log, with who did it and without the token', async () => {
    const key = await createKey();
    const { token, id } = await minted(key.viewer);
    await revoke(key.id);
    expect(await audited(id)).toEqual([
      { actor: key.id, action: 'token.minted', details: { key: key.id, permissions: ['read_events'], eventAccess: null, documents: 'persisted', expiresAt: expect.any(String) } },
      { actor: 'key_admin', action: 'token.revoked', details: { clientName: 'Till', key: key.id } },
    ]);
    expect(JSON.stringify(await audited(id))).not.toContain(token);
  });

  test('is listed with its key and not among keys', async () => {
    const key = await createKey();
    const { id } = await minted(key.viewer);
    const list = async (args: string) => (await ask<{ apiKeys: { edges: { node: { id: string } }[] } }>(`{ apiKeys${args} { edges { node { id } } } }`, admin)).data.apiKeys.edges.map(({ node }) => node.id);
    expect(await list(`(tokensOf: "${key.id}")`)).toEqual([id]);
    const keys = await list('(first: 100)');
    expect([keys.includes(key.id), keys.includes(id)]).toEqual([true, false]);
  });

  test('is forgotten a month after its end', async () => {
    const key = await createKey();
    const { id } = await minted(key.viewer);
    const count = async () => (await query(own.hub.database.em(), 'select 1 from access.api_keys where id = any($1)', [[id, key.id]])).length;
    await subgraph.maintain?.(own.hub.database.em(), new Date(own.clock.now.getTime() + 30 * 86_400_000), own.hub);
    expect(await count()).toBe(2);
    await subgraph.maintain?.(own.hub.database.em(), new Date(own.clock.now.getTime() + 31 * 86_400_000), own.hub);
    expect(await count()).toBe(1);
  });
});

test('a change that arrives while a credential is read keeps what was read from being remembered', async () => {
  const key = await createKey();
  const { token, id } = await minted(key.viewer);
  const fresh = createIdentify(own.hub);
  const reading = fresh(token);
  own.hub.bus.publish('key.changed', { keyId: id });
  await reading;
  // Without a word on the bus: only what is remembered can still hold.
  await query(own.hub.database.em(), 'update access.api_keys set revoked_at = now() where id = $1', [id]);
  expect(await fresh(token)).toBeNull();
});
