import { graphql } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeKey } from '#core/pagination.ts';
import type { RecordFact } from '#core/facts.ts';
import { buildSubgraph } from '#core/subgraph.ts';
import { type TestHub, openTestHub } from '#core/testing-hub.ts';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { entities } from './entities.ts';
import { applyFacts } from './facts.ts';
import { subgraph } from './index.ts';

let own: TestHub;

beforeAll(async () => {
  own = await openTestHub({ entities });
});
afterAll(() => own[Symbol.asyncDispose]());

const at = (second: number) => new Date(Date.UTC(2024, 0, 1) + second * 1000);
const told = (type: string, eventId: string, upstreamId: string, data: RecordFact['data'], second = 0): RecordFact => ({ kind: 'record', type, eventId, upstreamId, at: at(second), data });
const event = (id: string, slug: string, subevent: number | null = null) => told('pretix.event', id, slug, { organizer: 'acme', slug, subevent, currency: 'EUR', live: true, testmode: false });
const list = (id: string, slug: string, number: number, subevent: number | null, insideCount = 0, second = 0) => told('pretix.checkInList', id, String(number), { slug, name: `List ${number}`, subevent, allProducts: true, products: [], includePending: false, checkInCount: insideCount, positionCount: 9, insideCount }, second);
const quota = (id: string, slug: string, number: number, subevent: number | null) => told('pretix.quota', id, String(number), { slug, name: `Quota ${number}`, size: 10, subevent, products: [1], closed: false, availableNumber: 3 });
const product = (id: string, slug: string, number: number) => told('pretix.product', id, String(number), { slug, name: 'Ticket', active: true, admission: true, price: '49.00', variations: [{ id: 7, name: 'Red', active: true, price: null }] });
const order = (id: string, code: string, second: number, events = [id], status = 'p') => told('pretix.order', id, code, { status, testmode: false, placedAt: at(second).toISOString(), total: '64.00', salesChannel: 'web', events, positions: [{ id: 1, number: 1, product: 1, variation: null, price: '49.00', state: 'CONFIRMED', participant: 'hashed' }] }, second);
const apply = (facts: readonly RecordFact[], serviceId = 's1') => applyFacts(own.hub.database.em(), facts, { serviceId, now: at(0) });

const viewer = (events: readonly string[], permissions: Viewer['permissions'] = new Set(['read_events', 'read_attendance', 'read_orders', 'read_participants'])): Viewer => ({ kind: 'key', keyId: 'k', permissions, events: new Set(events) });

const everything = `organizerSlug slug dateId live testMode products { id name admission price { amount currency } variations { id name price { amount } } } quotas { id availableNumber productIds }
  checkInLists { id name insideCount updatedAt } orders(first: 2) { totalCount edges { cursor node { code status total { amount currency } positions { id state price { amount } participant } } } pageInfo { hasNextPage } }`;
const ask = async (ids: readonly string[], who: Viewer, fields = everything) => {
  const built = buildSubgraph(subgraph, own.hub);
  const source = `query ($r: [_Any!]!) { _entities(representations: $r) { ... on PretixEvent { id ${fields} } } }`;
  const result = await graphql({ schema: built.schema, source, contextValue: built.contextFor(who, 'test', new AbortController().signal), variableValues: { r: ids.map((id) => ({ __typename: 'PretixEvent', id })) } });
  return { entities: JSON.parse(JSON.stringify(result.data?._entities ?? [])) as (Record<string, unknown> | null)[], errors: result.errors };
};

describe('an event', () => {
  test('shows what it sells, how it counts, and its orders in pages, newest first', async () => {
    await apply([event('e1', 'conf'), product('e1', 'conf', 1), quota('e1', 'conf', 2, null), list('e1', 'conf', 3, null, 5), order('e1', 'AAAAA', 1), order('e1', 'BBBBB', 3, ['e1'], 'c'), order('e1', 'CCCCC', 2)]);
    const { entities: [shown], errors } = await ask(['e1'], viewer(['e1']));
    expect(errors).toBeUndefined();
    expect(shown).toMatchObject({
      organizerSlug: 'acme', slug: 'conf', dateId: null, live: true, testMode: false,
      products: [{ id: '1', name: 'Ticket', admission: true, price: { amount: '49.00', currency: 'EUR' }, variations: [{ id: '7', name: 'Red', price: null }] }],
      quotas: [{ id: '2', availableNumber: 3, productIds: ['1'] }],
      checkInLists: [{ id: '3', name: 'List 3', insideCount: 5, updatedAt: '2024-01-01T00:00:00.000Z' }],
      orders: { totalCount: 3, pageInfo: { hasNextPage: true }, edges: [{ node: { code: 'BBBBB', status: 'CANCELED' } }, { node: { code: 'CCCCC', status: 'PAID', total: { amount: '64.00', currency: 'EUR' }, positions: [{ id: '1', state: 'CONFIRMED', price: { amount: '49.00' }, participant: 'hashed' }] } }] },
    });
    const cursor = ((shown?.orders as { edges: { cursor: string }[] }).edges[1] ?? { cursor: '' }).cursor;
    const next = await ask(['e1'], viewer(['e1']), `orders(first: 2, after: "${cursor}") { edges { node { code } } pageInfo { hasNextPage } }`);
    expect(next.entities).toMatchObject([{ orders: { edges: [{ node: { code: 'AAAAA' } }], pageInfo: { hasNextPage: false } } }]);
    for (const strange of ['nonsense', encodeKey(['yesterday', 'x']), encodeKey([5, 'x']), encodeKey(['2024-13-45T00:00:00.000Z', 'x'])]) {
      const refused = await ask(['e1'], viewer(['e1']), `orders(after: "${strange}") { totalCount }`);
      expect(refused.errors?.[0]?.originalError, strange).toMatchObject({ code: 'CURSOR_INVALID' });
    }
  });
  test('that is a date of a series shows what is of this date and of all, whichever date it was told under', async () => {
    await apply([event('w1', 'workshops', 1), event('w2', 'workshops', 2), product('w1', 'workshops', 6), quota('w1', 'workshops', 1, 1), quota('w1', 'workshops', 2, 2), list('w1', 'workshops', 3, 2), list('w1', 'workshops', 4, null)]);
    const { entities: [second] } = await ask(['w2'], viewer(['w2']));
    expect(second).toMatchObject({ slug: 'workshops', dateId: '2', products: [{ id: '6' }], quotas: [{ id: '2' }], checkInLists: [{ id: '3' }, { id: '4' }] });
  });
  test('of another service keeps its own, though the slugs are the same', async () => {
    await apply([event('x1', 'same'), product('x1', 'same', 1)], 's1');
    await apply([event('x2', 'same'), product('x2', 'same', 2), told('pretix.offer', 'x2', 'same', { slug: 'same', products: ['2'], quotas: [], lists: [] })], 's2');
    const { entities: shown } = await ask(['x1', 'x2'], viewer(['x1', 'x2']), 'products { id }');
    expect(shown).toMatchObject([{ products: [{ id: '1' }] }, { products: [{ id: '2' }] }]);
  });
  test('that pretix never told of has nothing', async () => {
    const { entities: shown, errors } = await ask(['nothing'], viewer(['nothing']));
    expect(errors).toBeUndefined();
    expect(shown).toEqual([{ id: 'nothing', organizerSlug: null, slug: null, dateId: null, live: null, testMode: null, products: [], quotas: [], checkInLists: [], orders: { totalCount: 0, edges: [], pageInfo: { hasNextPage: false } } }]);
  });
});

describe('records', () => {
  test('are kept as last told', async () => {
    await apply([event('n1', 'news'), list('n1', 'news', 1, null, 7, 2), list('n1', 'news', 1, null, 3, 1)]);
    expect((await ask(['n1'], viewer(['n1']), 'checkInLists { insideCount }')).entities).toMatchObject([{ checkInLists: [{ insideCount: 7 }] }]);
    await apply([list('n1', 'news', 1, null, 8, 3)]);
    expect((await ask(['n1'], viewer(['n1']), 'checkInLists { insideCount }')).entities).toMatchObject([{ checkInLists: [{ insideCount: 8 }] }]);
  });
  test('of what pretix no longer has are dropped', async () => {
    await apply([event('d1', 'drop'), product('d1', 'drop', 1), product('d1', 'drop', 2), quota('d1', 'drop', 3, null), list('d1', 'drop', 4, null)]);
    await apply([told('pretix.offer', 'd1', 'drop', { slug: 'drop', products: ['2'], quotas: [], lists: ['4'] })]);
    expect((await ask(['d1'], viewer(['d1']), 'products { id } quotas { id } checkInLists { id }')).entities).toMatchObject([{ products: [{ id: '2' }], quotas: [], checkInLists: [{ id: '4' }] }]);
  });
  test('of an order that was moved to another date leave the first', async () => {
    await apply([event('m1', 'moves', 1), event('m2', 'moves', 2), order('m1', 'MOVED', 1)]);
    await apply([order('m2', 'MOVED', 2, ['m2'])]);
    expect((await ask(['m1', 'm2'], viewer(['m1', 'm2']), 'orders { totalCount }')).entities).toMatchObject([{ orders: { totalCount: 0 } }, { orders: { totalCount: 1 } }]);
  });
});

test('many events cost as many statements as one', async () => {
  const ids = Array.from({ length: 100 }, (_, index) => `many-${index}`);
  await apply(ids.flatMap((id) => [event(id, id), product(id, id, 1), quota(id, id, 2, null), list(id, id, 3, null), order(id, 'AAAAA', 1)]));
  const count = async (some: readonly string[]) => {
    const before = own.statements();
    expect((await ask(some, viewer(some))).entities).toHaveLength(some.length);
    return own.statements() - before;
  };
  const counts = [await count(ids.slice(0, 1)), await count(ids.slice(0, 10)), await count(ids)];
  expect(counts).toEqual([6, 6, 6]);
});

test('nobody sees an event that is not on the list of the key, nor a field without its permission', async () => {
  await apply([event('secret', 'secret'), order('secret', 'AAAAA', 1)]);
  expect((await ask(['secret'], viewer(['another']))).entities).toEqual([null]);
  expect((await ask(['secret'], publicViewer)).entities).toEqual([null]);
  for (const [field, permission] of [['products { id }', 'read_attendance'], ['quotas { id }', 'read_attendance'], ['checkInLists { id }', 'read_orders'], ['orders { totalCount }', 'read_attendance']] as const) {
    const without = await ask(['secret'], viewer(['secret'], new Set([permission])), field);
    expect(without.errors?.[0]?.originalError).toMatchObject({ code: 'FORBIDDEN' });
    expect(Object.values(without.entities[0] ?? {})).toEqual(['secret', null]);
  }
  const anonymous = await ask(['secret'], viewer(['secret'], new Set(['read_orders'])), 'orders { edges { node { code positions { participant } } } }');
  expect(JSON.stringify(anonymous.entities)).not.toContain('hashed');
});
