import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { encodeKey } from '#core/pagination.ts';
import { query } from '#core/sql.ts';
import { within } from '#core/testing.ts';
import { type TestHub, asker, openTestHub, viewerOf } from '#core/testing-hub.ts';
import { permissions, publicViewer } from '#core/viewer.ts';
import { holds, parseKeyRequest } from './domain.ts';
import { entities } from './entities.ts';
import { on } from './handlers.ts';
import { subgraph } from './index.ts';
import { createIdentify } from './identify.ts';
import { issueAdminKey } from './store.ts';

let own: TestHub;
let ask: ReturnType<typeof asker>;
beforeAll(async () => {
  own = await openTestHub({ entities });
  ask = asker(subgraph, own.hub);
});
afterAll(() => own[Symbol.asyncDispose]());

const admin = viewerOf(['admin'], 'all', 'key_admin');
type Created = { createApiKey: { apiKey: string; secret: string; key: { id: string; clientName: string; permissions: string[]; eventAccess: string[] | null } | null; userErrors: { code: string; field: string }[] } };
const create = async (input: Record<string, unknown> = {}, viewer = admin) =>
  ask<Created>('mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey secret key { id clientName permissions eventAccess expiresAt } userErrors { code field message } } }', viewer, { input: { clientName: 'CRM System', permissions: ['read_events'], ...input } });
const made = async (input: Record<string, unknown> = {}) => {
  const { data: { createApiKey } } = await create(input);
  if (!createApiKey.key) throw new Error(JSON.stringify(createApiKey.userErrors));
  return { ...createApiKey, key: createApiKey.key };
};
const revoke = (id: string) => ask<{ revokeApiKey: { key: { revokedAt: string } | null; userErrors: object[] } }>('mutation ($id: ID!) { revokeApiKey(input: {id: $id}) { key { revokedAt } userErrors { code field } } }', admin, { id });
const dump = async () => JSON.stringify([await query(own.hub.database.em(), 'select * from access.api_keys'), await query(own.hub.database.em(), 'select * from access.audit_log')]);
const audited = (subject: string) => query(own.hub.database.em(), 'select actor, action, details from access.audit_log where subject = $1 order by id', [subject]);

describe('a key', () => {
  test('is shown once with its secret, and stored as a hash', async () => {
    const { apiKey, secret, key } = await made({ eventAccess: ['a', 'b', 'a'], permissions: ['read_events', 'read_attendance', 'read_events'] });
    expect(apiKey).toMatch(/^IPK_[\w-]{43}$/);
    expect(key).toMatchObject({ clientName: 'CRM System', permissions: ['read_events', 'read_attendance'], eventAccess: ['a', 'b'] });
    for (const clear of [apiKey, apiKey.slice(4), secret]) expect(await dump()).not.toContain(clear);
    const again = await ask('{ apiKeys { edges { node { id clientName permissions } } } }', admin);
    expect(JSON.stringify(again)).not.toContain(apiKey);
  });

  test('turns into the viewer that it allows, and nothing else does', async () => {
    const identify = createIdentify(own.hub);
    const { apiKey, key } = await made({ eventAccess: ['a'], permissions: ['read_events', 'read_participants'] });
    const all = await made();
    expect(await identify(apiKey)).toMatchObject({ kind: 'key', keyId: key.id, permissions: new Set(['read_events', 'read_participants']), events: new Set(['a']) });
    expect((await identify(all.apiKey))?.events).toBe('all');
    for (const other of ['', 'IPK_', `${apiKey}x`, apiKey.slice(0, -1), apiKey.toLowerCase(), key.id, `IPK_${'a'.repeat(43)}`, 'Bearer x', 'IPK_\u0000']) expect(await identify(other), other).toBeNull();
  });

  test('ends at its time, also for who has just seen it', async () => {
    const identify = createIdentify(own.hub);
    const now = own.clock.now;
    const { apiKey } = await made({ expiresAt: new Date(now.getTime() + 60_000).toISOString() });
    own.clock.now = new Date(now.getTime() + 59_999);
    expect(await identify(apiKey)).not.toBeNull();
    own.clock.now = new Date(now.getTime() + 60_000);
    expect(await identify(apiKey)).toBeNull();
    own.clock.now = now;
  });

  test('ends at once when it is revoked, wherever it is remembered; revoking twice changes nothing', async () => {
    const identify = createIdentify(own.hub);
    const { apiKey, key } = await made();
    const heard = vi.fn();
    const stop = own.hub.bus.subscribe('key.changed', heard);
    expect(await identify(apiKey)).not.toBeNull();
    const first = await revoke(key.id);
    expect(first.data.revokeApiKey).toMatchObject({ key: { revokedAt: own.clock.now.toISOString() }, userErrors: [] });
    await vi.waitFor(() => expect(heard).toHaveBeenCalledWith({ keyId: key.id }), within);
    expect(await identify(apiKey)).toBeNull();
    own.clock.now = new Date(own.clock.now.getTime() + 1_000);
    expect((await revoke(key.id)).data).toEqual(first.data);
    expect((await audited(key.id)).map((entry) => entry.action)).toEqual(['key.created', 'key.revoked']);
    stop();
  });

  test('that is not there cannot be revoked, and the field is named', async () => {
    expect((await revoke('key_unknown')).data.revokeApiKey).toEqual({ key: null, userErrors: [{ code: 'NOT_FOUND', field: 'input.id' }] });
  });

  test('of the operator may do everything', async () => {
    const { apiKey } = await issueAdminKey(own.hub.database.em(), own.hub);
    expect(await createIdentify(own.hub)(apiKey)).toMatchObject({ permissions: new Set(permissions), events: 'all' });
  });
});

test('a key holds until its end and while it is not revoked', () => {
  const now = new Date('2024-06-01');
  const [before, after] = [new Date('2024-05-01'), new Date('2024-07-01')];
  expect([{}, { expiresAt: after }, { expiresAt: null, revokedAt: null }].map((key) => holds(key, now))).toEqual([true, true, true]);
  expect([{ expiresAt: before }, { expiresAt: now }, { revokedAt: before }, { revokedAt: before, expiresAt: after }].map((key) => holds(key, now))).toEqual([false, false, false, false]);
});

describe('bad input', () => {
  const bad: readonly (readonly [Record<string, unknown>, string, string])[] = [
    [{ clientName: ' ' }, 'NAME_INVALID', 'input.clientName'],
    [{ clientName: 'x'.repeat(201) }, 'NAME_INVALID', 'input.clientName'],
    [{ permissions: [] }, 'PERMISSIONS_EMPTY', 'input.permissions'],
    [{ permissions: ['read_events', 'root'] }, 'PERMISSION_UNKNOWN', 'input.permissions'],
    [{ eventAccess: ['fine', 'not fine'] }, 'EVENT_ID_INVALID', 'input.eventAccess'],
    [{ expiresAt: '2001-01-01T00:00:00Z' }, 'EXPIRY_PAST', 'input.expiresAt'],
  ];
  test.each(bad)('%j is refused as %s, names the field and changes nothing', async (input, code, field) => {
    const before = await dump();
    expect((await create(input)).data.createApiKey).toMatchObject({ apiKey: null, secret: null, key: null, userErrors: [{ code, field }] });
    expect(await dump()).toBe(before);
  });

  test('that would see more events than the key that makes it is refused, and changes nothing', async () => {
    const limited = viewerOf(['admin'], ['a', 'b'], 'key_limited');
    const before = await dump();
    for (const eventAccess of [null, ['a', 'c'], ['c']])
      expect((await create({ eventAccess }, limited)).data.createApiKey, JSON.stringify(eventAccess)).toMatchObject({ apiKey: null, key: null, userErrors: [{ code: 'EVENT_ACCESS_TOO_WIDE', field: 'input.eventAccess' }] });
    expect((await create({}, limited)).data.createApiKey.userErrors).toMatchObject([{ code: 'EVENT_ACCESS_TOO_WIDE' }]);
    expect(await dump()).toBe(before);
    for (const eventAccess of [['a'], ['b', 'a'], []]) expect((await create({ eventAccess }, limited)).data.createApiKey.key).toMatchObject({ eventAccess });
  });

  test('of any kind is a key request or names a field', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.oneof(fc.constantFrom(...permissions), fc.string())), fc.option(fc.array(fc.string())), (clientName, wanted, eventAccess) => {
        try {
          const request = parseKeyRequest({ clientName, permissions: wanted, eventAccess }, new Date());
          expect(permissions).toEqual(expect.arrayContaining([...request.permissions]));
          expect(request.clientName).toBe(clientName.trim());
        } catch (error) {
          expect(error).toMatchObject({ field: expect.stringMatching(/^input\./), code: expect.stringMatching(/^[A-Z_]+$/) });
        }
      }),
    );
  });

  test('as a cursor of another list is refused by its code', async () => {
    for (const [list, key] of [['apiKeys', ['yesterday', 'x']], ['apiKeys', ['1']], ['auditLog', ['ten']], ['auditLog', [1.5]], ['auditLog', ['9'.repeat(40)]]] as const)
      expect((await ask(`{ ${list}(after: "${encodeKey(key)}") { totalCount } }`, admin)).errors, JSON.stringify(key)).toEqual([expect.objectContaining({ code: 'CURSOR_INVALID' })]);
  });
});

describe('the audit log', () => {
  test('tells who changed rights, and how, without secrets', async () => {
    const { apiKey, secret, key } = await made({ clientName: 'Audited', eventAccess: ['a'] });
    expect(await audited(key.id)).toEqual([{ actor: 'key_admin', action: 'key.created', details: { clientName: 'Audited', permissions: ['read_events'], eventAccess: ['a'], tier: 'partner', documents: 'persisted' } }]);
    const { data } = await ask<{ auditLog: { edges: { node: { subject: string; action: string } }[] } }>('{ auditLog(first: 1) { edges { node { subject action actor details } } } }', admin);
    expect(data.auditLog.edges[0]?.node).toMatchObject({ subject: key.id, action: 'key.created' });
    for (const clear of [apiKey, secret]) expect(JSON.stringify(data)).not.toContain(clear);
  });

  test('tells of services that were registered', async () => {
    const em = own.hub.database.em();
    await em.transactional((tx) => on['service.registered']?.(tx, { type: 'service.registered', id: '1', cursor: '', serviceId: 'svc_1', eventId: null, occurredAt: own.clock.now, payload: { name: 'Gates', product: 'gatekeeper', by: 'key_1' } }, own.hub) ?? Promise.resolve());
    expect(await audited('svc_1')).toEqual([{ actor: 'key_1', action: 'service.registered', details: { name: 'Gates', product: 'gatekeeper' } }]);
  });

  test('and the list of keys, walked in pages, are each whole and in order', async () => {
    for (let n = 0; n < 5; n++) await made({ clientName: `Client ${n}` });
    for (const [list, id] of [['apiKeys', 'api_keys'], ['auditLog', 'audit_log']] as const) {
      const walked: string[] = [];
      for (let after = '', more = true; more; ) {
        type Page = { edges: { node: { id: string } }[]; pageInfo: { hasNextPage: boolean; endCursor: string }; totalCount: number };
        const page = (await ask<Record<string, Page>>(`{ ${list}(first: 3${after && `, after: "${after}"`}) { totalCount edges { node { id } } pageInfo { hasNextPage endCursor } } }`, admin)).data[list];
        walked.push(...(page?.edges.map(({ node }) => node.id) ?? []));
        [after, more] = [page?.pageInfo.endCursor ?? '', page?.pageInfo.hasNextPage ?? false];
      }
      const rows = await query<{ id: string }>(own.hub.database.em(), `select id::text from access.${id} order by ${id === 'api_keys' ? 'created_at desc, ' : ''}access.${id}.id desc`);
      expect(walked).toEqual(rows.map((row) => row.id));
    }
  });
});

describe('who may', () => {
  test('nobody but an admin makes, ends or lists keys or reads the log', async () => {
    const before = await dump();
    for (const [viewer, code] of [[publicViewer, 'UNAUTHENTICATED'], [viewerOf(permissions.filter((each) => each !== 'admin')), 'FORBIDDEN']] as const) {
      for (const source of ['{ apiKeys { totalCount } }', '{ auditLog { totalCount } }', '{ oauthClients { totalCount } }', 'mutation { registerOAuthClient(input: {clientName: "x", grantTypes: [CLIENT_CREDENTIALS], permissions: ["admin"]}) { clientSecret } }', 'mutation { revokeOAuthClient(input: {id: "x"}) { client { id } } }', 'mutation { revokeOAuthGrant(input: {id: "x"}) { grant { id } } }', 'mutation { createApiKey(input: {clientName: "x", permissions: ["admin"]}) { apiKey } }', 'mutation { revokeApiKey(input: {id: "x"}) { key { id } } }'])
        expect((await ask(source, viewer)).errors.map((error) => error.code), source).toEqual([code]);
    }
    expect(await dump()).toBe(before);
  });

  test('a key reads its own record, by name and by reference, and no other', async () => {
    const [mine, other] = [await made({ clientName: 'Mine' }), await made({ clientName: 'Other' })];
    const viewer = viewerOf(['read_events'], 'all', mine.key.id);
    expect((await ask('{ viewer { clientName } }', viewer)).data).toEqual({ viewer: { clientName: 'Mine' } });
    expect((await ask('{ viewer { clientName } }', publicViewer)).data).toEqual({ viewer: null });
    const refer = (who: typeof viewer) => ask('query ($r: [_Any!]!) { _entities(representations: $r) { ... on ApiKey { clientName } } }', who, { r: [mine, other].map(({ key }) => ({ __typename: 'ApiKey', id: key.id })) });
    expect((await refer(viewer)).data).toEqual({ _entities: [{ clientName: 'Mine' }, null] });
    expect((await refer(publicViewer)).data).toEqual({ _entities: [null, null] });
    expect((await refer(admin)).data).toEqual({ _entities: [{ clientName: 'Mine' }, { clientName: 'Other' }] });
  });
});
