import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import pg from 'pg';
import { type Database, openDatabase } from './database.ts';
import type { NewDomainEvent } from './domain-events.ts';
import { type Position, appendEvents, assertReached, decodeCursor, encodeCursor, logHead, readEvents } from './event-log.ts';
import { maintainEventLog } from './event-log-retention.ts';
import { query } from './sql.ts';
import { type TestDatabase, cloneDatabase, silentLogger, within } from './testing.ts';

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
const read = (after: Position, eventIds: readonly string[], limit = 1000) => readEvents(database.em(), { after, types: ['event.status_changed'], eventIds, limit });
const idsOf = (events: readonly { readonly eventId: string | null }[]) => events.map(({ eventId }) => eventId);
/** An open transaction of any database of the server hides what came after it: those of other tests end soon. */

describe('cursors', () => {
  test('decode to the position they encode', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), fc.integer({ min: 0, max: 4e12 }), (tx, id, recordedAt) => {
        expect(decodeCursor(encodeCursor({ tx, id, recordedAt }))).toEqual({ tx, id, recordedAt });
      }),
    );
  });

  test('of which no row can be are refused with a code', () => {
    const encode = (text: string) => Buffer.from(text).toString('base64url');
    for (const text of [`${2n ** 63n}.1.1`, `1.${2n ** 63n}.1`, '99999999999999999999.1.1']) expect(() => decodeCursor(encode(text)), text).toThrow(expect.objectContaining({ code: 'CURSOR_INVALID' }));
  });

  test('that the log has not reached are refused with a code', () => {
    const head = { tx: 10n, id: 5n, recordedAt: 0 };
    expect(() => assertReached({ ...head, tx: 11n }, head)).toThrow(expect.objectContaining({ code: 'CURSOR_INVALID', facts: { field: 'after' } }));
    for (const tx of [9n, 10n]) expect(() => assertReached({ ...head, tx }, head)).not.toThrow();
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
    await vi.waitFor(async () => expect(idsOf(await read(head, ['a', 'b', 'c']))).toEqual(['a', 'b', 'c']), within);
    expect(idsOf(await read(decodeCursor(first?.cursor ?? ''), ['a', 'b', 'c']))).toEqual(['b', 'c']);
  });

  test('never lets a reader pass a transaction that is still open', async () => {
    const head = await logHead(database.em());
    const slow = new pg.Client({ connectionString: clone.url });
    await slow.connect();
    await slow.query('begin');
    await slow.query(`insert into hub.domain_events (type, event_id, occurred_at, payload) values ('event.status_changed', 'slow', now(), '{}')`);
    await append('fast');
    expect(await read(head, ['slow', 'fast'])).toEqual([]);
    await slow.query('commit');
    await slow.end();
    await vi.waitFor(async () => expect(idsOf(await read(head, ['slow', 'fast']))).toEqual(['slow', 'fast']), within);
  });

  test('loses and doubles nothing while many write and one reads in pages', async () => {
    let position = await logHead(database.em());
    const turns = Array.from({ length: 8 }, (_, writer) => Array.from({ length: 25 }, (__, turn) => [`w${writer}-${turn}`, `w${writer}-${turn}b`]));
    const all = turns.flat(2);
    const writing = Promise.all(turns.map(async (own) => {
      for (const ids of own) await append(...ids);
    }));
    const seen: (string | null)[] = [];
    await vi.waitFor(async () => {
      const page = await read(position, all, 7);
      seen.push(...idsOf(page));
      position = decodeCursor(page.at(-1)?.cursor ?? encodeCursor(position));
      expect(seen.length).toBeGreaterThanOrEqual(400);
    }, { ...within, interval: 0 });
    await writing;
    expect(await read(position, all)).toEqual([]);
    expect(seen).toHaveLength(400);
    expect(new Set(seen).size).toBe(400);
  });

  test('is in the order of transactions also where their numbers grow by a digit', async () => {
    const head = await logHead(database.em());
    const past = { ...head, tx: 0n };
    await database.em().transactional(async (em) => {
      for (const tx of [1000, 99, 999, 100]) await query(em, `insert into hub.domain_events (tx, type, event_id, occurred_at, payload) values ($1::text::xid8, 'event.status_changed', $2, now(), '{}')`, [String(tx), `tx-${tx}`]);
    });
    const ids = ['tx-1000', 'tx-99', 'tx-999', 'tx-100'];
    await vi.waitFor(async () => expect(idsOf(await read(past, ids))).toEqual(['tx-99', 'tx-100', 'tx-999', 'tx-1000']), within);
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
