import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startJobs } from '#core/jobs.ts';
import { encodeKey } from '#core/pagination.ts';
import { query } from '#core/sql.ts';
import { silentLogger, within } from '#core/testing.ts';
import { type TestHub, asker, openTestHub, viewerOf } from '#core/testing-hub.ts';
import { type Viewer, publicViewer } from '#core/viewer.ts';
import { storeBatch, take } from './inbox.ts';
import { subgraph } from './index.ts';
import { storeTask } from './store.ts';

let own: TestHub;
let ask: ReturnType<typeof asker>;
beforeEach(async () => {
  own = await openTestHub();
  ask = asker(subgraph, own.hub);
});
afterEach(() => own[Symbol.asyncDispose]());

const clientOf = (name: string, events: Viewer['events'] | readonly string[] = 'all', keyId = `key_${name}`): Viewer => ({ ...viewerOf(['collect_activity', 'read_participants'], events, keyId), terms: { client: name, tier: 'partner', documents: 'any' } });
const shop = clientOf('shop');
const never = new AbortController().signal;

type Input = { externalId: string; name: string; userId: string; parameters?: unknown; eventId?: string };
const activity = (externalId: string, more: Partial<Input> = {}): Input => ({ externalId, name: 'visit', userId: 'ada@example.org', ...more });
const bought = (externalId: string, more: Record<string, unknown> = {}, rest: Partial<Input> = {}) => activity(externalId, { name: 'purchase', parameters: { order_id: `o-${externalId}`, price: '19.90', currency: 'EUR', ...more }, ...rest });

type Told = { code: string; field: string };
type Collected = { collectActivity: { accepted: number; warnings: Told[]; userErrors: Told[] } };
const collect = async (activities: readonly Input[], viewer = shop) => {
  const { data, errors } = await ask<Collected | null>('mutation ($input: CollectActivityInput!) { collectActivity(input: $input) { accepted warnings { code field } userErrors { code field } } }', viewer, { input: { activities } });
  return { ...data?.collectActivity, errors };
};
const sql = <Row>(text: string, values: unknown[] = []) => query<Row>(own.hub.database.em(), text, values);
/** What the worker does with what waits. */
const storeAll = async () => {
  for (const { batch } of await sql<{ batch: string }>('select batch from activity.inbox order by batch')) await storeBatch({ batch }, own.hub, never);
};
type Node = { externalId: string; name: string; at: string; parameters: unknown; event: { id: string } | null; purchase: { orderId: string; price: { amount: string; currency: string } } | null; purchaseProblem: Told | null };
type Found = { activities: { totalCount: number; pageInfo: { hasNextPage: boolean; endCursor: string | null }; edges: { node: Node }[] } | null };
const search = async (userId = 'ada@example.org', args: { first?: number; after?: string | null } = {}, viewer = shop) =>
  ask<Found>('query ($userId: String!, $first: Int, $after: String) { activities(userId: $userId, first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor } edges { node { externalId name at parameters event { id } purchase { orderId price { amount currency } } purchaseProblem { code field } } } } }', viewer, { userId, first: 20, ...args });
const found = async (...args: Parameters<typeof search>) => ((await search(...args)).data.activities?.edges ?? []).map(({ node }) => node);
const ids = async (...args: Parameters<typeof search>) => (await found(...args)).map(({ externalId }) => externalId);
const purchases = async () => (await sql<{ event_id: string | null; payload: Record<string, unknown> }>(`select event_id, payload from hub.domain_events where type = 'purchase.recorded' order by tx, id`));

describe('what is collected', () => {
  test('is durable when it is answered, stored by its job, and given back as it came, newest first', async () => {
    const parameters = { page: '/', tags: ['a'], nested: { deep: [{ x: null }] }, price: 'free text' };
    expect(await collect([activity('1', { parameters }), activity('2')])).toMatchObject({ accepted: 2, userErrors: [], errors: [] });
    expect(await found()).toEqual([]);
    expect(await sql('select 1 from graphile_worker.jobs where task_identifier = $1', [storeTask])).toHaveLength(1);
    own.clock.now = new Date(own.clock.now.getTime() + 1000);
    await collect([activity('3')]);
    await storeAll();
    const nodes = await found();
    expect(nodes.map(({ externalId }) => externalId)).toEqual(['3', '2', '1']);
    expect(nodes[2]).toMatchObject({ name: 'visit', parameters, event: null, at: new Date(own.clock.now.getTime() - 1000).toISOString() });
    expect(nodes[1]?.parameters).toEqual({});
    expect(await sql('select 1 from activity.inbox')).toEqual([]);
  });

  test('is stored by a worker that comes later', async () => {
    await collect([activity('1')]);
    await using _jobs = await startJobs({ database: own.hub.database, logger: silentLogger, tasks: { [storeTask]: (payload, signal) => storeBatch(payload, own.hub, signal) } });
    await vi.waitFor(async () => expect(await ids()).toEqual(['1']), within);
  });

  test('names no person in clear anywhere', async () => {
    await collect([bought('1', { note: 'for Grace Hopper' }, { userId: 'grace@example.org' })]);
    const dump = async () => JSON.stringify([await sql('select * from activity.inbox'), await sql('select * from activity.activities'), await sql('select payload from hub.domain_events'), await sql('select payload from graphile_worker._private_jobs')]);
    const waiting = await dump();
    await storeAll();
    for (const text of [waiting, await dump()]) {
      expect(text).toContain('o-1');
      for (const clear of ['grace', 'Grace', 'Hopper']) expect(text).not.toContain(clear);
    }
  });

  test('shares transactions: requests that come together are a few commits', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, n) => collect([activity(`${n}`)])));
    const [row] = await sql<{ commits: number; entries: number }>('select count(*)::int as commits, sum(jsonb_array_length(entries))::int as entries from activity.inbox');
    expect(row?.entries).toBe(200);
    expect(row?.commits).toBeLessThan(50);
  });

  test('is refused, with a time to come again, where more waits than can be written', async () => {
    const taken = Array.from({ length: 1_000 }, (_, n) => ({ id: `x${n}`, collector: 'c', externalId: `${n}`, name: 'visit', participant: 'p', eventId: null, at: new Date().toISOString(), parameters: '', purchase: null, purchaseProblem: null }));
    const settled = await Promise.allSettled(Array.from({ length: 30 }, () => take(own.hub, taken)));
    const refused = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    expect(refused.length).toBeGreaterThan(0);
    for (const reason of refused) expect(reason).toMatchObject({ code: 'OVERLOADED', facts: { retryAfter: 1 } });
    const [row] = await sql<{ n: number }>('select sum(jsonb_array_length(entries))::int as n from activity.inbox');
    expect(row?.n).toBe((30 - refused.length) * 1_000);
  });
});

describe('an activity that was told before', () => {
  test('is taken and counts once: in one batch, at the same time, later, and when its job runs again', async () => {
    expect(await collect([bought('1', { n: 1 }), bought('1', { n: 2 })])).toMatchObject({ accepted: 2, userErrors: [] });
    await Promise.all(Array.from({ length: 20 }, () => collect([bought('1'), bought('2'), bought('3')])));
    const batches = await sql<{ batch: string }>('select batch from activity.inbox order by batch');
    // Two workers at once, each job twice.
    await storeBatch({ batch: batches[0]?.batch }, own.hub, never);
    await Promise.all([...batches, ...batches].map(({ batch }) => storeBatch({ batch }, own.hub, never)));
    expect((await ids()).sort()).toEqual(['1', '2', '3']);
    expect((await found()).find(({ externalId }) => externalId === '1')?.parameters).toMatchObject({ n: 1 });
    expect((await purchases()).map(({ payload }) => payload['orderId']).sort()).toEqual(['o-1', 'o-2', 'o-3']);
    expect(await collect([bought('2')])).toMatchObject({ accepted: 1, userErrors: [] });
    await storeAll();
    expect([(await ids()).length, (await purchases()).length]).toEqual([3, 3]);
  });

  test('is known by its id among those of one client, whatever its key; two clients do not share ids', async () => {
    await collect([activity('1')], clientOf('shop', 'all', 'key_old'));
    await collect([activity('1')], clientOf('shop', 'all', 'key_new'));
    await collect([activity('1')], clientOf('app'));
    await storeAll();
    expect(await ids()).toEqual(['1', '1']);
  });
});

describe('a batch', () => {
  test('takes what is good and names each that is not by its place and field', async () => {
    const told = await collect(
      [activity('1'), activity(''), activity('3', { name: 'x'.repeat(201), userId: '' }), activity('4', { parameters: ['no object'] }), activity('5', { eventId: 'no such id!' }), activity('6', { eventId: 'other' }), activity('7', { eventId: 'fair' }), activity('8', { parameters: { a: 'x'.repeat(9000) } }), activity('\ud800')],
      clientOf('shop', ['fair']),
    );
    expect(told.accepted).toBe(2);
    expect(told.userErrors?.map(({ code, field }) => [code, field])).toEqual([
      ['ID_INVALID', 'input.activities.1.externalId'],
      ['NAME_INVALID', 'input.activities.2.name'],
      ['USER_ID_INVALID', 'input.activities.2.userId'],
      ['PARAMETERS_INVALID', 'input.activities.3.parameters'],
      ['EVENT_ID_INVALID', 'input.activities.4.eventId'],
      ['EVENT_NOT_ALLOWED', 'input.activities.5.eventId'],
      ['PARAMETERS_TOO_LARGE', 'input.activities.7.parameters'],
      ['ID_INVALID', 'input.activities.8.externalId'],
    ]);
    await storeAll();
    expect((await ids()).sort()).toEqual(['1', '7']);
  });

  test('is taken but for the one with a zero byte, wherever in it that is', async () => {
    const told = await collect([activity('1'), activity('a\u0000'), activity('3', { name: '\u0000' }), activity('4', { userId: 'u\u0000' }), activity('5', { parameters: { deep: [{ text: 'a\u0000' }] } }), activity('6')]);
    expect([told.accepted, told.userErrors]).toEqual([2, ['1.externalId', '2.name', '3.userId', '4.parameters.deep.0.text'].map((field) => ({ code: 'TEXT_INVALID', field: `input.activities.${field}` }))]);
    await storeAll();
    expect((await ids()).sort()).toEqual(['1', '6']);
  });

  test('has 1 to 1,000 activities', async () => {
    expect(await collect([])).toMatchObject({ accepted: 0, userErrors: [{ code: 'ACTIVITIES_MISSING', field: 'input.activities' }] });
    expect(await collect(Array.from({ length: 1001 }, (_, n) => activity(`${n}`)))).toMatchObject({ accepted: 0, userErrors: [{ code: 'ACTIVITIES_EXCEEDED', field: 'input.activities' }] });
    expect(await collect(Array.from({ length: 1000 }, (_, n) => activity(`${n}`)))).toMatchObject({ accepted: 1000, userErrors: [] });
    expect(await sql('select 1 from activity.inbox')).toHaveLength(1);
  });
});

describe('a purchase', () => {
  test('is told once, exactly, with the event that it was for', async () => {
    await collect([bought('1', { price: 1990.5, currency: 'rub' }, { eventId: 'fair' }), bought('2', { price: '0.10' })]);
    await storeAll();
    const [first, second] = await purchases();
    expect(first).toEqual({ event_id: 'fair', payload: { purchaseId: expect.stringMatching(/^[\w-]{22}$/), source: 'activity', orderId: 'o-1', amount: '1990.5', currency: 'RUB', participant: expect.stringMatching(/^[\w-]{22}$/), at: own.clock.now.toISOString() } });
    expect(second).toMatchObject({ event_id: null, payload: { amount: '0.10', currency: 'EUR' } });
    expect((await found())[1]).toMatchObject({ event: { id: 'fair' }, purchase: { orderId: 'o-1', price: { amount: '1990.5', currency: 'RUB' } }, purchaseProblem: null });
  });

  test('whose price is no number is kept as an activity, told of at once and to whoever looks, and not recorded', async () => {
    expect(await collect([activity('0'), bought('1', { price: 'many' })])).toMatchObject({ accepted: 2, userErrors: [], warnings: [{ code: 'PRICE_INVALID', field: 'input.activities.1.parameters.price' }] });
    await storeAll();
    expect(await purchases()).toEqual([]);
    expect((await found())[0]).toMatchObject({ externalId: '1', purchase: null, purchaseProblem: { code: 'PRICE_INVALID', field: 'parameters.price' } });
  });

  test('is stored with its domain event or not at all', async () => {
    await collect([bought('1')]);
    const broken = { ...own.hub, ingest: { ...own.hub.ingest, record: () => Promise.reject(new Error('the log is away')) } };
    const [row] = await sql<{ batch: string }>('select batch from activity.inbox');
    await expect(storeBatch({ batch: row?.batch }, broken, never)).rejects.toThrow('the log is away');
    expect([await ids(), await purchases()]).toEqual([[], []]);
    await storeAll();
    expect([await ids(), (await purchases()).length]).toEqual([['1'], 1]);
  });
});

describe('the search', () => {
  test('goes on by pages, without a gap and without a double, while more is collected', async () => {
    await collect(Array.from({ length: 25 }, (_, n) => activity(`${n}`)));
    await storeAll();
    const seen: string[] = [];
    let after: string | null = null;
    for (let page = 0; page === 0 || after !== null; page++) {
      const { activities }: Found = (await search(undefined, { first: 10, after })).data;
      seen.push(...(activities?.edges ?? []).map(({ node }) => node.externalId));
      expect(activities?.totalCount).toBe(25 + page);
      after = activities?.pageInfo.hasNextPage ? activities.pageInfo.endCursor : null;
      own.clock.now = new Date(own.clock.now.getTime() + 1);
      await collect([activity(`late${page}`)]);
      await storeAll();
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => `${24 - n}`));
  });

  test('asks one statement for a page, and one for the count, however many there are', async () => {
    await collect(Array.from({ length: 50 }, (_, n) => activity(`${n}`)));
    await storeAll();
    const counts: number[] = [];
    for (const first of [1, 10, 50]) {
      const before = own.statements();
      await search(undefined, { first });
      counts.push(own.statements() - before);
    }
    expect(counts).toEqual([2, 2, 2]);
  });

  test('finds the user that is asked for and no other', async () => {
    await collect([activity('1', { userId: 'a' }), activity('2', { userId: 'b' })]);
    await storeAll();
    expect([await ids('a'), await ids('b'), await ids('A'), await ids('')]).toEqual([['1'], ['2'], [], []]);
  });

  test('shows a key with an event list what concerns those events, and what its own client collected without one', async () => {
    await collect([activity('fair', { eventId: 'fair' }), activity('gala', { eventId: 'gala' }), activity('none')]);
    const partner = clientOf('partner', ['fair']);
    await collect([activity('own')], partner);
    await storeAll();
    expect((await ids()).sort()).toEqual(['fair', 'gala', 'none', 'own']);
    expect((await ids(undefined, {}, partner)).sort()).toEqual(['fair', 'own']);
    expect((await search(undefined, {}, partner)).data.activities?.totalCount).toBe(2);
    expect(await ids(undefined, {}, clientOf('nobody', []))).toEqual([]);
  });

  test('refuses cursors of other lists and pages of other sizes', async () => {
    for (const after of ['x', encodeKey(['2024-01-01T00:00:00.000Z', 'x', 'y']), encodeKey(['now', 1, 'y']), encodeKey(['2024-01-01T00:00:00.000Z', 1e12, 'y']), encodeKey(['2024-01-01T00:00:00.000Z', 0.5, 'y'])]) expect((await search(undefined, { after })).errors[0]?.code, after).toBe('CURSOR_INVALID');
    expect((await search(undefined, { first: 101 })).errors[0]?.code).toBe('PAGE_SIZE_INVALID');
  });
});

describe('rights', () => {
  test('collecting needs collect_activity, searching read_participants', async () => {
    expect((await collect([activity('1')], viewerOf(['read_participants', 'read_events']))).errors[0]?.code).toBe('FORBIDDEN');
    expect((await collect([activity('1')], publicViewer)).errors[0]?.code).toBe('UNAUTHENTICATED');
    expect((await search('a', {}, viewerOf(['collect_activity']))).errors[0]?.code).toBe('FORBIDDEN');
    expect(await sql('select 1 from activity.inbox')).toEqual([]);
  });
});

describe('what is kept', () => {
  test('goes after so many days, and with the events that are forgotten', async () => {
    const now = own.clock.now;
    own.clock.now = new Date(now.getTime() - 10 * 86_400_000);
    await collect([activity('old')]);
    own.clock.now = now;
    await collect([activity('new'), activity('fair', { eventId: 'fair' })]);
    await storeAll();
    const em = own.hub.database.em();
    await subgraph.maintain?.(em, now, { ...own.hub, activityDays: 10 });
    expect((await ids()).length).toBe(3);
    await subgraph.maintain?.(em, new Date(now.getTime() + 1), { ...own.hub, activityDays: 10 });
    expect((await ids()).sort()).toEqual(['fair', 'new']);
    await subgraph.forgetEvents?.(em, ['fair', 'other'], 'svc');
    expect(await ids()).toEqual(['new']);
  });

  test('is nothing of an event that is forgotten while its activities wait to be stored, or are just being stored', async () => {
    await collect([bought('1', {}, { eventId: 'fair' }), bought('2', {}, { eventId: 'gala' }), bought('3')]);
    await collect([activity('4', { eventId: 'fair' })]);
    const [row] = await sql<{ batch: string }>('select batch from activity.inbox order by batch');
    const forgotten = own.hub.database.em().transactional((em) => subgraph.forgetEvents?.(em, ['fair'], 'svc') ?? Promise.resolve());
    await Promise.all([forgotten, storeBatch({ batch: row?.batch }, own.hub, never)]);
    await storeAll();
    expect((await ids()).sort()).toEqual(['2', '3']);
  });

  test('waits on where its job failed for good: that is told by a code, and it gets another job', async () => {
    await collect([activity('1')]);
    await collect([activity('2')]);
    const [failed] = await sql<{ id: string }>(`update graphile_worker._private_jobs set attempts = max_attempts where id = (select min(id) from graphile_worker._private_jobs) returning id`);
    expect(failed).toBeDefined();
    const errors: unknown[] = [];
    const logger = { ...silentLogger, error: (facts: unknown) => void errors.push(facts) } as typeof silentLogger;
    const maintain = () => subgraph.maintain?.(own.hub.database.em(), own.clock.now, { ...own.hub, logger });
    await maintain();
    expect(errors).toEqual([{ code: 'ACTIVITIES_NOT_STORED', batches: 1 }]);
    await maintain();
    expect(errors).toHaveLength(1);
    await using _jobs = await startJobs({ database: own.hub.database, logger: silentLogger, tasks: { [storeTask]: (payload, signal) => storeBatch(payload, own.hub, signal) } });
    await vi.waitFor(async () => expect((await ids()).sort()).toEqual(['1', '2']), { timeout: 15_000, interval: 20 });
  });
});
