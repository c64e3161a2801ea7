/**
 * Glossary (the platform's words)
 * - platform: the ticketing platform; one registered service is one platform with all its events.
 * - ticket: one seat, or one place of a category, that can be sold once. It has a price.
 * - booking: some tickets of one event for one buyer; see domain-booking.ts.
 * - claim: the hub's own note that a booking has a ticket. There is one for a ticket, or none.
 * - owner: keyed hash of who booked.
 *
 * This file holds what `ticketing.*` records carry from the connector to the tables: no personal data.
 */
import { z } from 'zod';

export const amount = z.string().regex(/^\d{1,12}(\.\d{1,4})?$/);
export const currency = z.string().regex(/^[A-Z]{3}$/);

export const eventRecord = z.object({ platformId: z.string(), name: z.string(), startsAt: z.iso.datetime(), public: z.boolean(), venueId: z.string().nullable(), artistIds: z.array(z.string()) });
export const artistRecord = z.object({ name: z.string(), genre: z.string().nullable(), yandexMusicId: z.string().nullable() });
export const venueRecord = z.object({ name: z.string(), address: z.string(), capacity: z.number().int().nullable() });
export const ticketRecord = z.object({ category: z.string(), seat: z.string().nullable(), amount, currency, status: z.enum(['available', 'reserved', 'sold']) });
/** What YooKassa says of a payment that the hub began. `upstreamId` is the booking's id, the attempt's number and the payment's id. */
export const paymentRecord = z.object({ bookingId: z.string(), attempt: z.number().int(), paymentId: z.string(), status: z.enum(['PENDING', 'SUCCEEDED', 'CANCELED']), amount, currency });
/** A booking that is over at the platform; `upstreamId` is its id there, `reference` what whoever made it calls it. One that was kept and ends again says something new by its `updatedAt` alone. */
export const endedRecord = z.object({ reference: z.string(), status: z.enum(['cancelled', 'expired']), updatedAt: z.string() });
export type Ended = z.infer<typeof endedRecord>;

/** Artists and venues of all services in one list need ids that are told apart. Ids of services have no colon. */
export const globalId = (serviceId: string, id: string): string => `${serviceId}:${id}`;
/** Null for what is no such id. */
export const readGlobalId = (text: string): { readonly serviceId: string; readonly id: string } | null => {
  const at = text.indexOf(':');
  return at <= 0 || at === text.length - 1 ? null : { serviceId: text.slice(0, at), id: text.slice(at + 1) };
};
