import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Permission, permissions } from '#core/viewer.ts';
import { claimAt, viewerOfClaims } from './claims.ts';
import { type JwtIssuer, readJwtIssuers } from './jwt-issuers.ts';

const one = (settings: Record<string, unknown> = {}): JwtIssuer => {
  const [issuer] = readJwtIssuers(JSON.stringify([{ issuer: 'https://sso.test', audience: 'eventgraph', ...settings }]));
  if (!issuer) throw new Error('one issuer was configured');
  return issuer;
};
const payload = { iss: 'https://sso.test', sub: 'ann', exp: 2_000_000_000 };

describe('what claims allow', () => {
  test('never goes beyond what the issuer may give, and never beyond what they say', () => {
    const names = fc.array(fc.oneof(fc.constantFrom(...permissions), fc.string({ maxLength: 5 })));
    fc.assert(
      fc.property(fc.subarray([...permissions]), names, names, fc.option(fc.array(fc.string({ maxLength: 3 }))), (allowed: Permission[], scope, roles, events) => {
        const viewer = viewerOfClaims({ ...payload, scope: scope.join(' '), realm_access: { roles }, ...(events && { events }) }, one({ permissions: allowed }));
        const said = new Set([...scope.join(' ').split(' '), ...roles]);
        for (const permission of viewer.permissions) expect(allowed.includes(permission) && said.has(permission)).toBe(true);
        for (const other of viewer.scopes ?? []) expect(said.has(other) && !(permissions as readonly string[]).includes(other)).toBe(true);
        expect(viewer.events).toEqual(new Set(events?.filter((id) => id !== '') ?? []));
      }),
    );
  });

  test('is nothing where a name has a character that no database takes', () => {
    const viewer = viewerOfClaims({ ...payload, scope: 'read_events a\u0000', events: ['fair', '\u0000', 'fa\u0000ir'], azp: 'crm\u0000', policies: '\u0000' }, one());
    expect(viewer).toMatchObject({ permissions: new Set(['read_events']), events: new Set(['fair']), terms: { client: null } });
    expect([viewer.scopes, viewer.policies]).toEqual([undefined, undefined]);
  });

  test('is nothing where they are of another shape', () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer(), fc.boolean(), fc.constant(null), fc.dictionary(fc.string(), fc.string()), fc.array(fc.integer())), (odd) => {
        const viewer = viewerOfClaims({ ...payload, scope: odd, permissions: odd, realm_access: odd, tier: odd, documents: odd, policies: odd, azp: odd }, one());
        expect(viewer).toMatchObject({ permissions: new Set(), events: new Set(), terms: { client: null, tier: 'partner', documents: 'persisted' } });
        expect([viewer.scopes, viewer.policies]).toEqual([undefined, undefined]);
      }),
    );
  });

  test('is admin, or all events, only where the issuer is trusted with it', () => {
    const roles = { ...payload, realm_access: { roles: ['admin'] } };
    expect(viewerOfClaims(roles, one())).toMatchObject({ permissions: new Set(), events: new Set() });
    expect(viewerOfClaims(roles, one({ permissions: ['admin'], eventsUnlessClaimed: 'all' }))).toMatchObject({ permissions: new Set(['admin']), events: 'all' });
    expect(viewerOfClaims({ ...payload, events: [] }, one({ eventsUnlessClaimed: 'all' })).events).toEqual(new Set());
    expect(viewerOfClaims({ ...payload, events: '*' }, one()).events).toBe('all');
  });

  test('is read from the claims that are configured', () => {
    const claims = { permissions: ['https://hub.test/roles'], events: 'hub.events', client: 'client_id' };
    const viewer = viewerOfClaims({ ...payload, 'https://hub.test/roles': ['read_events'], scope: 'read_orders', hub: { events: 'e1 e2' }, client_id: 'till' }, one({ claims }));
    expect(viewer).toMatchObject({ permissions: new Set(['read_events']), events: new Set(['e1', 'e2']), terms: { client: 'https://sso.test#till' } });
  });

  test('never takes the name of a client of the hub or of another issuer, unless the issuer is trusted with it', () => {
    const other = { issuer: 'https://other.test' };
    const clientOf = (settings: Record<string, unknown>) => viewerOfClaims({ ...payload, azp: 'Zapier' }, one(settings)).terms?.client;
    expect([clientOf({}), clientOf(other), clientOf({ clientPrefix: 'sso/' }), clientOf({ clientPrefix: '' })]).toEqual(['https://sso.test#Zapier', 'https://other.test#Zapier', 'sso/Zapier', 'Zapier']);
    expect(viewerOfClaims({ ...payload, azp: 'x'.repeat(200) }, one()).terms?.client).toBeNull();
  });

  test('is the tier without a budget only where the issuer is trusted with it', () => {
    const tierOf = (tier: string, settings: Record<string, unknown> = {}) => viewerOfClaims({ ...payload, tier }, one(settings)).terms?.tier;
    expect([tierOf('premium'), tierOf('internal'), tierOf('internal', { tiers: ['internal'] }), tierOf('premium', { tiers: [] })]).toEqual(['premium', 'partner', 'internal', 'partner']);
  });

  test('is what the token says itself', () => {
    for (const path of ['constructor', '__proto__', 'a.constructor', 'a.length', 'toString.name']) expect(claimAt({ a: ['x'] }, path) === undefined || path === 'a.length', path).toBe(true);
    expect([claimAt({ 'a.b': 1, a: { b: 2 } }, 'a.b'), claimAt({ a: { b: 2 } }, 'a.b'), claimAt({ a: null }, 'a.b')]).toEqual([1, 2, undefined]);
  });
});

describe('the setting', () => {
  test.each([
    ['no JSON', '[{', 'JSON'],
    ['no list', '{}', 'it'],
    ['an empty list', '[]', 'it'],
    ['an issuer that is no URL', '[{"issuer":"sso","audience":"x"}]', '0.issuer'],
    ['no audience', '[{"issuer":"https://sso.test"}]', '0.audience'],
    ['an unknown word', '[{"issuer":"https://sso.test","audience":"x","audiance":"y"}]', '0'],
    ['an unknown permission', '[{"issuer":"https://sso.test","audience":"x","permissions":["root"]}]', '0.permissions.0'],
    ['an issuer twice', '[{"issuer":"https://sso.test","audience":"x"},{"issuer":"https://sso.test","audience":"y"}]', 'twice'],
    ['a file that is not there', '/nowhere/issuers.json', 'ENOENT'],
  ])('with %s is refused by the name of its variable, and says where', (_, setting, where) => {
    expect(() => readJwtIssuers(setting)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', facts: { variable: 'EVENTGRAPH_JWT_ISSUERS' }, message: expect.stringContaining(where) }));
  });

  test('may stand in a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'eventgraph-issuers-'));
    try {
      writeFileSync(join(folder, 'issuers.json'), '[{"issuer":"https://sso.test","audience":"eventgraph"}]');
      expect(readJwtIssuers(join(folder, 'issuers.json'))).toMatchObject([{ issuer: 'https://sso.test', clockToleranceSeconds: 30, maxLifetimeSeconds: 86_400 }]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
