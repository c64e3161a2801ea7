/** What could not be taken in: how long it stays, who sees it, and how it gets out. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Rejected } from '#core/connector.ts';
import type { Fact } from '#core/facts.ts';
import { query } from '#core/sql.ts';
import { asker, viewerOf } from '#core/testing-hub.ts';
import { subgraph as events } from '#subgraphs/events/index.ts';
import { applyBatch } from './apply.ts';
import { pullService } from './pull.ts';
import { forgetRejected } from './retention.ts';
import { retryRejected } from './retry-rejected.ts';
import { type TestIngest, checkIn, event, openTestIngest, registration, status, totalsOf } from './test-kit.ts';

let own: TestIngest;
beforeEach(async () => {
  own = await openTestIngest();
  await own.addService();
});
afterEach(() => own[Symbol.asyncDispose]());

const never = new AbortController().signal;
const day = 86_400_000;
const sql = <Row>(text: string, values: unknown[] = []) => query<Row>(own.hub.database.em(), text, values);
const quarantined = async () => (await sql<{ id: string }>(`select upstream_id as id from hub.rejected_facts order by 1`)).map(({ id }) => id);
const apply = (facts: readonly Fact[], rejected: readonly Rejected[] = []) => applyBatch(own.ingest, { serviceId: 'svc_test', facts, rejected });
const bad = (upstreamId: string, raw: unknown = { id: upstreamId }): Rejected => ({ upstreamId, reason: 'at: not a time', raw });

describe('a record that is rejected', () => {
  test('is kept whole up to 64 KB, encrypted; of a larger one it is said that it was not', async () => {
    await apply([event()], [bad('checkIn:small', { note: 'x'.repeat(60_000) }), bad('checkIn:large', { note: 'x'.repeat(70_000) })]);
    const rows = await sql<{ raw: string | null; reason: string }>('select raw, reason from hub.rejected_facts order by upstream_id desc');
    expect(JSON.parse(own.hub.secrets.decrypt(rows[0]?.raw ?? ''))).toEqual({ note: 'x'.repeat(60_000) });
    expect([rows[1]?.raw, rows[1]?.reason]).toEqual([null, expect.stringContaining('too many to keep')]);
  });

  test('leaves when the fact that it would have been arrives by itself, also one that is known already', async () => {
    await apply([event(), checkIn('known', 1)], [bad('checkIn:c1'), bad('checkIn:known'), bad('status:e1'), bad('checkIn:other')]);
    await apply([checkIn('c1', 1), checkIn('known', 1), status('ONGOING', 2)]);
    expect(await quarantined()).toEqual(['checkIn:other']);
  });

  test('is counted each time it is rejected, and keeps when that began', async () => {
    const first = own.clock.now;
    await apply([event()], [bad('checkIn:c1')]);
    own.clock.now = new Date(first.getTime() + day);
    await apply([], [{ ...bad('checkIn:c1'), reason: 'another' }]);
    const [row] = await sql<{ since: string; at: string; attempts: number; reason: string }>('select since, at, attempts, reason from hub.rejected_facts');
    expect({ ...row, since: new Date(row?.since ?? ''), at: new Date(row?.at ?? '') }).toEqual({ since: first, at: own.clock.now, attempts: 2, reason: 'another' });
  });

  test('is dropped after 90 days', async () => {
    await apply([event()], [bad('checkIn:old')]);
    own.clock.now = new Date(own.clock.now.getTime() + 89 * day);
    await apply([], [bad('checkIn:new')]);
    own.clock.now = new Date(own.clock.now.getTime() + 2 * day);
    await forgetRejected(own.ingest);
    expect(await quarantined()).toEqual(['checkIn:new']);
  });
});

describe('trying again', () => {
  const withConnector = (isMended: (id: string) => boolean) => {
    own.upstream.translateAgain = async (_context, records) => ({
      facts: records.filter(({ upstreamId }) => isMended(upstreamId)).map(({ raw }) => checkIn((raw as { id: string }).id, 1)),
      rejected: records.filter(({ upstreamId }) => !isMended(upstreamId)).map((each) => ({ ...each, reason: 'still not a time' })),
    });
  };

  test('takes in what the connector understands now; what fails again stays with the new reason', async () => {
    await apply([event()], [bad('checkIn:c1', { id: 'c1' }), bad('checkIn:c2', { id: 'c2' })]);
    withConnector((id) => id === 'checkIn:c1');
    expect(await own.ingest.retryRejected('svc_test', null, null)).toEqual({ recovered: 1, rejected: 1, resync: false });
    expect(await totalsOf(own)).toMatchObject({ current: 1 });
    expect(await sql('select upstream_id, reason, attempts from hub.rejected_facts')).toEqual([{ upstream_id: 'checkIn:c2', reason: 'still not a time', attempts: 2 }]);
  });

  test('in vain leaves what was pulled to the next whole reading, and what was pushed not', async () => {
    await applyBatch(own.ingest, { serviceId: 'svc_test', facts: [event()], rejected: [bad('orders:1')], isPulled: true });
    await apply([], [bad('webhook:1')]);
    withConnector(() => false);
    expect(await own.ingest.retryRejected('svc_test', null, null)).toEqual({ recovered: 0, rejected: 2, resync: false });
    expect(await sql('select upstream_id, is_pushed from hub.rejected_facts order by 1')).toEqual([{ upstream_id: 'orders:1', is_pushed: false }, { upstream_id: 'webhook:1', is_pushed: true }]);
  });

  test('tells the connector when a record was read, however often it is tried: what is newer by then wins', async () => {
    const read = own.clock.now;
    await apply([event()], [bad('webhook:1')]);
    let isMended = false;
    own.upstream.translateAgain = async (_context, records) => ({ facts: isMended ? records.map(({ readAt }) => ({ ...status('PRE_EVENT', 0), at: readAt ?? own.clock.now })) : [], rejected: isMended ? [] : records.map(({ upstreamId, reason, raw }) => ({ upstreamId, reason, raw })) });
    own.clock.now = new Date(read.getTime() + 60_000);
    await apply([{ ...status('ONGOING', 0), at: own.clock.now }]);
    await own.ingest.retryRejected('svc_test', null, null);
    expect(await sql('select at from hub.rejected_facts').then(([row]) => new Date((row as { at: string }).at))).toEqual(read);
    isMended = true;
    own.clock.now = new Date(read.getTime() + 120_000);
    expect(await own.ingest.retryRejected('svc_test', null, null)).toMatchObject({ recovered: 1 });
    expect(await sql('select status from events.events')).toEqual([{ status: 'ONGOING' }]);
  });

  test('under settings that are changed meanwhile stores nothing', async () => {
    await apply([event()], [bad('checkIn:c1', { id: 'c1' })]);
    own.upstream.translateAgain = async () => {
      await sql(`update hub.services set revision = revision + 1 where id = 'svc_test'`);
      return { facts: [checkIn('c1', 1)], rejected: [] };
    };
    await expect(own.ingest.retryRejected('svc_test', null, null)).rejects.toMatchObject({ code: 'SERVICE_CHANGED' });
    expect([await quarantined(), await own.count('attendance.check_ins')]).toEqual([['checkIn:c1'], 0]);
  });

  test('tries only those that are named, and counts nothing twice when two try at once', async () => {
    await apply([event()], ['c1', 'c2', 'c3'].map((id) => bad(`checkIn:${id}`, { id })));
    withConnector(() => true);
    await Promise.all([own.ingest.retryRejected('svc_test', ['checkIn:c1', 'checkIn:c2'], null), own.ingest.retryRejected('svc_test', ['checkIn:c1', 'checkIn:c2'], null)]);
    expect([await quarantined(), await totalsOf(own)]).toEqual([['checkIn:c3'], expect.objectContaining({ current: 2 })]);
    expect(await own.count('hub.domain_events')).toBeGreaterThan(0);
    expect(await sql(`select count(*)::int as n from hub.domain_events where type = 'checkin.recorded'`)).toEqual([{ n: 2 }]);
  });

  test('takes in facts that the hub itself refused, when it refuses them no more', async () => {
    await apply([checkIn('c1', 1)]);
    expect(await quarantined()).toEqual(['checkIn:c1']);
    await apply([event()]);
    expect(await own.ingest.retryRejected('svc_test', null, null)).toEqual({ recovered: 1, rejected: 0, resync: false });
    expect([await quarantined(), await totalsOf(own)]).toEqual([[], expect.objectContaining({ current: 1 })]);
  });

  test('of what cannot be tried alone reads everything anew', async () => {
    await apply([event()], [bad('checkIn:c1', null)]);
    expect(await own.ingest.retryRejected('svc_test', null, null)).toEqual({ recovered: 0, rejected: 1, resync: true });
    expect(await sql('select resync from hub.services')).toEqual([{ resync: 'ASKED' }]);
  });

  test('ends when its time is up: what was tried is told, a reading of everything is asked for, and the rest stays', async () => {
    await apply([event()], [bad('checkIn:c1', null), bad('checkIn:c2'), bad('checkIn:c3')]);
    await sql(`update hub.rejected_facts set is_pushed = upstream_id = 'checkIn:c3'`);
    const time = new AbortController();
    own.upstream.translateAgain = async ({ signal }, records) => {
      if (records[0]?.upstreamId === 'checkIn:c3') time.abort();
      signal.throwIfAborted();
      return { facts: [checkIn('c2', 1)], rejected: [] };
    };
    expect(await retryRejected(own.ingest, 'svc_test', null, null, time.signal)).toEqual({ recovered: 1, rejected: 1, resync: true });
    expect([await quarantined(), await sql('select resync from hub.services')]).toEqual([['checkIn:c1', 'checkIn:c3'], [{ resync: 'ASKED' }]]);
  });

  test('leaves all as it was when the connector fails', async () => {
    await apply([event()], [bad('checkIn:c1')]);
    own.upstream.translateAgain = () => Promise.reject(new Error('no'));
    await expect(own.ingest.retryRejected('svc_test', null, null)).rejects.toThrow('no');
    expect(await quarantined()).toEqual(['checkIn:c1']);
  });
});

describe('reading everything anew', () => {
  test('begins without a cursor, serves what is known meanwhile, counts nothing twice, and empties the quarantine of what was not complained of again', async () => {
    await apply([event(), registration('r1', 1), checkIn('c1', 2)]);
    await applyBatch(own.ingest, { serviceId: 'svc_test', facts: [], rejected: [bad('checkIn:gone'), bad('checkIn:stays')], cursor: 7, isPulled: true });
    await apply([], [bad('checkIn:pushed')]);
    own.clock.now = new Date(own.clock.now.getTime() + 1000);
    const seen: unknown[] = [];
    own.upstream.pull = async function* (_context, cursor) {
      seen.push(cursor, await totalsOf(own));
      yield { facts: [event(), registration('r1', 1), checkIn('c1', 2), checkIn('missed', 3)], rejected: [bad('checkIn:stays')], cursor: 1 };
    };
    await own.ingest.syncNow('svc_test', { full: true });
    await pullService(own.ingest, 'svc_test', never);
    expect(seen).toEqual([null, { registered: 1, current: 1 }]);
    expect([await totalsOf(own), await quarantined()]).toEqual([{ registered: 1, current: 2 }, ['checkIn:pushed', 'checkIn:stays']]);
    await pullService(own.ingest, 'svc_test', never);
    expect(seen[2]).toBe(1);
  });

  test('empties the quarantine only with a pull that leaves nothing to later ones', async () => {
    await applyBatch(own.ingest, { serviceId: 'svc_test', facts: [event()], rejected: [bad('checkIn:gone')], cursor: 7, isPulled: true });
    own.clock.now = new Date(own.clock.now.getTime() + 1000);
    let left = 2;
    own.upstream.pull = async function* () {
      yield { facts: [], rejected: [], cursor: left, complete: --left === 0 };
    };
    await own.ingest.syncNow('svc_test', { full: true });
    await pullService(own.ingest, 'svc_test', never);
    expect([await quarantined(), await sql('select resync, sync_error from hub.services')]).toEqual([['checkIn:gone'], [{ resync: 'RUNNING', sync_error: null }]]);
    await pullService(own.ingest, 'svc_test', never);
    expect([await quarantined(), await sql('select resync from hub.services')]).toEqual([[], [{ resync: null }]]);
  });

  test('that is interrupted goes on where it stood, and ends once', async () => {
    await sql('update hub.services set cursor = $1::jsonb', ['9']);
    let breaks = true;
    const seen: unknown[] = [];
    own.upstream.pull = async function* (_context, cursor) {
      seen.push(cursor);
      if (cursor === null) yield { facts: [event()], rejected: [], cursor: 1 };
      if (breaks) throw new Error('killed');
      yield { facts: [], rejected: [], cursor: 2 };
    };
    await own.ingest.syncNow('svc_test', { full: true });
    await pullService(own.ingest, 'svc_test', never);
    expect(await sql('select resync from hub.services')).toEqual([{ resync: 'RUNNING' }]);
    breaks = false;
    await pullService(own.ingest, 'svc_test', never);
    expect([seen, await sql('select resync, cursor from hub.services')]).toEqual([[null, 1], [{ resync: null, cursor: 2 }]]);
  });
});

describe('the quarantine in the graph', () => {
  const page = `query ($after: String) { eventServices { edges { node { id rejected(first: 2, after: $after) { totalCount pageInfo { hasNextPage endCursor } edges { node { id reason attempts isKept raw } } } } } } }`;
  type Page = { eventServices: { edges: { node: { id: string; rejected: { totalCount: number; pageInfo: { hasNextPage: boolean; endCursor: string }; edges: { node: { id: string; raw: unknown } }[] } } }[] } };
  const manager = viewerOf(['manage_services']);
  const admin = viewerOf(['admin', 'manage_services']);

  test('is seen page by page by whoever manages services; the records themselves by admins alone', async () => {
    const ask = asker(events, { ...own.hub, ingest: own.ingest });
    await apply([event()], ['c1', 'c2', 'c3'].map((id) => bad(`checkIn:${id}`, { badge: `of ${id}` })));
    const first = await ask<Page>(page, admin);
    const { rejected } = first.data.eventServices.edges[0]?.node ?? {};
    expect([first.errors, rejected?.totalCount, rejected?.edges.map(({ node }) => node.raw)]).toEqual([[], 3, [{ badge: 'of c3' }, { badge: 'of c2' }]]);
    const second = await ask<Page>(page, admin, { after: rejected?.pageInfo.endCursor });
    expect(second.data.eventServices.edges[0]?.node.rejected).toMatchObject({ pageInfo: { hasNextPage: false }, edges: [{ node: { id: 'checkIn:c1' } }] });
    const seen = await ask<Page>(page, manager);
    expect(JSON.stringify(seen.data)).not.toContain('of c');
    expect(seen.errors.map(({ code }) => code)).toEqual(['FORBIDDEN', 'FORBIDDEN']);
  });

  test('is for who may see all events of the service: not read and not tried again with a key for some of them', async () => {
    const ask = asker(events, { ...own.hub, ingest: own.ingest });
    await apply([event(), event({ eventId: 'e2', upstreamId: 'e2', public: true })], [bad('checkIn:c1', { badge: 'of e2' })]);
    const some = viewerOf(['admin', 'manage_services'], ['e1']);
    const seen = await ask<Page>(page, some);
    expect([seen.errors.map(({ code }) => code), JSON.stringify(seen.data)]).toEqual([['FORBIDDEN'], expect.not.stringContaining('c1')]);
    const retry = `mutation { retryRejected(input: {serviceId: "svc_test"}) { recovered resync userErrors { code field } } }`;
    expect((await ask(retry, some)).data).toEqual({ retryRejected: { recovered: 0, resync: false, userErrors: [{ code: 'SERVICE_NOT_ALLOWED', field: 'input.serviceId' }] } });
    expect((await ask(retry, viewerOf(['manage_services'], ['other']))).data).toMatchObject({ retryRejected: { userErrors: [{ code: 'SERVICE_UNKNOWN' }] } });
  });

  test('of many services takes as many statements as of one', async () => {
    const ask = asker(events, { ...own.hub, ingest: own.ingest });
    await apply([event()], [bad('checkIn:c1')]);
    const statementsOf = async () => {
      const before = own.statements();
      expect((await ask<Page>(page, admin)).errors).toEqual([]);
      return own.statements() - before;
    };
    const one = await statementsOf();
    for (const id of ['a', 'b', 'c']) await own.addService(id);
    expect(await statementsOf()).toBe(one);
  });

  test('is tried again by a mutation, which says of a service that is not there what is wrong', async () => {
    const retry = `mutation ($input: RetryRejectedInput!) { retryRejected(input: $input) { service { id } recovered rejected resync userErrors { code field } } }`;
    const ask = asker(events, { ...own.hub, ingest: own.ingest });
    await apply([checkIn('c1', 1)]);
    await apply([event()]);
    expect((await ask(retry, manager, { input: { serviceId: 'svc_test' } })).data).toEqual({ retryRejected: { service: { id: 'svc_test' }, recovered: 1, rejected: 0, resync: false, userErrors: [] } });
    expect((await ask(retry, manager, { input: { serviceId: 'svc_gone' } })).data).toMatchObject({ retryRejected: { service: null, userErrors: [{ code: 'SERVICE_UNKNOWN', field: 'input.serviceId' }] } });
    expect((await ask(retry, viewerOf(['read_events']), { input: { serviceId: 'svc_test' } })).errors.map(({ code }) => code)).toEqual(['FORBIDDEN']);
  });
});
