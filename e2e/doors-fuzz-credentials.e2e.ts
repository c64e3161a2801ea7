/** Credentials that are wrong in any way open nothing, and persisted operations of others are not there. */
import fc from 'fast-check';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createKey } from '#gateway/identity/test-issuer.ts';
import { nastyJson, nastyText } from './fuzzed-documents.ts';
import { type FuzzedHub, type Received, checkAnswer, runs, startFuzzedHub } from './fuzzed-hub.ts';

let hub: FuzzedHub;
beforeAll(async () => {
  hub = await startFuzzedHub();
});
afterAll(() => hub[Symbol.asyncDispose]());
afterEach(() => hub.isWell());

type Told = { readonly data?: Record<string, unknown>; readonly errors?: readonly { readonly extensions: { readonly code: string; readonly reason?: string } }[]; readonly code?: string; readonly reason?: string };
const told = ({ text }: Received): Told => JSON.parse(text) as Told;
const ask = (body: unknown, credential: string | null) => hub.send({ method: 'POST', path: '/graphql', headers: { 'content-type': 'application/json', ...(credential === null ? {} : { authorization: `Bearer ${credential}` }) }, body: JSON.stringify(body) });
const events = { query: '{ events { totalCount } }' };

/** Of the token at both doors: 401, and why. */
const refusedFor = async (token: string): Promise<unknown> => {
  const [graphql, rest] = [await ask(events, token), await hub.send({ path: '/api/v1/events', headers: { authorization: `Bearer ${token}` } })];
  for (const answer of [graphql, rest]) {
    checkAnswer(answer);
    expect(answer.status, answer.text).toBe(401);
  }
  expect(told(rest).code).toBe('UNAUTHENTICATED');
  expect(told(rest).reason).toBe(told(graphql).errors?.[0]?.extensions.reason);
  return told(graphql).errors?.[0]?.extensions.reason;
};

const now = () => Math.floor(Date.now() / 1000);
const claims = () => ({ iss: hub.issuer.issuer, aud: 'eventgraph', sub: 'eve', scope: 'read_events admin', events: '*', exp: now() + 300 });
const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('JWTs', () => {
  test('one that is right opens the door', async () => {
    expect(told(await ask(events, await hub.issuer.sign(claims())))).toEqual({ data: { events: { totalCount: 1 } } });
  });

  test('without a signature, signed by somebody else, or with the public key as a secret', async () => {
    const stranger = await createKey(hub.issuer.key().kid);
    const publicKey = new TextEncoder().encode(JSON.stringify(hub.issuer.key().jwk));
    expect(await refusedFor(new UnsecuredJWT(claims()).encode())).toBe('algorithm');
    expect(await refusedFor(`${encoded({ alg: 'none', typ: 'JWT' })}.${encoded(claims())}.AAAA`)).toBe('algorithm');
    expect(await refusedFor(await new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(publicKey))).toBe('algorithm');
    expect(await refusedFor(await new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(stranger.privateKey))).toBe('signature');
    expect(await refusedFor(await new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', kid: 'k9', jwk: stranger.jwk, jku: 'http://127.0.0.1:1/keys' }).sign(stranger.privateKey))).toBe('key');
  });

  test('out of its time, for somebody else, or of nobody', async () => {
    expect(await refusedFor(await hub.issuer.sign({ ...claims(), exp: now() - 3_600 }))).toBe('expired');
    expect(await refusedFor(await hub.issuer.sign({ ...claims(), exp: now() + 10 * 365 * 86_400 }))).toBe('lifetime');
    expect(await refusedFor(await hub.issuer.sign({ ...claims(), exp: 8.64e15 }))).toBe('lifetime');
    expect(await refusedFor(await hub.issuer.sign({ ...claims(), exp: undefined }))).toBe('claim');
    expect(await refusedFor(await hub.issuer.sign({ ...claims(), nbf: now() + 3_600 }))).toBe('not_yet_valid');
    expect(await refusedFor(await hub.issuer.sign({ ...claims(), aud: 'another' }))).toBe('audience');
    expect(await refusedFor(await hub.issuer.sign({ ...claims(), iss: 'http://elsewhere.test' }))).toBe('issuer');
    expect(await refusedFor(await hub.issuer.sign({ ...claims(), sub: undefined }))).toBe('claim');
  });

  test('whose bytes were changed anywhere', async () => {
    const token = await hub.issuer.sign(claims());
    const change = fc.tuple(fc.nat(token.length - 2), fc.constantFrom(...'ABCxyz019-_.='));
    await fc.assert(fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      const other = changes.reduce((text, [at, character]) => text.slice(0, at) + character + text.slice(at + 1), token);
      fc.pre(other !== token);
      await refusedFor(other);
    }), runs(60));
  });

  test('with any header and any claims, properly signed: refused, or let in with what they clearly say and no more', async () => {
    const name = fc.constantFrom('iss', 'aud', 'sub', 'exp', 'nbf', 'iat', 'scope', 'permissions', 'realm_access', 'events', 'tier', 'documents', 'azp', 'policies', '__proto__');
    const header = fc.dictionary(fc.constantFrom('kid', 'typ', 'cty', 'jku', 'x5u', 'jwk'), nastyJson, { maxKeys: 2 });
    await fc.assert(fc.asyncProperty(fc.dictionary(name, nastyJson, { maxKeys: 3 }), header, async (some, head) => {
      const token = await hub.issuer.sign({ ...claims(), ...some }, head).catch(() => null);
      fc.pre(token !== null && token.length < 8_000);
      const answer = await ask({ query: '{ events { totalCount } apiKeys { totalCount } }' }, token);
      checkAnswer(answer);
      expect(answer.status === 401 || told(answer).data?.['apiKeys'] === null, answer.text).toBe(true);
    }), runs(80));
  });

  test('that are none', async () => {
    const part = fc.oneof(nastyJson.map(encoded), fc.base64String({ maxLength: 40 }), fc.constantFrom('', 'e30', 'bnVsbA'));
    const parts = fc.array(part, { minLength: 3, maxLength: 5 }).map((list) => list.join('.').replaceAll(/[^!-~]/g, ''));
    await fc.assert(fc.asyncProperty(parts, async (token) => void (await refusedFor(token))), runs(60));
    expect(await refusedFor(`${encoded({ alg: 'ES256' })}.${'A'.repeat(9_000)}.AA`)).toBe('too_large');
  });
});

test('keys: only the whole key opens the door', async () => {
  const key = await hub.key({ clientName: 'small', permissions: ['read_events'], eventAccess: ['fair'], documents: 'ANY' });
  expect(told(await ask(events, key)).data).toEqual({ events: { totalCount: 1 } });
  const changed = fc.tuple(fc.nat(key.length - 1), fc.stringMatching(/^[!-~]{0,3}$/)).map(([at, text]) => key.slice(0, at) + text + key.slice(at + 1));
  await fc.assert(fc.asyncProperty(changed, async (other) => {
    fc.pre(other !== key && other !== '');
    await refusedFor(other);
  }), runs(60));
});

test('persisted operations of another client are not there, however their ids are written', async () => {
  const [one, other] = [await hub.key({ clientName: 'one', permissions: ['read_events', 'publish_operations'], eventAccess: ['fair'], documents: 'PERSISTED' }), await hub.key({ clientName: 'other', permissions: ['read_events'], eventAccess: ['fair'], documents: 'PERSISTED' })];
  const body = 'query Mine { events { totalCount } }';
  const publish = 'mutation PublishOperations($input: PublishOperationsInput!) { publishOperations(input: $input) { added { id } userErrors { code } } }';
  const published = await ask({ query: publish, variables: { input: { client: 'one', operations: [{ id: 'mine', name: 'Mine', type: 'QUERY', body }] } } }, hub.adminKey);
  const id = (told(published).data as { publishOperations: { added: { id: string }[] } }).publishOperations.added[0]?.id ?? '';
  expect(told(await ask({ documentId: id }, one)).data).toEqual({ events: { totalCount: 1 } });
  const written = fc.oneof(fc.constantFrom(id, id.toUpperCase(), `sha256:${id}`, `${id} `, ` ${id}`, `one/${id}`, `one:${id}`), fc.tuple(nastyText, fc.boolean()).map(([text, before]) => (before ? text + id : id + text)), nastyText);
  const named = fc.tuple(written, fc.boolean()).map(([name, isHash]) => (isHash ? { extensions: { persistedQuery: { version: 1, sha256Hash: name } } } : { documentId: name }));
  await fc.assert(fc.asyncProperty(named, fc.constantFrom(other, null), async (asked, credential) => {
    const answer = await ask({ ...asked }, credential);
    checkAnswer(answer);
    expect(['PERSISTED_QUERY_NOT_FOUND', 'BAD_REQUEST']).toContain(told(answer).errors?.[0]?.extensions.code);
  }), runs(80));
  // Nor may the text itself be sent by who may send persisted operations alone.
  expect(told(await ask({ query: body }, other)).errors?.[0]?.extensions.code).toBe('PERSISTED_OPERATIONS_ONLY');
});
