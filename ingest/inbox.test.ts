import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Fact } from '#core/facts.ts';
import { query } from '#core/sql.ts';
import { createInbox } from './inbox.ts';
import { type TestIngest, checkIn, event, openTestIngest } from './test-kit.ts';
import { applyBatch } from './apply.ts';

let own: TestIngest;
let fails: (facts: readonly Fact[]) => boolean = () => false;
beforeAll(async () => {
  own = await openTestIngest({ more: [{ name: 'judge', applyFacts: async (_em, facts) => (fails(facts) ? Promise.reject(new Error('a fault')) : []) }] });
  for (const id of ['svc_a', 'svc_b']) {
    await own.addService(id);
    await applyBatch(own.ingest, { serviceId: id, facts: [event({ eventId: id, upstreamId: id })], rejected: [] });
  }
});
afterAll(() => own[Symbol.asyncDispose]());

const push = (id: string, size = 1, serviceId = 'svc_a') => ({ serviceId, facts: Array.from({ length: size }, (_, n) => checkIn(`${id}-${n}`, 1, 'ENTRY', id, '', serviceId)), rejected: [] });
const stored = async (id: string) => (await query<{ n: number }>(own.hub.database.em(), 'select count(*)::int as n from attendance.check_ins where participant = $1', [id]))[0]?.n;
const transactions = async () => Number((await query<{ n: string }>(own.hub.database.em(), `select count(distinct tx) as n from hub.domain_events where type = 'checkin.recorded'`))[0]?.n);

describe('the inbox of pushes', () => {
  test('puts pushes that arrive while a transaction runs into the next one, and answers when they are stored', async () => {
    const inbox = createInbox(own.ingest);
    const before = await transactions();
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => inbox.add(push(`shared${n}`)).then(() => stored(`shared${n}`))));
    expect(answers).toEqual(answers.map(() => 1));
    expect((await transactions()) - before).toBeLessThan(20);
  });

  test('lets one bad push fail alone', async () => {
    const inbox = createInbox(own.ingest);
    fails = (facts) => facts.some((fact) => fact.kind === 'checkIn' && fact.participant === 'bad');
    const settled = await Promise.allSettled(['first', 'good1', 'bad', 'good2'].map((id) => inbox.add(push(id))));
    fails = () => false;
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    expect(await Promise.all(['good1', 'bad', 'good2'].map(stored))).toEqual([1, 0, 1]);
  });

  test('takes no more than its bound of one service, says when to come again, and goes on taking of others', async () => {
    const inbox = createInbox(own.ingest);
    const running = inbox.add(push('running'));
    const waiting = [inbox.add(push('waits', 4_000)), ...Array.from({ length: 9 }, (_, n) => inbox.add({ ...push('waits', 5_000), facts: push(`flood${n}`, 5_000).facts }))];
    await expect(inbox.add(push('beyond', 2_000))).rejects.toMatchObject({ code: 'INBOX_FULL', facts: { retryAfterMs: 1000 } });
    await inbox.add(push('other', 1, 'svc_b'));
    expect(await stored('other')).toBe(1);
    await Promise.all([running, ...waiting]);
    expect(await stored('beyond')).toBe(0);
    await inbox.add(push('beyond', 2_000));
    expect(await stored('beyond')).toBe(2_000);
  });

  test('keeps services apart: one that is slow holds up no other', async () => {
    const inbox = createInbox(own.ingest);
    let free = () => undefined as void;
    const gate = new Promise<void>((resolve) => (free = resolve));
    let locked = () => undefined as void;
    const isLocked = new Promise<void>((resolve) => (locked = resolve));
    const blocked = own.hub.database.em().transactional(async (em) => {
      await query(em, `select pg_advisory_xact_lock(7232, hashtext('svc_a'))`);
      locked();
      await gate;
    });
    await isLocked;
    const slow = vi.fn();
    const held = inbox.add(push('held')).then(slow);
    await inbox.add(push('quick', 1, 'svc_b'));
    expect(slow).not.toHaveBeenCalled();
    free();
    await Promise.all([blocked, held]);
    expect(await stored('held')).toBe(1);
  });
});
