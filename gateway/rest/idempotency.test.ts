import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Viewer } from '#core/viewer.ts';
import { createChannel } from '../testing/channel.ts';
import { refuse } from '../errors.ts';
import { subgraph } from '../testing/kit.ts';
import { openTestHub } from '#core/testing-hub.ts';
import { createIdempotencyKeys, keyInHeader } from './idempotency.ts';
import { type TestDoorOptions, openTestDoor } from './test-door.ts';

const viewer = (keyId: string): Viewer => ({ kind: 'key', keyId, permissions: new Set(), events: 'all' });
const operation = (path: string) => `mutation Make${path.length}($title: String!) @rest(method: POST, paths: [{ path: "${path}" }], summary: "Make", status: 201, schema: "Made", answer: "make") { make(title: $title) { secret number } }`;
const day = 24 * 3_600_000;

const open = async (options: Partial<TestDoorOptions> = {}) => {
  let made = 0;
  const begun = createChannel<object>();
  const held = Promise.withResolvers<void>();
  const make = async (_: unknown, { title }: { title: string }) => {
    const number = ++made;
    begun.publish({});
    if (title === 'slow') await held.promise;
    if (title === 'fails') throw new Error('no');
    return { secret: `sesame-${title}`, number };
  };
  const things = subgraph('things', 'type Query { a: Int } type Mutation { make(title: String!): Made! } type Made { secret: String! number: Int! }', { Mutation: { make } });
  const door = await openTestDoor({ subgraphs: [things], operations: [operation('/api/v1/make'), operation('/api/v1/other')], viewers: { one: viewer('one'), two: viewer('two'), narrow: { ...viewer('one'), events: new Set(['e1']) } }, ...options });
  const send = (idempotencyKey: string, title: string, { path = '/api/v1/make', key = 'one' } = {}) => door.ask(path, { key, body: { title }, headers: { 'idempotency-key': idempotencyKey } });
  return { door, send, made: () => made, begun, letGo: () => held.resolve(), [Symbol.asyncDispose]: () => door[Symbol.asyncDispose]() };
};

test('a request that is sent again is answered as the first time and not carried out', async () => {
  await using it = await open();
  const first = await it.send('k', 'x');
  const again = await it.send('"k"', 'x');
  expect([first.status, first.body, first.headers.get('idempotency-replayed')]).toEqual([201, { secret: 'sesame-x', number: 1 }, null]);
  expect([again.status, again.body, again.headers.get('idempotency-replayed')]).toEqual([201, first.body, 'true']);
  expect(it.made()).toBe(1);
});

test('of fifty equal requests at once one is carried out', async () => {
  await using it = await open();
  const told = await Promise.all(Array.from({ length: 50 }, () => it.send('k', 'x')));
  expect(it.made()).toBe(1);
  const first = told.filter(({ status, headers }) => status === 201 && headers.get('idempotency-replayed') === null);
  const others = told.filter((each) => !first.includes(each));
  expect(first.length).toBe(1);
  expect(others.every(({ status, body, headers }) => (status === 201 ? headers.get('idempotency-replayed') === 'true' && body.number === 1 : status === 409 && body.code === 'IDEMPOTENCY_KEY_IN_USE'))).toBe(true);
});

test('while the first is under way a second one is told to wait', async () => {
  await using it = await open();
  const reader = it.begun.subscribe();
  const begins = reader.next();
  const first = it.send('k', 'slow');
  await begins;
  const second = await it.send('k', 'slow');
  expect([second.status, second.body.code, second.headers.get('retry-after')]).toEqual([409, 'IDEMPOTENCY_KEY_IN_USE', '1']);
  it.letGo();
  expect((await first).status).toBe(201);
  expect((await it.send('k', 'slow')).headers.get('idempotency-replayed')).toBe('true');
  await reader.return?.();
});

test('a key with other parameters is refused', async () => {
  await using it = await open();
  await it.send('k', 'x');
  expect((await it.send('k', 'y')).body).toMatchObject({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
  expect(it.made()).toBe(1);
});

test('a key is not answered to a token of the same account with other rights', async () => {
  await using it = await open();
  await it.send('k', 'x');
  expect((await it.send('k', 'x', { key: 'narrow' })).body).toMatchObject({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
  expect(it.made()).toBe(1);
});

test('keys of other clients and at other paths are other keys', async () => {
  await using it = await open();
  await it.send('k', 'x');
  expect((await it.send('k', 'x', { key: 'two' })).body.number).toBe(2);
  expect((await it.send('k', 'x', { path: '/api/v1/other' })).body.number).toBe(3);
});

test('a failure of what was carried out is given again as well', async () => {
  await using it = await open();
  const first = await it.send('k', 'fails');
  const again = await it.send('k', 'fails');
  expect([first.status, again.status, again.headers.get('idempotency-replayed'), it.made()]).toEqual([500, 500, 'true', 1]);
});

test('what was refused before it was carried out can be sent again', async () => {
  let isSpent = true;
  const budgets: TestDoorOptions['budgets'] = {
    async charge() {
      if (isSpent) throw refuse('RATE_LIMITED', 'Later.', { retryAfter: 1 });
      return { cost: 1, headers: {}, settle: () => undefined };
    },
  };
  await using it = await open({ budgets });
  expect((await it.send('k', 'x')).status).toBe(429);
  isSpent = false;
  const sent = await it.send('k', 'x');
  expect([sent.status, sent.headers.get('idempotency-replayed'), it.made()]).toEqual([201, null, 1]);
});

test('a key is kept for 24 hours', async () => {
  await using it = await open();
  await it.send('k', 'x');
  it.door.clock.now = new Date(it.door.clock.now.getTime() + day - 1);
  expect((await it.send('k', 'x')).headers.get('idempotency-replayed')).toBe('true');
  it.door.clock.now = new Date(it.door.clock.now.getTime() + 2);
  expect((await it.send('k', 'x')).body.number).toBe(2);
  expect(JSON.parse(await it.door.stored()).length).toBe(1);
});

test('nothing that was sent or answered can be read in the database', async () => {
  await using it = await open();
  await it.send('k', 'swordfish');
  expect(await it.door.stored()).not.toMatch(/sesame|swordfish/);
});

test('what was broken off is never carried out again, and told so', async () => {
  await using opened = await openTestHub();
  const keys = createIdempotencyKeys(opened.hub);
  const key = { client: 'c', path: '/p', key: 'k' };
  expect((await keys.claim(key, { a: 1, b: 2 })).kind).toBe('mine');
  expect((await keys.claim(key, { b: 2, a: 1 })).kind).toBe('running');
  opened.clock.now = new Date(opened.clock.now.getTime() + 5 * 60_000);
  expect((await createIdempotencyKeys(opened.hub).claim(key, { a: 1, b: 2 })).kind).toBe('unknown');
});

test('a header of any kind is one key, of visible ASCII, or none', () => {
  const text = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)), maxLength: 300 });
  fc.assert(fc.property(fc.oneof(text, text.map((inner) => `"${inner}"`), fc.constantFrom<unknown>(undefined, null, ['a', 'b'])), (header) => {
    const key = keyInHeader(header);
    expect(key === null || (/^[!-~]{1,255}$/.test(key) && String(header).replace(/^"(.*)"$/, '$1') === key)).toBe(true);
  }));
});

test('keys that are no visible ASCII are refused', async () => {
  await using it = await open();
  for (const bad of ['', '""', 'a b', 'x'.repeat(256), '"a', 'a\\b']) expect([bad, keyInHeader(bad)]).toEqual([bad, null]);
  for (const good of ['a', '"a"', 'x'.repeat(255), '8e03978e-40d5-43dd-bc93-6894a57f9324']) expect(keyInHeader(good)).toBe(good.replaceAll('"', ''));
  expect((await it.send('a b', 'x')).body).toMatchObject({ status: 400, code: 'IDEMPOTENCY_KEY_INVALID', field: 'Idempotency-Key' });
  expect(it.made()).toBe(0);
});
