/** Writers and readers of the event log, for the tests of what follows it. */
import pg from 'pg';
import type { Bus } from './bus.ts';
import type { Database } from './database.ts';
import type { DomainEvent, NewDomainEvent } from './domain-events.ts';
import { appendEvents } from './event-log.ts';

export const change = (eventId: string, n: number): NewDomainEvent<'attendance.changed'> => ({
  type: 'attendance.changed', eventId, occurredAt: new Date(), payload: { totalRegistered: n, currentAttendees: n, gateActivity: [], updatedAt: new Date().toISOString() },
});

/** What a change says, for comparing: the event and its number. */
export const said = (event: DomainEvent): string => `${event.eventId}:${event.type === 'attendance.changed' ? event.payload.currentAttendees : event.type}`;

/** Appends in one transaction and announces it, as ingestion does. */
export const append = async (database: Database, bus: Bus | null, ...events: readonly NewDomainEvent[]): Promise<DomainEvent[]> => {
  const appended = await database.em().transactional((em) => appendEvents(em, 'svc', events));
  const last = appended.at(-1);
  if (last) bus?.publish('events.appended', { cursor: last.cursor });
  return appended;
};

/** A transaction of another process that has appended one event and is still open. */
export const openWriter = async (url: string, eventId: string, n: number) => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('begin');
  const { payload } = change(eventId, n);
  await client.query(`insert into hub.domain_events (type, event_id, occurred_at, payload) values ('attendance.changed', $1, now(), $2)`, [eventId, JSON.stringify(payload)]);
  const end = async (how: 'commit' | 'rollback') => {
    await client.query(how);
    await client.end();
  };
  return { commit: () => end('commit'), rollback: () => end('rollback') };
};

export const never = new AbortController().signal;
