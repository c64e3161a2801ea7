import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import pg from 'pg';
import { type Database, openDatabase } from './database.ts';
import type { NewDomainEvent } from './domain-events.ts';
import { appendEvents, decodeCursor, encodeCursor, logHead, readEvents } from './event-log.ts';
import { maintainEventLog } from './event-log-retention.ts';
import { query } from './sql.ts';
import { type TestDatabase, cloneDatabase, silentLogger } from './testing.ts';

let clone: TestDatabase;
let database: Database;
beforeAll(async () => {
  clone = await cloneDatabase();
  database = await openDatabase({ url: clone.url, entities: [], migrations: [], logger: silentLogger });
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await clone[Symbol.asyncDispose]();
});

const change = (eventId: string): NewDomainEvent => ({ type: 'event.status_changed', eventId, occurredAt: new Date(), payload: { from: null, to: 'ONGOING' } });
const append = (...ids: string[]) => database.em().transactional((em) => appendEvents(em, 'svc', ids.map(change)));
const readAll = async (after: Awaited<ReturnType<typeof logHead>>, limit = 1000) => readEvents(database.em(), { after, types: ['event.status_changed'], eventIds: null, limit });

describe('cursors', () => {
  test('decode to the position they encode', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), fc.integer({ min: 0, max: 4e12 }), (tx, id, recordedAt) => {
        expect(decodeCursor(encodeCursor({ tx, id, recordedAt }))).toEqual({ tx, id, recordedAt });
      }),
    );
  });

  test('that are not the hub\'s are refused with a code', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const decoded = Buffer.from(text, 'base64url').toString();
        fc.pre(!/^\d{1,20}\.\d{1,19}\.\d{1,15}$/.test(decoded));
        expect(() => decodeCursor(text)).toThrow(expect.objectContaining({ code: 'CURSOR_INVALID' }));
      }),
    );
  });
});

describe('the event log', () => {
  test('is read in the order of appending, from behind a cursor', async () => {
    const head = await logHead(database.em());
    const [first] = await append('a', 'b', 'c');
    expect((await readAll(head)).map(({ eventId }) => eventId)).toEqual(['a', 'b', 'c']);
    expect((await readAll(decodeCursor(first?.cursor ?? ''))).map(({ eventId }) => eventId)).toEqual(['b', 'c']);
  });

  test('never lets a reader pass a transaction that is still open', async () => {
    const head = await logHead(database.em());
    const slow = new pg.Client({ connectionString: clone.url });
    await slow.connect();
    await slow.query('begin');
    await slow.query(`insert into hub.domain_events (type, event_id, occurred_at, payload) values ('event.status_changed', 'slow', now(), '{}')`);
    await append('fast');
    expect(await readAll(head)).toEqual([]);
    await slow.query('commit');
    await slow.end();
    expect((await readAll(head)).map(({ eventId }) => eventId)).toEqual(['slow', 'fast']);
  });

  test('loses and doubles nothing while many write and one reads in pages', async () => {
    let position = await logHead(database.em());
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let turn = 0; turn < 25; turn++) await append(`w${writer}-${turn}`, `w${writer}-${turn}b`);
    });
    const seen: string[] = [];
    let writing = true;
    const done = Promise.all(writers).then(() => (writing = false));
    for (let more = true; more || writing; ) {
      const page = await readAll(position, 7);
      seen.push(...page.map(({ eventId }) => eventId ?? ''));
      const last = page.at(-1);
      if (last) position = decodeCursor(last.cursor);
      more = page.length > 0;
    }
    await done;
    seen.push(...(await readAll(position)).map(({ eventId }) => eventId ?? ''));
    expect(seen).toHaveLength(400);
    expect(new Set(seen).size).toBe(400);
  });

  test('drops whole days that are older than its retention, and makes room for the days to come', async () => {
    const far = new Date(Date.now() + 100 * 86_400_000);
    await maintainEventLog(database.em(), 35, far);
    const names = (await query<{ name: string }>(database.em(), `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'hub.domain_events'::regclass order by 1`)).map(({ name }) => name);
    expect(names).toHaveLength(9);
    expect(names[1]).toBe(`domain_events_${far.toISOString().slice(0, 10).replaceAll('-', '')}`);
    await maintainEventLog(database.em(), 35, new Date());
  });
});
