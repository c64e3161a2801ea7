/** Writes the platform's records, and what it and YooKassa say of bookings and payments into the bookings. */
import type { z } from 'zod';
import type { EntityManager } from '#core/database.ts';
import type { NewDomainEvent } from '#core/domain-events.ts';
import { type Fact, type RecordFact, factsOf } from '#core/facts.ts';
import { query } from '#core/sql.ts';
import type { FactContext } from '#core/subgraph.ts';
import * as records from './domain.ts';
import type { BookingEvent } from './domain-booking.ts';
import { change, enqueueSettle, findBooking, purchaseOf, wakeUnsettled } from './store-bookings.ts';

export const applyFacts = async (em: EntityManager, facts: readonly Fact[], { serviceId, now }: FactContext): Promise<NewDomainEvent[]> => {
  const told = factsOf(facts, 'record').filter(({ type }) => type.startsWith('ticketing.'));
  if (told.length === 0) return [];
  await write(em, 'artists', ['service_id', 'id'], ofType(told, 'ticketing.artist', records.artistRecord), serviceId, ({ name, genre, yandexMusicId }) => ({ name, genre, yandex_music_id: yandexMusicId }));
  await write(em, 'venues', ['service_id', 'id'], ofType(told, 'ticketing.venue', records.venueRecord), serviceId, ({ name, address, capacity }) => ({ name, address, capacity }));
  await write(em, 'events', ['event_id'], ofType(told, 'ticketing.event', records.eventRecord), serviceId, ({ platformId, name, startsAt, public: isPublic, venueId, artistIds }) => ({ service_id: serviceId, platform_id: platformId, name, starts_at: startsAt, public: isPublic, venue_id: venueId, artist_ids: artistIds }));
  await write(em, 'tickets', ['event_id', 'id'], ofType(told, 'ticketing.ticket', records.ticketRecord), serviceId, ({ category, seat, amount, currency, status }) => ({ category, seat, amount, currency, status }));
  const happened: NewDomainEvent[] = [];
  for (const { data } of ofType(told, 'ticketing.payment', records.paymentRecord)) {
    if (!data) continue;
    const { bookingId, attempt, paymentId, status, amount, currency } = data;
    happened.push(...(await tellBooking(em, serviceId, bookingId, { type: 'paymentSeen', attempt, paymentId, status, amount, currency }, now)));
  }
  for (const { fact, data } of ofType(told, 'ticketing.ended', records.endedRecord)) if (data) happened.push(...(await tellEnded(em, serviceId, fact.upstreamId, data, now)));
  return happened;
};

type Told<T> = { readonly fact: RecordFact; /** Null when it was deleted. */ readonly data: T | null };

/** The records of one type; of several of one thing the newest, as one statement cannot write a row twice. */
const ofType = <T>(facts: readonly RecordFact[], type: string, schema: z.ZodType<T>): Told<T>[] => {
  const newest = new Map<string, RecordFact>();
  for (const fact of facts) {
    if (fact.type !== type) continue;
    const key = `${fact.eventId}\n${fact.upstreamId}`;
    const known = newest.get(key);
    if (!known || known.at <= fact.at) newest.set(key, fact);
  }
  return [...newest.values()].map((fact) => ({ fact, data: fact.data === null ? null : schema.parse(fact.data) }));
};

type Row = Readonly<Record<string, unknown>>;

/** One statement for what is there, one for what was deleted. */
const write = async <T>(em: EntityManager, table: string, key: readonly ('service_id' | 'event_id' | 'id')[], told: readonly Told<T>[], serviceId: string, rowOf: (data: T) => Row): Promise<void> => {
  const keyOf = ({ fact }: Told<T>): Row => ({ ...(key.includes('service_id') ? { service_id: serviceId } : {}), ...(key.includes('event_id') ? { event_id: fact.eventId } : {}), ...(key.includes('id') ? { id: fact.upstreamId } : {}) });
  const rows = told.flatMap((each) => (each.data === null ? [] : [{ ...keyOf(each), ...rowOf(each.data) }]));
  const gone = told.flatMap((each) => (each.data === null ? [keyOf(each)] : []));
  const columns = Object.keys(rows[0] ?? {});
  const rest = columns.filter((column) => !(key as readonly string[]).includes(column));
  if (rows.length > 0)
    await query(
      em,
      `insert into ticketing.${table} (${columns.join(', ')}) select ${columns.join(', ')} from jsonb_populate_recordset(null::ticketing.${table}, $1::jsonb)
       on conflict (${key.join(', ')}) do update set ${rest.map((column) => `${column} = excluded.${column}`).join(', ')}`,
      [JSON.stringify(rows)],
    );
  if (gone.length > 0) await query(em, `delete from ticketing.${table} t using jsonb_populate_recordset(null::ticketing.${table}, $1::jsonb) as gone where ${key.map((column) => `t.${column} = gone.${column}`).join(' and ')}`, [JSON.stringify(gone)]);
};

/** What the platform says of one that it took from the hub. The reference alone proves nothing: whoever else books there may make one up. */
const tellEnded = async (em: EntityManager, serviceId: string, platformId: string, { reference, status }: records.Ended, now: Date): Promise<NewDomainEvent[]> => {
  const booking = await findBooking(em, reference);
  if (booking?.platformId !== platformId) return [];
  return tellBooking(em, serviceId, reference, { type: 'endedByPlatform', status, failure: { code: 'PLATFORM_CANCELLED', message: 'The ticketing platform cancelled the booking.', ticketIds: [] } }, now);
};

/** Only a booking of this service: another one's shop has no say in it. What follows is done by the booking's job, at once. */
const tellBooking = async (em: EntityManager, serviceId: string, bookingId: string, event: BookingEvent, now: Date): Promise<NewDomainEvent[]> => {
  const booking = await findBooking(em, bookingId);
  if (booking?.serviceId !== serviceId) return [];
  const changed = await change(em, bookingId, event, now);
  if (!changed || changed.booking === changed.before) return [];
  await enqueueSettle(em, bookingId);
  return purchaseOf(changed, now);
};

export const forgetEvents = async (em: EntityManager, eventIds: readonly string[], serviceId: string): Promise<void> => {
  for (const table of ['tickets', 'claims']) await query(em, `delete from ticketing.${table} where event_id = any($1::text[])`, [eventIds]);
  for (const table of ['bookings', 'events', 'artists', 'venues']) await query(em, `delete from ticketing.${table} where service_id = $1`, [serviceId]);
};

/** An idempotency key is remembered for a month. A booking that is not settled has a job, whatever became of the one before. */
export const maintain = async (em: EntityManager, now: Date): Promise<void> => {
  await query(em, `delete from ticketing.requests where created_at < $1::timestamptz - interval '30 days'`, [now.toISOString()]);
  await wakeUnsettled(em, null);
};
