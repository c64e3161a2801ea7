/** Shapes of the platform's API, as simulators/ticketing/README.md documents it. Lists are taken item by item. */
import { z } from 'zod';
import { timezone } from '#core/facts.ts';
import { amount, currency } from './domain.ts';

const id = z.string().min(1).max(100).regex(/^[\w.-]+$/);
const text = z.string().min(1).max(1000);
const moment = z.iso.datetime({ offset: true });
const changing = { id, updatedAt: moment, deletedAt: moment.nullable() };
const money = z.object({ amount, currency });

export const artist = z.object({ ...changing, name: text, genre: z.string().nullable(), yandexMusicId: z.string().nullable() });
export const venue = z.object({ ...changing, name: text, address: text, capacity: z.number().int().nullable() });
export const event = z.object({
  ...changing, name: text, type: text.nullable(), startsAt: moment, endsAt: moment.nullable(), timezone, region: text.nullable(), organizer: text.nullable(), public: z.boolean(),
  venueId: id.nullable(), venue: z.object({ name: text, address: text }).nullable(), artistIds: z.array(id).max(100),
});
export const ticket = z.object({ ...changing, eventId: id, category: text, seat: z.string().nullable(), price: money, status: z.enum(['available', 'reserved', 'sold']) });
export const booking = z.object({ ...changing, eventId: id, ticketIds: z.array(id).min(1).max(100), reference: z.string().nullable(), status: z.enum(['reserved', 'confirmed', 'cancelled', 'expired']), total: money, expiresAt: moment });
export const checkIn = z.object({ ...changing, eventId: id, ticketId: id, bookingId: id, direction: z.enum(['entry', 'exit']), gate: z.string().nullable(), at: moment });

export type ArtistPayload = z.infer<typeof artist>;
export type VenuePayload = z.infer<typeof venue>;
export type EventPayload = z.infer<typeof event>;
export type TicketPayload = z.infer<typeof ticket>;
export type BookingPayload = z.infer<typeof booking>;
export type CheckInPayload = z.infer<typeof checkIn>;

export const resources = { venues: venue, artists: artist, events: event, tickets: ticket, bookings: booking, 'check-ins': checkIn } as const;
export type ResourceKind = keyof typeof resources;

export const page = z.object({ items: z.array(z.unknown()), nextCursor: z.string().nullable() });
export const refusal = z.object({ error: z.object({ code: z.string(), message: z.string(), field: z.string().optional(), ticketIds: z.array(z.string()).optional() }) });
export const delivery = z.object({ id: z.string(), type: z.string().max(100), data: z.unknown() });
