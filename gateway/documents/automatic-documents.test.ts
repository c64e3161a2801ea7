/** Automatic persisted queries: in process and in Redis alike, and with Apollo's own client. */
import { randomUUID } from 'node:crypto';
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client/core';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Cache, createMemoryCache, createRedisCache } from '#core/cache.ts';
import { sha256Hex } from '#core/digest.ts';
import { silentLogger } from '#core/testing.ts';
import { createAutomaticDocuments } from './automatic-documents.ts';
import { type Doors, byHash, openDoors, operation, viewerOf } from './test-doors.ts';

describe.each([
  { form: 'in memory', open: async () => createMemoryCache() },
  { form: 'in Redis', open: () => createRedisCache(inject('redisUrl'), silentLogger) },
])('documents kept $form', ({ open }) => {
  let cache: Cache;
  let doors: Doors;
  beforeAll(async () => {
    cache = await open();
    doors = await openDoors({ cache });
  });
  afterAll(async () => {
    await doors[Symbol.asyncDispose]();
    await cache[Symbol.asyncDispose]();
  });
  const fresh = () => `{ hello(name: "${randomUUID()}") }`;

  test('a hash that is not known is told in the words that Apollo’s clients wait for, and never kept by a cache on the way', async () => {
    const answer = await doors.get(byHash(sha256Hex(fresh())));
    expect(answer).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND', message: 'PersistedQueryNotFound' });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('a text sent with its hash is run by the hash from then on, at every gateway', async () => {
    const query = fresh();
    await using another = await openDoors({ cache });
    const answer = await doors.post({ query, ...byHash(sha256Hex(query)) });
    expect(answer.status).toBe(200);
    for (const gateway of [doors, another]) expect(await gateway.get(byHash(sha256Hex(query)))).toMatchObject({ status: 200, data: answer.data });
  });

  test('a text with the hash of another is refused, and neither is kept', async () => {
    const [one, two] = [fresh(), fresh()];
    expect(await doors.post({ query: one, ...byHash(sha256Hex(two)) })).toMatchObject({ status: 400, code: 'PERSISTED_QUERY_HASH_MISMATCH' });
    for (const text of [one, two]) expect(await doors.post(byHash(sha256Hex(text)))).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' });
  });

  test.each(['{ nonsense', '{ noSuchField }', 'type A { b: Int }', `{ ${'hello '.repeat(20_000)} }`])('what is no valid document is not kept', async (text) => {
    const query = `${text}# ${randomUUID()}`;
    const refused = await doors.post({ query, ...byHash(sha256Hex(query)) });
    expect(refused.data).toBeUndefined();
    expect(await doors.post(byHash(sha256Hex(query)))).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' });
  });

  test('a long document is run and not kept', async () => {
    const query = `{ hello } # ${'x'.repeat(16_000)}`;
    expect(await doors.post({ query, ...byHash(sha256Hex(query)) })).toMatchObject({ status: 200 });
    expect(await doors.post(byHash(sha256Hex(query)))).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' });
  });

  test('a text with half a character, which has the hash of another text, is refused and not kept', async () => {
    const [half, whole] = ['\ud800', '\ufffd'].map((character) => `{ hello } # ${character} ${sha256Hex(doors.url)}`);
    expect(sha256Hex(half ?? '')).toBe(sha256Hex(whole ?? ''));
    expect(await doors.post({ query: half, ...byHash(sha256Hex(half ?? '')) })).toMatchObject({ status: 400, code: 'GRAPHQL_PARSE_FAILED' });
    expect(await doors.post(byHash(sha256Hex(whole ?? '')))).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' });
  });

  test('whatever is kept, lost or overwritten: a hash stands for its own text, or for none', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ text, gateway: fc.nat(1), damage: fc.option(fc.oneof(text, fc.constant(7)), { freq: 4 }) }), { maxLength: 16 }), async (steps) => {
        // Few places, so that documents push one another out.
        const gateways = [0, 1].map(() => createAutomaticDocuments({ cache, logger: silentLogger, places: 3 }));
        const hashes = steps.map((step) => sha256Hex(step.text));
        for (const [index, step] of steps.entries()) {
          const hash = hashes[index] ?? '';
          await gateways[step.gateway]?.keep(hash, step.text);
          if (step.damage !== null) await cache.set(`apq:${Number.parseInt(hash.slice(0, 8), 16) % 3}`, step.damage, 60_000);
          for (const other of hashes) for (const gateway of gateways) {
            const found = await gateway.find(other);
            if (found !== undefined) expect(sha256Hex(found)).toBe(other);
          }
          expect(await gateways[step.gateway]?.find(hash)).toBe(step.text);
        }
      }),
      { numRuns: 20 },
    );
  });
});

test('a store that does not answer costs clients a second request, and nothing else', async () => {
  const broken: Cache = { ...createMemoryCache(), get: () => Promise.reject(new Error('gone')), set: () => Promise.reject(new Error('gone')) };
  await using doors = await openDoors({ cache: broken });
  const query = '{ hello }';
  expect(await doors.post(byHash(sha256Hex(query)))).toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' });
  expect(await doors.post({ query, ...byHash(sha256Hex(query)) })).toMatchObject({ status: 200 });
});

describe('Apollo Client with its link for persisted queries', () => {
  const document = gql`query Greet($name: String) { hello(name: $name) }`;
  const clientOf = (doors: Doors, options: { key?: string; ids?: (query: unknown) => string; get?: boolean } = {}) => {
    const sent: { method: string | undefined; query: boolean }[] = [];
    const counting: typeof fetch = (input, init) => (sent.push({ method: init?.method, query: `${String(input)}${String(init?.body)}`.includes('hello') }), fetch(input, init));
    const http = new HttpLink({ uri: doors.url, fetch: counting, headers: options.key ? { authorization: `Bearer ${options.key}` } : {} });
    const persisted = new PersistedQueryLink({ ...(options.ids ? { generateHash: options.ids } : { sha256: sha256Hex }), useGETForHashedQueries: options.get ?? false });
    return { client: new ApolloClient({ link: persisted.concat(http), cache: new InMemoryCache() }), sent };
  };
  const ask = (client: ApolloClient, name: string) => client.query({ query: document, variables: { name }, fetchPolicy: 'network-only' });

  test('sends the hash by GET, then once the text, then the hash alone', async () => {
    await using doors = await openDoors();
    const { client, sent } = clientOf(doors, { get: true });
    expect((await ask(client, 'Ada')).data).toMatchObject({ hello: 'Hello Ada' });
    expect((await ask(client, 'Bob')).data).toMatchObject({ hello: 'Hello Bob' });
    expect(sent.map(({ query }) => query)).toEqual([false, true, false]);
    expect(sent[0]?.method).toBe('GET');
  });

  test('with the ids of its manifest never sends a text', async () => {
    const body = 'query Greet($name: String) {\n  hello(name: $name)\n}';
    await using doors = await openDoors({ published: [{ ...operation('Greet', body, 'greet-1'), client: 'crm' }] });
    const { client, sent } = clientOf(doors, { key: doors.keyOf(viewerOf('crm', 'persisted')), ids: () => 'greet-1' });
    expect((await ask(client, 'Ada')).data).toMatchObject({ hello: 'Hello Ada' });
    expect(sent.map(({ query }) => query)).toEqual([false]);
  });
});
