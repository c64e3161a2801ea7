/** Bookings and their claims: every change of a booking locks its row, decides, and writes what follows in one transaction. */
import { randomUUID } from 'node:crypto';
import type { EntityManager } from '#core/database.ts';
import type { NewDomainEvent } from '#core/domain-events.ts';
import { enqueue } from '#core/jobs.ts';
import { InputError } from '#core/errors.ts';
import { query } from '#core/sql.ts';
import { type Booking, type BookingEvent, type Failure, after, holdsSeats, isSettled, moneyMoved } from './domain-booking.ts';

export const settleTask = 'ticketing.settle';

/** Of jobs for a booking that have not begun, one waits: the earliest that was asked for. `tries` are those that failed in a row. */
export const enqueueSettle = async (em: EntityManager, bookingId: string, runAt?: Date, tries = 0): Promise<void> => {
  const key = `${settleTask}:${bookingId}`;
  const earlier = await query(em, 'select id from graphile_worker.jobs where key = $1 and locked_at is null and attempts < max_attempts and run_at <= coalesce($2::timestamptz, now())', [key, runAt?.toISOString() ?? null]);
  if (earlier.length === 0) await enqueue(em, settleTask, { bookingId, tries }, { key, ...(runAt ? { runAt } : {}) });
};

const columns = `id, service_id as "serviceId", event_id as "eventId", owner, ticket_ids as "ticketIds", state, created_at as "createdAt", starts_at as "startsAt", platform_id as "platformId", amount, currency, expires_at as "expiresAt", release, attempt, begun_at as "begunAt",
  payment_id as "paymentId", payment_status as "paymentStatus", confirmation_url as "confirmationUrl", paid_at as "paidAt", refund_id as "refundId", refund_status as "refundStatus", failure`;

type Moments = 'startsAt' | 'expiresAt' | 'begunAt' | 'paidAt';
type Raw = Omit<Booking, 'createdAt' | Moments> & { createdAt: string | Date } & Record<Moments, string | Date | null>;
const moment = (value: string | Date | null): Date | null => (value === null ? null : new Date(value));
const toBooking = (row: Raw): Booking => ({ ...row, createdAt: new Date(row.createdAt), startsAt: moment(row.startsAt), expiresAt: moment(row.expiresAt), begunAt: moment(row.begunAt), paidAt: moment(row.paidAt) });

export const findBooking = async (em: EntityManager, id: string): Promise<Booking | null> => {
  const [row] = await query<Raw>(em, `select ${columns} from ticketing.bookings where id = $1`, [id]);
  return row ? toBooking(row) : null;
};

/** As it is until the caller's transaction ends. */
export const lockBooking = async (em: EntityManager, id: string): Promise<Booking | null> => {
  const [row] = await query<Raw>(em, `select ${columns} from ticketing.bookings where id = $1 for update`, [id]);
  return row ? toBooking(row) : null;
};

/** Those of this owner, and those for these events; null for every event. */
export type VisibleBookings = { readonly owner: string; readonly eventIds: readonly string[] | null };
export type ListBookings = { readonly visible: VisibleBookings; readonly eventId: string | null; readonly before: { readonly at: Date; readonly id: string } | null; readonly limit: number };

const isVisible = '($1::text[] is null or owner = $2 or event_id = any($1::text[])) and ($3::text is null or event_id = $3)';

/** Newest first. */
export const listBookings = async (em: EntityManager, { visible: { owner, eventIds }, eventId, before, limit }: ListBookings): Promise<Booking[]> =>
  (await query<Raw>(em, `select ${columns} from ticketing.bookings where ${isVisible} and ($4::timestamptz is null or (created_at, id) < ($4::timestamptz, $5::text)) order by created_at desc, id desc limit $6`, [eventIds, owner, eventId, before?.at.toISOString() ?? null, before?.id ?? null, limit])).map(toBooking);

export const countBookings = async (em: EntityManager, { owner, eventIds }: VisibleBookings, eventId: string | null): Promise<number> =>
  (await query<{ n: number }>(em, `select count(*)::int as n from ticketing.bookings where ${isVisible}`, [eventIds, owner, eventId]))[0]?.n ?? 0;

export type NewBooking = { readonly serviceId: string; readonly eventId: string; readonly owner: string; readonly startsAt: Date; readonly ticketIds: readonly string[]; readonly now: Date };

/**
 * A booking that holds its seats, or one that failed since some are taken: then it holds none. Whoever comes second waits
 * at the key of the claim until the first one's transaction is over.
 */
export const claimSeats = async (em: EntityManager, { serviceId, eventId, startsAt, owner, ticketIds, now }: NewBooking): Promise<Booking> => {
  const id = randomUUID();
  const row = await query<Raw>(em, `insert into ticketing.bookings (id, service_id, event_id, owner, ticket_ids, state, created_at, updated_at, starts_at) values ($1, $2, $3, $4, $5, 'RESERVING', $6, $6, $7) returning ${columns}`, [id, serviceId, eventId, owner, ticketIds, now.toISOString(), startsAt.toISOString()]);
  // In one order for all, so that two bookings never wait for each other.
  const claimed = await query<{ ticket_id: string }>(em, 'insert into ticketing.claims (event_id, ticket_id, booking_id) select $1, ticket_id, $3 from unnest($2::text[]) as ticket_id order by ticket_id on conflict do nothing returning ticket_id', [eventId, ticketIds, id]);
  const booking = toBooking(row[0] as Raw);
  if (claimed.length === ticketIds.length) return booking;
  const got = new Set(claimed.map(({ ticket_id }) => ticket_id));
  return write(em, booking, after(booking, { type: 'refused', failure: seatTaken(ticketIds.filter((ticketId) => !got.has(ticketId))) }, now), now);
};

export const seatTaken = (ticketIds: readonly string[]): Failure => ({ code: 'SEAT_TAKEN', message: `Somebody else has ${ticketIds.join(', ')}.`, ticketIds });

export type Changed = { readonly booking: Booking; readonly before: Booking };

/** Inside the caller's transaction. Null where there is no such booking. */
export const change = async (em: EntityManager, id: string, event: BookingEvent, now: Date): Promise<Changed | null> => {
  const before = await lockBooking(em, id);
  if (!before) return null;
  const booking = after(before, event, now);
  return { before, booking: booking === before ? before : await write(em, before, booking, now) };
};

const write = async (em: EntityManager, before: Booking, booking: Booking, now: Date): Promise<Booking> => {
  await query(
    em,
    `update ticketing.bookings set state = $2, updated_at = $3, platform_id = $4, amount = $5, currency = $6, expires_at = $7, release = $8, attempt = $9, payment_id = $10, payment_status = $11,
       confirmation_url = $12, paid_at = $13, refund_id = $14, refund_status = $15, failure = $16::jsonb, begun_at = $17, settled = $18 where id = $1`,
    [booking.id, booking.state, now.toISOString(), booking.platformId, booking.amount, booking.currency, booking.expiresAt?.toISOString() ?? null, booking.release, booking.attempt, booking.paymentId, booking.paymentStatus, booking.confirmationUrl, booking.paidAt?.toISOString() ?? null, booking.refundId, booking.refundStatus, booking.failure && JSON.stringify(booking.failure), booking.begunAt?.toISOString() ?? null, isSettled(booking)],
  );
  if (holdsSeats(before) && !holdsSeats(booking)) await query(em, 'delete from ticketing.claims where booking_id = $1', [booking.id]);
  return booking;
};

/** Money that came or went, as the rest of the hub is told. What goes back is a purchase of less than nothing. */
export const purchaseOf = ({ before, booking }: Changed, now: Date): NewDomainEvent[] => {
  const moved = moneyMoved(before, booking);
  if (moved === null || booking.amount === null || booking.currency === null) return [];
  const isRefund = moved === 'refunded';
  const payload = { purchaseId: `ticketing:${booking.id}${isRefund ? ':refund' : ''}`, source: 'ticketing' as const, orderId: booking.id, participant: booking.owner, amount: `${isRefund ? '-' : ''}${booking.amount}`, currency: booking.currency, at: now.toISOString() };
  return [{ type: 'purchase.recorded', eventId: booking.eventId, occurredAt: now, payload }];
};

/** Seats that the owner has at the service and did not pay for. Until the caller's transaction ends, the owner gets no others. */
export const countHeldSeats = async (em: EntityManager, serviceId: string, owner: string): Promise<number> => {
  await query(em, 'select pg_advisory_xact_lock(7234, hashtext($1))', [owner]);
  const [row] = await query<{ n: number }>(em, `select count(*)::int as n from ticketing.bookings b join ticketing.claims c on c.booking_id = b.id where b.owner = $1 and b.service_id = $2 and b.state <> 'CONFIRMED'`, [owner, serviceId]);
  return row?.n ?? 0;
};

/** Those that a removal of the service would leave half done, and those with money that somebody has to look after. */
export const assertRemovable = async (em: EntityManager, serviceId: string): Promise<void> => {
  const rows = await query<{ payment_id: string | null }>(em, `select payment_id from ticketing.bookings where service_id = $1 and (not settled or refund_status = 'FAILED' or payment_status = 'MISMATCH')`, [serviceId]);
  if (rows.length === 0) return;
  const message = `${rows.length} bookings of the service are not settled: reservations, payments or refunds are under way, or failed and wait for somebody to look. Wait until they are done, or see to their payments at YooKassa and set force.`;
  throw new InputError('BOOKINGS_UNSETTLED', 'input.serviceId', message, { bookings: rows.length, paymentIds: rows.flatMap(({ payment_id: id }) => id ?? []).slice(0, 1_000) });
};

/** Their service is not called any more: nothing will be done about them. */
export const retireEvents = async (em: EntityManager, eventIds: readonly string[]): Promise<void> => {
  await query(em, 'update ticketing.bookings set settled = true where event_id = any($1::text[])', [eventIds]);
};

/** The same of one that a job changed since. */
export const retireBooking = async (em: EntityManager, id: string): Promise<void> => {
  await query(em, 'update ticketing.bookings set settled = true where id = $1', [id]);
};

/** A job at once for bookings that are not settled: those of this service; without one, those that have none, as theirs failed too often. */
export const wakeUnsettled = async (em: EntityManager, serviceId: string | null): Promise<void> => {
  const rows = await query<{ id: string }>(
    em,
    `select id from ticketing.bookings b where not settled and ($1::text is null or service_id = $1)
       and ($1::text is not null or not exists (select from graphile_worker.jobs j where j.key = $2 || ':' || b.id and j.attempts < j.max_attempts)) limit 1000`,
    [serviceId, settleTask],
  );
  for (const { id } of rows) await enqueueSettle(em, id);
};

export type RequestOf = { readonly owner: string; readonly key: string; readonly inputHash: string; readonly now: Date };
export type RequestState = { readonly isNew: boolean; readonly isSame: boolean; readonly bookingId: string | null };

/** Notes a request under its idempotency key. Whoever sends it again meanwhile waits here for the first one's transaction. */
export const beginRequest = async (em: EntityManager, { owner, key, inputHash, now }: RequestOf): Promise<RequestState> => {
  const [made] = await query(em, 'insert into ticketing.requests (owner, key, input_hash, created_at) values ($1, $2, $3, $4) on conflict do nothing returning key', [owner, key, inputHash, now.toISOString()]);
  if (made) return { isNew: true, isSame: true, bookingId: null };
  const [known] = await query<{ input_hash: string; booking_id: string | null }>(em, 'select input_hash, booking_id from ticketing.requests where owner = $1 and key = $2', [owner, key]);
  return { isNew: false, isSame: known?.input_hash === inputHash, bookingId: known?.booking_id ?? null };
};

export const endRequest = (em: EntityManager, { owner, key }: RequestOf, bookingId: string): Promise<unknown> => query(em, 'update ticketing.requests set booking_id = $3 where owner = $1 and key = $2', [owner, key, bookingId]);

export const forgetRequest = (em: EntityManager, { owner, key }: RequestOf): Promise<unknown> => query(em, 'delete from ticketing.requests where owner = $1 and key = $2', [owner, key]);
