import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { DomainEvent } from './domain-events.ts';
import { type Position, decodeCursor, encodeCursor, logHead, parseSnapshot, readEvents } from './event-log.ts';
import { append, change, openWriter, said } from './live-test-kit.ts';
import { liveStream } from './live-stream.ts';
import { createLogTail } from './log-tail.ts';
import { query } from './sql.ts';
import { silentLogger, within } from './testing.ts';
import { type TestHub, openTestHub } from './testing-hub.ts';

let own: TestHub;
beforeAll(async () => void (own = await openTestHub({ ringSize: 20 })));
afterAll(() => own[Symbol.asyncDispose]());

type Change = DomainEvent<'attendance.changed'>;
const newestPerEvent = (events: Change[]): Change[] => [...new Map(events.map((event) => [event.eventId, event])).values()];

/** The newest number of each event, and what exactly it holds, as one statement sees it. */
const current = async (prefix: string) => {
  const [row] = await query<{ snapshot: string; now_ms: string; rows: { event_id: string; n: number }[] | null }>(
    own.hub.database.em(),
    `select pg_current_snapshot()::text as snapshot, (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms,
       (select jsonb_agg(t) from (select event_id, max((payload->>'currentAttendees')::int) as n from hub.domain_events where event_id like $1 group by event_id order by 1) t) as rows`,
    [`${prefix}%`],
  );
  const snapshot = parseSnapshot(row?.snapshot ?? '', Number(row?.now_ms));
  const events = (row?.rows ?? []).map(({ event_id, n }) => ({ ...change(event_id, n), id: '0', serviceId: null, cursor: encodeCursor(snapshot.position) }) as Change);
  return { events, snapshot };
};

const head = () => logHead(own.hub.database.em());
const open = (prefix: string, { after = null as Position | null, conflate = false, ids = [`${prefix}a`, `${prefix}b`] } = {}) =>
  liveStream({ tail: own.hub.tail, head, type: 'attendance.changed', eventIds: new Set(ids), after, current: () => current(prefix), conflate: conflate ? newestPerEvent : undefined });

const take = async (stream: AsyncIterator<Change>, count: number): Promise<Change[]> => {
  const taken: Change[] = [];
  for (let n = 0; n < count; n++) {
    const { value, done } = await stream.next();
    if (done) throw new Error(`the stream ended after ${taken.length} events`);
    taken.push(value as Change);
  }
  return taken;
};
const write = (...changes: (readonly [string, number])[]) => append(own.hub.database, own.hub.bus, ...changes.map(([id, n]) => change(id, n)));

describe('a live stream', () => {
  test('tells the current values first, then every change, and no change that the current values hold', async () => {
    await write(['one-a', 1], ['one-b', 1]);
    await write(['one-a', 2]);
    const stream = open('one-');
    expect((await take(stream, 2)).map(said)).toEqual(['one-a:2', 'one-b:1']);
    await write(['one-b', 2], ['other', 9]);
    await write(['one-a', 3]);
    expect((await take(stream, 2)).map(said)).toEqual(['one-b:2', 'one-a:3']);
    await stream.return?.();
  });

  test('tells no change twice that was in the current value while an older transaction was still open', async () => {
    const older = await openWriter(own.url, 'two-b', 1);
    await write(['two-a', 5]); // behind the open one in the log, and in the current value
    const stream = open('two-');
    expect((await take(stream, 1)).map(said)).toEqual(['two-a:5']);
    await older.commit();
    await write(['two-a', 6]);
    expect((await take(stream, 2)).map(said)).toEqual(['two-b:1', 'two-a:6']);
    await stream.return?.();
  });

  test('resumes behind a cursor with no gap and no double while writers race', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 10 }), fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 4 }), async (batches, breaks) => {
        const prefix = `race${(run += 1)}-`;
        const [first] = await write([`${prefix}a`, 0]);
        const total = batches.flat().length;
        const writing = Promise.all(batches.map((batch, nth) => write(...batch.map((id, n) => [`${prefix}${id}`, nth * 10 + n + 1] as const))));
        const seen: Change[] = [];
        let after = decodeCursor(first?.cursor ?? '');
        for (const some of [...breaks, total]) {
          const stream = open(prefix, { after });
          seen.push(...(await take(stream, Math.min(some, total - seen.length))));
          await stream.return?.();
          after = decodeCursor(seen.at(-1)?.cursor ?? first?.cursor ?? '');
        }
        await writing;
        const log = await readEvents(own.hub.database.em(), { after: decodeCursor(first?.cursor ?? ''), types: ['attendance.changed'], eventIds: [`${prefix}a`, `${prefix}b`], limit: 1000 });
        expect(seen.map(({ cursor }) => cursor)).toEqual(log.map(({ cursor }) => cursor));
        expect(seen).toHaveLength(total);
      }),
      { numRuns: 15 },
    );
  });

  test('leaves nothing out of what was missed, however much that is, even for a reader that wants only the newest', async () => {
    const [first] = await write(['miss-a', 0]);
    await write(...Array.from({ length: 700 }, (_, n) => ['miss-a', n + 1] as const));
    await vi.waitFor(async () => expect(await readEvents(own.hub.database.em(), { after: decodeCursor(first?.cursor ?? ''), types: ['attendance.changed'], eventIds: ['miss-a'], limit: 1000 })).toHaveLength(700), within);
    const stream = open('miss-', { after: decodeCursor(first?.cursor ?? ''), conflate: true });
    expect((await take(stream, 700)).map(said)).toEqual(Array.from({ length: 700 }, (_, n) => `miss-a:${n + 1}`));
    await stream.return?.();
  });

  test('gives a reader that is behind the newest of each event, and one that keeps up every change', async () => {
    await write(['slow-a', 0]);
    const [slow, quick] = [open('slow-', { conflate: true }), open('slow-', { conflate: true })];
    await take(slow, 1);
    await take(quick, 1);
    const followed: string[] = [];
    for (let n = 1; n <= 5; n++) {
      const next = take(quick, 1);
      await write(['slow-a', n], ...(n === 5 ? [['slow-b', 1] as const] : []));
      followed.push(...(await next).map(said));
    }
    expect(followed).toEqual(['slow-a:1', 'slow-a:2', 'slow-a:3', 'slow-a:4', 'slow-a:5']);
    expect((await take(slow, 2)).map(said)).toEqual(['slow-a:5', 'slow-b:1']);
    await slow.return?.();
    await quick.return?.();
  });

  describe('continued behind an event', () => {
    test('tells what follows it, also when the stream that told it has ended', async () => {
      await write(['cont-a', 0]);
      const stream = open('cont-');
      const [current] = await take(stream, 1);
      expect(stream.continueAfter(current as Change), 'a current value stands nowhere in the log').toBeNull();
      await write(['cont-a', 1]);
      await write(['cont-b', 2]);
      const [first] = await take(stream, 1);
      await stream.return?.();
      const next = stream.continueAfter(first as Change)?.();
      await write(['cont-a', 3]);
      expect(next && (await take(next, 2)).map(said)).toEqual(['cont-b:2', 'cont-a:3']);
      await next?.return?.();
    });

    test('only once nothing that follows was in the current values, nor is part of what was missed', async () => {
      const older = await openWriter(own.url, 'early-b', 1);
      await write(['early-a', 5]);
      const stream = open('early-');
      await take(stream, 1);
      await older.commit();
      const [hidden] = await take(stream, 1);
      expect(stream.continueAfter(hidden as Change)).toBeNull();
      const [first, second] = await write(['early-a', 6], ['early-a', 7]);
      await take(stream, 2);
      expect(stream.continueAfter(second as Change)).not.toBeNull();
      const resumed = open('early-', { after: decodeCursor(hidden?.cursor ?? '') });
      await take(resumed, 1);
      expect(resumed.continueAfter(first as Change)).toBeNull();
      await stream.return?.();
      await resumed.return?.();
    });
  });

  test('ends at once when its reader leaves while it waits', async () => {
    const stream = open('leave-');
    const waiting = stream.next();
    await stream.return?.();
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect(await stream.next()).toEqual({ value: undefined, done: true });
  });

  test('ends when the tail of the log is closed', async () => {
    const tail = createLogTail({ database: own.hub.database, bus: own.hub.bus, logger: silentLogger });
    const stream = liveStream({ tail, head, type: 'attendance.changed', eventIds: null, after: await head(), current: () => current('none-') });
    const waiting = stream.next();
    await tail[Symbol.asyncDispose]();
    expect(await waiting).toEqual({ value: undefined, done: true });
  });
});
