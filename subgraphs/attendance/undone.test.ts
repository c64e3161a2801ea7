import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CheckInFact, CheckInsStandingFact } from '#core/facts.ts';
import { query } from '#core/sql.ts';
import { type TestHub, openTestHub } from '#core/testing-hub.ts';
import { applyFacts } from './facts.ts';
import { readLive } from './store.ts';

let opened: TestHub;
beforeAll(async () => {
  opened = await openTestHub();
});
afterAll(() => opened[Symbol.asyncDispose]());

const at = (minute: number): Date => new Date(Date.UTC(2024, 5, 1, 9, minute));
const pass = (upstreamId: string, participant: string, minute: number, direction: 'ENTRY' | 'EXIT' = 'ENTRY'): CheckInFact => ({ kind: 'checkIn', eventId: 'e', upstreamId, at: at(minute), direction, gateId: null, area: 'door', participant });
const standing = (participant: string, ids: string[], minute: number): CheckInsStandingFact => ({ kind: 'checkInsStanding', eventId: 'e', upstreamId: participant, at: at(minute), participant, standing: ids });
const apply = (facts: Parameters<typeof applyFacts>[1]) => opened.hub.database.em().transactional((em) => applyFacts(em, facts, { serviceId: 's', now: at(0) }));
const inside = async (): Promise<number | undefined> => (await readLive(opened.hub.database.em(), ['e'])).values.get('e')?.currentAttendees;

describe('a check-in that an upstream took back', () => {
  test('counts no more, and what stands decides who is inside', async () => {
    await apply([pass('1', 'anna', 1), pass('2', 'ben', 2), pass('3', 'ben', 5, 'EXIT')]);
    expect(await inside()).toBe(1);
    // Anna's entry was reverted; of Ben's only the exit was, so he is inside again.
    await apply([standing('anna', [], 6), standing('ben', ['2'], 6)]);
    expect(await inside()).toBe(1);
    expect((await query<{ id: string }>(opened.hub.database.em(), 'select upstream_id as id from attendance.check_ins order by 1')).map(({ id }) => id)).toEqual(['2']);
  });

  test('may come in the same batch as the one that replaces it', async () => {
    await apply([standing('ben', ['2', '4'], 7), pass('4', 'ben', 7, 'EXIT')]);
    expect(await inside()).toBe(0);
  });

  test('is nobody else’s: other tickets and events keep theirs', async () => {
    await apply([pass('5', 'cleo', 8), { ...pass('5', 'ben', 8), eventId: 'other' }, standing('ben', [], 9)]);
    expect(await inside()).toBe(1);
    expect((await readLive(opened.hub.database.em(), ['other'])).values.get('other')?.currentAttendees).toBe(1);
  });
});
