/** What caches of clients and on the way are told. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UnauthenticatedError } from '#core/errors.ts';
import { createMemoryTaggedCache } from '#core/tagged-cache.ts';
import { silentLogger } from '#core/testing.ts';
import { publicViewer } from '#core/viewer.ts';
import { hinted } from '../testing/hinted.ts';
import { startGateway, viewerWith } from '../testing/kit.ts';
import { type HttpServer, createHttpServer } from './http.ts';

let now = 0;
let value = 1;
const cache = createMemoryTaggedCache({ maxBytes: 1_000_000, now: () => now });
const things = hinted(
  'things',
  `type Query { kept: Int @cacheControl(maxAge: 60) mine: Int @cacheControl(maxAge: 60, scope: PRIVATE) bare: Int secret: Int @authenticated @cacheControl(maxAge: 60) broken: Int @cacheControl(maxAge: 60) } type Mutation { change: Int }`,
  {
    Query: {
      kept: () => value,
      mine: () => value,
      bare: () => value,
      secret: () => value,
      broken: () => {
        throw new Error('no');
      },
    },
    Mutation: { change: () => ++value },
  },
);
let server: HttpServer;
let url: string;
beforeAll(async () => {
  const { gateway } = startGateway([things], { cache, report: () => undefined });
  server = await createHttpServer({
    gateway,
    logger: silentLogger,
    identify: async (credential) => {
      if (credential === null) return publicViewer;
      if (credential === 'IPK_good') return viewerWith('read_orders');
      throw new UnauthenticatedError();
    },
  });
  url = `${await server.app.listen({ port: 0, host: '127.0.0.1' })}/graphql`;
});
afterAll(() => server.app.close());

const get = async (query: string, headers: Record<string, string> = {}) => {
  const response = await fetch(`${url}?query=${encodeURIComponent(query)}`, { headers });
  return { status: response.status, cacheControl: response.headers.get('cache-control'), etag: response.headers.get('etag'), vary: response.headers.get('vary'), text: await response.text(), requestId: response.headers.get('x-request-id') };
};
const key = { authorization: 'Bearer IPK_good' };

describe('an answer to GET says for how long it may be kept', () => {
  test('by anybody, where nobody said who they are', async () => {
    expect(await get('{ kept }')).toMatchObject({ status: 200, cacheControl: expect.stringMatching(/^public, max-age=(59|60)$/), vary: 'Authorization, X-API-Key, Accept, Origin' });
  });
  test('by the client alone, where it said who it is or a hint says so', async () => {
    expect(await get('{ kept }', key)).toMatchObject({ cacheControl: expect.stringMatching(/^private, max-age=(59|60)$/) });
    expect(await get('{ kept }', { 'x-api-key': 'IPK_good' })).toMatchObject({ cacheControl: expect.stringMatching(/^private, /) });
    expect(await get('{ mine }')).toMatchObject({ cacheControl: expect.stringMatching(/^private, /) });
  });
  test('and no longer than the answer lasts here', async () => {
    await get('{ again: kept }');
    now += 45_000;
    expect(await get('{ again: kept }')).toMatchObject({ cacheControl: expect.stringMatching(/^public, max-age=1[45]$/) });
  });
  test('not at all without a hint, with an error, or where it is refused', async () => {
    for (const query of ['{ bare }', '{ kept bare }', '{ broken }', '{ secret }', '{ nothing }', '{']) expect(await get(query)).toMatchObject({ cacheControl: 'no-store' });
    expect(await get('{ kept }', { authorization: 'Bearer IPK_bad' })).toMatchObject({ status: 401, cacheControl: 'no-store' });
    expect(await get('mutation { change }')).toMatchObject({ status: 405, cacheControl: 'no-store' });
  });
});

describe('who has the answer already is told so', () => {
  test('with 304 and the same headers, until it changes', async () => {
    const first = await get('{ kept }');
    expect(first.etag).toMatch(/^"[\w.-]+"$/);
    expect(await get('{ kept }', { 'if-none-match': `"other", W/${first.etag}` })).toMatchObject({ status: 304, etag: first.etag, vary: first.vary, cacheControl: expect.stringMatching(/^public/), text: '', requestId: expect.any(String) });
    expect(await get('{ kept }', { 'if-none-match': '*' })).toMatchObject({ status: 304 });
    await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"query":"mutation { change }"}' });
    const changed = await get('{ kept }', { 'if-none-match': first.etag ?? '' });
    expect(changed).toMatchObject({ status: 200, text: `{"data":{"kept":${value}}}` });
    expect(changed.etag).not.toBe(first.etag);
  });
  test('also of what is not kept here, and never of an error', async () => {
    const { etag } = await get('{ bare }');
    expect(await get('{ bare }', { 'if-none-match': etag ?? '' })).toMatchObject({ status: 304 });
    expect(await get('{ broken }', { 'if-none-match': '*' })).toMatchObject({ status: 200, etag: null });
  });
  test('for the media type that it has', async () => {
    const [json, response] = [await get('{ kept }', { accept: 'application/json' }), await get('{ kept }', { accept: 'application/graphql-response+json' })];
    expect(json.text).toBe(response.text);
    expect(json.etag).not.toBe(response.etag);
  });
});
